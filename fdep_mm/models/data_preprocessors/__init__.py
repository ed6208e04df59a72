"""Data preprocessors for detection; they need mmdet."""

from .oscar_data_preprocessor import OSCARDataPreprocessor
