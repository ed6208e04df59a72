"""A comparison of networks: a grid of trainings, their tests, statistics."""

from .plan import Cell, Study, read_study
from .results import (
    Result,
    export,
    missing_scores,
    mixed_arms,
    read_results,
)
from .running import StudyRunner
from .summary import Row, image_test, paired_difference, summarize
from .table import FORMATS, format_study
