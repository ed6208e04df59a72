"""Time and results of pyirstdmetrics; run by benchmark_metrics.py.

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
    handlers = dict(IoU=IoUHandler(sample_based=False), nIoU=IoUHandler())
    pixels = CMMetrics(metric_handlers=handlers)
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


def sweep(samples: list) -> dict:
    """Pd and Fa at 19 thresholds."""
    metric = ProbabilityDetectionAndFalseAlarmRate(19, 3)
    # its own start at 0, where every pixel of a noisy map is foreground
    metric.thresholds = np.arange(1, 20) / 20
    for prob, mask in samples:
        metric.update(prob, mask)
    rates = metric.get()
    return {
        'Pd at 19': rates['probability_detection'].tolist(),
        'Fa at 19': rates['false_alarm'].tolist(),
    }


file = np.load(sys.argv[1])
num = len(file.files) // 2
images = [(file[f'prob_{i}'], file[f'mask_{i}']) for i in range(num)]
one_threshold(images[:1])  # what is done once only
found = {}
functions = {'pyirstdmetrics': one_threshold, 'pyirstdmetrics, 19': sweep}
for name, function in functions.items():
    start = time.perf_counter()
    found[name] = function(images), time.perf_counter() - start
print(json.dumps(found))
