"""Vectors seen on a plane: the two directions that show most of them, a plane that does not spin, room for labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def principal_plane(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Vectors (N, D) seen along their two directions of largest variance: points (N, 2), share of variance kept.

    Each axis is turned so that its largest coordinate is positive, which keeps the picture from flipping.
    """
    centred = np.asarray(vectors, dtype=np.float64) - np.mean(vectors, axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.pad(u[:, :2] * s[:2], ((0, 0), (0, max(0, 2 - len(s)))))  # one vector, or D = 1: one direction only
    points *= np.sign(points[np.abs(points).argmax(axis=0), [0, 1]])
    total = (s**2).sum()
    return points, float((s[:2] ** 2).sum() / total) if total else 1.0


def turned_towards(points: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Points (N, 2), turned or mirrored so that they lie as near as possible to `previous` (N, 2).

    The orthogonal Procrustes problem (Schönemann 1966): with U S Vᵀ = pointsᵀ previous, the best turn is U Vᵀ.
    """
    u, _, vt = np.linalg.svd(points.T @ previous)
    return points @ (u @ vt)


def apartness(vectors: np.ndarray, classes: Sequence[str]) -> float:
    """Share of the vectors' variance that lies between the classes, not within them: 0 to 1."""
    centred = vectors - vectors.mean(axis=0)
    groups = [centred[[c == name for c in classes]] for name in dict.fromkeys(classes)]
    return float(sum(len(g) * (g.mean(axis=0) ** 2).sum() for g in groups) / (centred**2).sum())


def label_spots(points: np.ndarray, widths: Sequence[float], line: float, letter: float, lowest: float) -> list[tuple]:
    """For the label of each point (N, 2) the nearest spot, right or left, where it covers no other and no point.

    widths: of the labels. line, letter: the room that one line, one letter takes. A spot is (x, y, "left") where the
    label begins at x, (x, y, "right") where it ends there.
    """
    placed = [(x - letter / 2, y, letter) for x, y in points]  # a label covers no point either
    spots: list[tuple] = [()] * len(points)
    for i in np.argsort(-points[:, 1]):
        width = widths[i]
        sides = {points[i, 0] + letter: "left", points[i, 0] - letter - width: "right"}
        moves = (sign * step * line / 3 for step in range(100) for sign in (-1, 1))
        near = ((x, points[i, 1] + move) for move in moves for x in sides)
        x, y = next(spot for spot in near if _is_free(*spot, width, line, placed, lowest + line))
        placed.append((x, y, width))
        spots[i] = (x if sides[x] == "left" else x + width, y, sides[x])
    return spots


def _is_free(x: float, y: float, width: float, line: float, placed: Sequence[tuple], lowest: float) -> bool:
    return y >= lowest and not any(abs(y - py) < line and x < px + pw and px < x + width for px, py, pw in placed)
