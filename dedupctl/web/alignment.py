"""How to overlay the picture of a member on that of its keeper, according to the geometric verification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from dedupctl.domain import Member, PairKind

Matrix: TypeAlias = tuple[float, ...]
"""3 x 3, row-major, between pixels of the full pictures."""


@dataclass(frozen=True, slots=True)
class Alignment:
    to_keeper: Matrix
    from_keeper: Matrix
    proven: bool
    """False if the proof failed or has no transform; without a transform the two frames are simply stretched to fit."""


def align(keeper: Member, member: Member) -> Alignment:
    """The transform from pixels of the member to pixels of the keeper, and its inverse."""
    matrix = _found(keeper, member)
    proven = matrix is not None and member.kind is not PairKind.SIMILAR
    if matrix is None:
        kept, other = keeper.content.facts, member.content.facts
        matrix = np.diag([kept.width / max(1, other.width), kept.height / max(1, other.height), 1.0])
    inverse = np.asarray(np.linalg.inv(matrix), np.float64)
    return Alignment(_as_tuple(matrix), _as_tuple(inverse), proven)


def _found(keeper: Member, member: Member) -> npt.NDArray[np.float64] | None:
    if keeper.content.id == member.content.id:
        return np.eye(3)
    transform = member.evidence.transform if member.evidence else None
    if transform is None:
        return None
    matrix: npt.NDArray[np.float64] = np.array(transform.matrix, np.float64).reshape(3, 3)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
        return None
    # The matrix maps the content with the smaller id to the one with the larger.
    return matrix if member.content.id < keeper.content.id else np.asarray(np.linalg.inv(matrix), np.float64)


def _as_tuple(matrix: npt.NDArray[np.float64]) -> Matrix:
    return tuple(float(f"{value:.9g}") for value in matrix.ravel())
