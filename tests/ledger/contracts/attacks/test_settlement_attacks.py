"""Attacks on settlement: replays, reordered batch, starved inner call, re-entrance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import vyper
from eth_abi.abi import encode
from eth_hash.auto import keccak

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import ContractRefusal, decode

REENTRANT = """
# pragma version 0.4.3
# pragma evm-version cancun
interface Settlement:
    def settle_batch(batch: Bytes[1024]): nonpayable
target: address
batch: Bytes[1024]
called: public(uint256)

@deploy
def __init__(target: address):
    self.target = target

@external
def arm(batch: Bytes[1024]):
    self.batch = batch

@external
def settle_leg(sender: address, to: address, amount: uint256, standing: uint256):
    self.called += 1
    extcall Settlement(self.target).settle_batch(self.batch)
"""


def batch(world: Any, items: list[td.SignedInstruction], gas: int | None = None) -> Any:
    return world.settlement.call("settle_batch", td.pack_batch(items), gas=gas)


def method(signature: str) -> bytes:
    """The first four bytes of a call."""
    return bytes(keccak(signature.encode())[:4])


def holdings(world: Any) -> list[tuple[int, int]]:
    return [
        (world.bond.ask("balanceOf", at), world.cash.ask("balanceOf", at))
        for at in world.at.values()
    ]


def test_replayed_instruction(world: Any, refuses: Any) -> None:
    """The same instruction alone, in a batch, and twice in one batch."""
    item = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 95, 1)
    world.settle(item)
    before = holdings(world)
    with refuses("NumberSpent", number=1):
        world.settle(item)
    second = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 95, 2)
    outcome = batch(world, [item, second, second])
    failures = world.settlement.events(outcome, "InstructionFailed")
    assert [(f["index"], decode(f["reason"]).name) for f in failures] == [
        (0, "NumberSpent"), (2, "NumberSpent"),
    ]  # fmt: skip
    assert holdings(world)[1][0] == before[1][0] - 10


def test_replayed_signature(world: Any, refuses: Any) -> None:
    """Signatures are good for one contract, one chain, one security and one act."""
    item = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 95, 1)
    for change in ({"number": 2}, {"nominal": 11}, {"consideration": 0}, {"last_day": 20_000},
                   {"receiver": bytes.fromhex(world.at["fund"][2:])},
                   {"security": world.cash.raw}):  # fmt: skip
        with refuses("BadSignature"):
            world.settle(replace(item, **change))
    other_chain = td.Domain(1_234_567, world.settlement.address).digest(item.struct_hash())
    other_contract = td.Domain(world.chain.chain_id, world.bond.address).digest(item.struct_hash())
    for digest in (other_chain, other_contract):
        signed = [td.sign(digest, world.keys[name]) for name in ("bank", "dealer")]
        with refuses("BadSignature"):
            world.settle(replace(item, deliverer_signature=signed[0], receiver_signature=signed[1]))
    values, seals = world.order(td.OrderKind.FREEZE, world.bond.address, world.at["bank"], amount=1)
    world.orders.call("execute", values, seals)
    with refuses("ActSpent"):
        world.orders.call("execute", values, seals)
    with refuses("UnknownSigner"):
        world.orders.call("execute", (values[0] + 1, *values[1:]), seals)


def test_malleable_signature_does_not_replay(world: Any, refuses: Any) -> None:
    """The twin signature (n - s) recovers the same key, and meets the same spent number."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    item = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 95, 1)
    raw = item.deliverer_signature
    s = (order - int.from_bytes(raw[32:64], "big")).to_bytes(32, "big")
    twin = replace(item, deliverer_signature=raw[:32] + s + bytes([55 - raw[64]]))
    world.settle(item)
    with refuses("NumberSpent"):
        world.settle(twin)


def test_reordered_batch(world: Any) -> None:
    """Whoever orders a batch may make an instruction fail, never settle other terms or twice."""
    issuer, bank, fund = (world.keys[name] for name in ("issuer", "bank", "fund"))
    supply = world.instruction(world.bond, bank, fund, 50, 475, 1)
    onward = world.instruction(world.bond, fund, issuer, 50, 480, 1)
    outcome = batch(world, [onward, supply])
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert decode(failure["reason"]).name == "ERC20InsufficientBalance"
    assert not world.settlement.ask("number_spent", world.at["fund"], 1)
    batch(world, [onward])
    assert world.bond.ask("balanceOf", world.at["fund"]) == 0
    assert world.cash.ask("balanceOf", world.at["fund"]) == 100_000_005


def test_starved_inner_call(world: Any) -> None:
    """With any gas limit a batch settles whole or reverts whole: no good instruction fails."""
    items = [
        world.instruction(world.bond, world.keys["bank"], world.keys["fund"], 10, 95, number)
        for number in (1, 64, 128)
    ]
    start = holdings(world)
    whole = 0
    for gas in range(20_000, 1_000_001, 14_000):
        with world.chain.env.anchor():
            seen = ""
            try:
                outcome = batch(world, items, gas)
            except ContractRefusal as refusal:
                seen = refusal.name
            if seen == "":
                assert world.settlement.events(outcome, "InstructionFailed") == []
                whole += 1
            else:
                assert seen in ("BatchStarved", "Undeclared")
                assert holdings(world) == start
    assert whole > 10


def test_starved_at_every_position(world: Any) -> None:
    """For each instruction of a batch the gas is chosen so that it starves just there.

    Only a 64th is withheld from a call, so the outer frame might go on after a starved inner one;
    300,000 before each call leave nothing in it that can fail for want of gas.
    """
    items = [
        world.instruction(world.bond, world.keys["bank"], world.keys[to], 10, 95, number)
        for number, to in enumerate(("fund", "dealer", "issuer", "fund", "dealer"), 1)
    ]
    start = holdings(world)
    with world.chain.env.anchor():
        used = batch(world, items).gas
    starved: set[int] = set()
    for gas in range(used // 2, used + 1_200_000, 9_000):
        with world.chain.env.anchor():
            try:
                outcome = batch(world, items, gas)
            except ContractRefusal as refusal:
                if refusal.name == "BatchStarved":
                    starved.add(refusal.arguments["index"])
                assert holdings(world) == start
            else:
                assert world.settlement.events(outcome, "InstructionFailed") == []
    assert starved == set(range(len(items)))


def _targets(computation: Any) -> set[str]:
    """Every address that a call touched, at any depth."""
    found = {"0x" + computation.msg.code_address.hex()}
    return found.union(*map(_targets, computation.children))


def test_no_hooks(world: Any, monkeypatch: Any) -> None:
    """Nothing that moves value ever calls an account or any code outside the programme.

    So there is no moment at which a stranger's code could call back.  Seen in the calls
    themselves: transfers, settlement alone, in a batch and netted, holds, orders, payments.
    """
    computations: list[Any] = []
    execute = world.chain.env.execute_code

    def record(*arguments: Any, **named: Any) -> Any:
        computation = execute(*arguments, **named)
        computations.append(computation)
        return computation

    monkeypatch.setattr(world.chain.env, "execute_code", record)
    bank, dealer = world.keys["bank"], world.keys["dealer"]
    world.bond.call("transfer", world.at["dealer"], 5, key=bank)
    world.settle(world.instruction(world.bond, bank, dealer, 10, 95, 1))
    batch(world, [world.instruction(world.bond, bank, dealer, 10, 95, n) for n in (2, 3)])
    world.freeze(world.bond.address, world.at["bank"], 5)
    order = world.order(
        td.OrderKind.FORCED_TRANSFER, world.bond.address, world.at["bank"], world.at["fund"], 7
    )
    world.orders.call("execute", *order)
    rows = [td.Entitlement(i, at, 0, 100, 10) for i, at in enumerate(world.at.values())]
    tree = td.EntitlementTree(rows)
    values = (1, world.bond.address, 1, 18_000, tree.root, tree.total, len(rows),
              world.at["issuer"], world.at["exchange"])  # fmt: skip
    seals = world.seal(world.payments, td.FUNDING, values, 1, 2)
    [own] = world.sign(world.payments, td.FUNDING, values, world.keys["issuer"])
    world.payments.call("fund", values, own, seals)
    world.payments.call("pay_chunk", 1, 0, *tree.chunk(0))
    touched = set().union(*map(_targets, computations))
    precompiled = {f"0x{number:040x}" for number in (1, 2, 4)}
    own_contracts = {contract.address for contract in world.contracts.values()}
    assert world.bond.address in touched
    assert touched - precompiled <= own_contracts | {world.bond.address}


ORDER_OF_SECP256K1 = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def twin(signature: bytes) -> bytes:
    """The other signature (n - s, other parity) of the same key over the same digest."""
    s = (ORDER_OF_SECP256K1 - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    return signature[:32] + s + bytes([55 - signature[64]])


def test_twin_of_one_key_is_not_a_second_key(world: Any, refuses: Any) -> None:
    """Malleability neither doubles a signer nor repeats an act."""
    values = (1, world.at["bank"], 500, b"\x11" * 32)
    [seal] = world.sign(world.cash, td.CASH_CREATION, values, world.key(2))
    with refuses("DuplicateSigner"):
        world.cash.call("create", values, [seal, twin(seal)])
    values, [first, second] = world.order(
        td.OrderKind.FORCED_TRANSFER, world.bond.address, world.at["bank"], world.at["fund"], 7
    )
    world.orders.call("execute", values, [first, second])
    with refuses("ActSpent"):
        world.orders.call("execute", values, [twin(first), twin(second)])
    hold = (world.at["bank"], 10, world.at["dealer"], 1, 30_000)
    [own] = world.sign(world.bond, td.HOLD, hold, world.keys["bank"])
    world.bond.call("place_hold", hold, own)
    with refuses("HoldExists"):
        world.bond.call("place_hold", hold, twin(own))


def test_signature_of_nobody(world: Any, kit: Any, refuses: Any) -> None:
    """What recovers to the zero address signs for nobody, the zero address included."""
    nobody = b"\x01" * 64 + b"\x05"  # no such v: ecrecover answers zero
    with refuses("UnknownSigner", signer=kit.NOBODY):
        world.directory.ask("signers", bytes(32), [nobody])
    with refuses("BadSignature", expected=kit.NOBODY, recovered=kit.NOBODY):
        world.settlement.call("burn_number", kit.NOBODY, 1, nobody)
    deadline = world.chain.now() + 60
    with refuses("ERC2612InvalidSigner", owner=kit.NOBODY):
        world.bond.call("permit", kit.NOBODY, world.at["bank"], 1, deadline, 5, b"\1" * 32,
                        b"\1" * 32)  # fmt: skip
    item = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 95, 1)
    zero = bytes(64) + b"\x1b"
    for change in ({"deliverer": bytes(20)}, {"receiver": bytes(20)}):
        both = {"deliverer_signature": zero, "receiver_signature": zero}
        with refuses("BadSignature"):
            world.settle(replace(item, **change, **both))


def test_reentrance(world: Any, refuses: Any) -> None:
    """A foreign token that calls back is never called; no contract can be an account."""
    compiled = vyper.compile_code(REENTRANT, output_formats=["bytecode"])["bytecode"]
    code = bytes.fromhex(compiled[2:]) + encode(["address"], [world.settlement.address])
    evil = world.chain.deploy(code)
    bank, dealer = world.keys["bank"], world.keys["dealer"]
    inner, good = (world.instruction(world.bond, bank, dealer, 10, 95, number) for number in (1, 3))
    raw = bytes.fromhex(evil[2:])
    values = (raw, good.deliverer, good.receiver, 10, 95, 2, good.first_day, good.last_day)
    signed = world.sign(world.settlement, td.INSTRUCTION, values, bank, dealer)
    bait = td.SignedInstruction(*values, *signed)
    arm = method("arm(bytes)") + encode(["bytes"], [td.pack_batch([inner])])
    assert world.chain.send(evil, arm, None, None).success
    with refuses("SecurityUnknown"):
        world.settle(bait)
    outcome = batch(world, [bait, good])
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert decode(failure["reason"]).name == "SecurityUnknown"

    def seen() -> tuple[int, bool]:
        called = world.chain.view(evil, method("called()")).output
        return int.from_bytes(called, "big"), world.settlement.ask(
            "number_spent", world.at["bank"], 1
        )

    assert seen() == (0, False)
    # Had it been called, it would have settled what it was armed with.
    leg = encode(["address", "address", "uint256", "uint256"], [world.at["bank"], evil, 1, 0])
    call = method("settle_leg(address,address,uint256,uint256)") + leg
    assert world.chain.send(evil, call, None, None).success
    assert seen() == (1, True)
    with refuses("AccountInvalid", account=evil):
        world.open_accounts(2, [evil])
    with refuses("CallerNotAllowed"):
        world.bond.call("settle_leg", world.at["bank"], evil, 1, 2**256 - 1)
