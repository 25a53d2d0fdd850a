"""Cases are shown in words, in the reader's language; codes stay in downloads and the API."""

from __future__ import annotations

from amanat.access.effects import as_json
from amanat.core.messages import Message
from amanat.core.money import Money
from amanat.web.messages import Reader
from amanat.web.supervision_pages import in_words
from amanat.web.tables import table_of
from amanat.web.texts import words

CASE = {
    "title": "ctr_threshold, screening_nacta",
    "source": "findings",
    "subject": "party:17",
    "steps": [
        {"act": "GroupFindings", "text": "ctr_threshold"},
        {"act": "AddCaseNote", "text": "ctr_threshold"},
    ],
}
SAID = Message(
    "{legs} fiat legs of {total} on one day, of at least {threshold}",
    legs=2, total=Money(300_000_000, "PKR"), threshold=Money(200_000_000, "PKR"),
)  # fmt: skip


def test_a_case_that_was_opened_for_findings_is_titled_in_words() -> None:
    shown, _ = in_words("case", CASE, {}, Reader())
    assert shown["title"] == "CTR threshold, Screening NACTA"
    assert [one["text"] for one in shown["steps"]] == ["CTR threshold", "ctr_threshold"]
    _, found = in_words("cases", [], {"rows": [CASE]}, Reader("ur"))
    assert found["rows"][0]["title"].isascii() is False
    assert "ctr" not in found["rows"][0]["title"].lower()


def test_a_title_that_somebody_wrote_stays() -> None:
    written = CASE | {"source": "own"}
    assert in_words("case", written, {}, Reader("ur"))[0]["title"] == CASE["title"]


def test_a_finding_is_told_in_the_readers_language() -> None:
    row = {"said": str(SAID), "explanation": as_json([SAID])[0]}
    hit = {"said": None, "explanation": {"list": "nacta", "grade": 1}}
    for language in ("en", "ur"):
        _, found = in_words("case", CASE, {"findings_shown": [row, hit]}, Reader(language))
        first, second = found["findings_shown"]
        assert ("fiat legs" in first["said"]) is (language == "en")
        assert second["said"] is None


def test_a_target_that_is_a_party_has_no_unit() -> None:
    def unit(value: str) -> str:
        return table_of("edges", [{"target": value}], "/", {}).columns[0].unit

    assert (unit("party:17"), unit("5000000")) == ("", "PKR face")


def test_acronyms_of_supervision_are_in_capitals() -> None:
    assert [words(one) for one in ("ctr_due", "screening_ofac_csv", "screening_un")] == [
        "CTR due", "Screening OFAC CSV", "Screening UN",
    ]  # fmt: skip


def test_the_number_of_a_paper_is_no_figure() -> None:
    def numeric(value: object) -> bool:
        return table_of("freezes", [{"number": value}], "/", {}).columns[0].numeric

    assert (numeric("FRZ-GX4TQ2AB"), numeric(17), numeric("17")) == (False, True, True)


def test_parties_are_named_and_pseudonyms_are_no_figures() -> None:
    def shape(value: object) -> str:
        return table_of("flows", [{"from": value}], "/", {}).columns[0].shape

    assert shape("party:5664950595501596936") == "subject"
    assert shape("bank") == "plain"
    assert shape("5664950595501596936") == "plain"
    assert shape("17") == "number"
    assert in_words("case", CASE, {}, Reader())[0]["subject_said"] == "Party 17"
