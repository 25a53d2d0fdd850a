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
from amanat.supervision.goaml.commands import FiuAnswer, FiuOutcome
from amanat.supervision.goaml.model import AcknowledgementInvalid

COLUMNS = ("reference", "outcome", "fiu_number", "reasons")
ANSWERS_BYTES_MAX = 8 * 1024 * 1024
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
        fault = _fault(row, seen)
        if fault:
            refused.add(AcknowledgementInvalid(place=Place(file=file, line=line), reason=fault))
            continue
        seen.add(row["reference"])
        found.append(
            FiuAnswer(
                reference=row["reference"],
                outcome=FiuOutcome(row["outcome"]),
                fiu_number=row["fiu_number"] or None,
                reasons=tuple(one.strip() for one in row["reasons"].split("|") if one.strip()),
            )
        )
    refused.raise_if_any()
    if not found:
        raise AcknowledgementInvalid(place=Place(file=file), reason="it has no rows")
    return tuple(found)


def _fault(row: Mapping[str, str | None], seen: set[str]) -> str:
    if None in row or any(row.get(name) is None for name in COLUMNS):
        return "a row has four fields"
    if not row["reference"]:
        return "a row names the report's reference"
    if row["reference"] in seen:
        return f"{row['reference']} is answered twice"
    if row["outcome"] not in {one.value for one in FiuOutcome}:
        return f"{row['outcome']!r} is neither accepted nor rejected"
    if row["outcome"] == "rejected" and not (row["reasons"] or "").strip():
        return "a rejection has a reason"
    too_long = [one for one in (row["reasons"] or "").split("|") if len(one.strip()) > 255]
    return "a reason has at most 255 characters" if too_long else ""
