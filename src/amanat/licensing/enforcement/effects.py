"""What acts of enforcement, winding-down and openness will do, said before they are signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message, Word
from amanat.licensing.commands import Suspend
from amanat.licensing.complaints.commands import DeclareClientAssets
from amanat.licensing.duties.commands import NoteBreach
from amanat.licensing.effects import suspension
from amanat.licensing.enforcement.commands import (
    BeginWindingDown,
    CarryOutLapse,
    CompleteTransfer,
    DecideAppeal,
    EndStay,
    EndWindingDown,
    MakeOrder,
    ProposeTransfer,
    RecordStay,
    ShowCause,
    SuspendUrgently,
    WindingCause,
)
from amanat.licensing.openness.commands import (
    BringIntoForce,
    ConsultOnRulebook,
    EndAgreement,
    EndRecusal,
    NameParty,
    PublishAgreement,
    PublishCriteria,
    Recuse,
)
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.standing import standing_on
from amanat.licensing.tables import licensing_file


def _provider_of(seen: Seen, number: str) -> str | None:
    """Whose file it is; None to who is no party of it, whom the act refuses."""
    row = seen.connection.execute(
        sql.select(licensing_file.c.provider).where(
            licensing_file.c.programme == seen.programme, licensing_file.c.number == number
        )
    ).scalar_one_or_none()
    pack = pack_of(seen.connection, seen.programme)
    parties = (row, authority_of(seen.connection, seen.programme, pack))
    return row if seen.institution in parties else None


def _of_file(seen: Seen, number: str, say: Callable[[str], Message]) -> Iterator[Message]:
    """What is said of a file and its provider, to who is a party of it."""
    code = _provider_of(seen, number)
    if code is not None:
        yield say(code)


def _status(seen: Seen, code: str) -> Word:
    return Word(standing_on(seen.connection, seen.programme, code, seen.business_date).status)


# -- enforcement ----------------------------------------------------------------------------------


@effects(ShowCause)
def cause(command: ShowCause, seen: Seen) -> Iterator[Message]:
    """Until when the provider answers."""
    yield Message(
        "{provider} is {status} and answers by {day}",
        provider=command.provider,
        status=_status(seen, command.provider),
        day=command.answer_by,
    )


@effects(MakeOrder, DecideAppeal)
def ending(command: MakeOrder | DecideAppeal, seen: Seen) -> Iterator[Message]:
    """How the case or the appeal ends."""
    found = command.order if isinstance(command, MakeOrder) else command.outcome
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "{file} of {provider} ends with: {outcome}",
            file=command.file,
            provider=code,
            outcome=Word(found.value),
        ),
    )


@effects(SuspendUrgently)
def urgent(command: SuspendUrgently, seen: Seen) -> Iterator[Message]:
    """As a suspension, and that it ends by itself."""
    plain = Suspend(
        provider=command.provider,
        level=command.level,
        category=command.category,
        accounts=command.accounts,
        reason=command.reason,
    )
    yield from suspension(plain, seen)
    yield Message("It ends by itself after {day}", day=command.until)


@effects(CarryOutLapse)
def lapse(command: CarryOutLapse, seen: Seen) -> Iterator[Message]:
    """That the ledger is told what ended by itself."""
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "The ledger is told that {file} of {provider} has ended by itself",
            file=command.file,
            provider=code,
        ),
    )


@effects(RecordStay)
def stay(command: RecordStay, seen: Seen) -> Iterator[Message]:
    """By whom it is stayed."""
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "{file} of {provider} is stayed by {court}",
            file=command.file,
            provider=code,
            court=command.court,
        ),
    )


@effects(EndStay)
def stay_over(command: EndStay, seen: Seen) -> Iterator[Message]:
    """That what was stayed binds again."""
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "The stay of {file} of {provider} is over", file=command.file, provider=code
        ),
    )


@effects(NoteBreach)
def breach(command: NoteBreach, seen: Seen) -> Iterator[Message]:
    """Of whom a breach is noted."""
    yield Message(
        "A breach by {provider} is noted; it is {status}",
        provider=command.provider,
        status=_status(seen, command.provider),
    )


# -- winding down ---------------------------------------------------------------------------------


@effects(BeginWindingDown)
def winding(command: BeginWindingDown, seen: Seen) -> Iterator[Message]:
    """By whom and until when it is wound down; of who is insolvent as of a suspension."""
    yield Message(
        "{provider} is {status}; {administrator} winds it down until {day}",
        provider=command.provider,
        status=_status(seen, command.provider),
        administrator=command.administrator,
        day=command.deadline,
    )
    if command.cause is WindingCause.INSOLVENCY:
        shut = Suspend(provider=command.provider, level="wind_down", reason=command.cause.value)
        yield from suspension(shut, seen)


@effects(ProposeTransfer)
def transfer(command: ProposeTransfer, seen: Seen) -> Iterator[Message]:
    """To whom clients go, unless they object."""
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "Clients of {provider} go over to {receiver} unless they object until {day}",
            provider=code,
            receiver=command.transfer_to,
            day=command.objections_until,
        ),
    )


@effects(CompleteTransfer)
def transferred(command: CompleteTransfer, seen: Seen) -> Iterator[Message]:
    """That the clients have gone over."""
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "The transfer in {file} of {provider} is complete", file=command.file, provider=code
        ),
    )


@effects(EndWindingDown)
def wound_down(command: EndWindingDown, seen: Seen) -> Iterator[Message]:
    """That the case is closed."""
    yield from _of_file(
        seen,
        command.file,
        lambda code: Message(
            "The winding-down {file} of {provider} ends", file=command.file, provider=code
        ),
    )


# -- openness -------------------------------------------------------------------------------------


@effects(DeclareClientAssets)
def declared(command: DeclareClientAssets, seen: Seen) -> Iterator[Message]:
    """For which day, and how many holdings."""
    del seen
    yield Message(
        "Client assets of {day} are declared: {count} holdings",
        day=command.as_of,
        count=len(command.holdings),
    )


@effects(PublishCriteria, PublishAgreement)
def published(command: PublishCriteria | PublishAgreement, seen: Seen) -> Iterator[Message]:
    """What the public reads from then on."""
    del seen
    yield Message("Everyone reads it from then on: {title}", title=command.title)


@effects(NameParty)
def party(command: NameParty, seen: Seen) -> Iterator[Message]:
    """Which institution a party is."""
    del seen
    yield Message(
        "{name} in {agreement} is {party}",
        name=command.name,
        agreement=command.agreement,
        party=command.party,
    )


@effects(EndAgreement)
def agreement_over(command: EndAgreement, seen: Seen) -> Iterator[Message]:
    """That it is over."""
    del seen
    yield Message("{agreement} is over", agreement=command.agreement)


@effects(Recuse)
def recused(command: Recuse, seen: Seen) -> Iterator[Message]:
    """To whom files are shut."""
    del seen
    yield Message(
        "The files of {provider} are shut to {person}",
        provider=command.provider,
        person=command.person,
    )


@effects(EndRecusal)
def recused_no_more(command: EndRecusal, seen: Seen) -> Iterator[Message]:
    """To whom files are open again."""
    del seen
    yield Message(
        "The files of {provider} are open to {person} again",
        provider=command.provider,
        person=command.person,
    )


@effects(ConsultOnRulebook)
def consulted(command: ConsultOnRulebook, seen: Seen) -> Iterator[Message]:
    """Until when everyone may comment."""
    del seen
    yield Message(
        "Everyone may comment on {rulebook}/{version} until {day}",
        rulebook=command.rulebook,
        version=str(command.version),
        day=command.until,
    )


@effects(BringIntoForce)
def in_force(command: BringIntoForce, seen: Seen) -> Iterator[Message]:
    """From when it binds."""
    del seen
    yield Message(
        "{rulebook}/{version} is in force from {day} on",
        rulebook=command.rulebook,
        version=str(command.version),
        day=command.from_day,
    )
