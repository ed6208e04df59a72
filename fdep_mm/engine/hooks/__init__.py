"""MMEngine hooks."""

from .branch_weight_hook import BranchWeightHook
from .checkpoint_check_hook import CheckpointCheckHook
from .config_check_hook import ConfigCheckHook
from .epoch_seed_hook import EpochSeedHook
from .finite_loss_hook import FiniteLossHook
from .hse_hook import HSEHook
from .precise_bn_hook import PreciseBNHook
from .prediction_writer import PredictionWriterHook
from .result_writer import ResultWriterHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .unreadable_images_hook import UnreadableImagesHook
from .visualization_hook import SIRSTVisualizationHook
from .work_dir_lock_hook import WorkDirLockHook
