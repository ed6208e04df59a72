"""What runs beside training and evaluation."""

from .hooks import HSEHook, PredictionWriterHook, SIRSTVisualizationHook

__all__ = ['HSEHook', 'PredictionWriterHook', 'SIRSTVisualizationHook']
