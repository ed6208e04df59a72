"""Label assigners; they need mmdet."""

from .point_targets import point_targets
from .pseudo_box_assigner import PseudoBoxAssigner, pseudo_boxes
from .rfla_assigner import RFLAAssigner, kld_similarity
