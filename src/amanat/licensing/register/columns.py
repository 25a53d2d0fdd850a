"""The columns of the published register: one source for its schema, its checks and its dictionary.

Every published value is checked here before anyone sees it: service codes come from a closed list,
an LEI must have correct check digits, dates are ISO 8601, and no text can tear a row (no line
breaks), run as a formula in a spreadsheet, or show itself in another order than it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.core.dates import date_from
from amanat.core.errors import Invalid, Place, Refusal
from amanat.core.identifiers import Lei
from amanat.licensing.register.model import ENDED, IN_FORCE, WarningReason

TEXT_LENGTH_MAX = 2_000
CODE = "^[a-z][a-z0-9_]{0,63}$"
NUMBER = "^[A-Za-z0-9][A-Za-z0-9/._-]{0,63}$"
COUNTRY = "^[A-Z]{2}$"
WEBSITE = "^https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]{0,500})?$"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
LEI = "^[A-Z0-9]{18}[0-9]{2}$"
DIGEST = "^[0-9a-f]{64}$"
# No control characters, no line or paragraph separators, nothing that changes the direction of
# text (UAX 9), no `|` (which joins lists in CSV), and none of what a spreadsheet takes for a
# formula at the beginning.
TEXT = (
    "^[^\\u0000-\\u0020=+@\\u007f-\\u00a0\\u061c\\u200e\\u200f\\u2028-\\u202f"
    "\\u2066-\\u2069\\ufffe\\uffff|-]"
    "[^\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e"
    "\\u2066-\\u2069\\ufffe\\uffff|]*$"
)


class RegisterValueInvalid(Invalid):
    """A value that may not be published, since a reader would take it for something else."""

    template: ClassVar[str] = "{column}: {value!r} {reason}."


@dataclass(frozen=True, slots=True)
class RegisterCodes:
    """The closed lists that differ by jurisdiction.

    Public statuses, service categories, kinds of permission, levels of suspension, flags.
    """

    statuses: tuple[str, ...]
    categories: tuple[str, ...]
    permissions: tuple[str, ...]
    suspensions: tuple[str, ...]
    flags: tuple[str, ...] = ("advises_programme",)

    @property
    def states(self) -> tuple[str, ...]:
        """How a permission may stand."""
        return (IN_FORCE, *self.suspensions, *ENDED)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its pattern or closed list, whether it may be empty, whether it is a list."""

    name: str
    meaning: str
    pattern: str | None = None
    codes: str | tuple[str, ...] | None = None
    optional: bool = False
    many: bool = False
    format: str | None = None

    def allowed(self, codes: RegisterCodes) -> tuple[str, ...] | None:
        """The closed list of this column; None where a pattern rules it."""
        if isinstance(self.codes, str):
            found: tuple[str, ...] = getattr(codes, self.codes)
            return found
        return self.codes


PROVIDER_COLUMNS = (
    Column("provider", "Code of the provider, which never changes.", CODE),
    Column("name", "Legal name as incorporated.", TEXT),
    Column("trade_names", "Names under which it offers services.", TEXT, many=True),
    Column("lei", "Legal entity identifier, ISO 17442.", LEI, optional=True, format="lei"),
    Column("registration", "Number in the companies register.", NUMBER, optional=True),
    Column("country", "Country of incorporation, ISO 3166-1.", COUNTRY),
    Column("website", "Address of its services.", WEBSITE, optional=True),
    Column("status", "Where it stands with the authority.", codes="statuses"),
    Column("status_since", "From which day it stands there.", DATE, format="date"),
    Column("services", "Services that it may offer to clients.", codes="categories", many=True),
    Column("flags", "What the public should know besides.", codes="flags", many=True),
)
PERMISSION_COLUMNS = (
    Column("number", "Number of the permission.", NUMBER),
    Column("kind", "What was granted.", codes="permissions"),
    Column("categories", "Services that it is about.", codes="categories", many=True),
    Column("state", "How it stands.", codes="states"),
    Column("state_since", "From which day it stands so.", DATE, format="date"),
    Column("granted_on", "Day of the grant.", DATE, format="date"),
    Column("expires_on", "Last day on which it holds.", DATE, optional=True, format="date"),
    Column("law", "Law and section under which it was granted.", TEXT),
    Column("conditions", "Conditions, as the decision words them.", TEXT, many=True),
)
LATER_COLUMNS = (
    Column("from", "From which day on, unless something is done.", DATE, format="date"),
    Column("status", "What the status becomes as permissions expire.", codes="statuses"),
    Column("services", "What it may still offer then.", codes="categories", many=True),
)
WARNING_COLUMNS = (
    Column("number", "Number of the warning.", NUMBER),
    Column("name", "Under which name the services are offered.", TEXT),
    Column("also_known_as", "Its other names.", TEXT, many=True),
    Column("websites", "Where they are offered.", WEBSITE, many=True),
    Column("reason", "Why the public is warned.", codes=tuple(WarningReason)),
    Column("text", "What the authority says of it.", TEXT),
    Column("published_on", "Day of publication.", DATE, format="date"),
    Column("withdrawn_on", "Day of withdrawal.", DATE, optional=True, format="date"),
)
DOCUMENT_COLUMNS = (
    Column("schema", "`amanat.register/1`.", codes=("amanat.register/1",)),
    Column("programme", "Code of the programme.", "^[a-z0-9][a-z0-9_-]{0,63}$"),
    Column("authority", "Who keeps the register.", TEXT),
    Column("as_of", "The register is as at the end of this day.", DATE, format="date"),
    Column("change", "Number of its last change, as text; `0` before any.", "^[0-9]{1,15}$"),
    Column("digest", "SHA-256 of that change.", DIGEST),
)


CHANGE_COLUMNS = (
    Column("id", "Id of the journal entry.", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"),
    Column("law", "Law and section that are cited.", TEXT, optional=True),
    Column("reason", "Why, in one line.", TEXT),
)


def faults(
    columns: tuple[Column, ...], row: Mapping[str, Any], codes: RegisterCodes, where: str
) -> Iterator[Refusal]:
    """Every value of a row that may not be published, with its place."""
    names = [column.name for column in columns]
    for name in sorted(set(row) - set(names)):
        yield _fault(where, name, "", "is no column of the register")
    for column in columns:
        if column.name not in row:
            yield _fault(where, column.name, "", "is missing")
            continue
        value = row[column.name]
        if column.many:
            if not isinstance(value, list) or len(set(map(str, value))) != len(value):
                yield _fault(where, column.name, str(value), "is no list without repeats")
                continue
            for one in value:
                yield from _of_value(column, one, codes, where)
        elif value is not None or not column.optional:
            yield from _of_value(column, value, codes, where)


def _of_value(column: Column, value: Any, codes: RegisterCodes, where: str) -> Iterator[Refusal]:
    if not isinstance(value, str):
        yield _fault(where, column.name, str(value), "is not text")
        return
    allowed = column.allowed(codes)
    if allowed is not None:
        if value not in allowed:
            yield _fault(where, column.name, value, f"is none of {', '.join(allowed)}")
    elif len(value) > TEXT_LENGTH_MAX or not _matches(column.pattern or "", value):
        yield _fault(where, column.name, value, f"is not what this column holds: {column.meaning}")
    elif column.format is not None:
        try:
            _FORMATS[column.format](value)
        except Invalid as error:
            yield _fault(where, column.name, value, f"is refused: {error}")


_FORMATS: Mapping[str, Callable[[str], Any]] = {"lei": Lei, "date": date_from}


def _matches(pattern: str, value: str) -> bool:
    # `$` of JSON Schema's dialect ends the text; Python's would allow a line feed after it.
    return re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value) is not None


def _fault(where: str, column: str, value: str, reason: str) -> Refusal:
    return RegisterValueInvalid(
        place=Place(field=f"{where}.{column}"), column=column, value=value[:80], reason=reason
    )


_UNPUBLISHED = re.compile(
    "[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e"
    "\\u2066-\\u2069\\ufffe\\uffff]"
)
_NOT_FIRST = "=+@-\u00a0\u202f "


def published_text(text: str) -> str:
    """A text that somebody wrote as the register may publish it: one line that tears no row.

    Line breaks become spaces, `|` a stroke; what a spreadsheet takes for a formula does not begin
    it.  A text of which nothing is left is a dash.
    """
    one_line = _UNPUBLISHED.sub("", " ".join(text.split())).replace("|", "/")
    return one_line.lstrip(_NOT_FIRST)[:TEXT_LENGTH_MAX].strip() or "\u2013"


def published_website(text: str | None) -> str | None:
    """An address as the register may publish it; none where it is none of the web."""
    return text if text is not None and _matches(WEBSITE, text) else None


def published_number(text: object) -> str | None:
    """A number in another register as this one may publish it; none where it is written otherwise.

    Blanks within it become hyphens.
    """
    number = "-".join(text.split()) if isinstance(text, str) else ""
    return number if _matches(NUMBER, number) else None


# -- what is generated from the columns -------------------------------------------------------


def _property(column: Column, codes: RegisterCodes) -> dict[str, Any]:
    allowed = column.allowed(codes)
    single: dict[str, Any] = {"type": "string", "description": column.meaning}
    if allowed is not None:
        single["enum"] = list(allowed)
    else:
        single |= {"pattern": column.pattern, "maxLength": TEXT_LENGTH_MAX}
        if column.format == "date":
            single["format"] = "date"
    if column.many:
        return {
            "type": "array",
            "description": single.pop("description"),
            "items": single,
            "uniqueItems": True,
        }
    if column.optional:
        single["type"] = ["string", "null"]
        if allowed is not None:
            single["enum"] = [*allowed, None]
    return single


def _object(columns: tuple[Column, ...], codes: RegisterCodes, **more: Any) -> dict[str, Any]:
    properties = {column.name: _property(column, codes) for column in columns} | more
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": properties,
    }


def json_schema(codes: RegisterCodes) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the register as JSON, for one jurisdiction's lists."""

    def listed(name: str) -> dict[str, Any]:
        return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:amanat:schema:register:1",
        "title": "Register of virtual-asset service providers",
        **_object(
            DOCUMENT_COLUMNS,
            codes,
            providers=listed("provider"),
            warnings=listed("warning"),
        ),
        "$defs": {
            "permission": _object(PERMISSION_COLUMNS, codes),
            "provider": _object(
                PROVIDER_COLUMNS, codes, permissions=listed("permission"), later=listed("later")
            ),
            "later": _object(LATER_COLUMNS, codes),
            "warning": _object(WARNING_COLUMNS, codes),
        },
    }


CSV_NAMES = {"categories": "category"}
"""In CSV each category of a permission has a row of its own."""
CSV_COLUMNS = tuple(column.name for column in PROVIDER_COLUMNS) + tuple(
    f"permission_{CSV_NAMES.get(column.name, column.name)}" for column in PERMISSION_COLUMNS
)
WARNING_CSV_COLUMNS = tuple(column.name for column in WARNING_COLUMNS)


def dictionary(codes: RegisterCodes) -> list[dict[str, str]]:
    """The column dictionary: for every column its file, name, what it holds and its meaning."""
    files = (
        ("register.json", "", DOCUMENT_COLUMNS),
        ("register.csv, register.json", "", PROVIDER_COLUMNS),
        ("register.csv, register.json", "permission_", PERMISSION_COLUMNS),
        ("register.json", "later_", LATER_COLUMNS),
        ("warnings.csv, register.json", "", WARNING_COLUMNS),
    )
    return [
        {
            "file": file,
            "column": f"{prefix}{CSV_NAMES.get(column.name, column.name)}",
            "holds": _holds(column, codes),
            "empty": "may be empty" if column.optional or column.many else "never empty",
            "meaning": column.meaning,
        }
        for file, prefix, columns in files
        for column in columns
    ]


def _holds(column: Column, codes: RegisterCodes) -> str:
    allowed = column.allowed(codes)
    if allowed is not None:
        held = "one of " + ", ".join(f"`{one}`" for one in allowed)
    elif column.format is not None:
        held = {"date": "date, YYYY-MM-DD", "lei": "LEI with correct check digits"}[column.format]
    elif column.pattern == TEXT:
        held = "text of one line"
    else:
        held = f"text, `{column.pattern}`"
    return f"list: {held}" if column.many else held
