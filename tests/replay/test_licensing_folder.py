"""Broken licensing of a pilot: each mistake with file, line and rule, all of them at once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from amanat.core.errors import Refusal
from amanat.replay.licensing import LICENSING_FILE, PROVIDERS_FILE, PUBLISHED_FILE
from amanat.replay.licensing_model import What
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, Stage, steps_of
from amanat.replay.runner import known_and_to_come
from amanat.replay.supervision import SUPERVISION_FILE

from .conftest import PILOTS, Copy


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """A copy of the shipped pilot that licenses."""
    licensing = (one.parent for one in sorted(PILOTS.glob(f"*/{LICENSING_FILE}")))
    found = next(one for one in licensing if not (one / SUPERVISION_FILE).exists())
    return Copy(Path(shutil.copytree(found, tmp_path / "pilot")))


def only(refusals: list[Refusal], code: str, file: str, line: int, *said: str) -> None:
    """One refusal, with this code and place, that says these words."""
    assert [str(one) for one in refusals if one.code != code] == []
    assert len(refusals) == 1, [str(one) for one in refusals]
    place = refusals[0].place
    assert place is not None
    assert (place.file, place.line) == (file, line)
    for words in said:
        assert words in str(refusals[0])


def place_of(folder: Any, key: str, value: str) -> int:
    """Which occurrence of a key has a value, from 1."""
    rows = [one for one in folder.lines(LICENSING_FILE) if one.startswith(f"{key} =")]
    return next(n for n, one in enumerate(rows, 1) if value in one)


def set_first(folder: Any, key: str, former: str, value: str) -> int:
    """Change the first `key` that has `former`; its line."""
    line: int = folder.key(LICENSING_FILE, key, value, place_of(folder, key, former))
    return line


def test_the_shipped_folder_is_sound(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    assert pilot.licensing is not None
    invented = {one.invented for one in pilot.licensing.providers.values()}
    assert invented == {True, False}
    assert {one.what for one in pilot.licensing.events} == set(What)


def test_every_event_is_a_step_of_its_day(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    assert pilot.licensing is not None
    steps = [one for one in steps_of(pilot) if one.kind is Kind.LICENSING]
    assert {one.about.code for one in steps} == {one.code for one in pilot.licensing.events}
    assert len({one.key for one in steps}) == len(steps) == len(pilot.licensing.events)
    assert all(one.day == one.about.on and one.stage is Stage.LICENSING for one in steps)
    opened = [one.day for one in steps_of(pilot) if one.kind is Kind.CLOSE_DAY]
    assert {one.on for one in pilot.licensing.events} <= set(opened)


def test_what_is_tried_during_bidding_comes_before_the_bids(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    keys = [one.key for one in steps_of(pilot)]
    assert pilot.licensing is not None
    during = [one for one in pilot.licensing.events if one.during]
    assert during
    for event in during:
        place = keys.index(f"licensing/{event.code}/{event.what}")
        assert keys.index(f"announce/{event.during}") < place < keys.index(f"bid/{event.during}")


def test_days_that_have_not_come_are_left_and_listed(folder: Any) -> None:
    pilot = load_pilot(folder.path)
    steps = steps_of(pilot)
    middle = steps[len(steps) // 2].day
    known, to_come = known_and_to_come(pilot, middle)
    assert (*known, *to_come) == steps
    assert max(one.day for one in known) == middle < min(one.day for one in to_come)
    assert known_and_to_come(pilot, pilot.programme.last_day) == (steps, ())
    folder.key("programme.toml", "simulation", "true")
    assert known_and_to_come(load_pilot(folder.path), middle)[1] == ()


def test_an_unknown_provider(folder: Any) -> None:
    line = set_first(folder, "provider", "htx", '"nobody_at_all"')
    found = [one for one in folder.refusals() if "nobody_at_all" in str(one)]
    places = [(one.place.file, one.place.line, one.code) for one in found if one.place]
    assert (LICENSING_FILE, line, "unknown") in places


def test_a_real_provider_without_source(folder: Any) -> None:
    row = next(n for n in range(1, 9) if folder.read_cell(PROVIDERS_FILE, n, "invented") == "true")
    at = folder.cell(PROVIDERS_FILE, row, "invented", "false")
    code = folder.read_cell(PROVIDERS_FILE, row, "institution")
    found = folder.refusals()
    assert {one.code for one in found} == {"source_missing"}
    assert str(found[-1].place).startswith(f"{PROVIDERS_FILE}:{at}")
    events = [one for one in found if one.place and one.place.file == LICENSING_FILE]
    assert events
    assert all(code in str(one) for one in found)


def test_an_invented_provider_whose_name_could_be_real(folder: Any) -> None:
    lines = folder.lines("institutions.csv")
    place = next(n for n, one in enumerate(lines) if ",Invented " in one)
    lines[place] = lines[place].replace("Invented ", "Trusted ", 1)
    folder.write("institutions.csv", lines)
    only(folder.refusals(), "name_not_invented", "institutions.csv", place + 1, "Trusted")


def test_a_provider_that_may_not_apply(folder: Any) -> None:
    lines = folder.lines("institutions.csv")
    place = next(n for n, one in enumerate(lines) if one.startswith("htx,"))
    lines[place] = lines[place].replace("applicant", "participant")
    folder.write("institutions.csv", lines)
    only(folder.refusals(), "row_unsound", "institutions.csv", place + 1, "applicant")


def test_words_that_the_jurisdiction_does_not_have(folder: Any) -> None:
    wanted = {
        set_first(folder, "fact", "incorporated", '"married"'): "married",
        set_first(folder, "level", "full_freeze", '"half_freeze"'): "half_freeze",
        set_first(folder, "activity", "client_order", '"client_offer"'): "client_offer",
        folder.cell(PUBLISHED_FILE, 3, "status", "licenced"): "licenced",
    }
    found = folder.refusals()
    told = {one.place.line: str(one) for one in found if one.place and one.code == "unknown"}
    for line, word in wanted.items():
        assert word in told[line]


def test_days_that_go_back(folder: Any) -> None:
    line = set_first(folder, "on", "2026-01-14", "2025-12-17")
    only(folder.refusals(), "days_disorderly", LICENSING_FILE, line, "2026-01-12")


def test_a_day_on_which_nobody_works(folder: Any) -> None:
    line = set_first(folder, "on", "2026-01-14", "2026-01-17")
    only(folder.refusals(), "not_settlement_day", LICENSING_FILE, line, "Saturday")


def test_a_decision_without_review(folder: Any) -> None:
    lines = folder.lines(LICENSING_FILE)
    place = next(n for n, one in enumerate(lines) if one == 'what = "review"')
    lines[place] = 'what = "reviewed"'
    folder.write(LICENSING_FILE, lines)
    # What could not be read may be the ground of what follows: only the word is told.
    only(folder.refusals(), "value_wrong", LICENSING_FILE, place + 1, "reviewed")


def test_a_licence_without_decision(folder: Any) -> None:
    place = place_of(folder, "file", "licence")
    lines = folder.lines(LICENSING_FILE)
    decided = [
        n
        for n, one in enumerate(lines)
        if one == 'what = "decide"' and lines[n + 1] == 'file = "licence"'
    ]
    lines[decided[0] + 2] = 'outcome = "refuse"'
    folder.write(LICENSING_FILE, lines)
    assert place
    found = folder.refusals()
    assert {one.code for one in found} == {"ground_missing"}
    assert "license" in str(found[0])


def test_whoever_recommends_does_not_decide(folder: Any) -> None:
    line = folder.key(LICENSING_FILE, "decides", '"pvara_officer"')
    only(folder.refusals(), "person_unfit", LICENSING_FILE, line, "decides what they recommended")


def test_nobody_confirms_the_fact(folder: Any) -> None:
    lines = [
        one.replace("confirms.goaml_registered ", "") for one in folder.lines("institutions.csv")
    ]
    folder.write("institutions.csv", lines)
    found = folder.refusals()
    assert {one.code for one in found} == {"unknown"}
    assert all("confirms.goaml_registered" in str(one) for one in found)


def test_scores_of_another_area(folder: Any) -> None:
    line = set_first(folder, "scores", "governance = 4", "{ governance = 4, manners = 5 }")
    only(folder.refusals(), "row_unsound", LICENSING_FILE, line, "risk_management")


def test_a_score_above_five(folder: Any) -> None:
    line = set_first(folder, "scores", "governance = 4", "{ governance = 9 }")
    only(folder.refusals(), "value_wrong", LICENSING_FILE, line, "from 0 to 5")


def test_an_account_of_a_provider_without_licence(folder: Any) -> None:
    at = folder.append("accounts.csv", "htx_own,htx,own,,company,SC")
    found = folder.refusals()
    assert {(one.place.file, one.place.line) for one in found if one.place} == {
        ("accounts.csv", at)
    }
    assert {one.code for one in found} == {"unknown", "ground_missing"}


def test_a_column_nobody_reads_and_a_table_nobody_knows(folder: Any) -> None:
    folder.append(LICENSING_FILE, "[[evnt]]")
    at = folder.append(LICENSING_FILE, 'provider = "htx"')
    only(folder.refusals(), "field_unknown", LICENSING_FILE, at - 1, "evnt")


def test_all_mistakes_are_told_at_once(folder: Any) -> None:
    folder.cell(PUBLISHED_FILE, 1, "day", "yesterday")
    folder.cell(PROVIDERS_FILE, 2, "country", "Seychelles")
    set_first(folder, "level", "full_freeze", '"half_freeze"')
    folder.cell("trades.csv", 1, "price", "a lot")
    found = folder.refusals()
    files = [one.place.file for one in found if one.place]
    assert files == ["trades.csv", LICENSING_FILE, PROVIDERS_FILE, PUBLISHED_FILE]


def test_a_licensing_file_that_is_no_toml(folder: Any) -> None:
    folder.append(LICENSING_FILE, "= nothing")
    found = folder.refusals()
    assert found[0].code in ("file_not_readable", "unknown")
    assert any(
        one.code == "file_not_readable" and one.place and one.place.file == LICENSING_FILE
        for one in found
    )
