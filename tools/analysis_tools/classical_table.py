"""All classical methods on the test splits, with all metrics, as one table.

Score maps are scaled to [0, 1] image by image. Columns: IoU, nIoU, Pd and Fa
at threshold 0.5; HSE; the best IoU of 255 thresholds, chosen on the test
split, and its threshold; the area under the pixel ROC at these thresholds;
mNoCoAP of regions above 0.1 (the 1000 best of each image), with the maximum of
a region's bounding box, as NoCoAPMetric has it, and of the region itself.

One record per image goes to OUT/SET/RUN.jsonl as soon as it is there; start
the same command again to go on after a stop. A whole run takes hours: low-rank
methods need up to a minute per image.

Examples:
    python tools/analysis_tools/classical_table.py
    python tools/analysis_tools/classical_table.py --runs mpcm ript \\
        --sets nuaa-sirst
    python tools/analysis_tools/classical_table.py --runs ipi --every 8
    python tools/analysis_tools/classical_table.py --report
"""

import argparse
import ast
import inspect
import json
import os
import time
import warnings
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from fdep_mm.core.command import Parser, track
from fdep_mm.evaluation import HSEMetric, NoCoAPMetric
from fdep_mm.evaluation.functional import (
    PEAKS,
    NoCoRecord,
    average_precisions,
    reduce_records,
    roc_auc,
    unpack,
)
from fdep_mm.models.classical import METHODS, ConvergenceWarning
from fdep_mm.registry import DATASETS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs' / 'classical'
SETS = ('nuaa-sirst', 'nudt-sirst', 'sirstv2')
# Fast ones first. A name is METHOD or METHOD:PARAMETER=VALUE,...
RUNS = (
    'tophat tophat:size=3 new_tophat max_median max_mean lcm lcm:peak=pixel '
    'mpcm wldm fkrw rlcm rlcm:peak=pixel tllcm smsl pstnn ript ipi nipps'
).split()
KEEP = 1000  # detections of an image; more change nothing
LEVELS = 256  # thresholds k / 256 of the best IoU and the ROC
POINT_KEYS = NoCoRecord._fields[:3]


def parse_run(run: str) -> tuple[str, dict]:
    """Split a name into method and parameters."""
    method, _, rest = run.partition(':')
    params = {}
    for item in filter(None, rest.split(',')):
        key, _, value = item.partition('=')
        try:
            params[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            params[key] = value
    return method, params


def run_name(text: str) -> str:
    """Check a name of the command line."""
    method, params = parse_run(text)
    if method not in METHODS:
        raise argparse.ArgumentTypeError(
            f'{method!r} is no method; these are {", ".join(METHODS)}'
        )
    known = list(inspect.signature(METHODS[method]).parameters)[1:]
    unknown = [name for name in params if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(
            f'{method} has no parameter {", ".join(unknown)}; these are '
            f'{", ".join(known)}'
        )
    return text


def read_records(path: Path) -> dict[str, dict]:
    """Records by image; a line that a stop cut short is left out."""
    records = {}
    if path.is_file():
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith('\n'):
                record = json.loads(line)
                records[record['image']] = record
    return records


def pixel_counts(prob: np.ndarray, mask: np.ndarray) -> list[list[int]]:
    """True and all pixels above k / LEVELS, k = 1..LEVELS - 1."""
    # a pixel at exactly k / LEVELS is not above it
    level = np.ceil(prob.astype(np.float64) * LEVELS).astype(int)
    return [
        np.bincount(levels, minlength=LEVELS + 1)[::-1]
        .cumsum()[::-1][2:]
        .tolist()
        for levels in (level[mask], level.ravel())
    ]


def best_points(metric: NoCoAPMetric, sample: dict) -> dict:
    """The best detections of an image and its number of targets."""
    metric.process(None, [sample])
    record = metric.results.pop()
    best = np.argsort(-record.score, kind='stable')[:KEEP]
    points = {key: getattr(record, key)[best].tolist() for key in POINT_KEYS}
    return dict(points, num_targets=record.num_targets)


def score_image(
    model, data: dict, hse: HSEMetric, nocoap: dict[str, NoCoAPMetric]
) -> dict:
    """Run the method on one image and count everything."""
    image = data['data_samples'].img_path
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always', ConvergenceWarning)
        start = time.perf_counter()
        (result,) = model.test_step(pseudo_collate([data]))
        seconds = time.perf_counter() - start
    sample = result.to_dict()
    hse.process(None, [sample])
    prob = result.seg_logits.data[0].numpy()
    mask = result.gt_sem_seg.data[0].numpy() > 0
    return dict(
        image=Path(image).stem,
        seconds=round(seconds, 4),
        converged=not any(c.category is ConvergenceWarning for c in caught),
        counts=hse.results.pop().tolist(),
        pixels=pixel_counts(prob, mask),
        target_pixels=int(mask.sum()),
        **best_points(nocoap['bounding_box'], sample),
        region=best_points(nocoap['region'], sample),
    )


def compute(path: Path, name: str, run: str, every: int) -> None:
    """Add the missing records of one method on one set."""
    method, params = parse_run(run)
    own = CONFIGS / f'{method}_{name}.py'  # other arguments on this set
    os.environ['FDEP_SET'] = name.replace('sirstv2', 'sirst-v2')
    cfg = Config.fromfile(own if own.is_file() else CONFIGS / f'{method}.py')
    init_default_scope(cfg.default_scope)
    model = MODELS.build({**cfg.model, 'params': params}).eval()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    hse = HSEMetric()
    threshold = cfg.nocoap.threshold
    nocoap = {
        peak: NoCoAPMetric(threshold=threshold, peak=peak) for peak in PEAKS
    }
    done = read_records(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w') as file:  # without a line that was cut short
        for record in done.values():
            print(json.dumps(record), file=file)
        file.flush()
        for i in track(range(0, len(dataset), every), f'{name} {run}'):
            info = dataset.get_data_info(i)
            if Path(info['img_path']).stem not in done:
                record = score_image(model, dataset[i], hse, nocoap)
                print(json.dumps(record), file=file, flush=True)


def mnocoap(records: list[dict]) -> float:
    """Of the detections in records, x100."""
    arrays = [
        NoCoRecord(*(np.array(r[key]) for key in POINT_KEYS), r['num_targets'])
        for r in records
    ]
    return 100 * average_precisions(arrays)['mNoCoAP']


def table_row(records: list[dict]) -> dict[str, float]:
    """All numbers of one method on one set, x100, Fa x1e6."""
    hse = HSEMetric()
    counts = [np.array(r['counts']) for r in records]
    scores, _ = reduce_records(counts, hse.protocol)
    inter, above = np.sum([r['pixels'] for r in records], axis=0)
    total = sum(r['target_pixels'] for r in records)
    iou = inter / np.maximum(above + total - inter, 1)
    background = unpack(counts, hse.protocol).pixels.sum() - total
    return dict(
        IoU=100 * scores['IoU'],
        nIoU=100 * scores['nIoU'],
        Pd=100 * scores['Pd'],
        Fa=1e6 * scores['Fa'],
        HSE=100 * scores['HSE'],
        best=100 * iou.max(),
        at=(iou.argmax() + 1) / LEVELS,
        auc=100 * roc_auc((above - inter) / background, inter / total),
        mNoCoAP=mnocoap(records),
        region=mnocoap([{**r, **r['region']} for r in records]),
        limited=sum(not r['converged'] for r in records),
    )


def print_table(out: Path, name: str, runs: list[str]) -> None:
    """One set as Markdown; methods without records are left out."""
    print(f'\n### {name}\n')
    print(
        '| method | images | IoU | nIoU | Pd | Fa, 1e-6 | HSE | best IoU | '
        'ROC AUC | mNoCoAP | of regions | not converged |'
    )
    print('|---' * 12 + '|')
    for run in runs:
        records = list(read_records(out / name / f'{run}.jsonl').values())
        if not records:
            continue
        s = table_row(records)
        print(
            f'| {run} | {len(records)} | {s["IoU"]:.2f} | {s["nIoU"]:.2f} | '
            f'{s["Pd"]:.2f} | {s["Fa"]:.1f} | {s["HSE"]:.2f} | '
            f'{s["best"]:.2f} @ {s["at"]:.2f} | {s["auc"]:.2f} | '
            f'{s["mNoCoAP"]:.2f} | {s["region"]:.2f} | {s["limited"]} |',
            flush=True,
        )


def main() -> None:
    """Compute what is missing, then print the tables."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('--sets', nargs='+', choices=SETS, default=SETS)
    add('--runs', nargs='+', type=run_name, default=RUNS, metavar='RUN')
    add('--out', type=Path, default='work_dirs/classical', help='folder')
    add('--every', type=int, default=1, help='take every n-th image only')
    add('--report', action='store_true', help='only print what is there')
    args = parser.parse_args()
    if args.every < 1:
        parser.error(f'--every must be at least 1, got {args.every}')
    if not args.report:
        for run in args.runs:
            for name in args.sets:
                path = args.out / name / f'{run}.jsonl'
                compute(path, name, run, args.every)
    for name in args.sets:
        print_table(args.out, name, args.runs)


if __name__ == '__main__':
    main()
