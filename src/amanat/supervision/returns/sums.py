"""Sums of ids, exact however many there are."""

from __future__ import annotations

from typing import Any

import numpy as np

_HALF = np.int64(32)
_LOW = np.int64(2**32 - 1)


def sum_of(ids: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    """The sum of ids of 63 bits as a whole number: in two halves, of which none overflows.

    Takes up to 2^31 ids at once.
    """
    high = int(np.sum(ids >> _HALF, dtype=np.int64))
    low = int(np.sum(ids & _LOW, dtype=np.int64))
    return (high << 32) + low
