"""Admission writes the register and the chain's list at once; a suspension undoes both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.network.conftest import PILOT
from tests.network.sending import send, status

from amanat.cli.pilots import application_of, appoint_keeper, prepare
from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.network.home import Home
from amanat.network.lists import SENDERS, ListRole, give_coin, role_of, shut_out
from amanat.replay.loading import load_pilot
from amanat.replay.performing import Performer
from amanat.replay.runner import replay
from amanat.settings import Settings

pytestmark = pytest.mark.network

DEALER = "dealer_1"


@pytest.fixture
def performer(validators: Home, tmp_path: Path) -> Iterator[Performer]:
    """The pilot founded on the validators, its participants admitted, their accounts open."""
    pilot = load_pilot(PILOT)
    prepare(tmp_path / "data", resume=False)
    with application_of(tmp_path / "data", validators.folder) as application:
        replay(application, pilot, until=1, sender_list=SENDERS)
        eligibility = application.gateway(pilot.programme.code).address("Eligibility")
        appoint_keeper(validators.folder, eligibility)
        replay(application, pilot, until=2, sender_list=SENDERS)
        yield Performer(application, pilot)


def account_of(performer: Performer) -> str:
    """The dealer's first account."""
    accounts = performer.pilot.accounts.values()
    return performer.account(next(one.code for one in accounts if one.participant == DEALER))


def set_level(performer: Performer, level: str) -> None:
    fields = {"participant": DEALER, "level": level, "reason": "an order of the court"}
    performer.perform(f"test/{level}", "SetLevel", fields, institution="central_bank")
    performer.pump()


def test_a_suspended_participant_is_refused_by_the_nodes_until_it_is_lifted(
    validators: Home, rpc: RpcClient, performer: Performer
) -> None:
    key = performer.application.keys.signer(account_of(performer))
    give_coin(rpc, validators.administrator("ministry"), key.address, 10**18)
    assert status(rpc, send(rpc, key, key.address)) == 1
    assert performer.application.ledger.check() == []

    set_level(performer, "frozen")
    assert role_of(rpc, SENDERS, key.address) is ListRole.NONE
    before, count = rpc.block_number(), rpc.call("eth_getTransactionCount", key.address, "latest")
    for url in validators.founded().rpc_urls():
        one = RpcClient([url], chain_id=rpc.chain_id, token=validators.token())
        with pytest.raises(RpcFault, match="non-allow listed address"):
            send(one, key, key.address)
        one.close()
    assert rpc.block_number() == before
    assert rpc.call("eth_getTransactionCount", key.address, "pending") == count
    assert performer.application.ledger.check() == []

    set_level(performer, "active")
    assert status(rpc, send(rpc, key, key.address)) == 1
    assert performer.application.ledger.check() == []


def test_later_commands_on_the_folder_ask_the_same_nodes(
    validators: Home, performer: Performer
) -> None:
    folder = performer.application.settings.data_dir
    read = Settings.from_environment({"AMANAT_DATA": str(folder)})
    founded = validators.founded()
    assert list(read.node_urls) == founded.rpc_urls()
    assert read.nodes_token_file == validators.token_file("ministry")
    assert (read.chain_id, read.finality) == (founded.chain_id, "finalized")


def test_lists_that_differ_are_found(
    validators: Home, rpc: RpcClient, performer: Performer
) -> None:
    """Somebody with an administrator's key strikes a participant off behind the programme."""
    address = account_of(performer)
    shut_out(rpc, validators.administrator("ministry"), address)
    performer.pump()
    found = performer.application.ledger.check()
    assert [(one.law, one.thing, one.expected, one.found) for one in found] == [
        ("chain's list = Eligibility", address, "1", "0")
    ]
