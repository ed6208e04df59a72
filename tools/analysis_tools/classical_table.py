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
import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from mmengine.dataset import pseudo_collate

from fdep_mm.core.command import Parser, command, number, track
from fdep_mm.core.config_check import open_config
from fdep_mm.evaluation import HSEMetric, NoCoAPMetric
from fdep_mm.evaluation.functional import (
    PEAKS,
    NoCoRecord,
    average_precisions,
    reduce_records,
    roc_auc,
    scale_scores,
    unpack,
)
from fdep_mm.evaluation.functional.counts import count_above, digitize
from fdep_mm.models.classical import ConvergenceWarning
from fdep_mm.models.segmentors import ClassicalSegmentor
from fdep_mm.registry import DATASETS, MODELS

CONFIGS = Path(__file__).parents[2] / 'configs' / 'classical'
SETS = ('nuaa-sirst', 'nudt-sirst', 'sirstv2')
# Fast ones first. A name is METHOD or METHOD:PARAMETER=VALUE,...
RUNS = (
    'tophat tophat:size=3 new_tophat max_median max_mean lcm lcm:peak=pixel '
    'mpcm wldm fkrw rlcm rlcm:peak=pixel tllcm smsl pstnn ript ipi nipps'
).split()
KEEP = 1000  # detections of an image; more change nothing
LEVELS = np.arange(1, 256) / 256  # of the best IoU and the ROC
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
    try:
        ClassicalSegmentor(*parse_run(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
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
    """True and all pixels above each of the levels."""
    index, level = digitize(prob, LEVELS)
    both = level[mask.ravel()[index]], level
    return [count_above(one, len(LEVELS)).tolist() for one in both]


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
    cfg = open_config(own if own.is_file() else CONFIGS / f'{method}.py')
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


def table_row(run: str, records: list[dict]) -> dict[str, str]:
    """One method on one set, by the titles of the columns."""
    protocol = HSEMetric().protocol
    counts = [np.array(r['counts']) for r in records]
    scores = scale_scores(reduce_records(counts, protocol).scores)
    inter, above = np.sum([r['pixels'] for r in records], axis=0)
    total = sum(r['target_pixels'] for r in records)
    iou = inter / np.maximum(above + total - inter, 1)
    background = unpack(counts, protocol).pixels.sum() - total
    auc = roc_auc((above - inter) / background, inter / total)
    regions = [{**r, **r['region']} for r in records]
    return {
        'method': run,
        'images': str(len(records)),
        **{key: f'{scores[key]:.2f}' for key in ('IoU', 'nIoU', 'Pd')},
        'Fa, 1e-6': f'{scores["Fa"]:.1f}',
        'HSE': f'{scores["HSE"]:.2f}',
        'best IoU': f'{100 * iou.max():.2f} @ {LEVELS[iou.argmax()]:.2f}',
        'ROC AUC': f'{100 * auc:.2f}',
        'mNoCoAP': f'{mnocoap(records):.2f}',
        'of regions': f'{mnocoap(regions):.2f}',
        'not converged': str(sum(not r['converged'] for r in records)),
    }


def print_table(out: Path, name: str, runs: list[str]) -> None:
    """One set as Markdown; methods without records are left out."""
    print(f'\n### {name}\n')
    read = {run: read_records(out / name / f'{run}.jsonl') for run in runs}
    rows = [table_row(run, [*r.values()]) for run, r in read.items() if r]
    if rows:
        print(f'| {" | ".join(rows[0])} |')
        print('|---' * len(rows[0]) + '|')
    for row in rows:
        print(f'| {" | ".join(row.values())} |')


@command()
def main() -> None:
    """Compute what is missing, then print the tables."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('--sets', nargs='+', choices=SETS, default=SETS)
    add('--runs', nargs='+', type=run_name, default=RUNS, metavar='RUN')
    add('--out', type=Path, default='work_dirs/classical', help='folder')
    every = 'take every n-th image only'
    add('--every', type=number(int, 1), default=1, help=every)
    add('--report', action='store_true', help='only print what is there')
    args = parser.parse_args()
    if not args.report:
        for run in args.runs:
            for name in args.sets:
                path = args.out / name / f'{run}.jsonl'
                compute(path, name, run, args.every)
    for name in args.sets:
        print_table(args.out, name, args.runs)


if __name__ == '__main__':
    sys.exit(main())
