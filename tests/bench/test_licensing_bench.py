"""The licensing bench measures what it says: true histories under other names, the slowest page."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from amanat.licensing import tables
from amanat.licensing.register.model import (
    Change,
    ChangeKind,
    ListedPermission,
    RegisterEntry,
    as_of,
    chained,
)

BENCH = str(Path(__file__).resolve().parents[2] / "bench")
DAY = date(2026, 1, 12)


@pytest.fixture(scope="module")
def bench() -> Any:
    """The bench's module, with the others of its folder."""
    sys.path.insert(0, BENCH)
    try:
        import licensing

        yield licensing
    finally:
        sys.path.remove(BENCH)


def history(bench: Any) -> Any:
    """A provider with one file, two steps of it, and a permission."""
    held = ListedPermission(
        "P0007-01", "noc", ("exchange",), "in_force", DAY, DAY, None, "Ordinance 2025"
    )
    entry = RegisterEntry(
        provider="maker",
        name="Maker",
        trade_names=(),
        lei=None,
        registration=None,
        country="AE",
        website=None,
        status="noc",
        status_since=DAY,
        services=(),
        flags=(),
        permissions=(held,),
    )
    at = datetime(2026, 1, 12, tzinfo=UTC)
    change = Change(1, "-", "", ChangeKind.ENTERED, at, DAY, "law", "granted", entry)
    rows = {
        bench.institution: [{"code": "maker", "name": "Maker", "programme": "x"}],
        bench.person: [{"code": "maker_officer", "role": "officer", "address": "0x1"}],
        tables.provider: [{"code": "maker", "number": 7}],
        tables.licensing_file: [{"id": "f", "number": "NOC-2026-0003", "provider": "maker"}],
        tables.file_step: [{"id": "a", "file": "f"}, {"id": "b", "file": "f"}],
        tables.permission: [{"id": "p", "number": "P0007-01", "file": "f", "provider": "maker"}],
    }
    return bench.History("maker", 7, rows, (change,))


def test_a_copy_is_the_same_history_of_somebody_else(bench: Any) -> None:
    rows, changes = bench.copied(history(bench), 12)
    (file,) = rows[tables.licensing_file]
    (held,) = rows[tables.permission]
    assert file["provider"] == held["provider"] == rows[bench.institution][0]["code"] != "maker"
    assert file["number"] == "NOC-2026-900012"
    assert held["file"] == file["id"] != "f"
    assert [step["file"] for step in rows[tables.file_step]] == [file["id"]] * 2
    # Ids sort by time, so what came first still does.
    assert rows[tables.file_step][0]["id"] < rows[tables.file_step][1]["id"]
    assert rows[bench.person][0]["address"] is None
    assert changes[0].entry.provider == held["provider"]
    assert changes[0].entry.permissions[0].number == held["number"]


def test_no_two_copies_share_a_name_or_number(bench: Any) -> None:
    made = [bench.copied(history(bench), place) for place in range(20)]
    for table, column in (
        (bench.institution, "code"),
        (tables.provider, "number"),
        (tables.licensing_file, "number"),
        (tables.permission, "number"),
        (tables.file_step, "id"),
    ):
        every = [row[column] for rows, _ in made for row in rows[table]]
        assert len(set(every)) == len(every)


def test_the_copied_register_is_one_chain(bench: Any) -> None:
    changes = [one for place in range(5) for one in bench.copied(history(bench), place)[1]]
    assert len(as_of(chained(changes), DAY).entries) == 5


def test_the_figure_of_the_bar_is_the_slowest_page_of_either_database(bench: Any) -> None:
    pages = sys.modules[bench.measure.__module__]
    found = [
        pages.Looked("sqlite", 100, "register", (1.0, 2.0, 9.0)),
        pages.Looked("postgresql", 100, "register", (3.0, 4.0, 5.0)),
        pages.Looked("postgresql", 100, "files, consulted", (2.0, 3.0, 30.0)),
    ]
    figures = {one["key"]: one for one in pages.figures(found)}
    assert figures["page_p50_ms"]["value"] == 4.0
    assert figures["page_p50_ms"]["database"] == "postgresql"
    assert figures["page_p99_ms"]["page"] == "files, consulted"
    assert figures["page_p50_ms.files_consulted.postgresql"]["value"] == 3.0
    assert all(one["unit"] == "ms" and one["size"] == 100 for one in figures.values())
