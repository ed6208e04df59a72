"""Dense heads; they need mmdet."""

from .oscar_head import OSCARHead
from .oscar_head_module import OSCARHeadModule, OSCARMaps
from .rfla_fcos_head import RFLAFCOSHead
