"""Broken supervision of a pilot: each mistake with file, line and rule, all of them at once."""

from __future__ import annotations

import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from amanat.core.errors import Refusal, Refusals
from amanat.replay.acting.returning import records_of
from amanat.replay.loading import SECURITIES_FILES, load_pilot
from amanat.replay.plan import Kind, Stage, steps_of
from amanat.replay.supervision import (
    CUSTOMERS_FILE,
    LABELLED_FILE,
    PERSONS_FILE,
    SUPERVISION_FILE,
    TRANSFERS_FILE,
)
from amanat.replay.supervision_model import BANK, Breaks, Does

from .conftest import PILOTS, Copy


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """A copy of the shipped pilot that supervises."""
    found = next(one.parent for one in sorted(PILOTS.glob(f"*/{SUPERVISION_FILE}")))
    return Copy(Path(shutil.copytree(found, tmp_path / "pilot")))


def refusals(folder: Any) -> list[Refusal]:
    """Every refusal of a folder, in order."""
    try:
        load_pilot(folder.path)
    except Refusals as found:
        return list(found.refusals)
    except Refusal as refusal:
        return [refusal]
    return []


def with_event(folder: Any, former: str, changed: str) -> int:
    """Change the first line that has this text; its number."""
    lines = folder.lines(SUPERVISION_FILE)
    place = next(at for at, line in enumerate(lines) if former in line)
    lines[place] = lines[place].replace(former, changed)
    folder.write(SUPERVISION_FILE, lines)
    return place + 1


def test_the_shipped_folder_is_sound(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    said = pilot.supervision
    assert said is not None
    assert pilot.instruments == {}
    assert {one.does for one in said.events} == set(Does)
    broken = {one.said["breaks"] for one in said.events if "breaks" in one.said}
    assert broken == {one.value for one in Breaks}
    held = Counter(one.person for one in said.customers.values())
    assert max(held.values()) == 2
    assert len({one.typology for one in said.labels}) == 7
    assert {one.code for one in said.labels} <= set(said.transfers)


def test_every_event_is_a_step_of_its_day(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    assert pilot.supervision is not None
    steps = [one for one in steps_of(pilot) if one.kind is Kind.SUPERVISION]
    assert [one.about for one in steps] == list(pilot.supervision.events)
    assert len({one.key for one in steps}) == len(steps)
    assert all(one.day == one.about.on and one.stage is Stage.SUPERVISION for one in steps)


def test_what_one_return_closes_with_the_next_one_opens_with(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    said = pilot.supervision
    assert said is not None
    sent = [one.said for one in said.events if one.does is Does.SEND and "breaks" not in one.said]
    for exchange in said.exchanges:
        periods = sorted(
            {(one["first_day"], one["last_day"]) for one in sent if one["exchange"] == exchange}
        )
        assert len(periods) == 4
        last: dict[str, Decimal] = {}
        reported = 0
        for days in periods:
            records = records_of(said, exchange, days)
            for row in records["balances"]:
                assert row["opening"] >= 0
                assert row["closing"] >= 0
                assert last.get(row["account"], row["opening"]) == row["opening"]
            last = {row["account"]: row["closing"] for row in records["balances"]}
            reported += len(records["transactions"])
        own = {one.code for one in said.customers.values() if one.exchange == exchange}
        moved = [one for one in said.transfers.values() if own.intersection(one.sides)]
        assert reported == len(moved)


def test_all_mistakes_of_several_files_at_once(folder: Any) -> None:
    lines = {
        folder.cell(PERSONS_FILE, 1, "cnic", "35202-0000001"): PERSONS_FILE,
        folder.cell(CUSTOMERS_FILE, 2, "iban", "PK00INVT0000000000000002"): CUSTOMERS_FILE,
        folder.cell(CUSTOMERS_FILE, 3, "person", "p9999"): CUSTOMERS_FILE,
        folder.cell(TRANSFERS_FILE, 4, "amount_pkr", "-5"): TRANSFERS_FILE,
        folder.cell(TRANSFERS_FILE, 6, "receiver", "a9999"): TRANSFERS_FILE,
        folder.cell(LABELLED_FILE, 1, "transfer", "t99999"): LABELLED_FILE,
    }
    found = refusals(folder)
    assert {(one.place.line, one.place.file) for one in found if one.place} >= set(lines.items())
    said = "\n".join(map(str, found))
    for words in ("35202-0000001-1", "check digits", "p9999", "amount", "a9999", "t99999"):
        assert words in said


@pytest.mark.parametrize(
    ("former", "changed", "said"),
    [
        ('supervisor = "pvara"', 'supervisor = "fmu"', "supervises"),
        ('district = "Lahore"', 'district = "Lahor"', "district"),
        ('what = "group"', 'what = "grope"', "grope"),
        ('list = "nacta"', 'list = "nectar"', "nectar"),
        ('file = "', 'file = "../', "a file of the folder"),
        ('basis = "ata"', 'basis = "attar"', "attar"),
        ('expects = ["total_value"]', 'expects = ["totals"]', "rules"),
        ('breaks = "totals"', 'without = ["t00001"]', "stand together"),
        ('without = ["', 'without = ["t99999", "', "t99999"),
        ("on = 2026-10-14", "on = 2026-10-17", "settlement day"),
        ("last_day = 2026-10-31", "last_day = 2026-11-09", "last day"),
        ('indicators = ["VA-PAT", "VA-TXN"]', 'indicators = ["VA-PET"]', "VA-PET"),
        ('what = "receive"', 'what = "screen"', "receive does not come before"),
        ("first_day = 2026-09-01", 'first_day = "soon"', "soon"),
    ],
)
def test_a_mistake_is_told_where_it_stands(
    folder: Any, former: str, changed: str, said: str
) -> None:
    line = with_event(folder, former, changed)
    found = refusals(folder)
    assert any(said in str(one) for one in found), [str(one) for one in found]
    places = {one.place.file for one in found if one.place}
    assert SUPERVISION_FILE in places or "institutions.csv" in places
    if said not in ("supervises", "receive does not come before", "stand together", "last day"):
        assert line in {one.place.line for one in found if one.place}


def test_transfers_go_forward_between_open_accounts(folder: Any) -> None:
    earlier = folder.cell(TRANSFERS_FILE, 3, "day", "2026-08-11")
    sender = folder.read_cell(TRANSFERS_FILE, 9, "sender")
    same = folder.cell(TRANSFERS_FILE, 9, "receiver", sender)
    cash = next(
        row
        for row in range(10, 400)
        if BANK
        not in (
            folder.read_cell(TRANSFERS_FILE, row, "sender"),
            folder.read_cell(TRANSFERS_FILE, row, "receiver"),
        )
    )
    inside = folder.cell(TRANSFERS_FILE, cash, "cash", "true")
    late = folder.cell(CUSTOMERS_FILE, 1, "opened", "2026-11-19")
    found = refusals(folder)
    assert {earlier, same, inside} <= {one.place.line for one in found if one.place}
    said = "\n".join(map(str, found))
    for words in ("is earlier than", "on both sides", "only money from outside", "the opening of"):
        assert words in said
    assert late


def test_a_list_that_is_none_is_refused_unread(folder: Any) -> None:
    name = next(one.name for one in folder.path.glob("*.json"))
    (folder.path / name).write_text("{", encoding="utf-8")
    assert [one for one in refusals(folder) if "JSON" in str(one)]
    (folder.path / name).unlink()
    assert [one for one in refusals(folder) if f"there is no file {name}" in str(one)]


def test_a_real_provider_reports_nothing_here(folder: Any) -> None:
    folder.cell("providers.csv", 1, "invented", "false")
    assert [one for one in refusals(folder) if "nobody's to invent" in str(one)]


def test_with_one_file_of_securities_all_are_needed(folder: Any) -> None:
    (folder.path / SECURITIES_FILES[0]).write_text("# nothing yet\n", encoding="utf-8")
    found = [one for one in refusals(folder) if "the file is missing" in str(one)]
    missing = {one.place.file for one in found if one.place}
    assert missing == set(SECURITIES_FILES[1:])
