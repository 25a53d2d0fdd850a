"""Which documents a file's answers name, and who may read them for that reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor
from amanat.access.acts import ActContext
from amanat.core.errors import NotFound, Place, Refused
from amanat.core.ids import new_id
from amanat.licensing.documents.inspection import MEDIA_TYPES, TypeNotTaken
from amanat.licensing.documents.received import Document, find
from amanat.licensing.documents.tables import document
from amanat.licensing.forms.answers import Answers, Asked, asked
from amanat.licensing.forms.form import Form, QuestionKind
from amanat.licensing.openness.grounds import recusals_of
from amanat.licensing.ordering import written
from amanat.licensing.records import authority_of, is_provider, pack_of
from amanat.licensing.tables import consultation, file_document, licensing_file
from amanat.participants.model import UnknownClass


def documents_named(form: Form, answers: Answers, section: str) -> Iterator[tuple[str, str]]:
    """The place and digest of each document that the answers of a section name."""
    for one, digest in _named(form, answers, section):
        yield one.path, digest


def _named(form: Form, answers: Answers, section: str) -> Iterator[tuple[Asked, str]]:
    for one in asked(form, answers):
        named = one.answer if one.question.kind is QuestionKind.DOCUMENT else None
        digest = named.get("digest") if isinstance(named, Mapping) else None
        if one.section.code == section and isinstance(digest, str):
            yield one, digest


def require_own(context: ActContext, form: Form, answers: Answers, section: str) -> None:
    """Refuse, all at once, `NotFound` of documents that the actor's institution never gave, and
    `TypeNotTaken` of those that are not of a type that their question takes.

    Another's document is as little there as none: who names it learns nothing, and lets nobody
    read it.
    """
    refused = Refused()
    for one, digest in _named(form, answers, section):
        place, found = Place(field=one.path), _own(context, digest)
        if found is None:
            refused.add(NotFound(thing="document", value=digest[:16], place=place))
        elif found.media_type not in [MEDIA_TYPES[kind] for kind in one.question.accepts]:
            taken = ", ".join(kind.value.upper() for kind in one.question.accepts)
            refused.add(
                TypeNotTaken(name=found.name, found=found.media_type, taken=taken, place=place)
            )
    refused.raise_if_any()


def _own(context: ActContext, digest: str) -> Row[Any] | None:
    return find(context.uow.connection, context.programme, context.actor.institution, digest)


def link_documents(
    context: ActContext, row: Row[Any], form: Form, answers: Answers, section: str, entry: str
) -> None:
    """Note which documents a section names from now on; those that it no longer names go."""
    connection, table = context.uow.connection, file_document
    named = dict(documents_named(form, answers, section))
    kept = set()
    for one in connection.execute(
        sql.select(table).where(
            table.c.file == row.id,
            table.c.form == form.code,
            table.c.section == section,
            table.c.withdrawn_at.is_(None),
        )
    ).all():
        if named.get(one.field) == one.digest:
            kept.add(one.field)
            continue
        connection.execute(
            sql.update(table)
            .where(table.c.id == one.id)
            .values(withdrawn_at=context.now.isoformat())
        )
    for place, digest in named.items():
        found = _own(context, digest)
        if place in kept or found is None:
            continue
        connection.execute(
            table.insert().values(
                id=new_id(),
                programme=context.programme,
                file=row.id,
                form=form.code,
                section=section,
                field=place[:64],
                name=found.name,
                digest=digest,
                size=found.size,
                media_type=found.media_type,
                **written(context, entry),
            )
        )


def readable(connection: Connection, actor: Actor, digest: str) -> Document:
    """A document that an actor may read.

    One's own; to the authority and the auditor those of files that were submitted; to who is
    consulted those of the files on which it is.  Who is recused, or applies itself, reads none of
    others.  Refuses `NotFound`, as of none.
    """
    own = find(connection, actor.programme, actor.institution, digest)
    if own is not None:
        return Document(own.digest, own.name, own.size, own.media_type)
    table = file_document
    wanted = (
        sql.select(table.c.name, table.c.size, table.c.media_type, table.c.digest)
        .join(licensing_file, licensing_file.c.id == table.c.file)
        .join(
            document,
            (document.c.programme == table.c.programme)
            & (document.c.institution == licensing_file.c.provider)
            & (document.c.digest == table.c.digest),
        )
        .where(
            table.c.programme == actor.programme,
            table.c.digest == digest,
            table.c.withdrawn_at.is_(None),
            licensing_file.c.submitted_on.is_not(None),
            licensing_file.c.provider.not_in(
                list(recusals_of(connection, actor.programme, actor.person))
            ),
        )
    )
    if is_provider(connection, actor.programme, actor.institution):
        raise NotFound(thing="document", value=digest[:16])
    if not _examines(connection, actor):
        consulted = sql.select(consultation.c.file).where(
            consultation.c.programme == actor.programme,
            consultation.c.consulted == actor.institution,
        )
        wanted = wanted.where(table.c.file.in_(consulted))
    found = connection.execute(wanted.order_by(table.c.id).limit(1)).one_or_none()
    if found is None:
        raise NotFound(thing="document", value=digest[:16])
    return Document(found.digest, found.name, found.size, found.media_type)


def _examines(connection: Connection, actor: Actor) -> bool:
    """Whether the actor's institution licenses here, or audits."""
    if "auditor" in actor.capacities:
        return True
    try:
        pack = pack_of(connection, actor.programme)
        return actor.institution == authority_of(connection, actor.programme, pack)
    except UnknownClass:
        return False
