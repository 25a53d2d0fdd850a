"""Whether every trade has its two rows: an asset one way, its price the other."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amanat.supervision.returns.findings import SHOWN_OF_ONE_MAX, Findings
from amanat.supervision.returns.registers import Places
from amanat.supervision.returns.spill import IdsSeen
from amanat.supervision.returns.values import Mask, Rows

_ASSETS = 1 << 16


class Trades:
    """Collects the rows of trades; whose both rows stand in one batch are done with at once.

    What is left, of trades that a batch cut in two and of those that are not sound, is kept by the
    digest of its trade and goes to files where it is much: memory is bounded.
    """

    def __init__(self, folder: Path) -> None:
        self._left = IdsSeen(folder)

    def add(self, rows: Rows, trades: Mask, assets: Places) -> None:
        """A batch: which of its rows are of trades, and the place of each row's asset."""
        here = np.flatnonzero(trades & rows.given["trade"])
        if not len(here):
            return
        named = rows.texts("trade").take(pa.array(here)).dictionary_encode()
        codes = pc.fill_null(named.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        here, codes = here[codes >= 0], codes[codes >= 0]
        count = len(named.dictionary)
        first, last = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        last[codes] = here
        first[codes[::-1]] = here[::-1]
        whole = (np.bincount(codes, minlength=count) == 2) & (assets[first] != assets[last])
        left = ~whole[codes]
        if not left.any():
            return
        keys = np.array(
            [0 if whole[at] else _key(one) for at, one in enumerate(named.dictionary.to_pylist())],
            dtype=np.int64,
        )
        of_row = rows.numbers[here[left]] * _ASSETS + assets[here[left]] + 1
        self._left.add(keys[codes[left]], of_row)

    def finish(self, findings: Findings, file: str) -> None:
        """Note the rows of every trade that has not two of them, of two assets."""
        wrong, shown = 0, list[tuple[int | None, object]]()
        for part in self._left.parts():
            found = _wrong(part)
            wrong += len(found)
            first = np.sort(found)[:SHOWN_OF_ONE_MAX].tolist()
            shown = sorted([*shown, *((row // _ASSETS, None) for row in first)])[:SHOWN_OF_ONE_MAX]
        findings.add_many(file, "trade_rows", "trade", shown, wrong)


def _wrong(part: Any) -> Places:
    """The rows of trades that are not sound, of keys with their rows and assets."""
    part = part[np.lexsort((part[:, 1], part[:, 0]))]
    starts = np.flatnonzero(np.diff(part[:, 0], prepend=-1))
    sizes = np.diff(starts, append=len(part))
    assets = part[:, 1] % _ASSETS
    pairs = sizes == 2
    one, other = assets[starts[pairs]], assets[starts[pairs] + 1]
    # An asset that is not known is told of already.
    sound = pairs.copy()
    sound[pairs] = (one != other) | (one == 0)
    found: Places = part[np.repeat(~sound, sizes), 1]
    return found


def _key(trade: str) -> int:
    return int.from_bytes(hashlib.sha256(trade.encode()).digest()[:8], "big") >> 1
