"""Tables that sort, filter and page by the parameters of their URL, and download whole.

A view shows one table (`rows`, or a list) or several under their names.  Each table of a page
keeps its state in parameters with its name in front (`bids.sort=-nominal`); the main one has none.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from amanat.web import texts

ROWS_SHOWN = 50
_FACETS = (
    "state",
    "status",
    "kind",
    "level",
    "participant_class",
    "holder_class",
    "institution",
    "isin",
    "act",
    "phase",
    "purpose",
    "room",
)
_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_FACET_VALUES = range(2, 16)
# What a table shows at first; everything else is one link away and in every download.
_PAYMENTS = (
    "isin",
    "kind",
    "payment_date",
    "record_date",
    "state",
    "nominal",
    "gross_per_100",
    "gross_paisa",
    "tax_paisa",
    "net_paisa",
    "id",
    "payment",
)
_INSTRUCTIONS = (
    "id",
    "state",
    "isin",
    "deliverer_institution",
    "receiver_institution",
    "nominal",
    "consideration_paisa",
    "settled_on",
    "reason",
)
_CASE_TRANSACTIONS = (
    "day",
    "exchange",
    "reference",
    "kind",
    "from",
    "to",
    "traded_asset",
    "quantity",
    "value_minor",
)
PREFERRED: dict[str, tuple[str, ...]] = {
    "cases": (
        "case",
        "title",
        "risk",
        "overdue",
        "due_on",
        "age_days",
        "officer",
        "findings",
        "subject",
        "state",
    ),
    "alert_queue": (
        "alert",
        "scenario",
        "subject",
        "exchanges",
        "age_days",
        "learned_score",
        "scenario_score",
        "reason",
    ),
    "screening_hits": (
        "hit",
        "grade",
        "listed",
        "list",
        "party",
        "roles",
        "agrees",
        "disagrees",
        "age_days",
        "state",
    ),
    "freezes": (
        "number",
        "state",
        "authority",
        "until",
        "ordered_at",
        "report_due_at",
        "order_state",
        "acknowledge_by",
        "hit",
    ),
    "monitoring_scenarios": ("scenario", "version", "state", "alerts"),
    "monitoring_scenario.asked": (
        "version",
        "first_day",
        "last_day",
        "state",
        "done_up_to",
        "ahead",
        "failure",
        "asked_by",
        "asked_at",
        "ended_at",
    ),
    "returns": (
        "return",
        "exchange",
        "sequence",
        "first_day",
        "last_day",
        "scope",
        "transactions",
        "score",
        "in_force",
        "received_at",
    ),
    "accepted_return.followed": (
        "stage",
        "measured_in",
        "in_all",
        "waiting",
        "done_at",
        "monitoring_run",
    ),
    "accepted_return.contents": ("record", "rows"),
    "accepted_return.totals": (
        "kind",
        "rows_stated",
        "rows_counted",
        "stated_minor",
        "counted_minor",
    ),
    "accepted_return.parts": ("part", "points", "at_most", "because"),
    "accepted_return.refused": ("refused", "errors", "rules", "received_at"),
    "returns.refused": ("refused", "exchange", "sequence", "errors", "rules", "received_at"),
    "returns.quality": (
        "exchange",
        "last_day",
        "score",
        "due_on",
        "days_late",
        "refused_before",
        "corrected",
    ),
    "monitoring_alert.transactions": _CASE_TRANSACTIONS,
    "monitoring_alert.dismissals": (
        "on",
        "disposition",
        "reason",
        "person",
        "approved_by",
        "reopened_on",
        "reopened_by",
    ),
    "case_statistics.dispositions": ("disposition", "cases", "alerts"),
    "case_statistics.scenarios": ("scenario", "cases", "alerts", "false_positives"),
    "case_network.nodes": ("node", "ring", "exchange", "country", "outside"),
    "case.findings_shown": ("day", "scenario", "said", "score", "exchange", "kind"),
    "case.transactions": _CASE_TRANSACTIONS,
    "keys": (
        "institution",
        "holder",
        "purpose",
        "key",
        "place",
        "state",
        "expires_at",
        "days_left",
        "last_used_at",
    ),
    "acts": ("room", "act", "what_it_does", "by", "second_person"),
    "proposal.requirements": ("institution", "capacity", "signs", "state", "met_at"),
    "programmes": ("name", "business_date", "zone", "simulation", "code"),
    "participants": (
        "participant",
        "name",
        "participant_class",
        "authority",
        "country",
        "level",
        "valid_until",
        "refusal",
    ),
    "accounts": (
        "address",
        "participant",
        "kind",
        "label",
        "holder",
        "holder_class",
        "tax_residency",
        "refusal",
    ),
    "assets": ("asset", "kind", "description", "place", "quantity", "custodian", "backs"),
    "journal": ("leaf", "kind", "subject", "institution", "business_date", "recorded_at", "id"),
    "proposals": (
        "act",
        "subject",
        "state",
        "institution",
        "proposed_at",
        "proposal",
    ),
    "securities": (
        "isin",
        "name",
        "coupon_rate",
        "issue_date",
        "maturity_date",
        "authorised",
        "outstanding",
        "redeemed",
    ),
    "tenders": (
        "tender",
        "isin",
        "state",
        "target",
        "auction_date",
        "settlement_date",
        "bids_due",
        "pending",
    ),
    "payments": _PAYMENTS,
    "payment_calendar": _PAYMENTS,
    "instructions": _INSTRUCTIONS,
    "fails": _INSTRUCTIONS,
    "commitments": ("sequence", "number", "window", "letter", "block_time", "fate", "reason"),
    "lines": (),
    "payment.lines": (
        "account",
        "institution",
        "holder_class",
        "nominal",
        "gross_paisa",
        "tax_rate",
        "tax_paisa",
        "net_paisa",
        "state",
        "reason",
        "paid_on",
    ),
    "allotments": (
        "tender",
        "number",
        "participant",
        "competitive",
        "nominal",
        "price",
        "yield_pct",
        "consideration",
        "state",
        "instruction",
    ),
    "authorisations": (
        "number",
        "nominal",
        "usd_value",
        "rate",
        "rate_date",
        "rate_assumed",
        "asset",
        "expires_on",
        "state",
        "issued",
    ),
    "operations.nodes": ("node", "state", "height", "peers", "latency_ms", "software"),
    "operations.queues": ("state", "orders", "oldest_seconds"),
    "operations.fails": ("programme", "state", "reason", "instructions"),
    "operations.alarms": ("kind", "subject", "detail", "raised_at"),
    "operations.followed": ("stage", "waiting", "waiting_since", "failed"),
    "complaints": (
        "complaint",
        "about",
        "topic",
        "stage",
        "received_on",
        "due_on",
        "due_by",
        "overdue",
        "outcome",
    ),
    "agreements": (
        "agreement",
        "title",
        "parties",
        "kind",
        "binding",
        "advises",
        "signed_on",
        "last_day",
        "ended_on",
    ),
    "decisions": (
        "file",
        "provider",
        "outcome",
        "reasons",
        "criteria",
        "conflicts",
        "recused",
        "applicants",
        "law",
        "rulebook",
        "decided_on",
    ),
    "life": ("leaf", "kind", "business_date", "recorded_at"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the view, and how its values are shown."""

    name: str
    label: str
    unit: str
    shape: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A column with few values, offered as a choice."""

    name: str
    label: str
    values: tuple[str, ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table as the page shows it: filtered, sorted and cut by the parameters in the URL."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Any], ...]
    facets: tuple[Facet, ...]
    count: int
    total: int
    start: int
    sort: str
    sought: str
    hidden: int
    whole: bool
    path: str
    parameters: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What stands before the names of this table's parameters."""
        return "" if self.name == "rows" else f"{self.name}."

    @property
    def end(self) -> int:
        """The place after the last row shown."""
        return self.start + len(self.rows)

    def link(self, **changes: str | int | None) -> str:
        """The page's address with this table's parameters changed; None takes one away."""
        own = {self.prefix + key: value for key, value in changes.items()}
        kept = {
            key: value
            for key, value in self.parameters.items()
            if key not in own and key not in {"format", "table", "lang"}
        }
        given = {key: str(value) for key, value in own.items() if value not in (None, "")}
        return f"{self.path}?{urlencode(kept | given)}"

    def order(self, column: str) -> str:
        """The address that sorts by a column, or the other way round where it does already."""
        return self.link(sort=f"-{column}" if self.sort == column else column, start=None)

    def download(self, form: str) -> str:
        """The address of the whole table, as filtered and sorted, in a format."""
        kept = {k: v for k, v in self.parameters.items() if k not in {"format", "table", "lang"}}
        named = {} if self.name == "rows" else {"table": self.name}
        return f"{self.path}?{urlencode(kept | named | {'format': form})}"

    @property
    def kept(self) -> dict[str, str]:
        """Parameters that a filter form carries on: those of the view and of other tables."""
        own = {f"{self.prefix}{key}" for key in ("q", "start", *(f.name for f in self.facets))}
        leave = own | {"format", "table", "lang"}
        return {key: value for key, value in self.parameters.items() if key not in leave}


def rows_of(shown: Any, view: str = "rows") -> list[dict[str, Any]] | None:
    """The rows of a view that is one table, itself or under the view's own name; else None."""
    found = shown.get("rows", shown.get(view)) if isinstance(shown, dict) else shown
    return found if _is_table(found) else None


def named_tables(shown: Any, view: str = "rows") -> dict[str, list[dict[str, Any]]]:
    """Every table in what a view shows, the main one as `rows`."""
    found: dict[str, list[dict[str, Any]]] = {}
    main = rows_of(shown, view)
    if main is not None:
        found["rows"] = main
    if isinstance(shown, dict):
        for name, value in shown.items():
            if value is not main and _is_table(value):
                found[name] = value
    return found


def preferred(view: str, table: str) -> tuple[str, ...]:
    """The columns that a table of a view shows at first; none named: all that say anything."""
    return PREFERRED.get(view if table == "rows" else f"{view}.{table}") or PREFERRED.get(table, ())


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def select(
    rows: Sequence[Mapping[str, Any]], parameters: Mapping[str, str], prefix: str = ""
) -> list[Mapping[str, Any]]:
    """Rows as filtered and sorted by the parameters with this prefix."""
    found = list(rows)
    sought = parameters.get(f"{prefix}q", "").strip().lower()
    if sought:
        found = [r for r in found if any(sought in str(v).lower() for v in r.values())]
    for name in _FACETS:
        wanted = parameters.get(f"{prefix}is.{name}", "")
        if wanted:
            found = [r for r in found if str(r.get(name)) == wanted]
    order = parameters.get(f"{prefix}sort", "")
    name = order.lstrip("-")
    if name and any(name in row for row in found):
        found.sort(key=lambda row: sort_key(row.get(name)), reverse=order.startswith("-"))
    return found


def table_of(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    path: str,
    parameters: Mapping[str, str],
    *,
    preferred: Sequence[str] = (),
    currency: str = "PKR",
) -> Table:
    """The part of a table that a page shows."""
    prefix = "" if name == "rows" else f"{name}."
    found = select(rows, parameters, prefix)
    whole = parameters.get(f"{prefix}columns") == "all"
    columns, hidden = _columns(rows, preferred, whole, currency)
    start = _number(parameters.get(f"{prefix}start", ""))
    start = start if start < len(found) else 0
    return Table(
        name=name,
        columns=columns,
        rows=tuple(found[start : start + ROWS_SHOWN]),
        facets=_facets(rows, parameters, prefix),
        count=len(found),
        total=len(rows),
        start=start,
        sort=parameters.get(f"{prefix}sort", ""),
        sought=parameters.get(f"{prefix}q", ""),
        hidden=hidden,
        whole=whole,
        path=path,
        parameters=parameters,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row)
    return list(names)


def _columns(
    rows: Sequence[Mapping[str, Any]], preferred: Sequence[str], whole: bool, currency: str
) -> tuple[tuple[Column, ...], int]:
    names = _names(rows)
    shown = [name for name in names if any(_plain(row.get(name)) for row in rows)]
    if not whole:
        first = [name for name in preferred if name in shown]
        shown = first or shown
    columns = tuple(_column(name, [row.get(name) for row in rows], currency) for name in shown)
    return columns, len(names) - len(shown)


def _plain(value: Any) -> bool:
    """Whether a value can stand in a cell; empty ones alone make no column."""
    if isinstance(value, list):
        return bool(value) and not any(isinstance(one, dict | list) for one in value)
    return value is not None and not isinstance(value, dict)


def _column(name: str, values: Sequence[Any], currency: str) -> Column:
    shape, stem, unit = texts.shape_of(name, currency)
    numeric = shape in {"money", "dollars"} or (
        shape == "plain"
        and all(is_number(value) for value in values)
        and any(value is not None for value in values)
    )
    if shape == "plain" and numeric:
        shape = "number"
    elif shape == "plain" and any(map(_names_somebody, values)):
        shape = "subject"
    # A `number` may be one of a paper, `FRZ-GX4TQ2AB`, which is read like a word.
    given = [value for value in values if value is not None]
    numeric = numeric or (shape == "ordinal" and any(map(is_number, given)))
    unit = unit if numeric else ""  # a `target` may be a party as well as an amount
    return Column(name, column_label(stem), unit, shape, numeric)


def _names_somebody(value: Any) -> bool:
    """Whether a value is a party or an account of supervision, such as `party:1234`."""
    kind, colon, number = value.partition(":") if isinstance(value, str) else ("", "", "")
    return bool(colon) and kind in ("party", "account", "customer") and number.isdigit()


def column_label(stem: str) -> str:
    """The words of a column's head."""
    return texts.words(stem)


def _facets(
    rows: Sequence[Mapping[str, Any]], parameters: Mapping[str, str], prefix: str
) -> tuple[Facet, ...]:
    found = []
    for name in _FACETS:
        values = sorted({str(row[name]) for row in rows if row.get(name) is not None})
        chosen = parameters.get(f"{prefix}is.{name}", "")
        if len(values) in _FACET_VALUES or (chosen and chosen in values):
            found.append(Facet(f"is.{name}", texts.words(name), tuple(values), chosen))
    return tuple(found[:3])


_FIGURE_DIGITS_MAX = 15
"""What has more is a pseudonym; amounts have columns of their own."""


def is_number(value: Any) -> bool:
    """Whether a value counts as a number, or says nothing against it (None)."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int) or value is None:
        return True
    if not isinstance(value, str) or not value.isascii() or len(value) > 40:
        return False
    digits = value.removeprefix("-").replace(".", "", 1)
    if "." not in value and len(digits) > _FIGURE_DIGITS_MAX:
        return False
    return digits.isdigit() and not value.endswith(".")


def sort_key(value: Any) -> tuple[int, Any]:
    """Nothing first, then numbers by size, then texts."""
    if value is None:
        return (0, 0)
    if is_number(value):
        return (1, texts.exact(value))
    return (2, str(value).lower())


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; what a spreadsheet would take for a formula is kept as text.

    A number keeps its minus.  Everything else that begins with `=`, `+`, `-`, `@`, a tab or a line
    break gets an apostrophe in front (OWASP, CSV injection).
    """
    columns = _names(rows)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(column) for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    nested = isinstance(value, dict | list)
    text = json.dumps(value, ensure_ascii=False) if nested else str(value)
    risky = text.lstrip(" \xa0")[:1] in _FORMULA_STARTS
    return f"'{text}" if risky and not is_number(text) else text
