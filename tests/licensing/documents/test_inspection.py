"""What is looked for in documents, each by the name of the attack; a sound one beside it."""

from __future__ import annotations

import io
import threading

import pytest

from amanat.core.errors import Refusal
from amanat.licensing.documents import pdf
from amanat.licensing.documents.inspection import inspect
from amanat.licensing.documents.pdf import read_pdf
from amanat.licensing.forms.form import SCANS, DocumentType

from . import files_given as files

EVERY = tuple(DocumentType)
FORMULAS = ("=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+cmd", "-1+cmd", " =1")
WINDOWS_PROGRAM = b"MZ\x90\0" + bytes(200)


def short(value: object) -> str:
    """How a case is called: bytes by their number."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def refusal(content: bytes, taken: tuple[DocumentType, ...] = EVERY) -> Refusal:
    """What `inspect` says of these bytes."""
    with pytest.raises(Refusal) as refused:
        inspect(io.BytesIO(content), "paper.pdf", taken, read_pdf)
    return refused.value


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (files.pdf(), DocumentType.PDF),
        (files.png(), DocumentType.PNG),
        (files.jpeg(), DocumentType.JPEG),
        (files.xlsx(), DocumentType.XLSX),
        (b"name,share\nA,60\nB,-40\n", DocumentType.CSV),
        ("\ufeffname;share\nA;60,5\n".encode(), DocumentType.CSV),
    ],
    ids=short,
)
def test_a_sound_document_is_known_by_its_content(content: bytes, found: DocumentType) -> None:
    # The name says nothing: it is "paper.pdf" for all of them.
    assert inspect(io.BytesIO(content), "paper.pdf", EVERY, read_pdf) is found


def test_links_and_bookmarks_in_a_pdf_are_no_harm() -> None:
    assert inspect(
        io.BytesIO(files.pdf_with_action("URI", URI="https://example.org")), "a", EVERY, read_pdf
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (WINDOWS_PROGRAM, "a program for Windows"),
        (b"\x7fELF\x02\x01\x01" + bytes(200), "a program for Linux"),
        (b"#!/bin/sh\nrm -rf /\n", "a script"),
        (b"<html><script>alert(1)</script></html>", "a page or a drawing with markup"),
        (b"  \n<svg onload='x()'/>", "a page or a drawing with markup"),
        (files.zip_of("a.txt", b"text"), "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a document of an older Office"),
        (b"\0\1\2\3", "of a type that is not known"),
    ],
    ids=short,
)
def test_a_renamed_file_is_refused_by_what_it_is(content: bytes, found: str) -> None:
    error = refusal(content)
    assert error.code == "type_not_taken"
    assert error.fields["found"] == found


def test_a_type_that_the_question_does_not_take_is_refused() -> None:
    assert refusal(files.xlsx(), SCANS).fields["taken"] == "PDF, PNG, JPEG"
    assert refusal(b"a,b\n1,2\n", SCANS).code == "type_not_taken"


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"").code == "document_empty"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (files.pdf_with_script(), "a script."),
        (files.pdf_with_action("JavaScript", JS="app.alert(1)"), "a script."),
        (files.pdf_with_hidden_script(), "a script."),
        (files.pdf_with_packed_script(), "a script."),
        (files.pdf_with_button("JavaScript"), "a script."),
        (files.pdf_with_action("Launch", F="cmd.exe"), "it opens another file or program."),
        (files.pdf_with_action("GoToR", F="other.pdf"), "it opens another file or program."),
        (files.pdf_with_button("SubmitForm"), "it sends or fetches what is filled in."),
        (files.pdf_with_attachment(), "a file is attached."),
        (files.pdf_with_button("Rendition"), "it plays something."),
    ],
    ids=short,
)
def test_a_pdf_that_does_something_is_refused(content: bytes, what: str) -> None:
    error = refusal(content)
    assert error.code == "document_acts"
    assert error.fields["what"] == what


def test_a_packed_script_stands_nowhere_in_the_bytes() -> None:
    assert b"JavaScript" not in files.pdf_with_packed_script()
    assert b"JavaScript" not in files.pdf_with_hidden_script()


def test_a_pdf_with_a_password_is_refused() -> None:
    assert refusal(files.pdf_locked()).code == "document_locked"


def test_a_pdf_that_unpacks_without_end_is_not_unpacked() -> None:
    """What pages draw is not looked at, so that the bomb does not go off here."""
    assert inspect(io.BytesIO(files.pdf_bomb()), "a", EVERY, read_pdf) is DocumentType.PDF


def test_who_waits_for_other_readers_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "WAIT_SECONDS_MAX", 0.01)
    monkeypatch.setattr(pdf, "_AT_ONCE", threading.BoundedSemaphore(1))
    with pdf._AT_ONCE:
        assert refusal(files.pdf()).code == "come_back_later"
    assert inspect(io.BytesIO(files.pdf()), "a", EVERY, read_pdf) is DocumentType.PDF


def test_a_reader_that_turns_in_circles_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "SECONDS_MAX", 0.01)
    assert refusal(files.pdf()).code == "document_damaged"


@pytest.mark.parametrize(
    "content",
    [
        files.pdf()[:200],
        b"%PDF-1.7\n%%EOF\n",
        b"%PDF-1.7\n" + b"1 0 obj\n" * 400 + b"%%EOF\n",
        files.png()[:-12],
        files.png()[:40] + b"\xff" + files.png()[41:],
        files.jpeg()[:-2],
        files.jpeg()[:6],
        files.xlsx()[:-30],
        b"a,b\n1,2,3\n",
        b"one column\nof text\n",
        b"a,b\n\xff\xfe,2\n",
        b'a,b\n"1,2\n',
    ],
    ids=short,
)
def test_what_is_not_whole_is_refused(content: bytes) -> None:
    assert refusal(content).code in {"document_damaged", "type_not_taken"}


@pytest.mark.parametrize(
    "content",
    [
        files.pdf() + files.zip_of("a.exe", WINDOWS_PROGRAM),
        files.png() + files.zip_of("a.exe", WINDOWS_PROGRAM),
        files.pdf() + WINDOWS_PROGRAM,
        files.png() + b"<script>",
        files.jpeg(behind=b"<?php system($_GET['c']); ?>"),
        files.jpeg(behind=files.zip_of("a.exe", WINDOWS_PROGRAM)),
        b"%PDF-1.4\n<html><script>x()</script></html>\n" + files.pdf(),
        files.xlsx(comment=b"%PDF-1.4"),
    ],
    ids=short,
)
def test_a_polyglot_is_refused(content: bytes) -> None:
    assert refusal(content).code in {"two_things_at_once", "document_damaged"}


def test_a_program_before_a_workbook_is_refused() -> None:
    assert refusal(WINDOWS_PROGRAM + files.xlsx()).code == "type_not_taken"
    shifted = b"PK\x03\x04" + bytes(96) + files.xlsx()
    assert refusal(shifted).code in {"two_things_at_once", "type_not_taken", "document_damaged"}


def test_a_zip_bomb_within_a_workbook_is_refused() -> None:
    bomb = files.xlsx({"xl/media/a.xml": bytes(64 * 2**20)})
    assert len(bomb) < 100_000
    assert refusal(bomb).code == "unpacks_too_large"


def test_a_nested_zip_bomb_is_refused() -> None:
    inner = files.zip_of("a", bytes(8 * 2**20))
    nested = files.zip_of("b", files.zip_of("c", inner) * 3)
    for name in ("xl/media/picture.png", "xl/a.zip"):
        assert refusal(files.xlsx({name: nested})).code == "document_acts"


def test_many_parts_that_each_stay_within_their_bound_are_refused_together() -> None:
    rows = b"<row>" + bytes(range(256)) * 4
    many = files.xlsx({f"xl/p{n}.xml": rows * 20_000 for n in range(12)})
    assert refusal(many).code == "unpacks_too_large"


@pytest.mark.parametrize(
    "name",
    [
        "xl/vbaProject.bin",
        "xl/externalLinks/externalLink1.xml",
        "xl/embeddings/oleObject1.bin",
        "xl/activeX/activeX1.xml",
        "customUI/customUI.xml",
        "xl/macrosheets/sheet1.xml",
    ],
    ids=short,
)
def test_a_workbook_with_macros_links_or_files_is_refused(name: str) -> None:
    assert refusal(files.xlsx({name: b"<x/>"})).code == "document_acts"


def test_a_workbook_with_paths_or_entities_is_refused() -> None:
    assert refusal(files.xlsx({"../../etc/cron.d/x": b"x"})).code == "document_damaged"
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    assert refusal(files.xlsx({"xl/styles.xml": entities})).code == "document_damaged"


def test_a_picture_that_unpacks_beyond_its_pixels_is_refused() -> None:
    assert refusal(files.png(rows=bytes(2**24))).code == "unpacks_too_large"
    assert refusal(files.png(width=60_000, height=60_000, rows=b"")).code == "unpacks_too_large"


@pytest.mark.parametrize(
    "cell", ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+cmd", "-1+cmd", " =1"]
)
def test_a_table_with_a_formula_is_refused(cell: str) -> None:
    assert refusal(f'a,b\n1,"{cell}"\n'.encode()).code == "document_acts"


@pytest.mark.parametrize("cell", ["-5", "-1,250.00", "+92 51 1234567", "a=b", "a@b.example"])
def test_figures_and_addresses_in_a_table_are_taken(cell: str) -> None:
    table = f'a,b\n1,"{cell}"\n'.encode()
    assert inspect(io.BytesIO(table), "a", EVERY, read_pdf) is DocumentType.CSV
