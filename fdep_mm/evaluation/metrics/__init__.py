"""MMEngine metrics."""

from .hse_metric import HSEMetric
from .sirst_metric import SIRSTMetric

__all__ = ['HSEMetric', 'SIRSTMetric']
