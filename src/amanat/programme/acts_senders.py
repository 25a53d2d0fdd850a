"""Which keys send the installation's chain transactions: appointed by a quorum of institutions.

Each sender has one (`amanat.access.sending_keys`); a key that is appointed for a sender that is not
there yet gives that purpose a queue of its own.  What the former key has signed goes on as it was
signed; what is new goes with the new one once the former's last is through.  The new key is funded
beforehand, or stands by with funds of its own, so that a lost key can be replaced without it.
"""

from __future__ import annotations

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.access.key_register import (
    INSTALLATION,
    begin_use,
    check_usable,
    end_key,
    enter_key,
    find_key,
    purpose_of,
)
from amanat.access.sending_keys import key_in_use, sending_keys
from amanat.ledger.keyring import ELSEWHERE
from amanat.ledger.sender_names import SENDER
from amanat.ledger.signers import KeyNotHeld
from amanat.programme import events
from amanat.programme.acts_directory import GOVERNS, signers_of
from amanat.programme.commands import AppointSender
from amanat.programme.model import SenderSends, SenderUnknown
from amanat.store.uow import UnitOfWork

WEI_OF_A_COIN = 10**18


def _check_appointment(command: AppointSender, context: ActContext) -> str | None:
    """The former key.

    Refuses, in order: `SenderUnknown`, `KeyNotHeld`, `SenderSends`, `KeyEnded`, `KeyExpired`.
    """
    connection, key = context.uow.connection, command.key.lower()
    if not SENDER.fullmatch(command.sender):
        raise SenderUnknown(sender=command.sender)
    if context.keys is None or context.keys.place(key) == ELSEWHERE:
        raise KeyNotHeld(holder=key)
    if any(row.address == key and row.state == "in_use" for row in sending_keys(connection)):
        raise SenderSends(key=key)
    known = find_key(connection, INSTALLATION, key)
    if known is not None:
        check_usable(known, context.now)
    return key_in_use(connection, command.sender)


def _ask_appointment(command: AppointSender, context: ActContext) -> Ask:
    """A quorum of the institutions approves; the proposer counts for its own."""
    _check_appointment(command, context)
    own = context.actor.institution
    return Ask(
        [
            Requirement(code, "directory", proposer_counts=code == own)
            for code in signers_of(context, command.signers)
        ],
        subject=f"programme:{context.programme}",
    )


@act(capacities=(*GOVERNS, "operator"), approvals=_ask_appointment)
def appoint_sender(command: AppointSender, context: ActContext) -> Result:
    """Appoint the key that sends, at once or when it has been endowed.

    Refuses, in order: `SenderUnknown`, `KeyNotHeld`, `SenderSends`, `KeyEnded`, `KeyExpired`.
    """
    former = _check_appointment(command, context)
    uow, key = context.uow, command.key.lower()
    entry = uow.journal.append(
        events.SENDER_APPOINTMENT_REQUESTED,
        {
            "key": key,
            "sender": command.sender,
            "former": former,
            "former_lost": command.former_lost,
            "endow_coins": command.endow_coins,
            "reason": command.reason,
        },
        subject=f"programme:{context.programme}",
    )
    if find_key(uow.connection, INSTALLATION, key) is None:
        assert context.keys is not None
        enter_key(
            uow.connection,
            INSTALLATION,
            key,
            institution="installation",
            holder=command.sender,
            purpose=purpose_of(command.sender),
            place=context.keys.place(key),
            state="standby",
            now=context.now,
            entry=entry,
        )
    if former is not None and command.former_lost:
        end_key(uow.connection, INSTALLATION, former, "lost", context.now)
    if not command.endow_coins or command.former_lost:
        begin_sending(uow, key, command.sender, context.programme)
        return {"key": key, "former": former, "order": None, "entry": entry}
    order = uow.orders.endow(
        "endow_sender",
        context.programme,
        key,
        command.endow_coins * WEI_OF_A_COIN,
        subject=("sender", f"{key}:{command.sender}"),
        cause=entry,
    )
    return {"key": key, "former": former, "order": order, "entry": entry}


def begin_sending(uow: UnitOfWork, key: str, sender: str, programme: str) -> None:
    """From now on this key sends what is new for a sender; the former one is retired."""
    former = key_in_use(uow.connection, sender)
    if former is not None:
        end_key(uow.connection, INSTALLATION, former, "retired", uow.store.clock())
    begin_use(uow.connection, INSTALLATION, key, purpose_of(sender))
    uow.journal.append(
        events.SENDER_APPOINTED,
        {"key": key, "sender": sender, "former": former},
        subject=f"programme:{programme}",
    )
