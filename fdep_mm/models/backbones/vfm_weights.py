"""timm's models with weights from its hub or from a local file.

timm is imported where it is used: a process that only runs a host network
must not pay for it.
"""

import difflib
from pathlib import Path

from torch import Tensor, nn

from fdep_mm.core.checkpoints import read_checkpoint

_ACCEPTED = (
    'Give checkpoint=..., a local .safetensors or .pth file of tensors only '
    'with the keys of the timm model (tools/model_converters/ make them), or '
    'pretrained=False for a random VFM.'
)


def check_name(model_name: str) -> None:
    """Refuse a name that timm does not know; name the nearest ones."""
    import timm

    if ':' in model_name or timm.is_model(model_name.split('.')[0]):
        return
    near = difflib.get_close_matches(model_name, timm.list_models(), n=3)
    raise ValueError(
        f'timm does not know the model {model_name!r}; nearest '
        f'names: {near}. timm.list_models() lists all.'
    )


def create(model_name: str, **kwargs) -> nn.Module:
    """timm.create_model, for any input size where the model can do that."""
    import timm

    try:
        return timm.create_model(model_name, dynamic_img_size=True, **kwargs)
    except TypeError:  # CNNs and some ViTs take any size without being told
        return timm.create_model(model_name, **kwargs)


def from_file(model_name: str, path: str) -> nn.Module:
    """Build a model with the weights of a file; RuntimeError if it cannot."""
    state_dict = _read_state_dict(path, model_name)
    try:
        model = create(
            model_name,
            pretrained=True,
            pretrained_cfg_overlay=dict(state_dict=state_dict),
        )
    except (RuntimeError, KeyError) as error:
        raise RuntimeError(
            f'checkpoint={path!r} does not fit the timm model '
            f'{model_name!r}; is it of another architecture? '
            f'{str(error)[:400]}'
        ) from error
    model.pretrained_cfg = None  # holds the state dict a second time
    return model


def from_hub(model_name: str) -> nn.Module:
    """Build a model with timm's own weights; RuntimeError if it cannot."""
    try:
        return create(model_name, pretrained=True)
    except Exception as error:  # hub clients raise many types
        raise RuntimeError(
            f'No weights for the timm model {model_name!r}, neither to '
            f'download nor in its cache. {_ACCEPTED} '
            f'({type(error).__name__}: {error})'
        ) from error


def _read_state_dict(path: str, model_name: str) -> dict[str, Tensor]:
    """Read a file of tensors without unpickling anything else."""
    if not Path(path).is_file():
        raise RuntimeError(
            f'No file {path!r} with weights for the timm '
            f'model {model_name!r}. {_ACCEPTED}'
        )
    try:
        state_dict = read_checkpoint(path)
    except Exception as error:  # readers raise many types
        raise RuntimeError(
            f'Cannot read weights from {path!r}. {_ACCEPTED} '
            f'({type(error).__name__}: {error})'
        ) from error
    for key in ('state_dict', 'model'):
        state_dict = state_dict.get(key, state_dict)
    return state_dict
