"""What a run of a programme came to as business: one digest that two ledgers must agree on.

The journal's entries hold times, ids, salts, signatures, addresses and references to a chain, none
of which two runs share.  What they must share is what was done: the kind of each entry, its
business date, the capacity in which it was made, who approved it in which capacities, and its
amounts.

The digest is SHA-256 over the RFC 8785 form of

    [[kind, [[business_date, capacity, approvals, amounts], ...]], ...]

with the kinds in the alphabet and the entries of a kind in the order of the journal.  Entries of
different kinds are not ordered among each other: how many blocks are read at once decides which of
them is written first, and that is no business.  What contracts take in the order of addresses,
which are drawn anew in every run, is sorted: the entries of one chain transaction, and the
approvals of one proposal.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.canonical import canonical_bytes
from amanat.ledger import tables
from amanat.ledger.registry import EVENT_ENTRIES
from amanat.store.tables import journal_entry

_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)? [A-Z]{3}(?: face)?")
_AMOUNT_ARGUMENTS = frozenset(
    {
        "allotted",
        "amount",
        "ceiling",
        "funding",
        "gross",
        "nominal",
        "target",
        "tax",
        "usd_value",
        "value",
    }
)
"""Arguments of contract events that are sizes or sums; they carry no unit of their own."""

_APPROVED = frozenset({"ActApproved", "ConfidentialActApproved"})

Line = list[Any]


def business_digest(connection: Connection, programme: str) -> str:
    """The digest of one programme's journal, in hexadecimal."""
    return hashlib.sha256(canonical_bytes(business_content(connection, programme))).hexdigest()


def business_content(connection: Connection, programme: str) -> list[list[Any]]:
    """What `business_digest` is the digest of, to find where two runs differ."""
    days = set(
        connection.execute(
            sql.select(tables.business_day.c.business_date).where(
                tables.business_day.c.programme == programme
            )
        ).scalars()
    )
    kinds: dict[str, list[tuple[str, Line]]] = defaultdict(list)
    rows = connection.execute(
        sql.select(journal_entry.c.entry)
        .where(journal_entry.c.programme == programme)
        .order_by(journal_entry.c.log.desc(), journal_entry.c.leaf)
    )
    for row in rows:
        entry = json.loads(row.entry)
        kinds[_kind(entry)].append((_moment(entry), _line(entry, days)))
    return [[kind, list(_in_order(kinds[kind]))] for kind in sorted(kinds)]


def _in_order(lines: list[tuple[str, Line]]) -> Iterator[Line]:
    """The entries of a kind; those of one moment sorted among each other."""
    for moment, group in groupby(lines, key=lambda one: one[0]):
        found = [line for _, line in group]
        yield from sorted(found, key=canonical_bytes) if moment else found


def _kind(entry: Mapping[str, Any]) -> str:
    """The kind of an entry; of what a contract logged, also which contract and event."""
    kind = str(entry["kind"])
    if kind in EVENT_ENTRIES:
        said = entry["content"]
        return f"{kind} {said['contract']}.{said['event']} {said['label']}".rstrip()
    return kind


def _moment(entry: Mapping[str, Any]) -> str:
    """What it has in common with entries beside it in any order: the chain transaction in which a
    contract logged it, or the proposal that is approved; empty where its place says something.
    """
    if entry["kind"] in EVENT_ENTRIES:
        return str(entry["content"]["transaction"])
    return str(entry["content"]["proposal"]) if entry["kind"] in _APPROVED else ""


def _line(entry: Mapping[str, Any], days: set[str]) -> Line:
    # Before the first business day the ledger's entries have the date of the block.
    day = entry["business_date"] if entry["business_date"] in days else None
    approvals = sorted([one["institution"], one["capacity"]] for one in entry["approval"] or ())
    actor = entry["actor"]
    amounts = sorted(_amounts(entry["content"]))
    return [day, [actor["institution"], actor["capacity"], actor["role"]], approvals, amounts]


def _amounts(value: Any, path: str = "") -> Iterator[list[str]]:
    """Every amount in an entry's content with the path to it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _amounts(one, f"{path}/{name}")
    elif isinstance(value, list):
        for one in value:
            yield from _amounts(one, f"{path}/-")
    elif isinstance(value, str):
        last = path.rsplit("/", 1)[-1]
        is_argument = path.startswith("/arguments/") and last in _AMOUNT_ARGUMENTS
        if _AMOUNT.fullmatch(value) or (is_argument and value.isdigit()):
            yield [path, value]
