"""Attacks on servicing and orders: double coupon, bad times, no quorum, a friend's hold."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import ContractRefusal, decode


def test_double_coupon(world: Any, refuses: Any) -> None:
    """The same coupon funded twice, a chunk paid twice, an entitlement claimed twice."""
    rows = [td.Entitlement(0, world.at["bank"], 0, 700, 70)]
    tree = td.EntitlementTree(rows)

    def fund(funding: int, record_day: int, epoch: int = 1) -> None:
        values = (epoch, world.bond.address, 1, record_day, tree.root, funding, 1,
                  world.at["issuer"], world.at["exchange"])  # fmt: skip
        seals = world.seal(world.payments, td.FUNDING, values, 1, 2)
        [own] = world.sign(world.payments, td.FUNDING, values, world.keys["issuer"])
        world.payments.call("fund", values, own, seals)

    fund(700, 18_000)
    with refuses("ActSpent"):
        fund(700, 18_000)
    with refuses("RunExists", run=1):
        fund(701, 18_000)
    for _ in range(2):
        world.payments.call("pay_chunk", 1, 0, *tree.chunk(0))
    assert world.cash.ask("balanceOf", world.at["bank"]) == 100_000_630
    with refuses("EntitlementNotEscrowed"):
        world.payments.call("pay_escrowed", 1, rows[0].as_tuple())


def _fund(world: Any, rows: list[td.Entitlement], tax_account: str = "exchange") -> Any:
    tree = td.EntitlementTree(rows)
    values = (1, world.bond.address, 1, 18_000, tree.root, tree.total, len(rows),
              world.at["issuer"], world.at[tax_account])  # fmt: skip
    seals = world.seal(world.payments, td.FUNDING, values, 1, 2)
    [own] = world.sign(world.payments, td.FUNDING, values, world.keys["issuer"])
    world.payments.call("fund", values, own, seals)
    return tree


def test_chunk_at_a_bad_time_sends_nobody_into_escrow(world: Any, kit: Any, refuses: Any) -> None:
    """Anyone may send chunks: at night, or in a halt, that must not touch the holders' money."""
    tree = _fund(world, [td.Entitlement(0, world.at["bank"], 0, 700, 70)])
    number = world.bond.ask("number")

    def pay() -> None:
        world.payments.call("pay_chunk", 1, 0, *tree.chunk(0))

    for halted, name in ((4, "TokenHalted"), (number, "TokenHalted"), (3, "ProgrammeHalted")):
        world.halt(halted)
        with refuses(name):
            pay()
        world.halt(halted, False)
    world.open_day(kit.DAY_ONE, td.Phase.CLOSED)
    with refuses("DayNotOpen", phase=3):
        pay()
    assert world.payments.ask("run", 1)[8] == 0
    world.open_day(kit.DAY_ONE + 1)
    pay()
    assert world.cash.ask("balanceOf", world.at["bank"]) == 100_000_630
    world.open_day(kit.DAY_ONE + 1, td.Phase.CLOSED)
    pay()  # a chunk already paid has no effect, at any time


def test_tax_account_that_cannot_receive_holds_up_the_taxed_alone(
    world: Any, kit: Any, refuses: Any
) -> None:
    rows = [td.Entitlement(0, world.at["bank"], 0, 700, 70),
            td.Entitlement(1, world.at["fund"], 0, 500, 0)]  # fmt: skip
    tree = _fund(world, rows)
    world.admit(5, kit.VASPS, level=4)
    outcome = world.payments.call("pay_chunk", 1, 0, *tree.chunk(0))
    [kept] = world.payments.events(outcome, "EntitlementEscrowed")
    assert decode(kept["reason"]).arguments["account"] == world.at["exchange"]
    assert world.cash.ask("balanceOf", world.at["fund"]) == 100_000_500
    with refuses("LevelForbids", account=world.at["exchange"]):
        world.payments.call("pay_escrowed", 1, rows[0].as_tuple())
    world.admit(5, kit.VASPS)
    world.payments.call("pay_escrowed", 1, rows[0].as_tuple())
    assert world.payments.ask("escrow_of", 1) == 0
    assert world.cash.ask("balanceOf", world.at["exchange"]) == 70


def test_starved_chunk(world: Any) -> None:
    """With any gas limit a chunk pays everybody or nobody; want of gas escrows no holder."""
    rows = [td.Entitlement(i, at, 0, 100, 10) for i, at in enumerate(world.at.values())]
    tree = _fund(world, rows)
    paid = 0
    for gas in range(30_000, 900_000, 15_000):
        with world.chain.env.anchor():
            seen, outcome = "", None
            try:
                outcome = world.payments.call("pay_chunk", 1, 0, *tree.chunk(0), gas=gas)
            except ContractRefusal as refusal:
                seen = refusal.name
            if outcome is not None:
                assert world.payments.events(outcome, "EntitlementEscrowed") == []
                assert world.payments.ask("escrow_of", 1) == 0
                paid += 1
            else:
                assert seen in ("PaymentStarved", "Undeclared")
                assert world.payments.ask("run", 1)[8] == 0
    assert paid > 5


def test_hold_for_a_friend_does_not_evade_a_court(world: Any, refuses: Any) -> None:
    """A debtor sets everything aside for a friend, for ever; a quorum ends that hold."""
    bond, bank, fund = world.bond, world.at["bank"], world.at["fund"]
    hold = (bank, 200_000, world.at["dealer"], 1, 2**255)
    [signature] = world.sign(bond, td.HOLD, hold, world.keys["bank"])
    bond.call("place_hold", hold, signature)
    digest = bond.domain.digest(td.HOLD.hash(*hold))
    seize = world.order(td.OrderKind.FORCED_TRANSFER, bond.address, bank, fund, 200_000)
    with refuses("ERC7943InsufficientUnfrozenBalance"):
        world.orders.call("execute", *seize)
    with refuses("CallerNotAllowed"):
        bond.call("end_hold", digest, key=world.key(1))
    end = world.order(
        td.OrderKind.HOLD_END, bond.address, bank, amount=int.from_bytes(digest, "big")
    )
    alone = world.seal(world.orders, td.ORDER, end[0], 1)
    with refuses("QuorumNotMet", required=2, present=1):
        world.orders.call("execute", end[0], alone)
    both = world.batch(
        (td.OrderKind.HOLD_END, bond.address, bank, fund, int.from_bytes(digest, "big")),
        (td.OrderKind.FORCED_TRANSFER, bond.address, bank, fund, 200_000),
    )
    outcome = world.orders.call("execute_all", *both)
    assert [event["hold"] for event in bond.events(outcome, "HoldReleased")] == [digest]
    assert (bond.ask("balanceOf", fund), bond.ask("heldTokens", bank)) == (200_000, 0)
    again = world.order(
        td.OrderKind.HOLD_END, bond.address, bank, amount=int.from_bytes(digest, "big")
    )
    with refuses("HoldUnknown", hold="0x" + digest.hex()):
        world.orders.call("execute", *again)
    with refuses("HoldExists"):
        bond.call("place_hold", hold, signature)


def test_forced_transfer_without_a_quorum(world: Any, refuses: Any) -> None:
    """One institution twice, institutions without the capacity, and the token called directly."""
    bank, fund = world.at["bank"], world.at["fund"]
    values, _ = world.order(td.OrderKind.FORCED_TRANSFER, world.bond.address, bank, fund, 5)
    for keys in ([(1, 0), (1, 1)], [(1, 0), (4, 0), (5, 0)], [(3, 0)]):
        seals = world.sign(world.orders, td.ORDER, values, *(world.key(*one) for one in keys))
        with refuses("QuorumNotMet", required=2, present=1):
            world.orders.call("execute", values, seals)
    with refuses("CallerNotAllowed"):
        world.bond.call("forcedTransfer", bank, fund, 5, key=world.key(1))
    assert world.bond.ask("balanceOf", fund) == 0
