"""Halts bind from the request; resumption takes two guardians and the ledger."""

from __future__ import annotations

import pytest

from amanat.core.errors import Forbidden
from amanat.participants.model import ChangePending
from amanat.programme.commands import Halt, IssueNominal, Resume
from amanat.programme.model import Halted, NotHalted, UnknownScope
from amanat.programme.records import require_running

from .world import CODE, World, authorisation, bond


def on_ledger(world: World, number: int) -> bool:
    halted: bool = world.app.ledger.gateway(CODE).call("Directory", "is_halted", number)
    return halted


def test_a_halted_security_is_halted_from_the_request(world: World) -> None:
    isin = bond(61)["isin"]
    world.do("ministry", authorisation(terms=bond(61)))
    world.do("secp", Halt(scope=isin, reason="a doubt about its terms"), pump=False)
    assert on_ledger(world, 16) is False
    with pytest.raises(Halted, match="a doubt about its terms"):
        world.propose("ministry", IssueNominal(isin=isin, nominal=100_000))
    (one,) = world.view("security", isin=isin)["halts"]
    assert (one["binds"], one["done_at"]) == (True, None)
    with pytest.raises(ChangePending, match="awaits the outcome of its halt"):
        world.propose("secp", Resume(scope=isin, reason="the doubt is gone"))
    world.app.pump()
    assert on_ledger(world, 16) is True
    with pytest.raises(Halted):
        world.propose("secp", Halt(scope=isin, reason="once more"))

    outcome = world.propose("secp", Resume(scope=isin, reason="the doubt is gone"))
    assert outcome.awaits == ("ministry",)
    world.approve("ministry", outcome)
    with pytest.raises(Halted):  # what grants waits for the ledger
        world.propose("ministry", IssueNominal(isin=isin, nominal=100_000))
    world.app.pump()
    assert on_ledger(world, 16) is False
    world.do("ministry", IssueNominal(isin=isin, nominal=100_000))


def test_the_whole_programme_halts(world: World) -> None:
    world.do("ministry", Halt(scope="programme", reason="an exercise"))
    assert on_ledger(world, 3) is True
    with pytest.raises(Halted, match="programme is halted"):
        world.propose("ministry", authorisation(terms=bond(62)))
    world.do("central_bank", Resume(scope="programme", reason="the exercise is over"))
    assert on_ledger(world, 3) is False
    world.do("ministry", authorisation(terms=bond(62)))


def test_a_contract_halts_without_the_rest(world: World) -> None:
    world.do("secp", Halt(scope="settlement", reason="an exercise"))
    with world.app.store.reading() as connection:
        require_running(connection, CODE, "cash")
        with pytest.raises(Halted):
            require_running(connection, CODE, "cash", "settlement")
    world.do("secp", Resume(scope="settlement", reason="the exercise is over"))


def test_what_is_not_halted_or_not_there(world: World) -> None:
    with pytest.raises(NotHalted):
        world.propose("secp", Resume(scope="payments", reason="nothing"))
    with pytest.raises(UnknownScope):
        world.propose("secp", Halt(scope=bond(63)["isin"], reason="nothing"))
    with pytest.raises(Forbidden):
        world.propose("bank_a", Halt(scope="programme", reason="mischief"))
