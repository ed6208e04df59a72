"""Time and results of pyirstdmetrics; run by benchmark_peers.py.

It needs numpy < 2 and so an environment of its own, which has neither fdep_mm
nor torch. Prints one line of JSON.

Usage: python peer_pyirstdmetrics.py SAMPLES.npz
"""

import json
import sys
import time

import numpy as np
from py_irstd_metrics import (
    CMMetrics,
    IoUHandler,
    ProbabilityDetectionAndFalseAlarmRate,
)


def one_threshold(samples: list) -> dict:
    """IoU, nIoU, Pd and Fa at 0.5."""
    pixels = CMMetrics(
        metric_handlers=dict(
            IoU=IoUHandler(sample_based=False), nIoU=IoUHandler()
        )
    )
    targets = ProbabilityDetectionAndFalseAlarmRate(distance_threshold=3)
    for prob, mask in samples:
        pixels.update(prob, mask)
        targets.update(prob, mask)
    ious, rates = pixels.get(), targets.get()
    return dict(
        IoU=float(ious['IoU']['binary']),
        nIoU=float(ious['nIoU']['binary']),
        Pd=float(rates['probability_detection'][0]),
        Fa=float(rates['false_alarm'][0]),
    )


def sweep(samples: list, thresholds: list) -> dict:
    """Pd and Fa at these thresholds."""
    metric = ProbabilityDetectionAndFalseAlarmRate(len(thresholds), 3)
    # its own start at 0, where every pixel of a noisy map is foreground
    metric.thresholds = np.array(thresholds)
    for prob, mask in samples:
        metric.update(prob, mask)
    rates = metric.get()
    return dict(
        Pd=rates['probability_detection'].tolist(),
        Fa=rates['false_alarm'].tolist(),
    )


def main() -> None:
    """Time both and print what they gave."""
    file = np.load(sys.argv[1])
    num = len(file.files) // 2
    samples = [(file[f'prob_{i}'], file[f'mask_{i}']) for i in range(num)]
    one_threshold(samples[:1])  # what is done once only
    start = time.perf_counter()
    single = one_threshold(samples)
    between = time.perf_counter()
    curves = sweep(samples, [k / 20 for k in range(1, 20)])
    end = time.perf_counter()
    print(
        json.dumps(
            dict(
                single=single,
                single_seconds=between - start,
                sweep=curves,
                sweep_seconds=end - between,
            )
        )
    )


if __name__ == '__main__':
    main()
