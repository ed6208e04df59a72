"""Find out what is wrong with a data set."""

from .checker import Report, check_dataset
from .output import format_report, to_json
from .sheet import draw_sheet
from .sources import layouts_of_config
from .splitting import make_splits, write_splits
