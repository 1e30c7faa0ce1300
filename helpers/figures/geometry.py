"""Vectors seen on a plane: the two directions that show most of them, a plane that does not spin, room for labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from helpers import checks

FARTHEST = 30  # thirds of a line from a point to its label: longer thin lines would hide the map


def principal_plane(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Vectors (N, D) seen along their two directions of largest variance: points (N, 2), share of variance kept.

    Each axis is turned so that its largest coordinate is positive, which keeps the picture from flipping.
    """
    vectors = checks.finite_matrix("vectors", vectors)
    centred = vectors - vectors.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.pad(u[:, :2] * s[:2], ((0, 0), (0, max(0, 2 - len(s)))))  # one vector, or D = 1: one direction only
    points *= np.sign(points[np.abs(points).argmax(axis=0), [0, 1]])
    total = (s**2).sum()
    return points, float((s[:2] ** 2).sum() / total) if total else 1.0


def turned_towards(points: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Points (N, 2), turned or mirrored so that they lie as near as possible to `previous` (N, 2).

    The orthogonal Procrustes problem (Schönemann 1966): with U S Vᵀ = pointsᵀ previous, the best turn is U Vᵀ.
    """
    if np.shape(points) != np.shape(previous):
        raise ValueError(
            f"previous has the shape {np.shape(previous)}, points {np.shape(points)}: give the same points"
        )
    u, _, vt = np.linalg.svd(points.T @ previous)
    return points @ (u @ vt)


def apartness(vectors: np.ndarray, classes: Sequence[str]) -> float:
    """Share of the vectors' variance that lies between the classes, not within them: 0 to 1."""
    vectors = checks.finite_matrix("vectors", vectors)
    if len(classes) != len(vectors):
        raise ValueError(f"{len(classes)} classes for {len(vectors)} vectors: give one for each")
    centred = vectors - vectors.mean(axis=0)
    groups = [centred[[c == name for c in classes]] for name in dict.fromkeys(classes)]
    return float(sum(len(g) * (g.mean(axis=0) ** 2).sum() for g in groups) / ((centred**2).sum() or 1.0))


def label_spots(
    points: np.ndarray, widths: Sequence[float], line: float, letter: float, box: tuple[float, float, float, float]
) -> list[tuple | None]:
    """For the label of each point (N, 2) the nearest spot, right or left, where it covers no other and no point.

    widths: of the labels. line, letter: the room that one line, one letter takes. box: left, right, lowest, highest
    place of a label. A spot is (x, y, "left") where the label begins at x, (x, y, "right") where it ends there, and
    None where no room is left.
    """
    if len(widths) != len(points):
        raise ValueError(f"{len(widths)} widths for {len(points)} points: give one for each")
    placed = [(x - letter / 2, y, letter) for x, y in points.tolist()]  # a label covers no point either
    spots: list[tuple | None] = [None] * len(points)
    for i in np.argsort(-points[:, 1]):
        near_x, near_y = points[i].tolist()
        for x, y, side in _spots_near(near_x, near_y, widths[i], line, letter):
            within = box[0] <= x <= box[1] - widths[i] and box[2] <= y <= box[3]
            if within and _is_free(x, y, widths[i], line, placed):
                placed.append((x, y, widths[i]))
                spots[i] = (x if side == "left" else x + widths[i], y, side)
                break
    return spots


def _spots_near(x: float, y: float, width: float, line: float, letter: float) -> Iterator[tuple[float, float, str]]:
    """Where a label may begin, the nearest first: beside its point, then lower and higher by thirds of a line."""
    for step in range(FARTHEST):
        for move in (-step * line / 3, step * line / 3):
            yield x + letter, y + move, "left"
            yield x - letter - width, y + move, "right"


def _is_free(x: float, y: float, width: float, line: float, placed: Sequence[tuple]) -> bool:
    return not any(abs(y - py) < line and x < px + pw and px < x + width for px, py, pw in placed)
