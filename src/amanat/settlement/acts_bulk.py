"""Many instructions in one act: signed by both accounts beforehand, verified before acceptance."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ActContext, Result, act
from amanat.core.errors import Place, Refusal, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.ledger.typed_data import INSTRUCTION_LIST
from amanat.settlement.acts_instructions import PARTIES
from amanat.settlement.commands import (
    PresignedInstruction,
    SignedList,
    SubmitInstructions,
    SubmitLists,
)
from amanat.settlement.model import InvalidInstruction, ListSignatureNotOfAccount, ListUsed
from amanat.settlement.signing import Leg
from amanat.settlement.submission import (
    Submission,
    check_signature,
    recovered_from,
    signature_bytes,
)
from amanat.settlement.tables import signed_list
from amanat.store.engine import insert_many


@act(capacities=(*PARTIES, "operator"), confidential=True)
def submit_instructions(command: SubmitInstructions, context: ActContext) -> Result:
    """Accept instructions that both accounts have signed: all of them, or none.

    The signatures of the accounts are the parties' consent; who submits adds nothing to it.
    Refuses, all at once and each with its place: `NotFound` (account, security),
    `InvalidInstruction`, `FreeDeliveryForbidden`, `ParticipantNotActive`, `NumberNotGiven`,
    `SignatureNotOfAccount`.
    """
    submission = Submission(context)
    refused = Refused()
    rows: list[dict[str, Any]] = []
    legs: list[Leg] = []
    for position, one in enumerate(command.instructions):
        try:
            leg = submission.leg(one)
            rows.append(_signed_row(submission, one, leg))
            legs.append(leg)
        except Refusal as refusal:
            refused.add(refusal.at(Place(field=f"instructions[{position}]")))
    if refused.refusals:
        submission.refuse_used_numbers(legs, refused)
    submission.accept(rows, legs)
    return {"accepted": len(rows), "first": rows[0]["id"], "last": rows[-1]["id"]}


def _signed_row(submission: Submission, one: PresignedInstruction, leg: Leg) -> dict[str, Any]:
    signatures = (
        signature_bytes(one.deliverer_signature),
        signature_bytes(one.receiver_signature),
    )
    row = submission.row(
        one, leg, deliverer_signature=signatures[0], receiver_signature=signatures[1]
    )
    digest = bytes.fromhex(row["digest"])
    check_signature(digest, signatures[0], leg.deliverer, "deliverer", leg)
    check_signature(digest, signatures[1], leg.receiver, "receiver", leg)
    return row


# -- lists ----------------------------------------------------------------------------------------


@act(capacities=(*PARTIES, "operator"), confidential=True)
def submit_lists(command: SubmitLists, context: ActContext) -> Result:
    """Accept lists of instructions that two accounts each signed once: all of them, or none.

    Refuses as `SubmitInstructions`, and `ListSignatureNotOfAccount`, `ListUsed`.
    """
    submission = Submission(context)
    refused = Refused()
    lists: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    legs: list[Leg] = []
    for position, one in enumerate(command.lists):
        place = f"lists[{position}]"
        own_rows, own_legs = _lines(submission, one, place, refused)
        if len(own_legs) == len(one.instructions):
            try:
                lists.append(_list_row(context, submission, one, own_legs))
            except Refusal as refusal:
                refused.add(refusal.at(Place(field=place)))
            else:
                for row in own_rows:
                    row["list"] = lists[-1]["id"]
        rows += own_rows
        legs += own_legs
    _refuse_used_lists(context, lists, refused)
    if refused.refusals:
        submission.refuse_used_numbers(legs, refused)
    insert_many(context.uow.connection, signed_list, lists)
    submission.accept(rows, legs)
    return {
        "lists": [one["id"] for one in lists],
        "accepted": len(rows),
        "first": rows[0]["id"],
        "last": rows[-1]["id"],
    }


def _lines(
    submission: Submission, one: SignedList, place: str, refused: Refused
) -> tuple[list[dict[str, Any]], list[Leg]]:
    """Rows and legs of the sound lines of a list; what is wrong with the others is added."""
    rows, legs = [], []
    parties = {one.first.lower(), one.second.lower()}
    for at, line in enumerate(one.instructions):
        try:
            leg = submission.leg(line)
            if not {leg.deliverer, leg.receiver} <= parties:
                raise InvalidInstruction(
                    reason=Message("it is not between the two accounts of its list")
                )
            rows.append(submission.row(line, leg, place=at))
            legs.append(leg)
        except Refusal as refusal:
            refused.add(refusal.at(Place(field=f"{place}.instructions[{at}]")))
    return rows, legs


def _list_row(
    context: ActContext, submission: Submission, one: SignedList, legs: list[Leg]
) -> dict[str, Any]:
    """The row of a list that both accounts have signed.  Refuses `ListSignatureNotOfAccount`."""
    digest = submission.domain.digest(INSTRUCTION_LIST.hash([leg.struct for leg in legs]))
    accounts = (one.first.lower(), one.second.lower())
    signatures = (signature_bytes(one.first_signature), signature_bytes(one.second_signature))
    for account, signature in zip(accounts, signatures, strict=True):
        recovered = recovered_from(digest, signature)
        if recovered != account:
            raise ListSignatureNotOfAccount(account=account, recovered=recovered)
    return {
        "programme": context.programme,
        "id": new_id(),
        "digest": digest.hex(),
        "first": accounts[0],
        "second": accounts[1],
        "first_signature": signatures[0],
        "second_signature": signatures[1],
        "instructions": len(legs),
    }


def _refuse_used_lists(context: ActContext, lists: list[dict[str, Any]], refused: Refused) -> None:
    digests = [one["digest"] for one in lists]
    used = set(
        context.uow.connection.execute(
            sql.select(signed_list.c.digest).where(
                signed_list.c.programme == context.programme, signed_list.c.digest.in_(digests)
            )
        ).scalars()
    )
    for digest in digests:
        if digest in used:
            refused.add(ListUsed(digest=digest))
        used.add(digest)
