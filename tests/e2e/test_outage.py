"""A replay that is down while bids are due: nothing is taken late, and every bid is taken."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.auctions.acts_rules import BidState, TenderState
from amanat.auctions.tables import sealed_bid, tender
from amanat.ledger.orders import read_orders
from amanat.replay.acting import auctioning
from amanat.replay.loading import load_pilot
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, Step, steps_of
from amanat.replay.runner import replay
from amanat.settings import Settings

DRILL = Path(__file__).parent / "drill"
WINDOW_SECONDS = 5


@pytest.fixture
def performer(tmp_path: Path) -> Iterator[Performer]:
    """The drill's pilot with a short window, carried out until its tender is to be announced."""
    folder = tmp_path / "pilot"
    shutil.copytree(DRILL, folder)
    terms = folder / "programme.toml"
    window = f"bidding_window_seconds = {WINDOW_SECONDS}"
    terms.write_text(re.sub(r"bidding_window_seconds = \d+", window, terms.read_text()))
    pilot = load_pilot(folder)
    with Application(Settings.at(tmp_path / "data", light_keys=True)) as application:
        kinds = [step.kind for step in steps_of(pilot)]
        replay(application, pilot, until=kinds.index(Kind.ANNOUNCE))
        yield Performer(application, pilot)


def step(performer: Performer, kind: Kind) -> Step:
    return next(one for one in steps_of(performer.pilot) if one.kind is kind)


def tenders(performer: Performer) -> dict[str, str]:
    with performer.application.store.reading() as connection:
        return {row.code: row.state for row in connection.execute(sql.select(tender))}


def recorded(performer: Performer) -> set[str]:
    """The tender of every bid that the ledger has."""
    query = sql.select(sealed_bid.c.tender).where(sealed_bid.c.state == BidState.RECORDED)
    with performer.application.store.reading() as connection:
        return set(connection.execute(query).scalars())


def test_an_announcement_that_is_sent_when_bids_were_due_is_made_again(
    performer: Performer,
) -> None:
    announce = step(performer, Kind.ANNOUNCE)
    fields = auctioning._announcement(performer, announce.about) | {"tender": announce.about.code}
    bank = auctioning._bank(performer)
    performer.perform(announce.key, "AnnounceTender", fields, institution=bank)
    time.sleep(WINDOW_SECONDS + 2)  # down: the order is stored and not sent
    auctioning.announce(performer, announce)
    with performer.application.store.reading() as connection:
        refused = read_orders(connection, states=["refused"])
    assert {one.kind for one in refused} == {"announce_tender", "admit_tender_bidders"}
    assert tenders(performer) == {announce.about.code: TenderState.TARGET_SET}
    auctioning.bid(performer, step(performer, Kind.BID))
    assert tenders(performer) == {announce.about.code: TenderState.OPEN}
    assert recorded(performer) == {announce.about.code}


def test_a_tender_whose_bids_were_due_meanwhile_is_cancelled_and_announced_anew(
    performer: Performer,
) -> None:
    announce = step(performer, Kind.ANNOUNCE)
    auctioning.announce(performer, announce)
    time.sleep(WINDOW_SECONDS + 2)
    auctioning.bid(performer, step(performer, Kind.BID))
    again = f"{announce.about.code}_2"
    assert tenders(performer) == {
        announce.about.code: TenderState.CANCELLED,
        again: TenderState.OPEN,
    }
    assert recorded(performer) == {again}


def test_a_tender_whose_bidding_ends_while_a_sheet_is_sealed_is_announced_anew(
    performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine so busy that sealing outlasts the window once; the sheet then comes too late."""
    seal = auctioning.compose_sheet
    held_up = [WINDOW_SECONDS + 2]

    def slow(*given: Any) -> Any:
        if held_up:
            time.sleep(held_up.pop())
        return seal(*given)

    monkeypatch.setattr(auctioning, "compose_sheet", slow)
    announce = step(performer, Kind.ANNOUNCE)
    auctioning.announce(performer, announce)
    auctioning.bid(performer, step(performer, Kind.BID))
    again = f"{announce.about.code}_2"
    assert tenders(performer) == {
        announce.about.code: TenderState.CANCELLED,
        again: TenderState.OPEN,
    }
    assert recorded(performer) == {again}
