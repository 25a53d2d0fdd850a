"""Lists of addresses on chains, as CSV with a header: network, address, name, reference, listed_on.

`name` and `listed_on` may be empty; without a reference the address is its own.
"""

from __future__ import annotations

import csv
import io
import re

from amanat.core.errors import Place
from amanat.supervision.screening.index import address_key
from amanat.supervision.screening.lists.reading import (
    Collected,
    NotTheFormat,
    ReadList,
    partial_date,
    unique,
)
from amanat.supervision.screening.model import ListedSubject, Subject, Topic

FORMAT = "a list of addresses (CSV)"
_COLUMNS = ("network", "address", "name", "reference", "listed_on")
_ADDRESS = re.compile(r"[A-Za-z0-9]{20,128}")
_NETWORK = re.compile(r"[A-Za-z0-9_.:-]{1,32}")


def read_wallets(content: bytes, topics: tuple[Topic, ...] = (Topic.SANCTION,)) -> ReadList:
    """Read the list.  Refuses `NotTheFormat`; `EntryWrong` and `EntriesMissing`, all at once."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotTheFormat(format=FORMAT, reason="it is not UTF-8") from None
    rows = csv.DictReader(io.StringIO(text), strict=True)
    collected = Collected(content, topics)
    try:
        missing = [one for one in _COLUMNS[:2] if one not in (rows.fieldnames or ())]
        if missing:
            reason = f"there is no column {', '.join(missing)}"
            raise NotTheFormat(format=FORMAT, reason=reason)
        for row in rows:
            _add(collected, row, rows.line_num)
    except csv.Error as error:
        raise NotTheFormat(
            place=Place(line=rows.line_num), format=FORMAT, reason=str(error)
        ) from None
    return collected.finish(None)


def _add(collected: Collected, row: dict[str | None, str | None], line: int) -> None:
    network, address = (row["network"] or "").strip(), (row["address"] or "").strip()
    if None in row:
        collected.wrong(f"line {line}", "it has more columns than the header", line)
    elif not _NETWORK.fullmatch(network):
        collected.wrong(f"line {line}", f"{network[:32]!r} is no network", line)
    elif not _ADDRESS.fullmatch(address):
        collected.wrong(f"line {line}", f"{address[:40]!r} is no address", line)
    else:
        collected.add(
            ListedSubject(
                reference=(row.get("reference") or "").strip() or address_key(address),
                kind=Subject.WALLET,
                names=unique([row.get("name")]),
                addresses=(address,),
                topics=collected.topics,
                programmes=(network,),
                listed_on=partial_date(row.get("listed_on")),
            ),
            line,
        )
