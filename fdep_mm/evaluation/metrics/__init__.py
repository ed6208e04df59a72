"""MMEngine metrics."""

from .box_pd_fa_metric import BoxPdFaMetric
from .hse_metric import HSEMetric
from .nocoap_metric import NoCoAPMetric
from .sirst_metric import SIRSTMetric
