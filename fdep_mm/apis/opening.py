"""Which backend runs a network."""

from os import PathLike
from pathlib import Path

from fdep_mm import zoo
from fdep_mm.core.choices import check_choice

from .backend import Backend

RUNTIMES = ('onnxruntime', 'tensorrt')
# of checkpoints, which may hold their config
CHECKPOINTS = ('.safetensors', '.pth')


def open_backend(
    model: str | PathLike | dict | Backend | None,
    weights: str | PathLike | None = None,
    device: str | None = None,
    runtime: str | None = None,
) -> Backend:
    """Open a network for inference; see :class:`.SIRSTInferencer`.

    A backend is returned as it is. Where PyTorch is not installed, the ONNX
    file beside a ``.safetensors`` file is opened. 'tensorrt' is untested.
    """
    if model is None and weights is None:
        raise ValueError(
            'neither model nor weights: name an ONNX file, or a config and '
            'its checkpoint'
        )
    if weights is not None:
        weights = zoo.resolve(weights)
    elif zoo.is_name(model):
        from .classical_backend import METHODS, ClassicalBackend

        if model in METHODS:
            if runtime is not None:
                raise ValueError(
                    f'runtime={runtime!r}: the classical method {model!r} has '
                    'no ONNX file; leave it out'
                )
            return ClassicalBackend(model, device=device)
        model = zoo.find(model, METHODS)
    if runtime is not None:
        model = _onnx_file(model, weights, runtime)
        device = _tensorrt(device) if runtime == 'tensorrt' else device
    if weights is None and str(model).lower().endswith(CHECKPOINTS):
        model, weights = None, model
    for kind, path in (('model', model), ('weights', weights)):
        if isinstance(path, (str, PathLike)) and not Path(path).is_file():
            raise FileNotFoundError(f'{kind} {str(path)!r}: no such file')
    if hasattr(model, 'task'):
        return model
    if str(model).lower().endswith('.onnx'):
        if weights is not None:
            raise ValueError(
                f'weights={str(weights)!r}: the ONNX file {str(model)!r} '
                'holds its weights; leave them out'
            )
        from .onnx_backend import OnnxBackend

        return OnnxBackend(model, device)
    try:
        from .torch_backend import TorchBackend
    except ModuleNotFoundError as error:
        return _without_torch(model, weights, device, error)
    return TorchBackend(model, weights, device)


def _without_torch(
    model: object, weights: object, device: str | None, error: ImportError
) -> Backend:
    """Open the ONNX file beside weights, if there is one."""
    if model is None and Path(weights).suffix == '.safetensors':
        twin = Path(weights).with_suffix('.onnx')
        if twin.is_file():
            return open_backend(twin, device=device)
    raise ImportError(
        f'{str(model or weights)!r} needs PyTorch and OpenMMLab '
        f'({error}): install them, or name an ONNX file',
        name=error.name,
    ) from error


def _tensorrt(device: str | None) -> str:
    """The GPU that is named, as onnxruntime's backend calls it."""
    kind, *index = (device or 'cuda').split(':', 1)
    if kind not in ('cuda', 'tensorrt'):
        raise ValueError(
            f"runtime='tensorrt' needs a GPU, device={device!r} is none: "
            'leave runtime out'
        )
    return ':'.join(['tensorrt', *index])


def _onnx_file(model: object, weights: object, runtime: str) -> Path:
    check_choice('runtime', runtime, RUNTIMES)
    is_path = isinstance(model, (str, PathLike)) and weights is None
    if not is_path or Path(model).suffix not in ('.onnx', '.safetensors'):
        raise ValueError(
            f'runtime={runtime!r} runs ONNX files: export the network with '
            'tools/deployment/export_onnx.py'
        )
    return Path(model).with_suffix('.onnx')
