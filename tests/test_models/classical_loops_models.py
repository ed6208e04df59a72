"""FKRW and the low-rank methods, as their papers write them.

Dense solves, full singular value decompositions, patches one by one: slow on
purpose, see :mod:`classical_loops`. Each takes a float image (H, W) in 0..255
and returns the raw map.
"""

import numpy as np
from scipy import ndimage

FACET = [
    [-4, -1, 0, -1, -4],
    [-1, 2, 3, 2, -1],
    [0, 3, 4, 3, 0],
    [-1, 2, 3, 2, -1],
    [-4, -1, 0, -1, -4],
]
DISK = np.abs(np.arange(-2, 3))[:, None] + np.abs(np.arange(-2, 3)) <= 3


def fkrw(image: np.ndarray) -> np.ndarray:
    """Facet kernel, then one random walk after the other."""
    height, width = image.shape
    image = image / 255
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    image = np.minimum(
        image,
        ndimage.grey_dilation(
            image, footprint=ring, mode='constant', cval=-np.inf
        ),
    )
    grown = np.pad(image, ((0, 1), (0, 1)), mode='edge')
    image = grown[:-1, :-1] + grown[1:, :-1] + grown[:-1, 1:] + grown[1:, 1:]
    image = image / 4
    facet = ndimage.correlate(image, np.array(FACET, float), mode='mirror')
    chosen = facet >= facet.mean() + 4 * facet.std(ddof=1)
    padded = np.pad(image, 5, mode='reflect')
    value, decided = np.zeros(padded.shape), np.zeros(padded.shape, bool)
    candidates = sorted(zip(*np.nonzero(chosen), strict=True))
    for y, x in sorted(candidates, key=lambda c: -image[c]):
        if decided[y + 5, x + 5]:
            continue
        here = slice(y, y + 11), slice(x, x + 11)
        region, contrast = _grow(padded[here])
        value[here][region & ~decided[here]] = contrast
        decided[here] |= region
    value = value[5 : 5 + height, 5 : 5 + width] * facet
    return value.clip(0) / (value.max() + 1e-6)


def _grow(patch: np.ndarray) -> tuple[np.ndarray, float]:
    """Region of a patch's center and its contrast."""
    prob = _walk(patch)
    region = prob >= 0.5
    rest = region.copy()
    rest[5, 5] = False
    if not rest.any():
        return region, 0.0
    center = prob[rest].mean() / prob[~rest].mean()
    once = ndimage.binary_dilation(region, DISK)
    ring = ndimage.binary_dilation(once, DISK) & ~once
    mean = patch[region].mean()
    if not ring.any() or mean <= patch[ring].max():
        return region, 0.0
    return region, center * (mean / patch[ring].max()) ** 6


def _walk(patch: np.ndarray) -> np.ndarray:
    """Solve for all 121 pixels, 41 of them known."""
    matrix, known = np.zeros((121, 121)), np.zeros(121)
    for y in range(11):
        for x in range(11):
            i = 11 * y + x
            if (y, x) == (5, 5) or not (0 < y < 10 and 0 < x < 10):
                matrix[i, i], known[i] = 1, (y, x) == (5, 5)
                continue
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                gap = abs(patch[y, x] - patch[v, u])
                weight = np.exp(-200 * gap) + 1e-5
                matrix[i, i] += weight
                matrix[i, 11 * v + u] -= weight
    return np.linalg.solve(matrix, known).reshape(11, 11)


def starts(length: int, patch: int, stride: int) -> list[int]:
    """First pixels of the patches along an axis."""
    return [*range(0, length - patch, stride), length - patch]


def cut(image: np.ndarray, patch: int, stride: int) -> np.ndarray:
    """Patches (P, p, p), column by column of the image."""
    height, width = image.shape
    return np.stack(
        [
            image[y : y + patch, x : x + patch]
            for x in starts(width, patch, stride)
            for y in starts(height, patch, stride)
        ]
    )


def paste(
    patches: np.ndarray, shape: tuple[int, int], stride: int, reduce
) -> np.ndarray:
    """Reduce all values that a pixel has in the patches."""
    patch = patches.shape[1]
    values = [[[] for _ in range(shape[1])] for _ in range(shape[0])]
    corners = [
        (y, x)
        for x in starts(shape[1], patch, stride)
        for y in starts(shape[0], patch, stride)
    ]
    for (top, left), pixels in zip(corners, patches, strict=True):
        for y in range(patch):
            for x in range(patch):
                values[top + y][left + x].append(pixels[y, x])
    return np.array([[reduce(v) for v in row] for row in values])


def svt(matrix: np.ndarray, threshold: float, keep: int = 0) -> np.ndarray:
    """Shrink singular values, the first `keep` excepted."""
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    shrunk = np.maximum(s - threshold, 0)
    shrunk[:keep] = s[:keep]
    return (u * shrunk) @ v


def soft(values: np.ndarray, threshold: float) -> np.ndarray:
    """Shrink towards 0."""
    return np.sign(values) * np.maximum(np.abs(values) - threshold, 0)


def structure(image: np.ndarray, sigma: float, tensor_sigma: float):
    """Larger and smaller eigenvalue of the structure tensor, (H, W) each."""

    def blur(values: np.ndarray, sigma: float) -> np.ndarray:
        w = np.exp(-np.array([1, 0, 1]) / 2 / sigma**2)
        return ndimage.correlate(values, np.outer(w, w) / w.sum() ** 2)

    slopes = np.gradient(blur(image, sigma))
    tensor = [[blur(a * b, tensor_sigma) for a in slopes] for b in slopes]
    matrices = np.moveaxis(tensor, (0, 1), (-2, -1))
    return np.moveaxis(np.linalg.eigvalsh(matrices), -1, 0)[::-1]


def ipi(image: np.ndarray) -> np.ndarray:
    """Accelerated proximal gradient with full decompositions."""
    low_value, span = image.min(), np.ptp(image)
    patches = cut((image - low_value) / span, 50, 10)
    data = patches.reshape(len(patches), -1).T
    s = np.linalg.svd(data, compute_uv=False)
    mu, mu_bar = s[1], 0.005 * s[3]
    lam = 1 / np.sqrt(max(data.shape))
    b = b_old = t = t_old = np.zeros_like(data)
    step = step_old = 1.0
    ranks, entries = [], []
    for _ in range(1000):
        y_b = b + (step_old - 1) / step * (b - b_old)
        y_t = t + (step_old - 1) / step * (t - t_old)
        r = (y_b + y_t - data) / 2
        b_old, t_old = b, t
        b, t = svt(y_b - r, mu / 2), soft(y_t - r, lam * mu / 2)
        step_old, step = step, (1 + np.sqrt(1 + 4 * step**2)) / 2
        mu = max(0.9 * mu, mu_bar)
        common = b + t - y_b - y_t
        change = [2 * (y_b - b) + common, 2 * (y_t - t) + common]
        size = 2 * max(1, np.linalg.norm([b, t]))
        ranks.append(np.linalg.matrix_rank(b, 1e-6))
        entries.append(np.count_nonzero(t))
        same = 0
        while same < len(ranks) - 1 and ranks[-same - 2] == ranks[-1]:
            same += 1
        if (
            np.linalg.norm(change) / size <= 1e-6
            or ranks[-1] > 0.3 * min(data.shape)
            or (same > 10 and abs(entries[-1] - entries[-same - 1]) < 20)
        ):
            break
    return span * paste(t.T.reshape(patches.shape), image.shape, 10, np.median)


def nipps(image: np.ndarray) -> np.ndarray:
    """Augmented Lagrangian with full decompositions."""
    patches = cut(image, 50, 10)
    data = patches.reshape(len(patches), -1).T
    lam = 2 / np.sqrt(min(data.shape))
    s = np.linalg.svd(data, compute_uv=False)
    keep = min(np.count_nonzero(s >= 0.005 * s[0]), min(data.shape) // 4)
    y = data / max(s[0], np.abs(data).max() / lam)
    mu, mu_bar = 1.25 / s[0], 1.25e7 / s[0]
    b = np.zeros_like(data)
    for _ in range(1000):
        t = np.maximum(data - b + y / mu - lam / mu, 0)
        b = svt(data - t + y / mu, 1 / mu, max(1, keep))
        gap = data - b - t
        y = y + mu * gap
        mu = min(1.5 * mu, mu_bar)
        if np.linalg.norm(gap) < 1e-7 * np.linalg.norm(data):
            break
    return paste(t.T.reshape(patches.shape), image.shape, 10, np.mean)


def ript(image: np.ndarray) -> np.ndarray:
    """Three unfoldings, each with a full decomposition."""
    larger, smaller = structure(image, 1.2, 2.0)
    edge = larger - smaller
    edge = np.exp((edge - edge.min()) / np.ptp(edge))
    patches = cut(image, 30, 10)
    data, local = np.moveaxis([patches, cut(edge, 30, 10)], 1, -1)
    lam = 0.7 / np.sqrt(min(data.shape))
    mu = 5 * data.std()
    t, w = np.zeros_like(data), local
    y = [np.zeros_like(data)] * 3
    before = -1
    for _ in range(500):
        b = []
        for i in range(3):
            x = np.moveaxis(data + mu * y[i] - t, i, 0)
            flat = svt(x.reshape(len(x), -1), mu)
            b.append(np.moveaxis(flat.reshape(x.shape), 0, i))
        mean = sum(data + mu * y[i] - b[i] for i in range(3)) / 3
        t = np.maximum(mean - w * mu * lam / 3, 0)
        w = local / (np.abs(t) + 0.01)
        y = [y[i] - (b[i] + t - data) / mu for i in range(3)]
        mu /= 1.5
        gap = np.linalg.norm(data - sum(b) / 3 - t) / np.linalg.norm(data)
        if gap < 1e-7 or np.count_nonzero(t) == before:
            break
        before = np.count_nonzero(t)
    return paste(np.moveaxis(t, -1, 0), image.shape, 10, np.mean)


def pstnn(image: np.ndarray) -> np.ndarray:
    """All slices of the full Fourier transform, one by one."""
    larger, smaller = structure(image, 2.0, 9.0)
    prior = larger * smaller / (larger + smaller) * larger
    prior = (prior - prior.min()) / np.ptp(prior)
    patches = cut(image, 40, 40)
    data, prior = np.moveaxis([patches, cut(prior, 40, 40)], 1, -1)
    lam = 0.7 / np.sqrt(40 * data.shape[2])
    s = np.linalg.svd(data.reshape(40, -1), compute_uv=False)
    keep = np.count_nonzero(s >= 0.1 * s[0])
    mu, before = 2e-3, -1
    t = y = np.zeros_like(data)
    w = np.ones_like(data)
    for _ in range(500):
        slices = np.fft.fft(data - t - y / mu, axis=2)
        for k in range(data.shape[2]):
            slices[..., k] = svt(slices[..., k], 1 / mu, keep)
        b = np.fft.ifft(slices, axis=2).real
        t = np.maximum(data - b - y / mu - w * lam / mu, 0)
        with np.errstate(divide='ignore'):
            w = keep / (np.abs(t) + 0.01) / prior
        gap = b + t - data
        entries = np.count_nonzero(t)
        small = np.linalg.norm(gap) < 1e-3 * np.linalg.norm(data)
        if small or 0 < entries == before:
            break
        before = entries
        y = y + mu * gap
        mu = min(1.05 * mu, 1e10)
    return paste(np.moveaxis(t, -1, 0), image.shape, 40, np.mean)


def smsl(image: np.ndarray) -> np.ndarray:
    """Subspace directions one by one, each from the whole residual."""
    patches = cut(image, 30, 30)
    data = patches.reshape(len(patches), -1).T
    lam = 1 / np.sqrt(min(data.shape))
    rank = min(30, *data.shape)
    alpha = np.random.default_rng(0).uniform(size=(rank, data.shape[1]))
    d = np.zeros((data.shape[0], rank))
    mu = 10 * lam / np.abs(data).max()
    mu_bar = 1e7 * mu
    b, z = data, np.zeros_like(data)
    for _ in range(100):
        t = np.maximum(data + z - b - lam / mu, 0)
        for k in range(len(alpha)):
            others = [j for j in range(len(alpha)) if j != k]
            r = data + z - t - d[:, others] @ alpha[others]
            v = r @ alpha[k]
            for _ in range(2):
                for j in range(k):
                    v = v - d[:, j] * (d[:, j] @ v)
            length = np.linalg.norm(v)
            d[:, k] = v / length if length else 0
            a = d[:, k] @ r
            size = np.linalg.norm(a)
            alpha[k] = a * max(1 - 1 / (mu * size), 0) if size else 0
        alive = alpha.any(axis=1)
        d, alpha = d[:, alive], alpha[alive]
        b = d @ alpha
        gap = data - b - t
        growth = min(1.5, mu_bar / mu)
        z = (z + gap) / growth
        mu *= growth
        if np.linalg.norm(gap) < 1e-7 * np.linalg.norm(data):
            break
    return paste(t.T.reshape(patches.shape), image.shape, 30, np.mean)
