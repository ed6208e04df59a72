"""Loading and augmentation of infrared images with target masks."""

from .crops import TargetCrop
from .draw import RandomDraw
from .geometric import RandomRot90, RandomShiftScaleRotate, RandomTranspose
from .loading import LoadInfraredImage, LoadSIRSTMask
from .noco import GenerateNoCoMap
from .photometric import RandomBrightnessContrast, RandomGaussianNoise
from .prior import LoadPrior, PackPriorInputs
