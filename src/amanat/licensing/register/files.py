"""The register as files: JSON and CSV, checked against their own schema before they are published.

JSON is canonical (RFC 8785), so the same register is always the same bytes.  CSV (RFC 4180) has
one row for each service category of each permission (one for a permission without any, and one for
a provider without permission).  Lists are joined by ` | `, which no value may contain.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.core.canonical import canonical_bytes
from amanat.core.dates import date_from
from amanat.core.errors import Invalid, Place, Refused
from amanat.licensing.register.columns import (
    CHANGE_COLUMNS,
    CSV_COLUMNS,
    DOCUMENT_COLUMNS,
    LATER_COLUMNS,
    PERMISSION_COLUMNS,
    PROVIDER_COLUMNS,
    WARNING_COLUMNS,
    WARNING_CSV_COLUMNS,
    Column,
    RegisterCodes,
    RegisterValueInvalid,
    faults,
)
from amanat.licensing.register.model import (
    LICENCE,
    Change,
    ProviderWarning,
    Register,
    RegisterEntry,
    entry_from,
    entry_json,
    warning_from,
    warning_json,
)

SCHEMA = "amanat.register/1"
_JOIN = " | "


class RegisterFileInvalid(Invalid):
    """A file of the register is whole, of its schema, and has every row in full."""

    template: ClassVar[str] = "{file}: {reason}."


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose register it is: programme, authority, closed lists."""

    programme: str
    authority: str
    codes: RegisterCodes


def register_json(register: Register, publisher: Publisher) -> bytes:
    """The register as canonical JSON.  Refuses every `RegisterValueInvalid` at once."""
    document = {
        "schema": SCHEMA,
        "programme": publisher.programme,
        "authority": publisher.authority,
        "as_of": register.day.isoformat(),
        "change": str(register.number),
        "digest": register.digest,
        "providers": [entry_json(one) for one in register.entries],
        "warnings": [warning_json(one) for one in register.warnings],
    }
    require_valid(document, publisher.codes)
    return canonical_bytes(document)


def read_register_json(content: bytes, codes: RegisterCodes) -> Register:
    """A published register.  Refuses `RegisterFileInvalid`, `RegisterValueInvalid`."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RegisterFileInvalid(file="register.json", reason=f"not JSON ({error})") from None
    if not isinstance(document, dict):
        raise RegisterFileInvalid(file="register.json", reason="not an object")
    require_valid(document, codes)
    return Register(
        day=date_from(document["as_of"]),
        number=int(document["change"]),
        digest=document["digest"],
        entries=tuple(entry_from(one) for one in document["providers"]),
        warnings=tuple(warning_from(one) for one in document["warnings"]),
    )


def require_valid(document: Mapping[str, Any], codes: RegisterCodes) -> None:
    """Refuse every `RegisterValueInvalid` of a register that is to be published, all at once."""
    refused = Refused()
    head = {k: v for k, v in document.items() if k not in ("providers", "warnings")}
    for fault in faults(DOCUMENT_COLUMNS, head, codes, "register"):
        refused.add(fault)
    for part, key in (("providers", "provider"), ("warnings", "number")):
        rows = document.get(part)
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise RegisterFileInvalid(file="register.json", reason=f"{part} is no list of objects")
        _unique(refused, part, [str(row.get(key)) for row in rows])
    for at, row in enumerate(document["providers"]):
        require_entry(refused, row, codes, f"providers[{at}]")
    for at, row in enumerate(document["warnings"]):
        for fault in faults(WARNING_COLUMNS, row, codes, f"warnings[{at}]"):
            refused.add(fault)
    refused.raise_if_any()


def require_change(change: Change, codes: RegisterCodes) -> None:
    """Refuse every `RegisterValueInvalid` of a change before it is recorded, all at once."""
    refused = Refused()
    head = {"id": change.id, "law": change.law, "reason": change.reason}
    for fault in faults(CHANGE_COLUMNS, head, codes, "change"):
        refused.add(fault)
    if change.entry is not None:
        require_entry(refused, entry_json(change.entry), codes, "entry")
    if change.warning is not None:
        for fault in faults(WARNING_COLUMNS, warning_json(change.warning), codes, "warning"):
            refused.add(fault)
    refused.raise_if_any()


def require_entry(
    refused: Refused, row: Mapping[str, Any], codes: RegisterCodes, where: str
) -> None:
    """Note every fault of one provider's row with its permissions."""
    head = {k: v for k, v in row.items() if k not in ("permissions", "later")}
    for fault in faults(PROVIDER_COLUMNS, head, codes, where):
        refused.add(fault)
    for part in ("permissions", "later"):
        rows = row.get(part)
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            refused.add(_told(where, part, "", "is no list of objects"))
            return
    permissions = row["permissions"]
    for at, one in enumerate(row["later"]):
        for fault in faults(LATER_COLUMNS, one, codes, f"{where}.later[{at}]"):
            refused.add(fault)
    _unique(refused, f"{where}.permissions", [str(one.get("number")) for one in permissions])
    for at, one in enumerate(permissions):
        place = f"{where}.permissions[{at}]"
        found = list(faults(PERMISSION_COLUMNS, one, codes, place))
        for fault in found:
            refused.add(fault)
        if found:
            continue
        if one["kind"] == LICENCE and len(one["categories"]) != 1:
            reason = "is exactly one for a licence"
            refused.add(_told(place, "categories", ", ".join(one["categories"]), reason))
        if one["expires_on"] is not None and one["expires_on"] < one["granted_on"]:
            refused.add(_told(place, "expires_on", one["expires_on"], "is before the grant"))


def _unique(refused: Refused, where: str, found: Sequence[str]) -> None:
    for one in sorted({one for one in found if found.count(one) > 1}):
        refused.add(_told(where, "number", one, "stands there twice"))


def _told(where: str, column: str, value: str, reason: str) -> RegisterValueInvalid:
    return RegisterValueInvalid(
        place=Place(field=f"{where}.{column}"), column=column, value=value[:80], reason=reason
    )


# -- CSV --------------------------------------------------------------------------------------


def register_csv(register: Register, publisher: Publisher) -> str:
    """One row for each category of each permission.  Refuses as `register_json`."""
    register_json(register, publisher)
    rows = []
    for entry in register.entries:
        shown = entry_json(entry)
        head = [_cell(shown[column.name]) for column in PROVIDER_COLUMNS]
        if not shown["permissions"]:
            rows.append([*head, *([""] * len(PERMISSION_COLUMNS))])
        for one in shown["permissions"]:
            for category in one["categories"] or [None]:
                single = one | {"categories": category}
                rows.append(head + [_cell(single[column.name]) for column in PERMISSION_COLUMNS])
    return _csv(CSV_COLUMNS, rows)


def warnings_csv(register: Register, publisher: Publisher) -> str:
    """One row for each warning.  Refuses as `register_json`."""
    register_json(register, publisher)
    rows = []
    for one in register.warnings:
        shown = warning_json(one)
        rows.append([_cell(shown[column.name]) for column in WARNING_COLUMNS])
    return _csv(WARNING_CSV_COLUMNS, rows)


def read_register_csv(content: str, codes: RegisterCodes) -> tuple[RegisterEntry, ...]:
    """The providers of a published CSV file, which does not say what their status becomes later.

    Refuses `RegisterFileInvalid`: other columns, a torn row, or rows of one provider that differ;
    and every `RegisterValueInvalid`.
    """
    found: dict[str, dict[str, Any]] = {}
    for line, row in _rows(content, CSV_COLUMNS, "register.csv"):
        width = len(PROVIDER_COLUMNS)
        head = _read(PROVIDER_COLUMNS, row[:width])
        known = found.setdefault(head["provider"], head | {"permissions": [], "later": []})
        if {k: v for k, v in known.items() if k not in ("permissions", "later")} != head:
            reason = f"line {line}: the rows of {head['provider']} differ"
            raise RegisterFileInvalid(file="register.csv", reason=reason)
        if any(row[width:]):
            _join(known["permissions"], _read(PERMISSION_COLUMNS, row[width:]), line)
    refused = Refused()
    for code, row_found in found.items():
        require_entry(refused, row_found, codes, code)
    refused.raise_if_any()
    return tuple(entry_from(one) for one in found.values())


def _join(permissions: list[dict[str, Any]], one: dict[str, Any], line: int) -> None:
    """Put a row's permission to the others: as a further category of the last one, or by itself."""
    former = permissions[-1] if permissions else None
    if former is None or former["number"] != one["number"]:
        permissions.append(one)
    elif former | {"categories": ()} == one | {"categories": ()}:
        former["categories"] += one["categories"]
    else:
        reason = f"line {line}: the rows of permission {one['number']} differ"
        raise RegisterFileInvalid(file="register.csv", reason=reason)


def read_warnings_csv(content: str, codes: RegisterCodes) -> tuple[ProviderWarning, ...]:
    """The warnings of a published CSV file; refuses as `read_register_csv`."""
    rows = [
        _read(WARNING_COLUMNS, row)
        for _line, row in _rows(content, WARNING_CSV_COLUMNS, "warnings.csv")
    ]
    refused = Refused()
    for row in rows:
        for fault in faults(WARNING_COLUMNS, row, codes, str(row["number"])):
            refused.add(fault)
    refused.raise_if_any()
    return tuple(warning_from(one) for one in rows)


def _cell(value: Any) -> str:
    return "" if value is None else _JOIN.join(value) if isinstance(value, list) else str(value)


def _read(columns: Sequence[Column], cells: Sequence[str]) -> dict[str, Any]:
    return {
        column.name: (cell.split(_JOIN) if cell else [])
        if column.many
        else (None if column.optional and not cell else cell)
        for column, cell in zip(columns, cells, strict=True)
    }


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _rows(content: str, columns: Sequence[str], file: str) -> list[tuple[int, list[str]]]:
    if not content.endswith("\r\n"):
        raise RegisterFileInvalid(file=file, reason="the last row is torn off")
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), strict=True))
    except csv.Error as error:
        raise RegisterFileInvalid(file=file, reason=f"not CSV ({error})") from None
    if not rows or tuple(rows[0]) != tuple(columns):
        raise RegisterFileInvalid(file=file, reason="its columns are not those of the register")
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(columns):
            reason = f"line {line} has {len(row)} cells instead of {len(columns)}"
            raise RegisterFileInvalid(file=file, reason=reason)
    return list(enumerate(rows[1:], 2))
