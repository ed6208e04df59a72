"""What configs do to pixel values before a network sees them."""

from collections.abc import Mapping

import numpy as np

from .stored_config import read_settings

NORMALIZATION = ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr')


def compare_normalization(
    cfg: Mapping, stored: str | None, name: str
) -> str | None:
    """Say how a config treats pixels otherwise than that of a training.

    Args:
        cfg (Mapping): The config.
        stored (str, optional): Text of the other, from a checkpoint's meta.
        name (str): What the message calls the checkpoint.
    """
    try:
        before = _normalization(read_settings(stored or ''))
    except ValueError:  # not a config of MMEngine
        return None
    now = _normalization(cfg)
    if not before or before == now:
        return None
    return (
        f'{name} was trained with data_preprocessor {before}, and this config '
        f'has {now}: the network sees other values than it knows. Set '
        'model.data_preprocessor as it was, or train again'
    )


def _normalization(cfg: Mapping) -> dict:
    """What a config does to gray values; empty if it has no model."""
    model = cfg.get('model') or {}
    model = model.get('module', model)  # of test-time augmentation
    found = model.get('data_preprocessor') or cfg.get('data_preprocessor')
    keys = NORMALIZATION if found else ()
    return {key: np.array(found.get(key, False)).tolist() for key in keys}
