"""Vectors seen on a plane: the two directions that show most of them, and a plane that does not spin."""

from __future__ import annotations

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
