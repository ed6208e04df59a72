"""Loading and augmentation of infrared images with target masks."""

from .crops import TargetCrop
from .draw import RandomDraw
from .geometric import RandomRot90, RandomShiftScale, RandomTranspose
from .loading import LoadInfraredImage, LoadSIRSTMask
from .noco import GenerateNoCoMap
from .photometric import RandomBrightnessContrast, RandomGaussianNoise

__all__ = [
    'GenerateNoCoMap',
    'LoadInfraredImage',
    'LoadSIRSTMask',
    'RandomBrightnessContrast',
    'RandomDraw',
    'RandomGaussianNoise',
    'RandomRot90',
    'RandomShiftScale',
    'RandomTranspose',
    'TargetCrop',
]
