"""What was found in one image."""

from dataclasses import dataclass, field

import numpy as np

from fdep_mm.core.components import component_crops, kept_lines
from fdep_mm.core.gray import Limits


@dataclass(frozen=True)
class Target:
    """One detection, in px of the original image.

    Attributes:
        x (float): Column of the centroid; the center of the first pixel is 0.
        y (float): Row of the centroid.
        box (tuple): x1, y1, x2, y2 of the edges: a box of the first pixel is
            0, 0, 1, 1. Integers from a segmentor, floats from a detector.
        area (float): Pixels; of a detector the area of the box.
        peak (float): Largest probability in it; of a detector its score.
        score (float): Mean probability in it; of a detector its score.
        crop (np.ndarray, optional): (h, w) bool, its pixels in the box; None
            of a detector.
    """

    x: float
    y: float
    box: tuple[float, float, float, float]
    area: float
    peak: float
    score: float
    crop: np.ndarray | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict:
        """All but the crop, as JSON has it."""
        values = dict(vars(self), box=list(self.box))
        del values['crop']
        return values


@dataclass(frozen=True, eq=False)
class Prediction:
    """Everything that was found in one image.

    Attributes:
        name (str): Unique in a run, without suffix.
        source (str): The file, array or stream.
        image (np.ndarray): (H, W) or (H, W, C) as decoded, BGR.
        targets (list[Target]): In raster order of their first pixels; of a
            detector by falling score.
        threshold (float): What probabilities (scores) had to exceed (reach).
        prob (np.ndarray, optional): (H, W) float32 probability of target;
            None of a detector.
        limits (tuple[float, float]): Values that became black and white.
        index (int, optional): Number of the frame in its video.
        fps (float, optional): Frames per second of its video.
    """

    name: str
    source: str
    image: np.ndarray = field(repr=False)
    targets: list[Target]
    threshold: float
    prob: np.ndarray | None = field(default=None, repr=False)
    limits: Limits = (0, 255)
    index: int | None = None
    fps: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.image.shape[:2]

    @property
    def mask(self) -> np.ndarray | None:
        """(H, W) bool, the thresholded probability; None of a detector."""
        if self.prob is None:
            return None
        return self.prob > np.float32(self.threshold)

    def to_dict(self) -> dict:
        """Name, size and targets, as JSON has them."""
        video = {} if self.index is None else dict(frame=self.index)
        height, width = self.shape
        return dict(
            name=self.name,
            source=self.source,
            **video,
            width=width,
            height=height,
            gray=list(self.limits),
            targets=[target.to_dict() for target in self.targets],
        )


def targets_of_map(prob: np.ndarray, threshold: float) -> list[Target]:
    """Components of (H, W) probabilities in [0, 1] above the threshold."""
    mask = prob > np.float32(threshold)
    # Large frames are mostly empty: of each run of empty lines one is
    # labeled, which keeps components apart.
    rows, cols = (
        np.flatnonzero(kept_lines(mask.any(axis=axis))) for axis in (1, 0)
    )
    if not len(rows):
        return []
    targets = []
    for span, crop in component_crops(mask[np.ix_(rows, cols)]):
        top, left = int(rows[span[0].start]), int(cols[span[1].start])
        height, width = crop.shape
        box = (left, top, left + width, top + height)
        values = prob[top : box[3], left : box[2]][crop]
        row, col = np.nonzero(crop)
        targets.append(
            Target(
                x=left + float(col.mean()),
                y=top + float(row.mean()),
                box=box,
                area=len(values),
                peak=float(values.max()),
                score=float(values.mean(dtype=np.float64)),
                crop=crop,
            )
        )
    return targets


def targets_of_boxes(boxes: np.ndarray) -> list[Target]:
    """Targets of boxes (n, 5): x1, y1, x2, y2, score in px."""
    targets = []
    for left, top, right, bottom, score in boxes.tolist():
        # an untrained detector may swap edges
        x1, x2 = sorted((left, right))
        y1, y2 = sorted((top, bottom))
        targets.append(
            Target(
                x=(x1 + x2) / 2 - 0.5,
                y=(y1 + y2) / 2 - 0.5,
                box=(x1, y1, x2, y2),
                area=(x2 - x1) * (y2 - y1),
                peak=score,
                score=score,
            )
        )
    return targets
