"""What was saved of a file's forms, and what is still missing in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import NotFound, Place, Refusal
from amanat.jurisdictions.licensing import FileKind, LicensingPack
from amanat.licensing.forms.answers import ITEM, check, missing
from amanat.licensing.forms.form import load_form
from amanat.licensing.tables import file_section, licensing_file


def answers_of(connection: Connection, file_id: str) -> dict[str, dict[str, Any]]:
    """What was saved last of each section, by form and section."""
    rows = connection.execute(
        sql.select(file_section.c.form, file_section.c.section, file_section.c.content)
        .where(file_section.c.file == file_id)
        .order_by(file_section.c.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row.form, {})[row.section] = json.loads(row.content)
    return found


def digests_of(connection: Connection, file_id: str) -> dict[str, dict[str, str]]:
    """SHA-256 of what was saved last of each section, by form and section."""
    rows = connection.execute(
        sql.select(file_section.c.form, file_section.c.section, file_section.c.digest)
        .where(file_section.c.file == file_id)
        .order_by(file_section.c.id)
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.form, {})[row.section] = row.digest
    return found


def last_saved(connection: Connection, file_id: str, form: str, section: str) -> Row[Any] | None:
    """The last save of a section: its digest, by whom and when; None where there is none."""
    return connection.execute(
        sql.select(file_section)
        .where(
            file_section.c.file == file_id,
            file_section.c.form == form,
            file_section.c.section == section,
        )
        .order_by(file_section.c.id.desc())
        .limit(1)
    ).one_or_none()


def last_saved_of(
    connection: Connection, programme: str, number: str, form: str, section: str
) -> Row[Any] | None:
    """As `last_saved`, of the file with this number."""
    found = connection.execute(
        sql.select(licensing_file.c.id).where(
            licensing_file.c.programme == programme, licensing_file.c.number == number
        )
    ).scalar_one_or_none()
    return None if found is None else last_saved(connection, found, form, section)


def changed_since(
    connection: Connection, file_id: str, form: str, section: str, former: str
) -> list[str]:
    """Questions that were answered otherwise after the save with this digest, by their codes.

    Of a section that repeats `item.question`.
    """
    table = file_section
    rows = connection.execute(
        sql.select(table.c.content, table.c.digest)
        .where(table.c.file == file_id, table.c.form == form, table.c.section == section)
        .order_by(table.c.id)
    ).all()
    then: Any = next(
        (json.loads(one.content) for one in reversed(rows) if one.digest == former), {}
    )
    before, after = _by_question(then), _by_question(json.loads(rows[-1].content) if rows else {})
    return [one for one in before | after if before.get(one) != after.get(one)]


def _by_question(content: Any) -> dict[str, Any]:
    if isinstance(content, dict):
        return dict(content)
    return {
        f"{row.get(ITEM, place)}.{code}": answer
        for place, row in enumerate(content, start=1)
        for code, answer in row.items()
        if code != ITEM
    }


def unfilled(
    pack: LicensingPack, kind: FileKind, answers: Mapping[str, Mapping[str, Any]], today: date
) -> list[Refusal]:
    """Everything missing or wrong in the forms that a kind of file needs, each with its place."""
    found: list[Refusal] = []
    for code in kind.forms:
        given = answers.get(code, {})
        form = load_form(pack.code, code)
        for refusal in (*check(form, given, today), *missing(form, given)):
            field = refusal.place.field if refusal.place else None
            found.append(refusal.at(Place(file=code, field=field)))
    return found


def section_complete(
    pack: LicensingPack,
    code: str,
    section: str,
    answers: Mapping[str, Any],
    today: date,
) -> bool:
    """Whether nothing is missing or wrong in one section.  Refuses `NotFound`: no such section."""
    form = load_form(pack.code, code)
    if section not in {one.code for one in form.sections}:
        raise NotFound(thing="section", value=f"{code}.{section}")
    places = [
        one.place.field or "" if one.place else ""
        for one in (*check(form, answers, today), *missing(form, answers))
    ]
    return not any(place == section or place.startswith(f"{section}.") for place in places)
