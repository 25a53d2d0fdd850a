"""The manifest of a return as its exchange states it: read, with everything that is wrong in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from amanat.core.canonical import canonical_bytes
from amanat.core.dates import date_from
from amanat.core.errors import AmanatError
from amanat.jurisdictions.returns import ReturnsPack
from amanat.supervision.returns.contents import Content
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.specification import (
    FORMATS,
    FORMS,
    MANIFEST,
    NAME,
    RECORDS,
    TRANSACTIONS,
    VERSION,
    Form,
)

WHOLE, ROWS = "whole", "rows"
MANIFEST_BYTES_MAX = 2 << 20
WITHDRAWN_MAX = 10_000
_DAYS_CHECKED_MAX = 400
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MINOR = re.compile(r"[0-9]{1,19}")
_MONEY = re.compile(FORMS[Form.MONEY].pattern or "")
_FIELDS = {"specification", "version", "exchange", "sequence", "first_day", "last_day", "currency",
           "files", "totals"}  # fmt: skip
KINDS = TRANSACTIONS.column("kind").words


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the manifest lists it."""

    name: str
    record: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Total:
    """A control total: how many transactions, and what they were worth together in rupees."""

    rows: int
    value: Decimal

    def as_json(self) -> dict[str, Any]:
        """Rows and paisa."""
        return {"rows": self.rows, "minor": str(int(self.value.scaleb(2)))}


@dataclass(frozen=True, slots=True)
class Correction:
    """What a return corrects: the return with a number, whole or by rows."""

    sequence: int
    scope: str
    reason: str
    withdrawn: tuple[str, ...]
    """References of transactions that never were; with the scope `rows` alone."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Who reports which days, what the files hold, control totals."""

    digest: str
    exchange: str
    sequence: int
    first_day: date
    last_day: date
    files: tuple[ListedFile, ...]
    total: Total
    kinds: Mapping[str, Total]
    corrects: Correction | None

    @property
    def by_rows(self) -> bool:
        """Whether it holds only the rows that it corrects."""
        return self.corrects is not None and self.corrects.scope == ROWS

    def listed(self, record: str) -> ListedFile | None:
        """The file of a record, if there is one."""
        return next((one for one in self.files if one.record == record), None)


class _Reader:
    """Reads fields, each refused by itself."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.sound = True

    def fault(self, field: str, value: object, rule: str = "manifest_field") -> None:
        self.sound = False
        self.findings.add(MANIFEST, rule, column=field, value=json.dumps(value, default=str))

    def text(self, field: str, value: object, pattern: re.Pattern[str]) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.fault(field, value)
        return ""

    def whole(self, field: str, value: object, least: int = 0) -> int:
        if type(value) is int and least <= value < 2**53:
            return value
        self.fault(field, value)
        return 0

    def day(self, field: str, value: object) -> date:
        if isinstance(value, str):
            with contextlib.suppress(AmanatError, ValueError):
                found = date_from(value)
                if date.min < found < date.max:  # days beside it are looked at as well
                    return found
        self.fault(field, value)
        return date.min

    def money(self, field: str, value: object) -> Decimal:
        if isinstance(value, str) and _MONEY.match(value):
            return Decimal(value)
        self.fault(field, value)
        return Decimal(0)

    def table(self, field: str, value: object) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return value
        self.fault(field, value)
        return {}


def read_manifest(
    content: Content, pack: ReturnsPack, today: date, findings: Findings
) -> Stated | None:
    """The manifest of a return; None where it is too broken to check anything against it."""
    try:
        with content.open() as file:
            whole = file.read(MANIFEST_BYTES_MAX + 1)
        given = json.loads(whole.decode("utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        findings.add(MANIFEST, "manifest_readable", value=type(error).__name__)
        return None
    if not isinstance(given, dict) or len(whole) > MANIFEST_BYTES_MAX:
        findings.add(MANIFEST, "manifest_readable")
        return None
    reader = _Reader(findings)
    for name in sorted(_FIELDS - given.keys()):
        reader.fault(name, None, "manifest_readable")
    for name in sorted(given.keys() - _FIELDS - {"corrects"}):
        reader.fault(name[:64], given[name])
    if not reader.sound:
        return None
    if (given["specification"], given["version"]) != (NAME, VERSION):
        named = f"{given['specification']} {given['version']}"
        reader.fault("version", named, "version_known")
    if given["currency"] != pack.currency:
        reader.fault("currency", given["currency"])
    try:
        digest = hashlib.sha256(canonical_bytes(given)).hexdigest()
    except AmanatError as error:
        findings.add(MANIFEST, "manifest_readable", value=str(error))
        return None
    stated = _stated(reader, given, digest)
    if date.min in (stated.first_day, stated.last_day) or not stated.exchange:
        return None
    _period(stated, pack, today, findings)
    days = (stated.last_day - stated.first_day).days
    return stated if 0 <= days <= _DAYS_CHECKED_MAX else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _stated(reader: _Reader, given: Mapping[str, Any], digest: str) -> Stated:
    totals = reader.table("totals", given["totals"])
    kinds = reader.table("totals.kinds", totals.get("kinds"))
    for name in kinds:
        if name not in KINDS:
            reader.fault("totals.kinds", name)
    return Stated(
        digest=digest,
        exchange=reader.text("exchange", given["exchange"], _CODE),
        sequence=reader.whole("sequence", given["sequence"], 1),
        first_day=reader.day("first_day", given["first_day"]),
        last_day=reader.day("last_day", given["last_day"]),
        files=_files(reader, given["files"]),
        total=_total(reader, "totals", totals),
        kinds={name: _total(reader, f"totals.kinds.{name}", kinds[name]) for name in kinds},
        corrects=_corrects(reader, given.get("corrects")),
    )


def _total(reader: _Reader, field: str, given: object) -> Total:
    """A total, stated in both units: whoever counts in the wrong one states both alike."""
    fields = reader.table(field, given)
    value = reader.money(f"{field}.value", fields.get("value"))
    minor = reader.text(f"{field}.minor", fields.get("minor"), _MINOR)
    if minor and Decimal(minor) != value.scaleb(2):
        told = f"{value} in rupees, {minor} in paisa"
        reader.findings.add(MANIFEST, "total_unit", column=field, value=told)
    return Total(reader.whole(f"{field}.rows", fields.get("rows")), value)


def _files(reader: _Reader, given: object) -> tuple[ListedFile, ...]:
    if not isinstance(given, list):
        reader.fault("files", given)
        return ()
    found: list[ListedFile] = []
    for at, one in enumerate(given):
        fields = reader.table(f"files[{at}]", one)
        name = fields.get("name")
        stem, _, ending = name.rpartition(".") if isinstance(name, str) else ("", "", "")
        if stem not in RECORDS or ending not in FORMATS:
            reader.fault(f"files[{at}].name", name)
            continue
        if any(other.record == stem for other in found):
            reader.fault(f"files[{at}].name", name)
        found.append(
            ListedFile(
                name=str(name),
                record=stem,
                sha256=reader.text(f"files[{at}].sha256", fields.get("sha256"), _SHA256),
                rows=reader.whole(f"files[{at}].rows", fields.get("rows")),
            )
        )
    return tuple(found)


_REFERENCE = re.compile(TRANSACTIONS.column("reference").pattern or "")
_REASON = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,400}")


def _corrects(reader: _Reader, given: object) -> Correction | None:
    if given is None:
        return None
    fields = reader.table("corrects", given)
    scope = fields.get("scope")
    if scope not in (WHOLE, ROWS):
        reader.fault("corrects.scope", scope)
    withdrawn = fields.get("withdrawn", [])
    fits = isinstance(withdrawn, list) and len(withdrawn) <= WITHDRAWN_MAX
    if not fits or (withdrawn and scope != ROWS):
        reader.fault("corrects.withdrawn", str(withdrawn)[:60])
        withdrawn = []
    return Correction(
        sequence=reader.whole("corrects.sequence", fields.get("sequence"), 1),
        scope=str(scope),
        reason=reader.text("corrects.reason", fields.get("reason"), _REASON),
        withdrawn=tuple(reader.text("corrects.withdrawn", one, _REFERENCE) for one in withdrawn),
    )


def _period(stated: Stated, pack: ReturnsPack, today: date, findings: Findings) -> None:
    days = (stated.last_day - stated.first_day).days + 1
    if days < 1 or stated.last_day >= today:
        value = f"{stated.first_day} to {stated.last_day}, on {today}"
        findings.add(MANIFEST, "period_ended", value=value)
    elif days > pack.period_days_max:
        findings.add(MANIFEST, "period_length", value=f"{days} days")
    for record in RECORDS.values():
        needed = record.required and not (stated.by_rows and record.name == "balances")
        if needed and stated.listed(record.name) is None:
            findings.add(MANIFEST, "file_listed", value=f"no file of {record.name}")
