"""The Urdu catalogue: what it has to hold, and how its .po and .mo are written.

`python tests/web/catalogue.py` puts new messages into the .po (without a translation, for a person
to give) and compiles the .mo from it.
"""

from __future__ import annotations

import ast
import io
import re
from calendar import month_name
from collections.abc import Iterator, Mapping
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import amanat
import amanat.web
from amanat.access.actors import Role
from amanat.access.acts import ACTS, VIEWS
from amanat.access.refusals import FAULTS, FORMS
from amanat.app import declare_rooms
from amanat.auctions.acts_rules import TenderState
from amanat.auctions.allotment import Status
from amanat.jurisdictions.cases import load_cases
from amanat.jurisdictions.countries import COUNTRIES
from amanat.jurisdictions.licensing import load_licensing
from amanat.jurisdictions.screening import load_screening
from amanat.jurisdictions.supervision import load_supervision
from amanat.ledger.refusals import ERRORS
from amanat.licensing.complaints.commands import ComplaintOutcome
from amanat.licensing.forms.form import form_of_file
from amanat.licensing.model import APPLICANT, AUTHORITY_CAPACITY, Change, Entity, Position
from amanat.licensing.register.acts import WARNED_OF
from amanat.licensing.register.model import WarningReason
from amanat.participants.model import Level, OutsidePurpose
from amanat.programme.model import Phase
from amanat.servicing.model import PaymentState
from amanat.settlement.model import InstructionState
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.returns.stated import KINDS
from amanat.supervision.screening.explaining import compares
from amanat.supervision.screening.model import (
    Document,
    Feature,
    FreezeOrderState,
    FreezeState,
    Grade,
    HitState,
    ListedSubject,
    Topic,
    Verdict,
)
from amanat.supervision.screening.sources import ROLES
from amanat.web.act_fields import fields_of
from amanat.web.composing import MEASURES
from amanat.web.licensing_pages import GROUPS, GROUPS_OF_OTHERS
from amanat.web.places import SECTIONS
from amanat.web.register_pages import STATES as REGISTER_STATES
from amanat.web.tables import PREFERRED, column_label
from amanat.web.texts import headline, shape_of, words

SOURCES = Path(amanat.__file__).parent
WEB = Path(amanat.web.__file__).parent
FOLDER = WEB / "locale" / "ur" / "LC_MESSAGES"
STATES = (
    *MEASURES,
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
    "running",
    "failed",
    "requested",
    "refused",
    "halted",
    "issue",
    "coupon",
    "redemption",
    "to_come",
    "bond",
    "bill",
    "standby",
    "in_use",
    "retired",
    "revoked",
    "lost",
    "expired",
    "ends_soon",
    "approve",
    "send",
    "account",
    "seal",
    *OutsidePurpose,
    *Feature,
    *Verdict,
    *(one.name.lower() for one in Grade),
    *HitState,
    *FreezeState,
    *FreezeOrderState,
    *ComplaintOutcome,
    "multiple_price",
    "uniform_price",
    "class_authority",
    "authorise",
    "clear",
    "confirm",
    "payer",
    "sign_up",
    "authority",
    "applicant",
    "grant",
    "refuse",
)
# What follows accepted returns, what a return is and holds, and the parts of its score.
OF_RETURNS = (
    *KINDS,
    "new_persons",
    "open_alerts",
    "vault",
    "screening",
    "monitoring",
    "scores",
    "backtests",
    "period",
    "whole",
    "rows",
    "parties",
    "accounts",
    "balances",
    "transactions",
    "travel_rule",
    "all",
    "in_time",
    "complete",
    "right_at_once",
    "corrected",
)
# What the calendar of licensing lists, beside the clocks of files.
DUE = (
    "condition",
    "consultation",
    "direction",
    "expiry",
    "finding",
    "answer_to_charge",
    "return",
    "obligation",
    "penalty",
    "winding_down",
)
PO, MO = FOLDER / "amanat.po", FOLDER / "amanat.mo"

BARE = "{message}"
"""What only passes on a text that was made elsewhere."""


def of_templates() -> set[str]:
    """Every message that a template or a page's code marks."""
    found = extract_from_dir(
        str(WEB),
        [
            ("templates/**.html", "jinja2"),
            ("subjects.py", "python"),
            ("answering.py", "python"),
            ("applying.py", "python"),
            ("question_pages.py", "python"),
            ("supervision_desk.py", "python"),
            ("supervision_pages.py", "python"),
        ],
        {
            "templates/**.html": {
                "trimmed": "true",
                "newstyle_gettext": "true",
                "extensions": "jinja2.ext.do",
                "silent": "false",
            }
        },
        keywords={"_": None, "gettext": None, "say": None, "worded": None},
    )
    return {message for _file, _line, message, _notes, _context in found}


# What a refusal carries in plain words, by the name of its argument; folders and settings that
# the command line alone reads say theirs in English.
ENGLISH_ONLY = frozenset(
    (
        "cli",
        "jurisdictions",
        "ledger",
        "network",
        "replay",
        "store",
        "settings.py",
    )
)
# What the command line alone reads from files: tokens, certificates, files of the register.
ENGLISH_FILES = frozenset(
    f"licensing/{name}.py"
    for name in (
        "credentials/certificate_check",
        "credentials/jose",
        "credentials/licence",
        "credentials/sd_jwt",
        "credentials/status_lists",
        "credentials/verifying",
        "register/columns",
        "register/feed",
        "register/files",
        "register/model",
    )
)
PLAIN_WORDS = frozenset(
    (
        "reason",
        "thing",
        "pending",
        "needed",
        "what",
        "rule",
    )
)
# Words that join terms, and what HTTP itself says on a page.
JOINTS = (" or ", ", ", "{amount} face", "yes", "no")
HTTP_WORDS = (
    HTTPStatus.NOT_FOUND.phrase,
    HTTPStatus.METHOD_NOT_ALLOWED.phrase,
    "This is our own mistake, not yours; it has been noted.",
)


def refusals() -> dict[str, str]:
    """The key of every class of refusal in the product, by its file and name."""
    found = {}
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for one in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(one, ast.Assign | ast.AnnAssign) and "template" in _names(one):
                    text = _text(one.value) if one.value else None
                    if text is not None and text != BARE:
                        found[f"{path.relative_to(SOURCES)}:{node.name}"] = text
    return found


def of_refusals() -> set[str]:
    """The key of every refusal: of the rooms, of the contracts, and of what a form finds."""
    return {
        *refusals().values(),
        *(error.template for error in ERRORS),
        *FAULTS.values(),
        *FORMS.values(),
    }


def of_messages() -> set[str]:
    """The keys of all messages in the code, and the plain words that refusals carry."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        own = path.relative_to(SOURCES)
        plain = own.parts[0] not in ENGLISH_ONLY and own.as_posix() not in ENGLISH_FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= set(_keys_of(node, plain=plain))
            elif plain and isinstance(node, ast.Assign) and _names(node) & PLAIN_WORDS:
                found |= {text for text in (_text(node.value),) if text}
    return found


def _keys_of(call: ast.Call, *, plain: bool) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "Message" and call.args and _text(call.args[0]):
        yield str(_text(call.args[0]))
    for one in call.keywords if plain else ():
        if one.arg in PLAIN_WORDS and name[:1].isupper() and _text(one.value):
            yield str(_text(one.value))


def _names(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {one.id for one in targets if isinstance(one, ast.Name)}


def _text(node: ast.expr) -> str | None:
    stated = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if stated else None  # type: ignore[attr-defined]


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
        yield from map(words, _names_within(fields_of(act)))
        yield from map(words, act.capacities)
        if act.room == "licensing":
            yield from (words(one) for field in fields_of(act) for one in field["choices"])
    for view in declared(VIEWS):
        yield words(view.name)
        yield words(view.room)
        yield from (words(name) for name in view.query.model_fields)
    yield from (words(shape_of(name, "PKR")[1]) for name in of_facts())
    for columns in PREFERRED.values():
        yield from (column_label(shape_of(name, "PKR")[1]) for name in columns)


def _names_within(fields: list[dict[str, Any]]) -> Iterator[str]:
    """The names of fields and of their parts."""
    for field in fields:
        yield field["name"]
        yield from _names_within(field["parts"])


def of_packs() -> Iterator[str]:
    """What the jurisdictions' forms ask, and what their files, services and clocks are called."""
    for path in sorted((SOURCES / "jurisdictions").glob("*/forms/*.toml")):
        yield from form_of_file(path).texts()
    for path in sorted((SOURCES / "jurisdictions").glob("*/licensing.toml")):
        pack = load_licensing(path.parent.name)
        for named in (*pack.files, *pack.categories, *pack.clocks):
            yield named.title
        yield from (words(clock.code) for clock in pack.clocks)
        for listed in (
            *pack.statuses,
            *pack.permissions,
            *pack.suspensions,
            *pack.accounts,
            *pack.caps,
        ):
            yield listed.title
        yield from (words(cap.period) for cap in pack.caps)
        for told in (*pack.confirmations, *pack.checklists, *pack.stakeholders, *pack.obligations):
            yield told.title
        yield from (*pack.activities.values(), *pack.requirements.values())
        yield from (item.text for area in pack.checklists for item in area.items)
        for attached in pack.conditions:
            yield from (attached.text, attached.consequence)
        yield from (words(stage) for kind in pack.files for stage in kind.stages)
    yield from COUNTRIES.values()
    yield from REGISTER_STATES.values()
    yield from (words(reason) for reason in WarningReason)
    yield from WARNED_OF.values()
    yield words("advises_programme")
    yield from (*GROUPS.values(), *GROUPS_OF_OTHERS.values())
    yield from map(words, (*DUE, *OF_RETURNS, *SCENARIOS))
    pack = load_cases("pk")
    yield from (headline(one.title) for one in (*pack.clocks, *pack.dispositions))
    yield from map(words, (one.code for one in pack.dispositions))
    # What is no section of a law; the laws are cited as they are.
    yield from (one.section for one in pack.clocks if not re.search("[0-9]", one.section))
    yield from (words(f"screening_{one.code}") for one in load_screening("pk").lists)
    yield from map(words, ("bank", "hosted_wallet", "unhosted_wallet", "open", "closed", "alerts"))
    yield "PKR million"
    yield from map(words, (*Change, *Entity, *Position, APPLICANT, AUTHORITY_CAPACITY))


def of_supervision() -> Iterator[str]:
    """What scenarios look for, their parameters and sources, and what a hit's features compare."""
    for scenario in SCENARIOS.values():
        yield headline(scenario.explanation)
        yield from (words(shape_of(field.name, "PKR")[1]) for field in fields(scenario.parameters))
    yield from (headline(compares(feature)) for feature in Feature)
    yield from map(
        words, (*Topic, *ROLES, "live", "shadow", "draft", "retired", "dispositions", "pseudonyms")
    )
    yield from (words(field.name) for kind in (ListedSubject, Document) for field in fields(kind))
    for code in SCENARIOS:
        yield from (dated.source for dated in load_supervision("pk").history(code))


def of_summaries() -> Iterator[str]:
    """What acts and views say of themselves; English where it has not been translated yet."""
    declare_rooms()
    yield from (headline(kind.summary) for kind in (*declared(ACTS), *declared(VIEWS)))


def wanted() -> list[str]:
    """All messages of the catalogue, without repeats."""
    texts = (*of_templates(), *of_names(), *of_refusals(), *of_messages(), *JOINTS, *HTTP_WORDS)
    found = {
        message for message in (*texts, *of_packs(), *of_supervision(), *month_name) if message
    }
    return sorted(found - {BARE})


def read() -> Catalog:
    """The .po as it is."""
    with PO.open("rb") as file:
        return read_po(file, locale="ur", domain="amanat")


def compiled(catalogue: Catalog) -> bytes:
    """The .mo that belongs to a .po."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update(given: Mapping[str, str] | None = None) -> int:
    """Bring the .po up to the code, with further translations, and compile it.

    Answers how many messages lack a translation.
    """
    former = read() if PO.exists() else Catalog(locale="ur", domain="amanat")
    catalogue = Catalog(
        locale="ur", domain="amanat", project="Amanat", fuzzy=False, copyright_holder="Amanat"
    )
    given = given or {}
    for message in sorted({*wanted(), *of_summaries()}):
        known = former.get(message)
        flags = ("python-format",) if known and "python-format" in known.flags else ()
        string = given.get(message) or (known.string if known else "")
        catalogue.add(message, string, flags=flags)
    catalogue.creation_date = catalogue.revision_date = former.creation_date
    with PO.open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, omit_header=False)
    MO.write_bytes(compiled(read()))
    return sum(1 for message in catalogue if message.id and not message.string)


if __name__ == "__main__":
    print(f"{update()} messages lack a translation")
