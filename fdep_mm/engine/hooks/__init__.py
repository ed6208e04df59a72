"""MMEngine hooks."""

from .hse_hook import HSEHook

__all__ = ['HSEHook']
