"""A second implementation for the tests: slow, plain and exact.

Shares no code with fdep_mm: components by flood fill, distances as fractions,
one pass per threshold and tolerance.
"""

import math
from fractions import Fraction

import numpy as np

NEIGHBORS = {
    4: ((-1, 0), (0, -1), (0, 1), (1, 0)),
    8: (
        *((-1, -1), (-1, 0), (-1, 1), (0, -1)),
        *((0, 1), (1, -1), (1, 0), (1, 1)),
    ),
}


def flood_components(mask, connectivity=8):
    """Components as lists of (row, col), in raster order."""
    todo = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    components = []
    for start in sorted(todo):
        if start not in todo:
            continue
        todo.remove(start)
        pixels, stack = [], [start]
        while stack:
            y, x = stack.pop()
            pixels.append((y, x))
            for dy, dx in NEIGHBORS[connectivity]:
                if (y + dy, x + dx) in todo:
                    todo.remove((y + dy, x + dx))
                    stack.append((y + dy, x + dx))
        components.append(pixels)
    return components


def squared_distance(one, other):
    """Squared distance of two centroids, exact."""
    total = Fraction(0)
    for axis in (0, 1):
        a = Fraction(sum(p[axis] for p in one), len(one))
        b = Fraction(sum(p[axis] for p in other), len(other))
        total += (a - b) ** 2
    return total


def greedy_hits(targets, detections, within):
    """Detections that are matched, by the field's rule."""
    free, hits = list(range(len(detections))), []
    for target in targets:
        for index in free:
            if within(squared_distance(target, detections[index])):
                hits.append(index)
                free.remove(index)
                break
    return hits


def most_hits(targets, detections, within):
    """Size of the largest one-to-one matching, by augmenting paths."""
    edges = [
        [
            index
            for index, detection in enumerate(detections)
            if within(squared_distance(target, detection))
        ]
        for target in targets
    ]
    owner = {}

    def place(target, seen):
        for index in edges[target]:
            if index not in seen:
                seen.add(index)
                if index not in owner or place(owner[index], seen):
                    owner[index] = target
                    return True
        return False

    return sum(place(target, set()) for target in range(len(targets)))


def naive_curves(probs, masks, thresholds, tolerances, radius=3, empty=1.0):
    """IoU, nIoU, Pd, Fa per threshold and F1 per tolerance and threshold."""
    out = dict(IoU=[], nIoU=[], Pd=[], Fa=[], F1=[[] for _ in tolerances])
    truth = [flood_components(mask) for mask in masks]
    num_targets = sum(len(targets) for targets in truth)
    pixels = sum(mask.size for mask in masks)
    for threshold in thresholds:
        preds = [prob > np.float32(threshold) for prob in probs]
        found = [flood_components(pred) for pred in preds]
        both = [int((p & m).sum()) for p, m in zip(preds, masks, strict=True)]
        either = [
            int((p | m).sum()) for p, m in zip(preds, masks, strict=True)
        ]
        out['IoU'].append(sum(both) / sum(either) if sum(either) else empty)
        per_image = [
            b / e if e else empty for b, e in zip(both, either, strict=True)
        ]
        out['nIoU'].append(sum(per_image) / len(per_image))
        hits = [
            greedy_hits(t, d, lambda q: q < radius**2)
            for t, d in zip(truth, found, strict=True)
        ]
        out['Pd'].append(sum(map(len, hits)) / num_targets)
        false = sum(
            len(detection)
            for hit, detections in zip(hits, found, strict=True)
            for index, detection in enumerate(detections)
            if index not in hit
        )
        out['Fa'].append(false / pixels)
        num_found = sum(map(len, found))
        for row, d in zip(out['F1'], tolerances, strict=True):
            matched = sum(
                len(greedy_hits(t, f, lambda q, d=d: q <= d**2))
                for t, f in zip(truth, found, strict=True)
            )
            row.append(2 * matched / (num_targets + num_found))
    return out


def naive_integral(values, thresholds):
    """Area under straight lines between points, over the range."""
    area = 0.0
    for i in range(len(thresholds) - 1):
        width = thresholds[i + 1] - thresholds[i]
        area += width * (values[i] + values[i + 1]) / 2
    return area / (thresholds[-1] - thresholds[0])


def naive_hse(curves, thresholds):
    """HSE, HSE_P, HSE_T of curves."""
    pixel = [
        (a + b) / 2 for a, b in zip(curves['IoU'], curves['nIoU'], strict=True)
    ]
    hse_p = naive_integral(pixel, thresholds)
    parts = [naive_integral(f1, thresholds) for f1 in curves['F1']]
    hse_t = sum(parts) / len(parts)
    return dict(HSE=(hse_p + hse_t) / 2, HSE_P=hse_p, HSE_T=hse_t)


def naive_box_counts(boxes, mask, radius):
    """Pixels, targets, hits and false pixels; each target takes the first
    free box, and pixels belong to boxes by their centers."""
    height, width = mask.shape
    cells = []
    for x1, y1, x2, y2 in boxes:
        cell = {
            (y, x)
            for y in range(height)
            for x in range(width)
            if x1 <= x + 0.5 < x2 and y1 <= y + 0.5 < y2
        }
        if not cell:  # the pixel nearest to its center
            y = min(max(math.floor((y1 + y2) / 2), 0), height - 1)
            x = min(max(math.floor((x1 + x2) / 2), 0), width - 1)
            cell = {(y, x)}
        cells.append(cell)
    taken = set()
    targets = flood_components(mask)
    for target in targets:
        for i, cell in enumerate(cells):
            y, x = (
                sum(p[axis] for p in target) / len(target)
                - sum(p[axis] for p in cell) / len(cell)
                for axis in (0, 1)
            )
            if i not in taken and math.hypot(y, x) < radius - 1e-12:
                taken.add(i)
                break
    hit = set().union(*(cells[i] for i in taken))
    false = set().union(*cells) - hit
    return [mask.size, len(targets), len(taken), len(false)]


def random_images(rng, num, noise=0.2, max_side=30):
    """Blobs as targets; shifted, noisy copies as predictions."""
    probs, masks = [], []
    for _ in range(num):
        shape = tuple(rng.integers(12, max_side, 2))
        mask = np.zeros(shape, bool)
        for _ in range(rng.integers(0, 4)):
            y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
            h, w = rng.integers(1, 5, 2)
            mask[y : y + h, x : x + w] = True
        shift = tuple(rng.integers(-2, 3, 2))
        prob = 0.8 * np.roll(mask, shift, (0, 1)) + noise * rng.random(shape)
        # multiples of 0.05 make thresholds and values coincide
        probs.append((np.round(prob.clip(0, 1) * 20) / 20).astype(np.float32))
        masks.append(mask)
    return probs, masks
