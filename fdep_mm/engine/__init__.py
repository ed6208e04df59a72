"""What runs beside training and evaluation."""

from .hooks import (
    CheckpointCheckHook,
    EpochSeedHook,
    FiniteLossHook,
    HSEHook,
    PredictionWriterHook,
    SafeCheckpointHook,
    SIRSTVisualizationHook,
    UnreadableImagesHook,
    WorkDirLockHook,
)
from .safe_globals import allow_mmengine_checkpoints

allow_mmengine_checkpoints()

__all__ = [
    'CheckpointCheckHook',
    'EpochSeedHook',
    'FiniteLossHook',
    'HSEHook',
    'PredictionWriterHook',
    'SIRSTVisualizationHook',
    'SafeCheckpointHook',
    'UnreadableImagesHook',
    'WorkDirLockHook',
]
