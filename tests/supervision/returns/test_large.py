"""Large files: refused before they are read where they are too large, else read in parts."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from amanat.supervision.returns import checking, reading, spill
from amanat.supervision.returns.checking import Check, files_in
from amanat.supervision.returns.specification import MANIFEST, TRANSACTIONS
from amanat.supervision.returns.values import Rows, typed
from amanat.supervision.returns.writing import (
    digest_of,
    table_of,
    texts_of,
    totals_of,
    write_manifest,
)

from .exchanges import PACK, TODAY, at, checked, found, transaction, written

GIB = 2**30


def test_ten_gibibytes_are_refused_without_being_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    path = folder / "transactions.csv"
    os.truncate(path, 10 * GIB)  # sparse: it takes no place on the disk
    limited = replace(PACK, limits=replace(PACK.limits, file_mib_max=1024))
    read = 0

    def told(count: int) -> None:
        nonlocal read
        read += count

    findings = Check(files_in(folder), limited, TODAY, now=at(12, day=TODAY), told=told).run()
    assert findings.findings.by_rule == {"balance": 4, "inflates_too_far": 1}
    assert read < 100_000


def with_rows(folder: Path, count: int) -> int:
    """A return of so many payments in CSV, quickly; the size of its file."""
    one = texts_of(TRANSACTIONS, table_of(TRANSACTIONS, [transaction("R1", "fiat_in")]))
    (row,) = one.to_pylist()
    values = [row[name.name] or "" for name in TRANSACTIONS.columns]
    head = ",".join(name.name for name in TRANSACTIONS.columns)
    rest = ",".join(str(value) for value in values[1:])
    path = folder / "transactions.csv"
    path.write_text(head + "\n" + "".join(f"R{at},{rest}\n" for at in range(count)))
    paid = table_of(TRANSACTIONS, [transaction("R1", "fiat_in")])
    total = totals_of(paid)
    value = f"{250_000 * count}.00"
    manifest = json.loads((folder / MANIFEST).read_text())
    for file in manifest["files"]:
        if file["name"] == path.name:
            file |= {"sha256": digest_of(path), "rows": count}
    balances = folder / "balances.csv"
    balances.write_text(f"account,asset,opening,closing\nA1,PKR,0,{250_000 * count}\n")
    for file in manifest["files"]:
        if file["name"] == balances.name:
            file |= {"sha256": digest_of(balances), "rows": 1}
    same = {"rows": count, "value": value, "minor": value.replace(".", "")}
    manifest["totals"] = total | same | {"kinds": {"fiat_in": same}}
    write_manifest(folder, manifest)
    return path.stat().st_size


def test_memory_goes_with_a_batch_and_not_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small blocks, so that small files have many of them.
    monkeypatch.setattr(reading, "_CSV_BLOCK", 1 << 16)
    held: list[int] = []

    def noted(*given: Any) -> Rows:
        held.append(pa.total_allocated_bytes())
        return typed(*given)

    monkeypatch.setattr(checking, "typed", noted)
    folder = written(tmp_path / "r")
    peaks = []
    for rows in (50_000, 250_000):
        before, held[:] = pa.total_allocated_bytes(), []
        with_rows(folder, rows)
        assert found(folder) == set()
        peaks.append(max(held) - before)
    small, large = peaks
    assert 0 < large < 2 * small
    assert large < (folder / "transactions.csv").stat().st_size


def test_every_row_counts_in_whatever_block_it_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    with_rows(folder, 150_000)
    text = (folder / "transactions.csv").read_text().replace("R149999,", "R149998,")
    (folder / "transactions.csv").write_text(text)
    shown = checked(folder).findings.shown
    assert (150_000, "unique", "as row 149999") in {(one.row, one.rule, one.value) for one in shown}


def test_ids_that_come_twice_are_found_though_they_went_to_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "_HELD_MAX", 1 << 12)
    draw = np.random.default_rng(1)
    seen = spill.IdsSeen(tmp_path)
    ids = draw.integers(0, 2**63 - 1, 50_000)
    whole = np.concatenate([ids, ids[:9]])
    for at_row in range(0, len(whole), 3_000):
        part = whole[at_row : at_row + 3_000]
        seen.add(part, np.arange(at_row + 1, at_row + 1 + len(part)))
    assert seen.id_sum == sum(whole.tolist()) % 2**128
    assert sorted(seen.twice()) == [(50_001 + one, 1 + one) for one in range(9)]
