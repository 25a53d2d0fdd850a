"""Forms as data: what ships keeps the laws of a form; what breaks one is named where it stands."""

from __future__ import annotations

import pytest

from amanat.core.errors import AmanatError, NotFound, Refusal, Refusals
from amanat.licensing.forms.form import (
    APPLICANT,
    DocumentType,
    Form,
    QuestionKind,
    Recipient,
    form_from,
    load_form,
)

CODES = tuple(f"A{number}" for number in range(1, 9))

GOOD = """
code = "X1"
title = "A form"
purpose = "To be read."
filed_with = "authority"
law = "A law"
assumed = true

[[section]]
code = "first"
title = "First"
[[section.question]]
code = "colour"
kind = "choice"
label = "Which colour?"
options = [{ code = "red", label = "Red" }, { code = "blue", label = "Blue" }]
[[section.question]]
code = "shade"
kind = "text"
label = "Which shade?"
when = { question = "colour", is = ["blue"] }

[[section]]
code = "owners"
title = "Owners"
repeats = { one = "owner", named_by = ["name"] }
chain = { share = "share", into = "held" }
[[section.question]]
code = "name"
kind = "text"
label = "Who?"
[[section.question]]
code = "held"
kind = "held"
label = "In what?"
[[section.question]]
code = "share"
kind = "percent"
label = "How much?"
"""


def reasons(content: str) -> str:
    """What is said of a form that is refused."""
    with pytest.raises(AmanatError) as refused:
        form_from(content, "x1.toml")
    error = refused.value
    found = error.refusals if isinstance(error, Refusals) else (error,)
    assert all(isinstance(one, Refusal) and one.place is not None for one in found)
    return str(error)


@pytest.mark.parametrize("code", CODES)
def test_each_form_that_ships_is_read(code: str) -> None:
    form = load_form("pk", code)
    assert form.code == code
    # None of their wordings was published: every page and document has to say so.
    assert form.assumed
    assert form.sections


def test_the_other_path_has_its_form_with_its_source() -> None:
    form = load_form("eu", "application")
    assert not form.assumed
    assert form.source.startswith("https://eur-lex.europa.eu/")


def test_only_the_internal_report_stays_with_the_provider() -> None:
    kept = {code for code in CODES if load_form("pk", code).filed_with is Recipient.PROVIDER}
    assert kept == {"A7"}


def test_key_individuals_and_controllers_are_asked_for_one_by_one() -> None:
    form = load_form("pk", "A2")
    individuals, controllers = form.section("individuals"), form.section("controllers")
    assert individuals is not None
    assert individuals.repeats is not None
    assert individuals.question("who").kind is QuestionKind.PERSON  # type: ignore[union-attr]
    assert controllers is not None
    assert controllers.chain is not None
    assert APPLICANT not in {one.code for one in controllers.questions}


def test_tables_are_taken_only_where_a_table_is_asked_for() -> None:
    form = load_form("pk", "A3")
    means = form.section("means")
    assert means is not None
    projection, accounts = means.question("projection"), means.question("accounts")
    assert projection is not None
    assert DocumentType.XLSX in projection.accepts
    assert accounts is not None
    assert DocumentType.XLSX not in accounts.accepts


@pytest.mark.parametrize("code", ["A9", "../tax", "a1", ""])
def test_a_form_that_is_not_there_is_not_found(code: str) -> None:
    with pytest.raises(NotFound):
        load_form("pk", code)


def test_a_sound_form_is_read() -> None:
    form: Form = form_from(GOOD, "x1.toml")
    shade = form.sections[0].question("shade")
    assert shade is not None
    assert shade.when[0].values == ("blue",)


def replaced(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (replaced("assumed = true", ""), "neither a source nor assumed"),
        (replaced('code = "shade"', 'code = "colour"'), "colour is given twice"),
        (replaced('code = "owners"', 'code = "first"'), "first is given twice"),
        (replaced('is = ["blue"]', 'is = ["green"]'), "green is no answer to colour"),
        (replaced('question = "colour", is', 'question = "tint", is'), "tint is not asked before"),
        (replaced('question = "colour", is', 'question = "owners.name", is'), "not asked before"),
        (replaced('kind = "text"\nlabel = "Which', 'kind = "prose"\nlabel = "Which'), "prose"),
        (replaced('title = "Owners"', 'title = "Owners"\ncolour = 1'), "no field colour"),
        (replaced('named_by = ["name"]', 'named_by = ["held"]'), "held is no text or person"),
        (replaced('share = "share"', 'share = "name"'), "no required question of the kind percent"),
        (replaced('kind = "percent"', 'kind = "percent"\nleast = 5\nmost = 4'), "from 5 to 4"),
        (replaced('kind = "percent"', 'kind = "percent"\nleast = 0.5'), "not written as text"),
        (replaced('label = "Who?"', 'label = "Who {0}?"'), "has a brace"),
        (
            replaced('kind = "percent"', 'kind = "amount"\ncurrencies = ["XYZ"]'),
            "XYZ is no currency",
        ),
        (replaced('kind = "percent"', 'kind = "date"\ntime = "soon"'), "past or the future"),
        (replaced('label = "How much?"', 'label = "How much?"\naccepts = ["exe"]'), "accepts"),
        (replaced('repeats = { one = "owner", named_by = ["name"] }', ""), "has a chain"),
    ],
)
def test_what_breaks_a_form_is_named(content: str, reason: str) -> None:
    assert reason in reasons(content)


def test_all_mistakes_are_told_at_once() -> None:
    broken = replaced('is = ["blue"]', 'is = ["green"]').replace(
        '[[section.question]]\ncode = "name"', '[[section.question]]\ncode = "Name"'
    )
    told = reasons(broken)
    assert "green" in told
    assert "'Name' is not a code" in told
