"""What runs beside training and evaluation."""

from fdep_mm.checkpoints import allow_mmengine_checkpoints

from .hooks import (
    CheckpointCheckHook,
    EpochSeedHook,
    FiniteLossHook,
    HSEHook,
    PreciseBNHook,
    PredictionWriterHook,
    SafeCheckpointHook,
    SIRSTDetVisualizationHook,
    SIRSTVisualizationHook,
    UnreadableImagesHook,
    WorkDirLockHook,
)

allow_mmengine_checkpoints()

__all__ = [
    'CheckpointCheckHook',
    'EpochSeedHook',
    'FiniteLossHook',
    'HSEHook',
    'PreciseBNHook',
    'PredictionWriterHook',
    'SIRSTDetVisualizationHook',
    'SIRSTVisualizationHook',
    'SafeCheckpointHook',
    'UnreadableImagesHook',
    'WorkDirLockHook',
]
