"""Who loses a key loses no auction: another opens the share, or the tender is held anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.programme.world import CODE, found_world

from amanat.app import Application
from amanat.auctions.acts_shares import ShareReleased, unreleased_with
from amanat.auctions.commands import CancelTender, OpenBids, ReleaseShare, ResealShare
from amanat.auctions.custody import keepers_of
from amanat.auctions.sealing import ShareWrong, new_share
from amanat.auctions.tables import tender_key
from amanat.core.errors import NotFound
from amanat.ledger.signers import KeyNotHeld
from amanat.settings import Settings

from .acts_world import Auctions, bid


@pytest.fixture
def auctions(tmp_path: Path) -> Iterator[Auctions]:
    """A founded programme with dealers and a bond."""
    with Application(Settings.at(tmp_path / "installation", light_keys=True)) as app:
        yield Auctions(found_world(app, delay_seconds=0)).prepare()


def keepers(auctions: Auctions, code: str, institution: str) -> list[str]:
    with auctions.world.app.store.reading() as connection:
        sealed = connection.execute(
            sql.select(tender_key.c.sealed_private).where(
                tender_key.c.tender == code, tender_key.c.institution == institution
            )
        ).scalar_one()
    return keepers_of(sealed)


def address(auctions: Auctions, person: str) -> str:
    return str(auctions.world.actor(person).address)


def test_a_share_is_released_though_its_maker_lost_their_key(auctions: Auctions) -> None:
    world = auctions.world
    auctions.announce("T1")
    auctions.submit("T1", "bank_a", [bid(1, 10, "95")])
    officer, approver = (
        address(auctions, f"central_bank_{role}") for role in ("officer", "approver")
    )
    assert keepers(auctions, "T1", "central_bank") == sorted((officer, approver))
    # Sealed to the present keys again, by whoever of them still has theirs; nobody else may.
    outcome = world.do("central_bank", ResealShare(tender="T1"))
    assert outcome.result is not None
    assert outcome.result["keepers"] == sorted((officer, approver))
    with pytest.raises(NotFound):
        world.propose("ministry", ResealShare(tender="T2"))
    auctions.close("T1")
    with world.app.store.reading() as connection:
        assert unreleased_with(connection, officer) == [f"{CODE}/T1"]
    world.app.keys.destroy(officer)
    with pytest.raises(KeyNotHeld):
        world.app.keys.sign(CODE, officer, b"\x01" * 32)
    auctions.release("T1")
    opened = world.do("central_bank", OpenBids(tender="T1"))
    assert opened.state == "carried_out"
    assert [one["fate"] for one in auctions.tender("T1")["commitments"]] == ["opened"]
    with world.app.store.reading() as connection:
        assert unreleased_with(connection, approver) == []
    with pytest.raises(ShareReleased):
        world.propose("central_bank", ResealShare(tender="T1"))


def test_a_tender_whose_share_is_lost_altogether_is_cancelled_and_held_anew(
    auctions: Auctions,
) -> None:
    world = auctions.world
    auctions.announce("T1", sealing_key=new_share("ministry").key.public.hex())
    auctions.submit("T1", "bank_a", [bid(1, 10, "95")])
    auctions.close("T1")
    # Its private half, kept elsewhere by the ministry, is lost: no other is taken for it.
    other = new_share("ministry").private.hex()
    with pytest.raises(ShareWrong):
        world.propose("ministry", ReleaseShare(tender="T1", private_key=other))
    world.do("central_bank", CancelTender(tender="T1", reason="a key share is lost"))
    assert auctions.tender("T1")["state"] == "cancelled"
    auctions.announce("T2")
    auctions.submit("T2", "bank_a", [bid(1, 10, "95")])
    auctions.open("T2")
    assert [one["fate"] for one in auctions.tender("T2")["commitments"]] == ["opened"]
