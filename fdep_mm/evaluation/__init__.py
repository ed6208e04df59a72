"""Evaluation: plain functions on arrays, and MMEngine metrics over them."""

from .functional import evaluate_curves, evaluate_masks
from .metrics import HSEMetric, SIRSTMetric

__all__ = ['HSEMetric', 'SIRSTMetric', 'evaluate_curves', 'evaluate_masks']
