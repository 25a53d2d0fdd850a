"""Where the chain keeps a list of who may send, the act that admits or suspends writes both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import vyper
from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from amanat.ledger import typed_data as td

CENTRAL_BANK, DEPOSITORY = 2, 5
FROZEN, WIND_DOWN, ACTIVE = 4, 3, 1


@dataclass
class Listed:
    """A founded programme that keeps the chain's list, and the list."""

    world: Any
    at: str

    def role(self, account: str) -> int:
        call_bytes = keccak(b"readAllowList(address)")[:4] + encode(["address"], [account])
        return int.from_bytes(self.world.chain.view(self.at, call_bytes).output, "big")

    def appoint(self) -> bool:
        call_bytes = keccak(b"setManager(address)")[:4]
        call_bytes += encode(["address"], [self.world.eligibility.address])
        return bool(self.world.chain.send(self.at, call_bytes, None, None).success)

    def close(self, account: str) -> Any:
        world = self.world
        values = (world.number(), world.directory.ask("epoch"), account)
        seals = world.sign(world.eligibility, td.ACCOUNT_CLOSING, values, world.key(CENTRAL_BANK))
        return world.eligibility.call("close_account", values, [], seals)


@pytest.fixture(scope="module")
def list_code() -> bytes:
    source = (Path(__file__).parent / "sender_list.vy").read_text()
    compiled = vyper.compile_code(source, output_formats=["bytecode"])
    return bytes.fromhex(compiled["bytecode"][2:])


@pytest.fixture
def listed(kit: Any, list_code: bytes) -> Listed:
    chain = kit.BoaChain()
    at = chain.deploy(list_code + encode(["address"], [to_checksum_address(chain.operator)]))
    world = kit.World(chain, sender_list=at).found()
    world.open_day()
    found = Listed(world, at)
    assert found.appoint()
    return found


@pytest.fixture
def account(kit: Any, listed: Listed) -> str:
    address: str = kit.address_of(kit.key_of("bank"))
    listed.world.admit(2)
    listed.world.open_accounts(2, [address])
    return address


def test_an_account_is_named_when_it_is_opened(listed: Listed, account: str) -> None:
    assert listed.role(account) == 1
    assert listed.world.eligibility.ask("may_send", account)
    assert listed.world.eligibility.ask("senders_of", 2) == (account,)
    assert listed.world.eligibility.ask("sender_list") == listed.at


def test_a_suspension_takes_both_away_and_lifting_gives_both_back(
    listed: Listed, account: str
) -> None:
    listed.world.admit(2, level=FROZEN)
    assert listed.role(account) == 0
    assert not listed.world.eligibility.ask("may_send", account)
    listed.world.admit(2, level=ACTIVE)
    assert listed.role(account) == 1
    assert listed.world.eligibility.ask("may_send", account)


def test_who_winds_down_still_sends(listed: Listed, account: str) -> None:
    listed.world.admit(2, level=WIND_DOWN)
    assert listed.role(account) == 1


def test_an_account_of_a_suspended_participant_is_named_once_it_is_lifted(
    kit: Any, listed: Listed, account: str
) -> None:
    del account
    second = kit.address_of(kit.key_of("second"))
    listed.world.admit(2, level=FROZEN)
    listed.world.open_accounts(2, [second])
    assert listed.role(second) == 0
    listed.world.admit(2, level=ACTIVE)
    assert listed.role(second) == 1


def test_a_closed_account_is_struck_off_and_never_comes_back(listed: Listed, account: str) -> None:
    listed.close(account)
    assert listed.role(account) == 0
    listed.world.admit(2, level=FROZEN)
    listed.world.admit(2, level=ACTIVE)
    assert listed.role(account) == 0
    assert not listed.world.eligibility.ask("may_send", account)


def test_the_first_64_accounts_send_by_themselves_and_a_suspension_fits(
    kit: Any, listed: Listed
) -> None:
    accounts = [kit.address_of(kit.key_of(f"client {at}")) for at in range(65)]
    listed.world.admit(2)
    listed.world.open_accounts(2, accounts[:64])
    listed.world.open_accounts(2, accounts[64:])
    assert [listed.role(one) for one in accounts] == [1] * 64 + [0]
    assert not listed.world.eligibility.ask("may_send", accounts[64])
    outcome = listed.world.admit(2, level=FROZEN)
    assert [listed.role(one) for one in accounts] == [0] * 65
    assert outcome.gas < 5_000_000


def test_without_the_administrators_appointment_nothing_is_half_written(
    kit: Any, list_code: bytes
) -> None:
    chain = kit.BoaChain()
    at = chain.deploy(list_code + encode(["address"], [to_checksum_address(chain.operator)]))
    world = kit.World(chain, sender_list=at).found()
    world.open_day()
    world.admit(2)
    account = kit.address_of(kit.key_of("bank"))
    values = (world.number(), world.directory.ask("epoch"), 2, [account])
    keys = (world.key(CENTRAL_BANK), world.key(CENTRAL_BANK, 1))
    seals = world.sign(world.eligibility, td.ACCOUNT_OPENING, values, *keys)
    call_bytes = world.eligibility.data("open_accounts", values, seals)
    assert not chain.send(world.eligibility.address, call_bytes, None, None).success
    assert world.eligibility.ask("participant_of", account) == 0


def test_a_chain_without_a_list_names_nobody(world: Any) -> None:
    assert int(world.eligibility.ask("sender_list"), 16) == 0
    assert world.eligibility.ask("senders_of", 2) == ()
    assert not world.eligibility.ask("may_send", world.at["bank"])
