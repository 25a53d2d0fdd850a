"""Working a case: opened, assigned, noted on, evidenced, closed by two, opened again.

Everything here is confidential and told to nobody but the desk: neither counted nor logged by name.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.jurisdictions.cases import Disposition
from amanat.supervision.cases.commands import (
    AddCaseNote,
    AssignCase,
    AttachEvidence,
    CiteTransactions,
    CloseCase,
    FormSuspicion,
    GroupFindings,
    OpenCase,
    ReopenCase,
)
from amanat.supervision.cases.grouping import group, new_findings, settle_alerts
from amanat.supervision.cases.model import (
    DESKS,
    SUPERVISES,
    CaseNotClosed,
    CaseState,
    NothingSent,
)
from amanat.supervision.cases.records import (
    cases_of,
    cite,
    desk_of,
    journal_step,
    load_case,
    note_step,
    open_row,
    require_on_desk,
    second_pair,
    step,
)
from amanat.supervision.cases.tables import case, case_transaction
from amanat.supervision.identities.model import case_checks
from amanat.supervision.identities.tables import account as identity_account


def _works_on(connection: Connection, programme: str, number: str, desk: str, person: int) -> bool:
    """Whether a desk has an open case of this number in which a person appears.

    For that alone it opens an identity: the person is the case's subject or a side of a transaction
    that it cites, or holds an account that is.
    """
    found = connection.execute(
        sql.select(case.c.id, case.c.subject).where(
            case.c.programme == programme,
            case.c.desk == desk,
            case.c.number == number,
            case.c.state == CaseState.OPEN.value,
        )
    ).one_or_none()
    if found is None:
        return False
    rows = connection.execute(
        sql.select(case_transaction.c.row).where(case_transaction.c.case == found.id)
    ).scalars()
    kind, _, subject = found.subject.partition(":")
    parties, accounts = ({subject}, set()) if kind == "party" else (set(), {subject})
    for row in rows:
        parties |= {row["from_party"], row["to_party"]}
        accounts |= {row["from_account"], row["to_account"]}
    if str(person) in parties:
        return True
    held = connection.execute(
        sql.select(identity_account.c.account).where(
            identity_account.c.programme == programme, identity_account.c.person == person
        )
    ).scalars()
    return any(str(one) in accounts for one in held)


case_checks.append(_works_on)


@act(capacities=DESKS, confidential=True, untold=True)
def open_case(command: OpenCase, context: ActContext) -> Result:
    """Open a case.  Refuses `NotFound` (no desk), `TransactionsUnknown`."""
    desk_of(context)
    entry = journal_step(context, "OpenCase", command.subject, command.reason)
    identifier, number = open_row(context, command.subject, command.title, "own", entry)
    cite(context, identifier, command.transactions, command.references)
    note_step(context, identifier, "OpenCase", entry, text=command.reason)
    return {"case": number}


@act(capacities=[SUPERVISES], confidential=True, untold=True)
def group_findings(command: GroupFindings, context: ActContext) -> Result:
    """Group what was found.  Refuses `NotFound` (no desk)."""
    actor = desk_of(context)
    until = command.until or context.business_date
    connection, programme = context.uow.connection, context.programme
    done = group(context, new_findings(connection, programme, actor.institution, until))
    return {"findings": done.findings, "opened": list(done.opened), "grown": list(done.grown)}


@act(capacities=DESKS, confidential=True, untold=True)
def assign_case(command: AssignCase, context: ActContext) -> Result:
    """Assign a case.  Refuses `NotFound`, `CaseClosed`, `NotOnDesk`."""
    row = load_case(context, command.case)
    require_on_desk(context, command.officer)
    step(context, row, "AssignCase", refers_to=command.officer)
    today = context.business_date.isoformat()
    _change(context, row, officer=command.officer, assigned_on=row.assigned_on or today)
    return {"case": row.number, "officer": command.officer}


@act(capacities=DESKS, confidential=True, untold=True)
def add_case_note(command: AddCaseNote, context: ActContext) -> Result:
    """Note something.  Refuses `NotFound`, `CaseClosed`."""
    row = load_case(context, command.case)
    step(context, row, "AddCaseNote", command.text)
    return {"case": row.number}


@act(capacities=DESKS, confidential=True, untold=True)
def attach_evidence(command: AttachEvidence, context: ActContext) -> Result:
    """Add a document by its digest.  Refuses `NotFound`, `CaseClosed`."""
    row = load_case(context, command.case)
    step(context, row, "AttachEvidence", command.title, document=command.digest)
    return {"case": row.number, "digest": command.digest}


@act(capacities=DESKS, confidential=True, untold=True)
def cite_transactions(command: CiteTransactions, context: ActContext) -> Result:
    """Add stored transactions.  Refuses `NotFound`, `CaseClosed`, `TransactionsUnknown`."""
    row = load_case(context, command.case)
    rows = cite(context, row.id, command.transactions, command.references)
    step(context, row, "CiteTransactions", str(len(rows)))
    return {"case": row.number, "transactions": len(rows)}


@act(capacities=DESKS, confidential=True, untold=True)
def form_suspicion(command: FormSuspicion, context: ActContext) -> Result:
    """State a suspicion; the first one counts.  Refuses `NotFound`, `CaseClosed`."""
    row = load_case(context, command.case)
    step(context, row, "FormSuspicion", command.grounds)
    today = context.business_date.isoformat()
    _change(context, row, suspicion_on=row.suspicion_on or today)
    return {"case": row.number, "suspicion_on": row.suspicion_on or today}


def _ask_closing(command: CloseCase, context: ActContext) -> Ask:
    """A second person of the desk."""
    _check_closing(command, context)
    return second_pair(context)


@act(capacities=DESKS, approvals=_ask_closing, confidential=True, untold=True)
def close_case(command: CloseCase, context: ActContext) -> Result:
    """Close a case with four eyes.

    Refuses, in order: `NotFound`, `CaseClosed`, `DispositionUnknown`, `NothingSent`.
    """
    row, ended = _check_closing(command, context)
    step(context, row, "CloseCase", command.reason, refers_to=ended.code)
    today = context.business_date.isoformat()
    settle_alerts(context, row.id, "closed")
    _change(context, row, state=CaseState.CLOSED.value, disposition=ended.code, closed_on=today)
    return {"case": row.number, "disposition": ended.code}


def _check_closing(command: CloseCase, context: ActContext) -> tuple[Row[Any], Disposition]:
    row = load_case(context, command.case)
    pack = cases_of(context.uow.connection, context.programme)
    ended = pack.disposition(command.disposition, context.actor.capacities)
    if ended.needs and row.reported_on is None:
        raise NothingSent(case=row.number, needed=ended.needs)
    return row, ended


@act(capacities=DESKS, confidential=True, untold=True)
def reopen_case(command: ReopenCase, context: ActContext) -> Result:
    """Open a closed case again.  Refuses `NotFound`, `CaseNotClosed`."""
    row = load_case(context, command.case, closed=True)
    if row.state != CaseState.CLOSED.value:
        raise CaseNotClosed(case=row.number)
    step(context, row, "ReopenCase", command.reason)
    settle_alerts(context, row.id, "open")
    _change(context, row, state=CaseState.OPEN.value, disposition=None, closed_on=None)
    return {"case": row.number}


def _change(context: ActContext, row: Row[Any], **values: Any) -> None:
    context.uow.connection.execute(sql.update(case).where(case.c.id == row.id).values(**values))
