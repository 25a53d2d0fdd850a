"""What urgent suspensions and stays will do, said before they are signed."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.licensing.commands_enforcement import (
    CarryOutLapse,
    EndStay,
    RecordStay,
    SuspendUrgently,
)
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.standing import standing_on
from amanat.licensing.tables import licensing_file


def _provider(seen: Seen, number: str) -> str:
    """The provider of a file that the proposer's institution may see."""
    pack = pack_of(seen.connection, seen.programme)
    code = seen.connection.execute(
        sql.select(licensing_file.c.provider).where(
            licensing_file.c.programme == seen.programme, licensing_file.c.number == number
        )
    ).scalar_one_or_none()
    if code is None or seen.institution != authority_of(seen.connection, seen.programme, pack):
        raise NotFound(thing="file", value=number)
    return str(code)


def _status(seen: Seen, code: str) -> Word:
    return Word(standing_on(seen.connection, seen.programme, code, seen.business_date).status)


@effects(SuspendUrgently)
def urgently(command: SuspendUrgently, seen: Seen) -> Iterator[Message]:
    """The status before, the level after, when it binds, and what it shuts."""
    level = pack_of(seen.connection, seen.programme).suspension(command.level)
    yield Message(
        "{provider} is {status}; suspended afterwards: {level}",
        provider=command.provider,
        status=_status(seen, command.provider),
        level=Word(level.code),
    )
    yield Message("It binds here from the request, before the ledger has it")
    yield Message("It shuts: {activities}", activities=Word(", ".join(level.shuts)))


@effects(CarryOutLapse)
def lapse(command: CarryOutLapse, seen: Seen) -> Iterator[Message]:
    """The status before, and that it waits for the ledger."""
    code = _provider(seen, command.file)
    yield Message(
        "{provider} is {status}; the suspension {file} is lifted",
        provider=code,
        status=_status(seen, code),
        file=command.file,
    )
    yield Message("It takes effect when the ledger has it")


@effects(RecordStay)
def stay(command: RecordStay, seen: Seen) -> Iterator[Message]:
    """The status before, and that what is given back waits for the ledger."""
    code = _provider(seen, command.file)
    yield Message("{provider} is {status}", provider=code, status=_status(seen, code))
    yield Message("It takes effect when the ledger has it")


@effects(EndStay)
def end_of_stay(command: EndStay, seen: Seen) -> Iterator[Message]:
    """The status before, and that it binds at once."""
    code = _provider(seen, command.file)
    yield Message("{provider} is {status}", provider=code, status=_status(seen, code))
    yield Message("It binds here from the request, before the ledger has it")
