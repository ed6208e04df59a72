"""Networks without weights, whose answers are known."""

import cv2
import numpy as np


class FakeSegmentor:
    """Largest pixel of the neighborhood and of its cell of the grid.

    So the answer depends on 2 * `radius` + 1 px around a pixel, and on where
    the network's grid of `stride` px lies. Sizes of the batches it got are
    kept.
    """

    task = 'segmentation'
    threshold = 0.5
    gray_range = 'dtype'
    gray = True

    def __init__(self, radius=1, stride=1):
        self.radius = radius
        self.stride = stride
        self.shapes = []

    def __call__(self, images):
        assert images.dtype == np.float32 and images.shape[-1] == 3
        self.shapes.append(images.shape)
        return np.stack([self._one(image[..., 1]) for image in images])

    def _one(self, image):
        height, width = image.shape
        s = self.stride
        grid = np.pad(image, ((0, -height % s), (0, -width % s)))
        cells = grid.reshape(grid.shape[0] // s, s, -1, s).max(axis=(1, 3))
        coarse = cells.repeat(s, axis=0).repeat(s, axis=1)[:height, :width]
        kernel = np.ones((2 * self.radius + 1,) * 2, np.uint8)
        return cv2.dilate(coarse, kernel) / np.float32(255)


class Fragile(FakeSegmentor):
    """Takes no images below 10 px, and gives NaN where one is all white."""

    def __init__(self):
        super().__init__(radius=0)

    def _one(self, image):
        if min(image.shape) < 10:
            raise RuntimeError('Kernel size is larger\nthan the input')
        prob = super()._one(image)
        return prob * np.nan if image.min() == 255 else prob


class FakeDetector:
    """Boxes of bright components, each edge moved by up to `jitter` px.

    By how much depends on where the component lies in the image that is
    given, so two tiles disagree.
    """

    task = 'detection'
    stride = 1
    threshold = 0.3
    gray_range = 'dtype'
    gray = True

    def __init__(self, jitter=1.5):
        self.jitter = jitter

    def __call__(self, images):
        return [self._one(image[..., 0]) for image in images]

    def _one(self, image):
        mask = (image > 100).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
        boxes = []
        for number, (x, y, w, h, _) in enumerate(stats[1:], start=1):
            dx, dy = (x * 7 + y) % 5 - 2, (y * 7 + x) % 5 - 2
            offset = self.jitter / 2 * np.array([dx, dy, dx, dy])
            score = image[labels == number].max() / 255 - 0.01 * abs(dx)
            boxes.append([*(np.array([x, y, x + w, y + h]) + offset), score])
        found = np.array(boxes, np.float32).reshape(-1, 5)
        return found[np.argsort(-found[:, 4])]
