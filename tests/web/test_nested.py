"""Things and lists of things in the form of an act: typed part by part, kept as JSON between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.access.acts import ACTS
from amanat.access.desk import parse
from amanat.app import declare_rooms
from amanat.core.errors import AmanatError, Refusals
from amanat.web.act_fields import fields_of, read_form
from amanat.web.nested import ROWS_SHOWN_MAX, folded, laid_out, place_of

declare_rooms()
FREEZE, ANSWERS, DRAFT = (
    fields_of(ACTS[name]) for name in ("OrderFreeze", "RecordFiuAnswers", "DraftReport")
)


def flat(path: str, value: Any) -> dict[str, str]:
    """What a person would type, by the names of the fields: written here a second time."""
    if isinstance(value, dict):
        parts = [flat(f"{path}.{name}", one) for name, one in value.items()]
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        parts = [flat(f"{path}.{at}", one) for at, one in enumerate(value)]
    else:
        text = "\n".join(value) if isinstance(value, list) else str(value)
        return {path: text}
    return {name: text for part in parts for name, text in part.items()}


def stated(fields: list[dict[str, Any]], typed: dict[str, str], name: str) -> Any:
    """What the act would be given for a field."""
    found = folded(fields, typed)
    assert not any("." in one for one in found)
    return json.loads(found[name]) if name in found else None


def test_rows_are_read_with_their_lists_and_empty_ones_are_left_out() -> None:
    typed = {
        "exchanges.0.exchange": " exchange_x ",
        "exchanges.0.accounts": "A-1\n\nA-2",
        "exchanges.1.exchange": "",
        "exchanges.1.accounts": "",
        "exchanges.7.exchange": "exchange_y",
        "exchanges.word.exchange": "nobody",
    }
    assert stated(FREEZE, typed, "exchanges") == [
        {"exchange": "exchange_x", "accounts": ["A-1", "A-2"]},
        {"exchange": "exchange_y"},
    ]
    assert stated(FREEZE, {"exchanges.0.exchange": ""}, "exchanges") is None


def test_pasted_json_goes_before_what_was_typed() -> None:
    typed = {"exchanges": '[{"exchange": "pasted"}]', "exchanges.0.exchange": "typed"}
    assert stated(FREEZE, typed, "exchanges") == [{"exchange": "pasted"}]


def test_figures_are_read_with_separators_and_in_urdu() -> None:
    typed = {"transactions.0.amount": "۱۲٬۰۰۰", "activity.0.significance": "1 0"}
    assert stated(DRAFT, typed, "transactions") == [{"amount": "12000"}]
    assert stated(DRAFT, typed, "activity") == [{"significance": "10"}]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
PHONES = st.lists(st.fixed_dictionaries({"number": TEXTS}), min_size=1, max_size=3)
PERSONS = st.fixed_dictionaries(
    {}, optional={"first_name": TEXTS, "last_name": TEXTS, "phones": PHONES}
).filter(bool)
ACCOUNTS = st.fixed_dictionaries({"account": TEXTS}, optional={"owner": PERSONS, "branch": TEXTS})
PARTIES = st.lists(
    st.fixed_dictionaries({"pseudonym": TEXTS}, optional={"account": ACCOUNTS, "person": PERSONS}),
    min_size=1,
    max_size=4,
)


@given(PARTIES)
def test_what_fills_a_form_is_what_the_form_says(parties: list[dict[str, Any]]) -> None:
    _, texts = laid_out(DRAFT, {"parties": json.dumps(parties), "reason": "x"})
    assert texts == flat("parties", parties) | {"reason": "x"}
    assert stated(DRAFT, texts, "parties") == parties


def test_every_list_has_an_empty_row_and_one_more_where_it_is_asked_for() -> None:
    values = {"parties": json.dumps([{"pseudonym": "5"}])}

    def rows(more: str = "") -> list[str]:
        laid, _ = laid_out(DRAFT, values, more)
        (parties,) = (one for one in laid if one["name"] == "parties")
        return [row["name"] for row in parties["rows"]]

    assert rows() == ["parties.0", "parties.1"]
    assert rows("parties") == ["parties.0", "parties.1", "parties.2"]
    assert rows("transactions") == ["parties.0", "parties.1"]


@pytest.mark.parametrize(
    "text",
    [
        "[", "3", '"x"', '{"pseudonym": "5"}', "[5]", '[{"pseudonym": ["5"]}]',
        '[{"colour": "red"}]', '[{"account": "PK36"}]', "[" * 9_000,
        json.dumps([{"pseudonym": "5"}] * (ROWS_SHOWN_MAX + 1)),
    ],
)  # fmt: skip
def test_what_the_form_has_no_place_for_stays_json(text: str) -> None:
    laid, texts = laid_out(DRAFT, {"parties": text})
    (parties,) = (one for one in laid if one["name"] == "parties")
    assert parties["control"] == "json"
    assert texts["parties"] == text
    assert folded(DRAFT, texts)["parties"] == text


def test_an_error_leads_to_the_deepest_field_that_holds_it() -> None:
    typed = {"answers.0.reference": "R-1", "answers.0.outcome": "perhaps"}
    values = folded(ANSWERS, typed)
    kind = ACTS["RecordFiuAnswers"]
    with pytest.raises(AmanatError) as refused:
        parse(kind.command, read_form(kind, values))
    error = refused.value
    places = [
        one.place.field
        for one in (error.refusals if isinstance(error, Refusals) else [error])
        if one.place
    ]
    laid, _ = laid_out(ANSWERS, values)
    assert [place_of(place or "", laid) for place in places] == ["answers.0.outcome"]
    assert place_of("answers.0.outcome.inside", laid) == "answers.0.outcome"
    assert place_of("answers.9.outcome", laid) == "answers"
    assert place_of("elsewhere", laid) is None
    assert place_of("answersing", laid) is None
