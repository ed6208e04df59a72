"""Inference: images, folders, videos and large frames to targets.

None of this needs PyTorch or the OpenMMLab packages until a config is opened.
"""

from .inferencer import SIRSTInferencer
from .inputs import Failure
from .results import Prediction, Target

__all__ = ['Failure', 'Prediction', 'SIRSTInferencer', 'Target']
