"""A copy of a pilot with another ISIN, dates, rate and sizes gives the sheet that follows from it.

The sheet is recomputed here from the files alone, by nothing of Amanat's arithmetic.
"""

from __future__ import annotations

import csv
import decimal
import re
import shutil
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from amanat.app import Application
from amanat.core.errors import AmanatError
from amanat.core.identifiers import isin_check_digit
from amanat.replay.loading import load_pilot
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, steps_of
from amanat.replay.report import auction_facts
from amanat.replay.runner import replay
from amanat.settings import Settings

FACTOR = 3
RATE = Decimal("6.25")
STEM = "PKZZ9RENAME"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_AMOUNT = re.compile(r'"([0-9.]+) million ([A-Z]{3})"')
_CSV_COLUMN = re.compile(r"_pkr_million$")


def renamed(folder: Path, copy: Path, weeks: int) -> Path:
    """A copy in which every date, size, the ISIN and the rate is another; nothing published."""
    shutil.copytree(folder, copy)
    isin = next(iter(load_pilot(folder).instruments))
    for path in sorted(one for one in copy.rglob("*") if one.suffix in (".toml", ".csv")):
        text = path.read_text(encoding="utf-8")
        text = text.replace(isin, STEM + isin_check_digit(STEM))
        text = _DATE.sub(lambda found: moved(found.group(), weeks), text)
        text = _scaled_table(text) if path.suffix == ".csv" else _scaled_terms(text)
        if path.name == "cash.csv":
            text = _funded_at_once(text)
        path.unlink()
        named = _DATE.sub(lambda found: moved(found.group(), weeks), path.name)
        path.with_name(named).write_text(text, encoding="utf-8")
    return copy


def moved(day: str, weeks: int) -> str:
    return (date.fromisoformat(day) + timedelta(weeks=weeks)).isoformat()


def _scaled_terms(text: str) -> str:
    text = re.sub(r"(?ms)^\[tender\.published\].*?(?=^\[|\Z)", "", text)
    text = re.sub(r"(?m)^coupon_rate = \S+", f"coupon_rate = {RATE}", text)
    return _AMOUNT.sub(
        lambda found: f'"{Decimal(found.group(1)) * FACTOR:f} million {found.group(2)}"', text
    )


def _scaled_table(text: str) -> str:
    lines, columns = [], None
    for line in text.splitlines():
        cells = line.split(",")
        if line and not line.startswith("#"):
            if columns is None:
                columns = [bool(_CSV_COLUMN.search(name)) for name in cells]
            else:
                cells = [
                    f"{Decimal(cell) * FACTOR:f}" if scaled else cell
                    for cell, scaled in zip(cells, columns, strict=True)
                ]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def _funded_at_once(text: str) -> str:
    """The treasury has its money from the first day of cash: coupons fall on other days now."""
    first = min(_DATE.findall(text))
    return re.sub(rf"(?m)^{_DATE.pattern},treasury,", f"{first},treasury,", text)


def first_sound_copy(folder: Path, parent: Path) -> Path:
    """The copy moved by the fewest weeks that meets no holiday."""
    for weeks in range(1, 60):
        copy = renamed(folder, parent / f"moved-{weeks}", weeks)
        try:
            load_pilot(copy)
        except AmanatError:
            continue
        return copy
    raise LookupError("no number of weeks avoids every holiday")


# -- the sheet again, from the files ---------------------------------------------------------------


def table(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if line and not line.startswith("#")))


def months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, day.day)


def street_price(percent: Decimal, days_left: int, days: int, coupons: int) -> Decimal:
    """The dirty price of a bond with `coupons` half-yearly coupons to come, the next after
    `days_left` of the `days` of the running period."""
    factor = 1 / (1 + percent / 200)
    share = Decimal(days_left) / days
    half = RATE / 2
    return sum(
        ((half + (100 if one == coupons - 1 else 0)) * factor ** (share + one)
         for one in range(coupons)),
        Decimal(0),
    )  # fmt: skip


def street_yield(dirty: Decimal, days_left: int, days: int, coupons: int) -> Decimal:
    low, high = Decimal(-10), Decimal(100)
    for _ in range(120):
        middle = (low + high) / 2
        if street_price(middle, days_left, days, coupons) > dirty:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def recomputed(folder: Path, tender: dict[str, Any]) -> dict[str, Any]:
    """Totals in PKR million, yields in per cent, of bids all of which are accepted."""
    terms = tomllib.loads((folder / "instruments.toml").read_text(encoding="utf-8"))["instrument"]
    maturity, settled = terms[0]["maturity_date"], tender["settlement_date"]
    coupons = 0
    while months_before(maturity, 6 * coupons) > settled:
        coupons += 1
    start, end = months_before(maturity, 6 * coupons), months_before(maturity, 6 * (coupons - 1))
    days, left = (end - start).days, (end - settled).days
    accrued = RATE / 2 * (days - left) / days
    rows = []
    for bid in table(folder / tender["bids"]):
        face, price = Decimal(bid["face_pkr_million"]) * 10**6, Decimal(bid["price"])
        rows.append(
            {
                "face": face,
                "yield": rounded(street_yield(price + accrued, left, days, coupons), 4),
                "realised": rounded(face * price / 100, 2),
                "accrued": rounded(face * accrued / 100, 2),
            }
        )
    total = sum(row["face"] for row in rows)
    average = rounded(sum(row["face"] * row["yield"] for row in rows) / total, 4)
    apart = rounded(street_price(average, left, days, coupons) - accrued, 4)
    others = [
        Decimal(one["face_pkr_million"]) * 10**6
        for one in table(folder / tender["non_competitive_bids"])
    ] if "non_competitive_bids" in tender else []  # fmt: skip
    return {
        "yields": [row["yield"] for row in rows],
        "average_yield": average,
        "non_competitive_price": apart if others else None,
        "face": millions(total),
        "realised": millions(sum(row["realised"] for row in rows)),
        "accrued": millions(sum(row["accrued"] for row in rows)),
        "non_competitive": millions(
            sum((rounded(face * apart / 100, 2) for face in others), Decimal(0))
        ),
    }


def millions(value: Decimal) -> Decimal:
    return rounded(value / 10**6, 3)


@pytest.mark.timeout(180)
def test_renamed_copy_gives_its_own_sheets(shipped: Callable[[str], Path], tmp_path: Path) -> None:
    folder = first_sound_copy(shipped("bond"), tmp_path)
    pilot = load_pilot(folder)
    last_award = max(place for place, step in enumerate(steps_of(pilot)) if step.kind is Kind.AWARD)
    with Application(Settings.at(tmp_path / "data", light_keys=True)) as application:
        replay(application, pilot, until=last_award + 1)
        performer = Performer(application, pilot)
        with application.store.reading() as connection:
            auctions = [auction_facts(connection, performer, one) for one in pilot.tenders]
    stated = tomllib.loads(
        (folder / "tenders.toml").read_text(encoding="utf-8"), parse_float=Decimal
    )
    for tender, auction in zip(stated["tender"], auctions, strict=True):
        sheet = auction["sheet"]
        with decimal.localcontext(prec=40):
            expected = recomputed(folder, tender)
        assert sheet["isin"] == STEM + isin_check_digit(STEM)
        rows = [row for row in sheet["rows"] if row["competitive"]]
        assert sorted(Decimal(row["yield_pct"]) for row in rows) == sorted(expected["yields"])
        sums = sheet["competitive"]
        assert Decimal(sums["face_value"]) == expected["face"]
        assert Decimal(sums["realised_value"]) == expected["realised"]
        assert Decimal(sums["accrued_interest"]) == expected["accrued"]
        assert Decimal(sheet["average_yield"]) == expected["average_yield"]
        if expected["non_competitive_price"] is not None:
            assert Decimal(sheet["non_competitive_price"]) == expected["non_competitive_price"]
        others = Decimal(sheet["non_competitive"]["realised_value"])
        assert others == expected["non_competitive"]
