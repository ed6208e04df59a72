"""What runs beside training and evaluation."""

from .hooks import HSEHook

__all__ = ['HSEHook']
