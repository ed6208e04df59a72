"""Configs are not formatted: MMEngine does it several times in each run.

It takes longer than a tiny training; what is written is valid without.
"""

from yapf.yapflib import yapf_api

yapf_api.FormatCode = lambda text, **options: (text, True)
