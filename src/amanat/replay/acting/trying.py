"""What is tried so that its refusal shows, and what came of it.

A refusal leaves no trace where it is refused, so what was said is kept beside the data of the
replay, in `attempts.json`.  A run that was interrupted and goes on later does not try again what
can no longer be tried on its day.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amanat.auctions.acts_bids import compose_sheet
from amanat.auctions.acts_book import terms_of
from amanat.auctions.model import BidBy, CompetitiveBid
from amanat.core.errors import Refusal
from amanat.ledger.refusals import ContractRefusal
from amanat.licensing.standing import require_permission
from amanat.programme.records import business_date_of
from amanat.replay.acting.auctioning import current_code, number_and_keys, tender_row
from amanat.replay.laws import own_account
from amanat.replay.licensing_model import BID, DELIVER, TRANSFER, Attempt, Event
from amanat.replay.model import Tender
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step

ATTEMPTS_FILE = "attempts.json"
NOT_REFUSED = "not refused"
PASSED = "its day had passed when the run went on"


def attempts_of(folder: Path) -> dict[str, dict[str, Any]]:
    """What was tried in a replay, by the step's key: `code` and `said` of each refusal."""
    file = folder / ATTEMPTS_FILE
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def attempt(performer: Performer, step: Step, event: Event) -> None:
    """Try what the pilot says, once, and keep what was said to it."""
    folder = performer.application.settings.data_dir
    known = attempts_of(folder)
    if step.key in known:
        return
    with performer.application.store.reading() as connection:
        today = business_date_of(connection, performer.programme)
    code, said = NOT_REFUSED, PASSED
    if today == event.on:
        code, said = _try(performer, step, event)
    known[step.key] = {"code": code, "said": said}
    file = folder / ATTEMPTS_FILE
    file.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _try(performer: Performer, step: Step, event: Event) -> tuple[str, str]:
    said = event.said
    assert isinstance(said, Attempt)
    take = _TRIES.get(said.activity, _ask)
    if said.activity == BID and not event.during:
        take = _ask
    try:
        take(performer, step, event, said)
    except ContractRefusal as refusal:
        return refusal.name, refusal.message
    except Refusal as refusal:
        return refusal.code, refusal.message
    return NOT_REFUSED, "it went through"


def _ask(performer: Performer, step: Step, event: Event, said: Attempt) -> None:
    """Ask the standing, as every door does before it opens."""
    with performer.application.store.reading() as connection:
        require_permission(
            connection,
            performer.programme,
            event.provider,
            said.activity,
            step.day,
            category=said.category,
        )


def _bid(performer: Performer, step: Step, event: Event, _said: Attempt) -> None:
    """Submit a sheet of its own, with the terms of the first bid of the pilot."""
    tender = _tender(performer, event)
    code = current_code(performer, tender)
    row, account = tender_row(performer, code), own_account(performer.pilot, event.provider)
    if row is None or account is None:
        raise ReplayStopped(f"{event.provider} has no account, or {code} was not announced")
    address = performer.account(account.code)
    number, keys = number_and_keys(performer, row, address)
    model, by_price = tender.bids[0], tender.terms.bid_by is BidBy.PRICE
    bid = CompetitiveBid(
        number,
        1,
        model.nominal,
        price=model.value if by_price else None,
        yield_pct=None if by_price else model.value,
    )
    sealed, salt = compose_sheet(terms_of(row), number, [bid], keys)
    fields = {
        "tender": code,
        "account": address,
        "ciphertext": sealed.hex(),
        "salt": salt.hex(),
    }
    performer.perform(step.key, "SubmitBid", fields, institution=event.provider)


def _tender(performer: Performer, event: Event) -> Tender:
    return next(one for one in performer.pilot.tenders if one.code == event.during)


def _deliver(performer: Performer, step: Step, event: Event, said: Attempt) -> None:
    """Instruct a sale for cash to the account that the pilot names."""
    account = own_account(performer.pilot, event.provider)
    if account is None:
        raise ReplayStopped(f"{event.provider} has no account of its own")
    fields = {
        "side": "deliver",
        "isin": said.isin,
        "deliverer": performer.account(account.code),
        "receiver": performer.account(said.account),
        "nominal": said.nominal,
        "consideration_paisa": said.nominal * 100,
        "trade_date": step.day,
        "first_day": step.day,
        "last_day": step.day,
        "reference": event.code.replace("/", "-"),
    }
    performer.perform(step.key, "Instruct", fields, institution=event.provider)


def _transfer(performer: Performer, _step: Step, event: Event, said: Attempt) -> None:
    """Ask the contract itself for a transfer, as the provider's own wallet would.

    Before that the ledger hears of everything that was ordered.
    """
    performer.pump()
    account = own_account(performer.pilot, event.provider)
    if account is None:
        raise ReplayStopped(f"{event.provider} has no account of its own")
    performer.application.gateway(performer.programme).call(
        "Security",
        "transfer",
        performer.account(said.account),
        said.nominal,
        label=said.isin,
        sender=performer.account(account.code),
    )


_TRIES: dict[str, Callable[[Performer, Step, Event, Attempt], None]] = {
    BID: _bid,
    DELIVER: _deliver,
    TRANSFER: _transfer,
}
