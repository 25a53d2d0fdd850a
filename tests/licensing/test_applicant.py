"""What an applicant sees and gives: its own files and documents, and nobody else's."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydantic import ValidationError

from amanat.core.errors import NotFound, Refusals
from amanat.licensing.commands import AskApplicant, SaveSection, SubmitFile
from amanat.licensing.documents.inspection import TypeNotTaken
from amanat.licensing.documents.links import readable
from amanat.licensing.forms.form import SCANS, DocumentType
from amanat.licensing.model import SectionMoved

from .documents import files_given as files
from .forms.test_answers import DOCUMENT
from .world import LicensingWorld

SECTION = {"file": "", "form": "A2", "section": "chart"}


def shown(licensing: LicensingWorld, person: str, number: str) -> dict[str, object]:
    """What a person sees of a file as an applicant."""
    return licensing.view("application", person, file=number)


def test_an_applicant_fills_submits_and_follows_its_own_file(licensing: LicensingWorld) -> None:
    before = licensing.view("my_files", "exchange_x_officer")
    assert [one["kind"] for one in before["kinds"]] == ["noc", "sandbox"]
    assert before["known"] is False
    number = licensing.opened("exchange_x", "noc")
    found = shown(licensing, "exchange_x_officer", number)
    assert [one["form"] for one in found["forms"]] == ["A1", "A2", "A3", "A4"]
    assert (found["stage"], found["fillable"]) == ("draft", True)
    kinds = licensing.view("my_files", "exchange_x_officer")["kinds"]
    assert [one["kind"] for one in kinds] == ["sandbox"]
    with pytest.raises(Refusals) as refused:
        licensing.do_as("exchange_x_officer", SubmitFile(file=number, declaration="true"))
    assert len(refused.value.refusals) > 40
    assert all(one.place.file in {"A1", "A2", "A3", "A4"} for one in refused.value.refusals)
    licensing.fill("exchange_x", number, "noc")
    licensing.do_as("exchange_x_officer", SubmitFile(file=number, declaration="true"))
    found = shown(licensing, "exchange_x_officer", number)
    assert (found["stage"], found["fillable"]) == ("submitted", False)
    assert {one["clock"] for one in found["due"]} >= {"completeness"}
    ask = AskApplicant(file=number, text="Which custodian?")
    licensing.do_as("pvara_officer", ask)
    found = shown(licensing, "exchange_x_officer", number)
    assert [one["text"] for one in found["questions"]] == ["Which custodian?"]
    (own,) = licensing.view("my_files", "exchange_x_officer")["files"]
    assert own["questions_open"] == 1


@pytest.mark.parametrize("person", ["exchange_y_officer", "pvara_officer", "auditor_officer"])
def test_nobody_else_sees_it_as_an_applicant_does(licensing: LicensingWorld, person: str) -> None:
    (own,) = licensing.view("my_files", "exchange_x_officer")["files"]
    with pytest.raises(NotFound):
        shown(licensing, person, own["file"])
    assert licensing.view("my_files", person)["files"] == []


def test_only_documents_that_one_gave_are_named_in_answers(licensing: LicensingWorld) -> None:
    number = licensing.opened("exchange_y", "noc")
    content = files.pdf(2)
    theirs = licensing.app.documents.receive(
        licensing.actor("exchange_x_officer"), io.BytesIO(content), "chart.pdf", SCANS
    )
    save = SaveSection(
        file=number,
        form="A2",
        section="chart",
        content={"chart": {"digest": theirs.digest, "name": "chart.pdf"}},
    )
    with pytest.raises(NotFound, match="document"):
        licensing.do_as("exchange_y_officer", save)
    licensing.app.documents.receive(
        licensing.actor("exchange_y_officer"), io.BytesIO(content), "ours.pdf", SCANS
    )
    assert licensing.do_as("exchange_y_officer", save)["complete"] is False
    # A table is taken where a table is asked for, also by a program.
    table = licensing.app.documents.receive(
        licensing.actor("exchange_y_officer"),
        io.BytesIO(b"a,b\n1,2\n"),
        "a.csv",
        [DocumentType.CSV],
    )
    save = save.model_copy(update={"content": {"chart": {"digest": table.digest, "name": "a.csv"}}})
    with pytest.raises(TypeNotTaken, match="PDF, PNG, JPEG"):
        licensing.do_as("exchange_y_officer", save)


def test_a_document_is_read_by_its_file_s_parties_once_it_is_submitted(
    licensing: LicensingWorld,
) -> None:
    def may(person: str, digest: str) -> bool:
        with licensing.app.store.reading() as connection:
            try:
                readable(connection, licensing.actor(person), digest)
            except NotFound:
                return False
        return True

    # Of the file that exchange_x submitted.
    digest = DOCUMENT["digest"]
    assert may("exchange_x_officer", digest)
    assert may("pvara_officer", digest)
    assert may("auditor_officer", digest)
    assert not may("exchange_y_officer", digest)
    assert not may("secp_officer", digest)
    assert not may("bank_a_officer", digest)
    # Of the draft of exchange_y: its own alone.
    (own,) = licensing.view("my_files", "exchange_y_officer")["files"]
    found = shown(licensing, "exchange_y_officer", own["file"])
    chart = found["forms"][1]["answers"]["chart"]["chart"]["digest"]
    assert may("exchange_y_officer", chart)
    assert not may("pvara_officer", chart)


def test_a_document_that_is_no_longer_named_is_withdrawn_from_its_file(
    licensing: LicensingWorld,
) -> None:
    (own,) = licensing.view("my_files", "exchange_y_officer")["files"]
    seen = licensing.view("file", "exchange_y_officer", file=own["file"])
    assert [one["name"] for one in seen["documents"]] == ["ours.pdf"]
    empty = SaveSection(file=own["file"], form="A2", section="chart", content={})
    licensing.do_as("exchange_y_officer", empty)
    seen = licensing.view("file", "exchange_y_officer", file=own["file"])
    assert seen["documents"] == []


def test_a_colleague_s_answers_are_not_saved_over_unread(licensing: LicensingWorld) -> None:
    """Two people of one applicant read a section; the one who saves second is told by whom."""
    world = licensing
    (own,) = [
        one for one in world.view("my_files", "exchange_y_officer")["files"] if not one["final"]
    ] or [{"file": world.opened("exchange_y", "noc")}]
    number = own["file"]

    def read() -> dict[str, Any]:
        found: Any = shown(world, "exchange_y_officer", number)
        return next(dict(one) for one in found["forms"] if one["form"] == "A2")

    def save(person: str, name: str, former: str | None) -> Any:
        command = SaveSection(
            file=number, form="A2", section="chart", former=former, content={"note": name}
        )
        return world.do_as(person, command)

    before = read()["digests"].get("chart", "")
    first = save("exchange_y_officer", "first", before)
    assert read()["digests"]["chart"] == first["digest"]
    with pytest.raises(SectionMoved, match=r"officer has saved section chart of .* to: note\."):
        save("exchange_y_approver", "second", before)
    assert read()["answers"]["chart"] == {"note": "first"}
    save("exchange_y_approver", "second", first["digest"])
    save("exchange_y_approver", "second", read()["digests"]["chart"])
    save("exchange_y_officer", "whoever compares nothing", None)
    with pytest.raises(ValidationError):
        save("exchange_y_officer", "no digest", "abc")
