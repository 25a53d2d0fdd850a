"""Twelve kinds of broken folder, each refused with file, line and rule before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from amanat.core.dates import date_from
from amanat.core.errors import Refusal, Refusals
from amanat.replay.loading import load_pilot
from amanat.replay.reading import FILE_BYTES_MAX

URDU = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def assert_only(
    refusals: list[Refusal], code: str, file: str, line: int | None, *said: str
) -> None:
    """One refusal stands there, with this code and place, and says these words."""
    assert [(one.code, str(one.place)) for one in refusals if one.code != code] == []
    assert len(refusals) == 1, [str(one) for one in refusals]
    found = refusals[0]
    assert found.place is not None
    assert found.place.file == file
    assert found.place.line == line
    for words in said:
        assert words in str(found)


@pytest.mark.parametrize("kind", ["bond", "bill"])
def test_shipped_pilots_are_sound(shipped: Callable[[str], Path], kind: str) -> None:
    pilot = load_pilot(shipped(kind))
    assert pilot.tenders
    assert pilot.trades


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="holds no TOML or CSV file") as caught:
        load_pilot(tmp_path)
    assert caught.value.code == "folder_not_found"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="there is no such folder"):
        load_pilot(tmp_path / "nowhere")


def test_duplicate_isin(copy: Any) -> None:
    lines = copy.lines("instruments.toml")
    start = lines.index("[[instrument]]")
    copy.write("instruments.toml", lines + lines[start:])
    found = copy.refusals()
    second = len(lines) + next(n for n, one in enumerate(lines[start:]) if one.startswith("isin"))
    codes = [one for one in found if one.code == "duplicate_code"]
    assert_only(codes, "duplicate_code", "instruments.toml", second + 1, "is given twice")


def test_bad_check_digit(copy: Any) -> None:
    line = next(one for one in copy.lines("instruments.toml") if one.startswith("isin"))
    isin = line.split('"')[1]
    wrong = isin[:11] + str((int(isin[11]) + 1) % 10)
    at = copy.key("instruments.toml", "isin", f'"{wrong}"')
    assert_only(
        copy.refusals(), "invalid_isin", "instruments.toml", at, f"check digit should be {isin[11]}"
    )


def test_bid_over_the_cap(copy: Any) -> None:
    tender = next(one for one in load_pilot(copy.path).tenders if one.investor_bids)
    file = tender.investor_bids[0].where.file
    over = tender.terms.investor_cap // 1_000_000 + 1
    at = copy.cell(file, 1, "face_pkr_million", str(over))
    assert_only(copy.refusals(), "investor_over_cap", file, at, f"{over}000000", "cap")


def test_trade_on_a_holiday(copy: Any) -> None:
    pilot = load_pilot(copy.path)
    holiday = next(
        day
        for day in sorted(pilot.calendar.days_off)
        if day > pilot.trades[0].settles_on and not pilot.calendar.is_settlement_day(day)
    )
    copy.cell("trades.csv", 1, "last_day", holiday.isoformat())
    at = copy.cell("trades.csv", 1, "settlement_date", holiday.isoformat())
    found = copy.refusals()
    name = pilot.calendar.days_off[holiday].name
    assert {one.code for one in found} == {"not_settlement_day"}
    assert {(one.place.file, one.place.line) for one in found} == {("trades.csv", at)}
    assert name in str(found[0])


def test_trade_on_a_weekend(copy: Any) -> None:
    pilot = load_pilot(copy.path)
    day = pilot.trades[0].traded_on
    while day.isoweekday() != 7:
        day -= timedelta(days=1)
    at = copy.cell("trades.csv", 1, "trade_date", day.isoformat())
    assert_only(copy.refusals(), "not_settlement_day", "trades.csv", at, "Sunday")


def test_negative_nominal(copy: Any) -> None:
    at = copy.cell("trades.csv", 2, "face_pkr_million", "-100")
    assert_only(copy.refusals(), "value_wrong", "trades.csv", at, "negative", "face_pkr_million")


def test_unknown_holder(copy: Any) -> None:
    at = copy.cell("trades.csv", 3, "buyer", "nobody_at_all")
    assert_only(copy.refusals(), "unknown_holder", "trades.csv", at, "nobody_at_all")


def test_wrong_unit_of_an_amount(copy: Any) -> None:
    at = copy.key("tenders.toml", "target", '"40 tonnes"')
    assert_only(copy.refusals(), "value_wrong", "tenders.toml", at, "is written with its unit")


def test_wrong_currency_of_an_amount(copy: Any) -> None:
    at = copy.key("programme.toml", "ceiling", '"500 million PKR"')
    said = "the unit is PKR, but this amount is in USD"
    assert_only(copy.refusals(), "value_wrong", "programme.toml", at, said)


def test_wrong_unit_of_a_column(copy: Any) -> None:
    lines = [line.replace("amount_pkr_million", "amount_usd") for line in copy.lines("cash.csv")]
    copy.write("cash.csv", lines)
    found = copy.refusals()
    assert {one.code for one in found} == {"value_wrong"}
    assert "the unit of amount is PKR" in str(found[0])


def test_urdu_digits_in_a_table(copy: Any) -> None:
    face = copy.read_cell("trades.csv", 1, "face_pkr_million").translate(URDU)
    at = copy.cell("trades.csv", 1, "face_pkr_million", face)
    assert_only(copy.refusals(), "digits_not_ascii", "trades.csv", at, face)


def said(refusals: list[Refusal]) -> list[tuple[str, str, int | None]]:
    """What was told: rule, file and line."""
    places = [(one.code, one.place) for one in refusals]
    return [(code, str(place and place.file), place and place.line) for code, place in places]


def test_urdu_digits_hide_no_other_mistake(copy: Any) -> None:
    for column in ("face_pkr_million", "price"):
        digits = copy.read_cell("trades.csv", 1, column).translate(URDU)
        first = copy.cell("trades.csv", 1, column, digits)
    copy.cell("trades.csv", 1, "buyer", "nobody_at_all")
    second = copy.cell("trades.csv", 2, "price", "cheap")
    copy.cell("trades.csv", 2, "seller", "nobody_either")
    third = copy.cell("trades.csv", 3, "face_pkr_million", "-1")
    fourth = copy.append("trades.csv", "one,two")
    assert said(copy.refusals()) == [
        ("digits_not_ascii", "trades.csv", first),
        ("digits_not_ascii", "trades.csv", first),
        ("unknown_holder", "trades.csv", first),
        ("invalid_number", "trades.csv", second),
        ("unknown_holder", "trades.csv", second),
        ("value_wrong", "trades.csv", third),
        ("file_not_readable", "trades.csv", fourth),
    ]


@pytest.mark.parametrize("column", ["trade", "trade_date", "settlement_date", "isin", "seller"])
def test_a_cell_that_is_no_text_hides_no_other_mistake(copy: Any, column: str) -> None:
    at = copy.cell("trades.csv", 1, column, "?BROKEN?")
    later = copy.cell("trades.csv", 2, "buyer", "nobody_at_all")
    path = copy.path / "trades.csv"
    path.write_bytes(path.read_bytes().replace(b"?BROKEN?", b"\xff\xfe"))
    assert said(copy.refusals()) == [
        ("file_not_readable", "trades.csv", at),
        ("unknown_holder", "trades.csv", later),
    ]


def test_a_file_in_another_encoding_is_refused_as_a_whole(copy: Any) -> None:
    path = copy.path / "trades.csv"
    path.write_bytes("\n".join(["é"] * 100).encode("latin-1"))
    assert_only(copy.refusals(), "file_not_readable", "trades.csv", None, "line 1 and 99 more")


def test_a_cell_without_end_is_refused(copy: Any) -> None:
    at = copy.append("trades.csv", "x" * 200_000)
    assert_only(copy.refusals(), "file_not_readable", "trades.csv", at, "field larger than")


def test_mistakes_of_a_row_of_bids_come_with_its_unreadable_cell(copy: Any) -> None:
    tender = next(one for one in load_pilot(copy.path).tenders if one.bids)
    file = tender.bids[0].where.file
    at = copy.cell(file, 1, "face_pkr_million", "۱۲x")
    copy.cell(file, 1, "bidder", "nobody_at_all")
    found = said(copy.refusals())
    assert found == [
        ("digits_not_ascii", file, at),
        ("invalid_number", file, at),
        ("unknown", file, at),
    ]


def test_urdu_digits_in_terms(copy: Any) -> None:
    at = copy.key("instruments.toml", "denomination", "1000".translate(URDU))
    found = [one for one in copy.refusals() if one.code == "digits_not_ascii"]
    assert_only(found, "digits_not_ascii", "instruments.toml", at)


def test_urdu_words_in_comments_are_welcome(copy: Any) -> None:
    copy.append("trades.csv", "# امانت ۱۲۳")
    assert copy.refusals() == []


def test_missing_tax_rate_for_a_date(copy: Any) -> None:
    pilot = load_pilot(copy.path)
    last = max(rate.last_day for rate in pilot.tax_rates if "company" in rate.holder_classes)
    row = next(rate for rate in pilot.tax_rates if rate.last_day == last)
    place = pilot.tax_rates.index(row) + 1
    copy.key("rates.toml", "last_day", (row.first_day + timedelta(days=1)).isoformat(), place)
    found = copy.refusals()
    assert {one.code for one in found} == {"tax_rate_missing"}
    assert {one.place.file for one in found} == {"rates.toml"}
    assert any("company" in str(one) for one in found)


def test_a_person_who_approves_their_own_proposal(copy: Any) -> None:
    proposer = copy.read_cell("institutions.csv", 2, "proposes")
    at = copy.cell("institutions.csv", 2, "approves", proposer)
    found = [one for one in copy.refusals() if one.code == "approves_own_proposal"]
    assert_only(found, "approves_own_proposal", "institutions.csv", at, proposer)


def test_a_file_of_50_megabytes_is_refused_unread(copy: Any, monkeypatch: Any) -> None:
    path = copy.path / "trades.csv"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    read: list[Path] = []
    original = Path.read_bytes

    def noting(self: Path) -> bytes:
        read.append(self)
        return original(self)

    monkeypatch.setattr(Path, "read_bytes", noting)
    found = [one for one in copy.refusals() if one.code == "file_too_large"]
    assert_only(found, "file_too_large", "trades.csv", None, "50000000", str(FILE_BYTES_MAX))
    assert path not in read


def test_all_mistakes_are_reported_at_once(copy: Any) -> None:
    first = copy.key("instruments.toml", "denomination", '"many"')
    second = copy.cell("trades.csv", 1, "price", "cheap")
    third = copy.cell("cash.csv", 1, "account", "nobody_at_all")
    with pytest.raises(Refusals) as caught:
        load_pilot(copy.path)
    places = {(one.place.file, one.place.line) for one in caught.value.refusals if one.place}
    assert {("instruments.toml", first), ("trades.csv", second), ("cash.csv", third)} <= places


def test_a_misspelt_column_is_a_mistake(copy: Any) -> None:
    copy.write(
        "trades.csv", [one.replace("last_day", "lastday") for one in copy.lines("trades.csv")]
    )
    found = copy.refusals()
    assert {one.code for one in found} == {"field_unknown"}
    assert "lastday" in str(found[0])


def test_a_column_given_twice_is_not_guessed_at(copy: Any) -> None:
    """Else the last of two prices would silently be the price."""
    lines = copy.lines("trades.csv")
    head = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    lines = lines[:head] + [
        one + (",price" if n == 0 else ",1") for n, one in enumerate(lines[head:])
    ]
    copy.write("trades.csv", lines)
    found = copy.refusals()
    assert_only(found, "file_not_readable", "trades.csv", head + 1, "two columns are called price")


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("trades.csv", 't99,"2021', "not CSV: unexpected end of data"),
        ("tenders.toml", f"[more]\nnumber = {'9' * 5_000}", "not TOML: Exceeds the limit"),
        ("tenders.toml", "[more]\ndeep = " + "[" * 50_000, "not TOML: maximum recursion depth"),
    ],
)
def test_what_readers_choke_on_is_refused_in_words(
    copy: Any, file: str, line: str, said: str
) -> None:
    copy.append(file, line)
    found = [one for one in copy.refusals() if said in str(one)]
    assert [(one.code, one.place.file) for one in found] == [("file_not_readable", file)]


def test_a_text_that_no_act_would_take_is_refused_beforehand(copy: Any) -> None:
    """It reads backwards on a screen; acts refuse it, so the run would have stopped half-way."""
    at = copy.cell("cash.csv", 1, "rtgs_reference", "RTGS-\u202e10-1")
    assert_only(copy.refusals(), "text_not_plain", "cash.csv", at, "U+202E")


def test_settlement_before_trade(copy: Any) -> None:
    pilot = load_pilot(copy.path)
    trade = pilot.trades[0]
    earlier = pilot.calendar.add_settlement_days(trade.traded_on, -1)
    copy.cell("trades.csv", 1, "last_day", earlier.isoformat())
    at = copy.cell("trades.csv", 1, "settlement_date", earlier.isoformat())
    assert_only(copy.refusals(), "days_disorderly", "trades.csv", at, "comes after")


def test_ceiling_passed(copy: Any) -> None:
    at = copy.key("programme.toml", "ceiling", '"1 million USD"')
    assert_only(copy.refusals(), "ceiling_passed", "programme.toml", at)


def test_exchange_rate_of_another_day(copy: Any) -> None:
    day = date_from(next(one for one in copy.lines("rates.toml") if one.startswith("day"))[-10:])
    copy.key("rates.toml", "day", (day + timedelta(days=1)).isoformat())
    assert [one.code for one in copy.refusals()] == ["exchange_rate_missing"]
