"""A comparison of networks: a grid of trainings, their tests, statistics."""

from .plan import Cell, Study, read_study
from .running import StudyRunner

__all__ = ['Cell', 'Study', 'StudyRunner', 'read_study']
