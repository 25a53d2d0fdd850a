"""From the opened book to what is owed: the decision, the result on the chain, defaults.

The ministry decides; the central bank publishes what follows from the bids and that decision, with
a root that accounts for every commitment.  Allotments exist once the chain has the root, final.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.auctions import acts_chain as chain
from amanat.auctions import events, tables
from amanat.auctions.acts_book import decision_of, result_of, with_face
from amanat.auctions.acts_rules import (
    AllotmentState,
    AllotmentStateForbids,
    DecisionMeaningless,
    DecisionOther,
    NotYetDefaulted,
    ResultMoved,
    TenderState,
    find_tender,
    load_tender,
    require_no_halt,
    require_part,
    subject,
    update_tender,
)
from amanat.auctions.commands import AwardTender, FixCutOff, NoAward, RecordDefault
from amanat.auctions.model import Award, Decision
from amanat.auctions.model import NoAward as NothingAwarded
from amanat.auctions.recompute import Published, Recomputed, published_record
from amanat.auctions.records import decision_record
from amanat.core.canonical import canonical_bytes
from amanat.core.errors import NotFound
from amanat.programme.records import face_in
from amanat.store.uow import UnitOfWork


def approve_cut_off(command: FixCutOff, context: ActContext) -> Ask:
    """A second person of the ministry."""
    row, _decision = _check_cut_off(command, context)
    return Ask([Requirement(row.ministry, "issuer")], subject=subject(row.code))


@act(capacities=["issuer"], approvals=approve_cut_off, confidential=True)
def fix_cut_off(command: FixCutOff, context: ActContext) -> Result:
    """Decide the tender; it may be decided again until the result is published.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `DecisionMeaningless`, and as `allot` does.
    """
    row, decision = _check_cut_off(command, context)
    found, _published = result_of(context.uow.connection, row, decision)
    stated = decision_record(decision)
    context.uow.journal.append(
        events.CUT_OFF_FIXED,
        {
            "tender": row.code,
            "decision": with_face(context.uow.connection, row.programme, stated),
        },
        subject=subject(row.code),
    )
    update_tender(
        context.uow.connection,
        row,
        state=TenderState.DECIDED.value,
        decision=canonical_bytes(stated),
        decided_at=context.now.isoformat(),
    )
    return {
        "tender": row.code,
        "decision": stated,
        "awarded": str(found.result.awarded),
        "awarded_non_competitive": str(found.result.awarded_non_competitive),
    }


def approve_award(command: AwardTender, context: ActContext) -> Ask:
    """Central bank and ministry sign the result's root."""
    row, found, _published = _check_result(command.tender, context, award=True)
    return _ask_result(context, row, found)


@act(capacities=["auctioneer"], approvals=approve_award, confidential=True)
def award_tender(command: AwardTender, context: ActContext) -> Result:
    """Publish the award on the chain.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `Halted`, `DecisionOther`, `ResultMoved`.
    """
    return _publish(context, *_check_result(command.tender, context, award=True))


def approve_no_award(command: NoAward, context: ActContext) -> Ask:
    """As `approve_award`."""
    row, found, _published = _check_result(command.tender, context, award=False)
    return _ask_result(context, row, found)


@act(capacities=["auctioneer"], approvals=approve_no_award, confidential=True)
def no_award(command: NoAward, context: ActContext) -> Result:
    """Publish on the chain that nothing is awarded; refuses as `award_tender`."""
    return _publish(context, *_check_result(command.tender, context, award=False))


def approve_default(command: RecordDefault, context: ActContext) -> Ask:
    """A second person of the central bank."""
    row, _allotment = _check_default(command, context)
    return Ask([Requirement(row.central_bank, "auctioneer")], subject=subject(row.code))


@act(capacities=["auctioneer"], approvals=approve_default)
def record_default(command: RecordDefault, context: ActContext) -> Result:
    """Cancel an allotment that its winner did not pay by the last day.

    What the winner left stays in the issuer's distribution account: `unpaid` says whether it is
    to be cancelled there (`CancelUnsold`) or may be offered in another tender.
    Refuses, in order: `NotFound`, `NotTheirPart`, `AllotmentStateForbids`, `NotYetDefaulted`.
    """
    row, allotment = _check_default(command, context)
    cancel_allotment(context.uow, row, allotment, command.reason)
    return {
        "tender": row.code,
        "allotment": allotment.id,
        "nominal": str(allotment.nominal),
        "unpaid": row.unpaid,
    }


def cancel_allotment(uow: UnitOfWork, row: Row[Any], allotment: Row[Any], reason: str) -> None:
    """End an allotment that will not be paid, with its journal entry; its number is named."""
    table = tables.allotment
    uow.connection.execute(
        sql.update(table)
        .where(table.c.id == allotment.id)
        .values(
            state=AllotmentState.DEFAULTED.value,
            defaulted_at=uow.store.clock().isoformat(),
            unpaid=row.unpaid,
        )
    )
    uow.journal.append(
        events.WINNER_DEFAULTED,
        {
            "tender": row.code,
            "allotment": allotment.id,
            "number": allotment.number,
            "line": allotment.line,
            "nominal": face_in(uow.connection, row.programme, allotment.nominal),
            "unpaid": row.unpaid,
            "reason": reason,
        },
        subject=subject(row.code),
    )


def settle_allotment(uow: UnitOfWork, programme: str, allotment: str, instruction: str) -> None:
    """Note that an allotment was delivered against payment; settlement calls this when final.

    Refuses, in order: `NotFound`, `AllotmentStateForbids`.
    """
    found = find_allotment(uow.connection, programme, allotment)
    if found.state != AllotmentState.AWAITING_SETTLEMENT.value:
        raise AllotmentStateForbids(
            allotment=allotment, state=found.state, allowed="awaiting_settlement"
        )
    table = tables.allotment
    uow.connection.execute(
        sql.update(table)
        .where(table.c.id == allotment)
        .values(
            state=AllotmentState.SETTLED.value,
            instruction=instruction,
            settled_at=uow.store.clock().isoformat(),
        )
    )


def find_allotment(connection: Connection, programme: str, allotment: str) -> Row[Any]:
    """One allotment, locked where the database locks rows; refuses `NotFound`."""
    table = tables.allotment
    found = connection.execute(
        sql.select(table)
        .where(table.c.programme == programme, table.c.id == allotment)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound(thing="allotment", value=allotment)
    return found


def _check_cut_off(command: FixCutOff, context: ActContext) -> tuple[Row[Any], Decision]:
    row = load_tender(context, command.tender, TenderState.OPENED, TenderState.DECIDED)
    require_part(context, row, "ministry")
    named = command.cut_off is not None or command.amount is not None
    if named == command.no_award:
        raise DecisionMeaningless(tender=row.code)
    decision: Decision = NothingAwarded()
    if named:
        decision = Award(cut_off=command.cut_off, amount=command.amount)
    result_of(context.uow.connection, row, decision)
    return row, decision


def _check_result(
    code: str, context: ActContext, *, award: bool
) -> tuple[Row[Any], Recomputed, Published]:
    row = load_tender(context, code, TenderState.DECIDED)
    require_part(context, row, "central_bank")
    require_no_halt(context, row)
    decision = decision_of(row)
    if isinstance(decision, Award) is not award:
        raise DecisionOther(tender=code, decision="an award" if not award else "no award")
    return row, *result_of(context.uow.connection, row, decision)


def _ask_result(context: ActContext, row: Row[Any], found: Recomputed) -> Ask:
    return chain.ask_both(row, chain.result(context, row, found), {"root": found.root.hex()})


def _publish(context: ActContext, row: Row[Any], found: Recomputed, published: Published) -> Result:
    root = found.root.hex()
    if context.approved.memo["root"] != root:
        raise ResultMoved(tender=row.code, signed=context.approved.memo["root"], found=root)
    stated = canonical_bytes(published_record(published))
    result_digest = chain.sha256(stated).hex()
    entry = context.uow.journal.append(
        events.RESULT_REQUESTED,
        {"tender": row.code, "root": root, "result_digest": result_digest},
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "publish_tender_result",
        context.approved.signatures(),
        entry,
        ("tender", row.code),
    )
    update_tender(
        context.uow.connection,
        row,
        pending="publish_tender_result",
        refusal=None,
        result=stated,
        result_digest=result_digest,
        result_root=root,
    )
    return {"tender": row.code, "root": root, "result_digest": result_digest, "order": order}


def _check_default(command: RecordDefault, context: ActContext) -> tuple[Row[Any], Row[Any]]:
    allotment = find_allotment(context.uow.connection, context.programme, command.allotment)
    row = find_tender(context.uow.connection, context.programme, allotment.tender)
    require_part(context, row, "central_bank")
    if allotment.state != AllotmentState.AWAITING_SETTLEMENT.value:
        raise AllotmentStateForbids(
            allotment=allotment.id, state=allotment.state, allowed="awaiting_settlement"
        )
    today = context.business_date.isoformat()
    if today <= allotment.last_settlement_date:
        raise NotYetDefaulted(
            allotment=allotment.id, last_day=allotment.last_settlement_date, today=today
        )
    return row, allotment
