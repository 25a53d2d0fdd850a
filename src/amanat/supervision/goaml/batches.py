"""The batch file of a day, and the FIU's answers as a file."""

from __future__ import annotations

import base64
import csv
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import date

from amanat.core.errors import Place, Refused
from amanat.core.messages import Message
from amanat.supervision.goaml.commands import FiuAnswer, FiuOutcome
from amanat.supervision.goaml.model import AcknowledgementInvalid

COLUMNS = ("reference", "outcome", "fiu_number", "reasons")
ANSWERS_BYTES_MAX = 8 * 1024 * 1024
ANSWERS_MAX, REASONS_MAX = 5_000, 50
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


def batch_of(files: Mapping[str, bytes], day: date) -> bytes:
    """A ZIP of reports by reference: stored in order, dated that day, the same bytes every time."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for reference in sorted(files):
            name = f"{_UNFIT.sub('_', reference)[:120]}.xml"
            member = zipfile.ZipInfo(name, (max(day.year, 1980), day.month, day.day, 0, 0, 0))
            member.external_attr = 0o600 << 16
            member.create_system = 3
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, files[reference], compresslevel=9)
    return content.getvalue()


def encoded(content: bytes) -> str:
    """Bytes as base64, for JSON."""
    return base64.b64encode(content).decode()


def answers_from(content: bytes, file: str) -> tuple[FiuAnswer, ...]:
    """The FIU's answers from CSV with the columns `COLUMNS`; reasons are parted by `|`.

    Refuses `AcknowledgementInvalid` for every row that is wrong, at once.
    """
    if len(content) > ANSWERS_BYTES_MAX:
        raise AcknowledgementInvalid(place=Place(file=file), reason="the file is over 8 MiB")
    try:
        text = content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise AcknowledgementInvalid(place=Place(file=file), reason=f"not CSV: {error}") from None
    if tuple(reader.fieldnames or ()) != COLUMNS:
        wanted = ",".join(COLUMNS)
        raise AcknowledgementInvalid(place=Place(file=file, line=1), reason=f"it begins {wanted}")
    refused = Refused()
    found: list[FiuAnswer] = []
    seen: set[str] = set()
    for line, row in enumerate(rows, 2):
        fault = _fault(row) or fault_of(_stated(row), seen)
        if fault:
            refused.add(AcknowledgementInvalid(place=Place(file=file, line=line), reason=fault))
            continue
        found.append(_stated(row))
    refused.raise_if_any()
    if len(found) > ANSWERS_MAX:
        said = Message(
            "a file has at most {most} answers, not {count}", most=ANSWERS_MAX, count=len(found)
        )
        raise AcknowledgementInvalid(place=Place(file=file), reason=said)
    if not found:
        raise AcknowledgementInvalid(place=Place(file=file), reason="it has no rows")
    return tuple(found)


def _stated(row: Mapping[str, str]) -> FiuAnswer:
    return FiuAnswer(
        reference=row["reference"],
        outcome=FiuOutcome(row["outcome"]),
        fiu_number=row["fiu_number"] or None,
        reasons=_reasons(row["reasons"]),
    )


def _reasons(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split("|") if one.strip())


def _fault(row: Mapping[str, str]) -> Message | str:
    if None in row or any(row.get(name) is None for name in COLUMNS):
        return "a row has four fields"
    if not row["reference"]:
        return "a row names the report's reference"
    if row["outcome"] not in {one.value for one in FiuOutcome}:
        return f"{row['outcome'][:40]!r} is neither accepted nor rejected"
    reasons = _reasons(row["reasons"])
    for name, length, most in (
        ("reference", len(row["reference"]), 255),
        ("fiu_number", len(row["fiu_number"]), 120),
        ("reasons", max(map(len, reasons), default=0), 255),
    ):
        if length > most:
            return Message("{name} has more than {most} characters", name=name, most=most)
    if len(reasons) > REASONS_MAX:
        return Message("a rejection has at most {most} reasons", most=REASONS_MAX)
    return ""


def fault_of(answer: FiuAnswer, seen: set[str]) -> Message | str:
    """Why an answer is none beside those `seen` before it; empty where it is one."""
    if answer.reference in seen:
        return Message("{reference} is answered twice", reference=answer.reference)
    seen.add(answer.reference)
    if answer.outcome is FiuOutcome.REJECTED and not answer.reasons:
        return Message("a rejection has a reason")
    return ""
