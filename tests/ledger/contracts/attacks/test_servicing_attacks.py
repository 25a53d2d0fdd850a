"""Attacks: double coupon, and forced transfer without a quorum."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td


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
