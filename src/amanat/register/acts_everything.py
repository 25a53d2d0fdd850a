"""The freeze of an account in every security at once: one order of a quorum, all of it or nothing.

What a court freezes must not slip away between one security's order and the next.  The ledger takes
the steps as one batch; here every hold binds from the request.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.ledger.things import Things
from amanat.ledger.wire import ZERO_ADDRESS
from amanat.participants import things
from amanat.participants.model import ChangePending
from amanat.participants.records import find_account
from amanat.participants.signing import act_number, to_sign
from amanat.programme.tables import security
from amanat.register import events
from amanat.register.acts import ORDERS, ask_quorum
from amanat.register.commands import FreezeEverything
from amanat.register.model import (
    HoldState,
    OrderKind,
    TooManySecurities,
    check_order,
    frozen_amount,
)
from amanat.register.tables import hold

STEPS_MAX = 64
"""Securities that one order freezes, as `Orders.vy` takes steps in a batch."""


def _securities(connection: Connection, programme: str) -> dict[str, str]:
    """Every security of the programme and where it lies on the ledger, by ISIN.

    Refuses `NotFound` (there is none), `TooManySecurities`.
    """
    rows = connection.execute(
        sql.select(security.c.isin, security.c.address)
        .where(security.c.programme == programme)
        .order_by(security.c.isin)
    )
    found = {row.isin: row.address for row in rows}
    if not found:
        raise NotFound(thing="security of programme", value=programme)
    if len(found) > STEPS_MAX:
        raise TooManySecurities(count=len(found), maximum=STEPS_MAX)
    return found


def ask_everything(command: FreezeEverything, context: ActContext) -> Ask:
    """A quorum of the institutions with the capacity `orders`; the proposer signs for one."""
    check_order(command.order_hash, command.reason)
    connection, programme = context.uow.connection, context.programme
    address = find_account(connection, programme, command.account).address
    securities, number = _securities(connection, programme), act_number(context)
    signed = to_sign(
        context,
        "Orders",
        "OrderBatch",
        number=number,
        **_steps(address, list(securities.values())),
        order_hash=bytes.fromhex(command.order_hash),
        reason=0,
    )
    return ask_quorum(
        context,
        command.signers,
        signed,
        number=number,
        account=address,
        securities=list(securities),
    )


def _steps(address: str, tokens: list[str]) -> dict[str, list[Any]]:
    """The steps of the batch, field by field: each freezes all, what arrives later included."""
    count = len(tokens)
    return {
        "kinds": [OrderKind.FREEZE.value] * count,
        "securities": tokens,
        "from": [address] * count,
        "to": [ZERO_ADDRESS] * count,
        "amounts": [frozen_amount([None])] * count,
    }


@act(capacities=[ORDERS], approvals=ask_everything, confidential=True)
def freeze_everything(command: FreezeEverything, context: ActContext) -> Result:
    """Order the freeze of an account in every security that there is.

    A security that is created later is not covered: it takes another order, or the level `frozen`
    of the participant.  Each security has a hold of its own, which is released by itself.
    Refuses, in order: `InvalidOrder`, `NotFound` (account, security, institution),
    `TooManySecurities`, `QuorumNotReached`, `ChangePending`.
    """
    connection, programme = context.uow.connection, context.programme
    memo = context.approved.memo
    securities = _securities(connection, programme)
    if list(securities) != memo["securities"]:
        raise ChangePending(
            thing=Message("the freeze of {account}", account=memo["account"]),
            pending="a new security",
        )
    holds = {isin: new_id() for isin in securities}
    entry = context.uow.journal.append(
        events.ACCOUNT_FREEZE_REQUESTED,
        {
            "number": memo["number"],
            "account": memo["account"],
            "holds": holds,
            "order_hash": command.order_hash,
            "reason": command.reason,
        },
        subject=f"register:{memo['account']}",
    )
    steps = _steps(memo["account"], list(securities.values()))
    batch = (
        memo["number"],
        memo["epoch"],
        *steps.values(),
        bytes.fromhex(command.order_hash),
        0,
    )
    order = context.uow.orders.request(
        "freeze_everything",
        programme,
        "Orders",
        "execute_all",
        [batch, context.approved.signatures(ORDERS)],
        subject=("register", memo["account"]),
        cause=entry,
        things=Things(brings=things.accounts([memo["account"]])),
    )
    _store(command, context, holds, order)
    return {"holds": holds, "order": order, "entry": entry}


def _store(
    command: FreezeEverything, context: ActContext, holds: dict[str, str], order: str
) -> None:
    memo = context.approved.memo
    context.uow.connection.execute(
        hold.insert(),
        [
            {
                "programme": context.programme,
                "id": identifier,
                "number": memo["number"],
                "account": memo["account"],
                "isin": isin,
                "nominal": None,
                "order_hash": command.order_hash,
                "reason": command.reason,
                "state": HoldState.REQUESTED.value,
                "requested_at": context.now.isoformat(),
                "order_id": order,
            }
            for isin, identifier in holds.items()
        ],
    )
