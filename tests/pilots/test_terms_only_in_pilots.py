"""A pilot's terms, dates and figures stand in its folder and in no line of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from amanat.replay.loading import load_pilot
from amanat.replay.model import Pilot

ROOT = Path(__file__).parents[2]
PILOTS = sorted(one.parent for one in (ROOT / "pilots").glob("*/programme.toml"))
_TEXT = {".py", ".toml", ".vy", ".vyi", ".html", ".js", ".css", ".cedar", ".json", ".po"}


def texts(folder: str) -> Iterator[tuple[Path, str]]:
    """Every text file below a folder of the project."""
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in _TEXT and path.is_file() and "vendor" not in path.parts:
            yield path, path.read_text(encoding="utf-8")


def dates_of(pilot: Pilot) -> set[date]:
    """The days that make this pilot: of its securities and its auctions."""
    days = set()
    for instrument in pilot.instruments.values():
        days |= {instrument.terms.issue_date, instrument.terms.maturity_date}
    for tender in pilot.tenders:
        days |= {tender.auction_on, tender.settles_on}
    return days


def names_of(pilot: Pilot) -> set[str]:
    """Identifiers that nothing else has a reason to say."""
    names = {pilot.programme.code, pilot.programme.title}
    for instrument in pilot.instruments.values():
        names |= {instrument.isin, str(instrument.terms.fisn)}
    names |= {tender.code for tender in pilot.tenders}
    return names | {entry.reference for entry in pilot.cash}


def figures_of(pilot: Pilot) -> set[str]:
    """Quotes and published figures with enough digits to be nobody else's."""
    figures = {str(bid.value) for tender in pilot.tenders for bid in tender.bids}
    figures |= {str(one) for tender in pilot.tenders for one in tender.published.values()}
    return {one for one in figures if len(one.replace(".", "").strip("0")) >= 5}


@pytest.mark.parametrize("folder", PILOTS, ids=lambda one: one.name)
def test_source_holds_none_of_them(folder: Path) -> None:
    pilot = load_pilot(folder)
    sought = {re.escape(one) for one in names_of(pilot) | {folder.name}}
    for day in dates_of(pilot):
        sought |= {day.isoformat(), rf"date\({day.year}, {day.month}, {day.day}\)"}
    sought |= {rf"(?<![\d.]){re.escape(one)}(?![\d.])" for one in figures_of(pilot)}
    pattern = re.compile("|".join(sorted(sought)))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in texts("src")
        for match in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("folder", PILOTS, ids=lambda one: one.name)
def test_tests_hold_none_of_their_names(folder: Path) -> None:
    """Tests may name a pilot's folder, to replay it; what stands in it they ask the folder."""
    pattern = re.compile("|".join(map(re.escape, sorted(names_of(load_pilot(folder))))))
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in texts("tests")
        if path.suffix == ".py"
        for match in pattern.finditer(text)
    ]
    assert found == []
