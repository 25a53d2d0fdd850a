"""NACTA's list of proscribed persons (Schedule IV) in JSON, as nfs.nacta.gov.pk publishes it.

One object each with name, fatherName, cnic, province, district; several names are split by "@".
The file is that list, or an object that holds it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from amanat.core.errors import Place
from amanat.supervision.screening.lists.reading import (
    Collected,
    NotTheFormat,
    ReadList,
    nested_too_deep,
    unique,
)
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    ListedSubject,
    Subject,
    Topic,
    cnic_of,
    is_placeholder,
)

FORMAT = "NACTA's list (JSON)"
_FIELDS = ("name", "fatherName", "cnic", "province", "district")
_LENGTH_MAX = 400


def read_nacta(content: bytes, topics: tuple[Topic, ...] = (Topic.PROSCRIBED,)) -> ReadList:
    """Read the list.  Refuses `NotTheFormat`; `EntryWrong` and `EntriesMissing`, all at once."""
    rows = _rows(content)
    collected = Collected(content, topics)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            collected.wrong(f"entry {number}", "it is no object")
            continue
        _add(collected, number, row)
    return collected.finish(None)


def _rows(content: bytes) -> list[Any]:
    try:
        text = content.decode("utf-8-sig")
        if nested_too_deep(text):
            raise NotTheFormat(format=FORMAT, reason="it is nested too deep")
        parsed = json.loads(text)
    except UnicodeDecodeError:
        raise NotTheFormat(format=FORMAT, reason="it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotTheFormat(
            place=Place(line=error.lineno), format=FORMAT, reason=error.msg
        ) from None
    if isinstance(parsed, Mapping):
        held = [value for value in parsed.values() if isinstance(value, list)]
        if len(held) == 1:
            return list(held[0])
    if not isinstance(parsed, list):
        raise NotTheFormat(format=FORMAT, reason="it holds no list of entries")
    return parsed


def _add(collected: Collected, number: int, row: Mapping[str, Any]) -> None:
    entry = f"entry {number}"
    texts: dict[str, str] = {}
    for field in _FIELDS:
        value = row.get(field)
        if value is None or value == "":
            texts[field] = ""
        elif isinstance(value, str | int) and not isinstance(value, bool):
            texts[field] = " ".join(str(value).split())
        else:
            collected.wrong(entry, f"{field} is no text")
            return
        if len(texts[field]) > _LENGTH_MAX:
            collected.wrong(entry, f"{field} is longer than {_LENGTH_MAX} characters")
            return
    names = unique(texts["name"].split("@"))
    if not names:
        collected.wrong(entry, "it has no name")
        return
    cnic = cnic_of(texts["cnic"])
    document = Document(DocumentKind.CNIC, texts["cnic"], "PK") if texts["cnic"] else None
    collected.add(
        ListedSubject(
            reference=_reference(collected, texts, cnic),
            kind=Subject.PERSON,
            names=names,
            fathers=unique(texts["fatherName"].split("@")),
            documents=(document,) if document else (),
            countries=("PK",),
            topics=collected.topics,
            programmes=("Anti-Terrorism Act 1997, Schedule IV",),
            places=unique([", ".join(filter(None, (texts["district"], texts["province"])))]),
        )
    )


def _reference(collected: Collected, texts: Mapping[str, str], cnic: str | None) -> str:
    """The list gives no reference: the CNIC where it identifies somebody, else what is written.

    A person whose entry changes then stays the same entry, where the number is real.
    """
    if cnic and not is_placeholder(cnic):
        base = f"cnic-{cnic}"
    else:
        written = re.sub(r"\s", "", "|".join(texts[field].casefold() for field in _FIELDS))
        base = "entry-" + hashlib.sha256(written.encode()).hexdigest()[:16]
    reference, further = base, 1
    while reference in collected.subjects:
        further += 1
        reference = f"{base}-{further}"
    return reference
