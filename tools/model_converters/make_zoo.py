"""Make a trained network load by its name: an entry of fdep_mm/zoo.

Only the light branch of an FDEP network is kept. NAME.safetensors holds its
weights and, in its metadata, model config and test pipeline as MMEngine stores
them, and the card as JSON; NAME.md is the card for readers; NAME.onnx (--onnx)
runs without PyTorch.

INFO is a JSON file such as
    {"data": "NUAA-SIRST, 213 images", "recipe": "AdamW, 100 epochs",
     "seed": 1, "weaknesses": "Sees no target larger than 20 px.",
     "scores": [{"data": "nuaa-sirst", "split": "test",
                 "result": "tests/nuaa-sirst/result.json"}]}
with `data` of a score the name of a file in configs/_base_/datasets, and
`result` what tools/test.py has written of this checkpoint, relative to INFO;
or in its place metrics, "IoU": 66.4, "nIoU": 65.1, "Pd": 90.1, "Fa": 20.3,
"HSE": 70.2, in percent, Fa in 1e-6.

Example:
    python tools/model_converters/make_zoo.py CONFIG.py last.pth \\
        alcnet_nuaa-sirst info.json

Exit codes: 0 all is well, 2 wrong input, nothing is written.
"""

import argparse
import json
import sys
from datetime import date
from pathlib import Path

from mmengine.config import Config
from safetensors.torch import save

from fdep_mm import __version__, zoo
from fdep_mm.apis.torch_backend import TorchBackend, read_pipeline
from fdep_mm.core.command import Parser, command
from fdep_mm.core.config_check import read_config
from fdep_mm.core.stored_config import read_stored_config
from fdep_mm.core.text import print
from fdep_mm.core.whole import file_sha256, write_whole
from fdep_mm.models.classical import METHODS
from fdep_mm.models.segmentors import host_cfg
from fdep_mm.priors.identity import weights_sha256

NEEDED = ('data', 'recipe', 'seed', 'weaknesses', 'scores')
METRICS = ('IoU', 'nIoU', 'Pd', 'Fa', 'HSE', 'mNoCoAP')
LICENSE = 'research data sets without a license file'
MAX_BYTES = 2_000_000
PROSE = """# {name}

`SIRSTInferencer('{name}')`, `python tools/infer.py {name} images/`

* Network: `{config}`, {parameters:,} parameters
* Trained on: {data}
* Recipe: {recipe}; seed {seed}
* Known weaknesses: {weaknesses}
* License of the data: {license}
* Made on {date} with fdep_mm {version}; SHA-256 of the weights
  {sha256}

Scores in percent, Fa in 1e-6, of the last epoch:

```
{table}
```
"""


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', type=Path, help='of a host or FDEP network')
    add('checkpoint', help='its weights')
    add('name', help='such as alcnet_nuaa-sirst')
    add('info', type=Path, help='JSON file, see above')
    add('--onnx', action='store_true', help='write NAME.onnx as well')
    add('--half', action='store_true', help='keep 16 bits of each weight')
    add(
        '--out-dir',
        type=Path,
        default=zoo.FOLDER,
        help='folder to write into (%(default)s)',
    )
    args = parser.parse_args()
    if args.half and args.onnx:
        parser.error('--half and --onnx would be of other weights')
    return args


def read_info(path: Path, checkpoint: str) -> dict:
    """Read what the files cannot tell, and the scores of a checkpoint."""
    info = json.loads(path.read_text())
    missing = [key for key in NEEDED if key not in info]
    scores = info.get('scores') or [{}]
    missing += [
        k for k in ('data', 'split') if any(k not in s for s in scores)
    ]
    if missing:
        raise ValueError(
            f'{path}: {", ".join(missing)} missing; see --help for an example'
        )
    for score in scores:
        if 'result' in score:
            result = path.parent / score.pop('result')
            score |= read_result(result, file_sha256(Path(checkpoint)))
    return info


def read_result(path: Path, sha256: str) -> dict[str, float]:
    """Read the metrics of a test of the checkpoint with this sha256."""
    result = json.loads(path.read_text())
    if result['provenance']['checkpoint_sha256'] != sha256:
        raise ValueError(f'{path}: the result of another checkpoint')
    found = {k.split('/')[-1]: v for k, v in result['metrics'].items()}
    if 'mNoCoAP' in found:
        found['mNoCoAP'] *= 100  # logged as a fraction, the others in percent
    return {key: round(found[key], 2) for key in METRICS if key in found}


def make(args: argparse.Namespace) -> dict[str, bytes]:
    """Contents of the binary files, by their suffixes."""
    info = read_info(args.info, args.checkpoint)
    cfg = read_config(args.config)
    model = TorchBackend(cfg, args.checkpoint, 'cpu').model
    if args.half:
        model.half().float()
    state = model.state_dict()
    if not all(value.isfinite().all() for value in state.values()):
        raise ValueError(
            f'{args.checkpoint}: weights are not finite, or not in 16 bits'
        )
    card = dict(
        {key: info[key] for key in NEEDED},
        license=info.get('license', LICENSE),
        config=args.config.stem,
        parameters=sum(p.numel() for p in model.parameters()),
        date=date.today().isoformat(),
        version=__version__,
        sha256=weights_sha256(model),
    )
    metadata = dict(cfg=config_text(cfg), card=json.dumps(card), format='pt')
    if args.half:
        state = {
            k: v.half() if v.is_floating_point() else v
            for k, v in state.items()
        }
    contents = {'.safetensors': save(state, metadata)}
    if args.onnx:
        from fdep_mm.deployment.checked_export import export_checked

        onnx = export_checked(cfg, args.checkpoint)[1]
        contents['.onnx'] = onnx.SerializeToString()
    return contents


def config_text(cfg: dict) -> str:
    """What inference needs, as text: builders tell lists from tuples."""
    used = dict(
        default_scope=cfg.get('default_scope', 'mmseg'),
        model=host_cfg(cfg.model),
        test_pipeline=read_pipeline(cfg),
    )
    settings = Config(used).to_dict().items()
    text = '\n'.join(f'{key} = {value!r}' for key, value in settings)
    read_stored_config(text)  # refuses what it would not build
    return text


@command(KeyError, TypeError)
def main() -> None:
    """Write the entry."""
    args = parse_args()
    if not zoo.is_name(args.name) or args.name in METHODS:
        raise ValueError(
            f'name {args.name!r}: give letters, digits, - and _, and not the '
            'name of a classical method'
        )
    contents = make(args)
    for suffix, content in contents.items():
        if len(content) > MAX_BYTES:
            raise ValueError(
                f'{args.name}{suffix} would have {len(content):,} bytes, at '
                f'most {MAX_BYTES:,} come with the package'
            )
    path = args.out_dir / f'{args.name}.safetensors'
    path.with_suffix('.onnx').unlink(missing_ok=True)  # of other weights
    for suffix, content in contents.items():
        write_whole(path.with_suffix(suffix), content, 'make it again')
    card = zoo.read_card(path)
    prose = PROSE.format(name=args.name, table=zoo.table([path]), **card)
    write_whole(path.with_suffix('.md'), prose, 'make it again')
    print(zoo.table([path]))


if __name__ == '__main__':
    sys.exit(main())
