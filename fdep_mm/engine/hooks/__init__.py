"""MMEngine hooks."""

from .hse_hook import HSEHook
from .prediction_writer import PredictionWriterHook
from .visualization_hook import SIRSTVisualizationHook

__all__ = ['HSEHook', 'PredictionWriterHook', 'SIRSTVisualizationHook']
