"""The Urdu catalogue: what it has to hold, and how its .po and .mo are written.

`python tests/web/catalogue.py` puts new messages into the .po (without a translation, for a person
to give) and compiles the .mo from it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import amanat.web
from amanat.access.actors import Role
from amanat.access.acts import ACTS, VIEWS
from amanat.app import declare_rooms
from amanat.auctions.acts_rules import TenderState
from amanat.auctions.allotment import Status
from amanat.participants.model import Level
from amanat.programme.model import Phase
from amanat.servicing.model import PaymentState
from amanat.settlement.model import InstructionState
from amanat.web.forms import fields_of
from amanat.web.pages import SECTIONS
from amanat.web.tables import PREFERRED, column_label
from amanat.web.texts import headline, shape_of, words

WEB = Path(amanat.web.__file__).parent
FOLDER = WEB / "locale" / "ur" / "LC_MESSAGES"
STATES = (
    *TenderState,
    *Status,
    *InstructionState,
    *PaymentState,
    *Phase,
    *Role,
    *Level,
    "proposed",
    "carried_out",
    "withdrawn",
    "awaited",
    "done",
    "requested",
    "refused",
    "halted",
    "issue",
    "coupon",
    "redemption",
    "to_come",
    "bond",
    "bill",
    "multiple_price",
    "uniform_price",
)
PO, MO = FOLDER / "amanat.po", FOLDER / "amanat.mo"


def of_templates() -> set[str]:
    """Every message that a template or a page's code marks."""
    found = extract_from_dir(
        str(WEB),
        [("templates/**.html", "jinja2"), ("subjects.py", "python")],
        {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}},
        keywords={"_": None, "gettext": None, "say": None},
    )
    return {message for _file, _line, message, _notes, _context in found}


def of_facts() -> set[str]:
    """The names of single facts that templates show with their words."""
    found: set[str] = set()
    for page in (WEB / "templates").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        found |= set(re.findall(r'parts\.fact\("(\w+)"', text))
        for names in re.findall(r"for name in \(([^)]*)\)", text):
            found |= set(re.findall(r'"(\w+)"', names))
    return found


def declared(kinds: dict[str, Any]) -> list[Any]:
    """Those of the product: other tests of the same process declare some of their own."""
    return [one for one in kinds.values() if one.body.__module__.startswith("amanat.")]


def of_names() -> Iterator[str]:
    """The words of acts, views, rooms, fields, columns and states."""
    declare_rooms()
    yield from map(words, STATES)
    yield from (label for _path, label in SECTIONS)
    for act in declared(ACTS):
        yield words(act.name)
        yield words(act.room)
        yield from (words(field["name"]) for field in fields_of(act))
    for view in declared(VIEWS):
        yield words(view.name)
        yield words(view.room)
        yield from (words(name) for name in view.query.model_fields)
    yield from (words(shape_of(name, "PKR")[1]) for name in of_facts())
    for columns in PREFERRED.values():
        yield from (column_label(shape_of(name, "PKR")[1]) for name in columns)


def of_summaries() -> Iterator[str]:
    """What acts and views say of themselves; English where it has not been translated yet."""
    declare_rooms()
    yield from (headline(kind.summary) for kind in (*declared(ACTS), *declared(VIEWS)))


def wanted() -> list[str]:
    """All messages of the catalogue, without repeats."""
    return sorted({message for message in (*of_templates(), *of_names()) if message})


def read() -> Catalog:
    """The .po as it is."""
    with PO.open("rb") as file:
        return read_po(file, locale="ur", domain="amanat")


def compiled(catalogue: Catalog) -> bytes:
    """The .mo that belongs to a .po."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update() -> int:
    """Bring the .po up to the code and compile it; how many messages lack a translation."""
    former = read() if PO.exists() else Catalog(locale="ur", domain="amanat")
    catalogue = Catalog(
        locale="ur", domain="amanat", project="Amanat", fuzzy=False, copyright_holder="Amanat"
    )
    for message in sorted({*wanted(), *of_summaries()}):
        known = former.get(message)
        flags = ("python-format",) if known and "python-format" in known.flags else ()
        catalogue.add(message, known.string if known else "", flags=flags)
    catalogue.creation_date = catalogue.revision_date = former.creation_date
    with PO.open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, omit_header=False)
    MO.write_bytes(compiled(read()))
    return sum(1 for message in catalogue if message.id and not message.string)


if __name__ == "__main__":
    print(f"{update()} messages lack a translation")
