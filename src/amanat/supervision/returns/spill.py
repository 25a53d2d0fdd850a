"""Ids of transactions, as many as there are, in bounded memory: which come twice, and their sum."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from amanat.supervision.returns.manifest import ID_SUM_MODULUS
from amanat.supervision.returns.sums import sum_of

_HELD_MAX = 1 << 22
_PARTS = 64
_SHIFT = np.int64(63 - 6)

Ids = np.ndarray[Any, np.dtype[np.int64]]


class IdsSeen:
    """Collects ids with their rows; beyond four million they go to files, by their first bits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[Ids] = []
        self._files: list[Any] = []
        self._count = 0
        self.rows = 0
        self._sum = 0

    @property
    def id_sum(self) -> int:
        """The sum of all ids modulo 2^128."""
        return self._sum % ID_SUM_MODULUS

    def add(self, ids: Ids, rows: Ids) -> None:
        """Some ids, and the numbers of their rows."""
        self._held.append(np.column_stack((ids, rows)))
        self._count += len(ids)
        self.rows += len(ids)
        self._sum += sum_of(ids)
        if self._count > _HELD_MAX:
            self._to_files()

    def twice(self) -> Iterator[tuple[int, int]]:
        """Every row whose id an earlier row has, with that row; what was collected is let go."""
        for part in self.parts():
            order = np.lexsort((part[:, 1], part[:, 0]))
            part = part[order]
            again = np.flatnonzero(part[1:, 0] == part[:-1, 0]) + 1
            for at in again:
                yield int(part[at, 1]), int(part[at - 1, 1])

    def _to_files(self) -> None:
        if not self._files:
            self._files = [
                tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
                for _ in range(_PARTS)
            ]
        whole = np.concatenate(self._held)
        places = whole[:, 0] >> _SHIFT
        order = np.argsort(places, kind="stable")
        whole, bounds = whole[order], np.searchsorted(places[order], np.arange(_PARTS + 1))
        for at, file in enumerate(self._files):
            file.write(whole[bounds[at] : bounds[at + 1]].tobytes())
        self._held, self._count = [], 0

    def parts(self) -> Iterator[Ids]:
        """All of them, in parts such that equal ids are in one; what was collected is let go."""
        if not self._files:
            if self._held:
                yield np.concatenate(self._held)
            return
        self._to_files_last()
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), dtype=np.int64).reshape(-1, 2)
            file.close()

    def _to_files_last(self) -> None:
        if self._held:
            self._to_files()
