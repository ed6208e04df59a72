"""What the fuzz tests share."""

from hypothesis import settings

# Neither the time of day nor earlier runs choose the cases. Hypothesis mixes
# in constants of the modules that happen to be loaded, so a test alone and
# the whole suite may see different ones.
fuzz = settings(derandomize=True, deadline=None, database=None)
