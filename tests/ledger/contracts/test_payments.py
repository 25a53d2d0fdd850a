"""Coupons and redemptions: funded whole, paid by a cursor, nothing lost and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode

TAX = "exchange"  # any cash account serves


def tree(world: Any, rows: list[tuple[str, int, int, int]]) -> td.EntitlementTree:
    """Rows are (holder, nominal, gross, tax)."""
    return td.EntitlementTree(
        [td.Entitlement(i, world.at.get(h, h), n, g, t) for i, (h, n, g, t) in enumerate(rows)]
    )


def funding(world: Any, entitlements: td.EntitlementTree, kind: int = td.RunKind.COUPON,
            record_day: int = 18_690, total: int | None = None) -> tuple[Any, ...]:  # fmt: skip
    total = entitlements.total if total is None else total
    return (1, world.bond.address, int(kind), record_day, entitlements.root, total,
            len(entitlements.entitlements), world.at["issuer"], world.at[TAX])  # fmt: skip


def fund(world: Any, values: tuple[Any, ...], *who: int) -> Any:
    seals = world.seal(world.payments, td.FUNDING, values, *(who or (1, 2)))
    [own] = world.sign(world.payments, td.FUNDING, values, world.keys["issuer"])
    return world.payments.call("fund", values, own, seals)


def books(world: Any, run: int = 1) -> tuple[int, int, int, int]:
    """(funding, paid, tax, escrow), of which the last three always sum to the first."""
    stored = world.payments.ask("run", run)
    result = (stored[4], stored[9], stored[10], world.payments.ask("escrow_of", run))
    assert result[0] == sum(result[1:])
    return result


ROWS = [("bank", 0, 7_000, 1_400), ("dealer", 0, 3_500, 700), ("fund", 0, 500, 0)]


def test_coupon(world: Any) -> None:
    entitlements = tree(world, ROWS)
    outcome = fund(world, funding(world, entitlements))
    assert world.payments.events(outcome, "RunFunded")[0]["funding"] == 11_000
    assert books(world) == (11_000, 0, 0, 11_000)
    assert world.cash.ask("balanceOf", world.payments.address) == 11_000
    outcome = world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    assert len(world.payments.events(outcome, "EntitlementPaid")) == 3
    assert books(world) == (11_000, 8_900, 2_100, 0)
    assert world.cash.ask("balanceOf", world.at["bank"]) == 100_005_600
    assert world.cash.ask("balanceOf", world.at[TAX]) == 2_100
    assert world.cash.ask("balanceOf", world.payments.address) == 0


def test_a_chunk_again_has_no_effect(world: Any) -> None:
    entitlements = tree(world, ROWS)
    fund(world, funding(world, entitlements))
    for _ in range(3):
        world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    assert books(world) == (11_000, 8_900, 2_100, 0)


def test_chunks_in_their_order(world: Any, refuses: Any) -> None:
    entitlements = tree(world, [("bank", 0, 10 + i, 1) for i in range(150)])
    fund(world, funding(world, entitlements))
    with refuses("ChunkOutOfOrder", chunk=1, cursor=0):
        world.payments.call("pay_chunk", 1, 1, *entitlements.chunk(1))
    for chunk in range(entitlements.chunks):
        world.payments.call("pay_chunk", 1, chunk, *entitlements.chunk(chunk))
        books(world)
    assert books(world)[3] == 0
    with refuses("ChunkOutOfOrder", chunk=3):
        world.payments.call("pay_chunk", 1, 3, *entitlements.chunk(2))
    with refuses("RunUnknown"):
        world.payments.call("pay_chunk", 2, 0, *entitlements.chunk(0))


def test_only_the_entitlements_of_the_root(world: Any, refuses: Any) -> None:
    entitlements = tree(world, ROWS)
    fund(world, funding(world, entitlements))
    leaves, proof = entitlements.chunk(0)
    richer = [(*leaves[0][:3], 8_000, 1_400), *leaves[1:]]
    moved = [leaves[1], leaves[0], leaves[2]]
    for wrong in (richer, moved):
        with refuses("EntitlementUnproven"):
            world.payments.call("pay_chunk", 1, 0, wrong, proof)
    with refuses("EntitlementUnproven"):
        world.payments.call("pay_chunk", 1, 0, leaves, [(b"\1" * 32, 0)])
    with refuses("ChunkMalformed", length=2):
        world.payments.call("pay_chunk", 1, 0, leaves[:2], proof)


@pytest.mark.parametrize("difference", [-1, 1])
def test_funding_that_does_not_add_up_pays_nobody(
    world: Any, refuses: Any, difference: int
) -> None:
    entitlements = tree(world, ROWS)
    fund(world, funding(world, entitlements, total=11_000 + difference))
    with refuses("EntitlementUnproven"):
        world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))


def test_who_cannot_receive_stays_in_escrow(world: Any, refuses: Any) -> None:
    entitlements = tree(world, [*ROWS, ("0x" + "77" * 20, 0, 10, 0)])
    world.admit(2, level=4)
    fund(world, funding(world, entitlements))
    outcome = world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    kept = world.payments.events(outcome, "EntitlementEscrowed")
    assert [decode(e["reason"]).name for e in kept] == ["LevelForbids", "AccountUnknown"]
    assert books(world) == (11_010, 3_300, 700, 7_010)
    leaf = entitlements.entitlements[0].as_tuple()
    with refuses("LevelForbids"):
        world.payments.call("pay_escrowed", 1, leaf)
    world.admit(2, level=3)
    with refuses("EntitlementNotEscrowed"):
        world.payments.call("pay_escrowed", 1, (*leaf[:3], leaf[3] + 1, leaf[4]))
    world.payments.call("pay_escrowed", 1, leaf)
    assert books(world) == (11_010, 8_900, 2_100, 10)
    with refuses("EntitlementNotEscrowed", index=0):
        world.payments.call("pay_escrowed", 1, leaf)


def test_redemption_burns_against_cash(world: Any, kit: Any, refuses: Any) -> None:
    rows = [("issuer", 300_000, 300_000, 0), ("bank", 200_000, 200_000, 0),
            ("dealer", 100_000, 100_000, 0)]  # fmt: skip
    entitlements = tree(world, rows)
    values = funding(world, entitlements, td.RunKind.REDEMPTION, kit.MATURITY)
    with refuses("NotYetMatured", maturity_day=kit.MATURITY):
        fund(world, values)
    world.freeze(world.bond.address, world.at["dealer"], 1)
    world.open_day(kit.MATURITY)
    assert world.payments.ask("can_fund", values) == b""
    fund(world, values)
    outcome = world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    [kept] = world.payments.events(outcome, "EntitlementEscrowed")
    assert decode(kept["reason"]).name == "ERC7943InsufficientUnfrozenBalance"
    assert world.bond.ask("totalSupply") == 100_000
    assert books(world) == (600_000, 500_000, 0, 100_000)
    world.freeze(world.bond.address, world.at["dealer"], 0)
    world.payments.call("pay_escrowed", 1, entitlements.entitlements[2].as_tuple())
    assert (world.bond.ask("totalSupply"), world.bond.ask("redeemed")) == (0, 600_000)
    used = world.programme.ask("used")
    for _ in range(2):
        world.programme.call("release_redeemed", kit.word(world.isin))
    assert world.programme.ask("used") == used - used * 600_000 // 1_000_000
    with refuses("SecurityUnknown"):
        world.programme.call("release_redeemed", kit.word("PK0000000000"))


def test_redemption_of_a_frozen_participant_burns_nothing(world: Any, kit: Any) -> None:
    entitlements = tree(world, [("bank", 200_000, 200_000, 0)])
    world.open_day(kit.MATURITY)
    world.admit(2, level=4)
    fund(world, funding(world, entitlements, td.RunKind.REDEMPTION, kit.MATURITY))
    world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    assert world.bond.ask("balanceOf", world.at["bank"]) == 200_000
    assert books(world)[3] == 200_000


def test_whether_redemption_frees_headroom_is_the_programmes_rule(kit: Any) -> None:
    world = kit.World(kit.BoaChain(), redemption_frees_headroom=False).found()
    world.open_day()
    world.authorise(world.authorisation("PK0330011207", 1_000))
    used = world.programme.ask("used")
    world.programme.call("release_redeemed", kit.word("PK0330011207"))
    assert world.programme.ask("used") == used


def test_refusals_of_funding(world: Any, refuses: Any) -> None:
    entitlements = tree(world, ROWS)
    good = funding(world, entitlements)
    cases = [
        ("SecurityUnknown", (1, world.cash.address, *good[2:])),
        ("RunKindUnknown", (*good[:2], 3, *good[3:])),
        ("AmountZero", (*good[:5], 0, *good[6:])),
        ("AmountZero", (*good[:6], 0, *good[7:])),
    ]
    for name, values in cases:
        assert decode(world.payments.ask("can_fund", values)).name == name
        with refuses(name):
            fund(world, values)
    for who in ((1, 3), (2, 3)):
        with refuses("SignersMissing"):
            fund(world, good, *who)
    with refuses("ERC20InsufficientBalance"):
        fund(world, funding(world, entitlements, total=100_000_001))
    seals = world.seal(world.payments, td.FUNDING, good, 1, 2)
    [other] = world.sign(world.payments, td.FUNDING, good, world.keys["bank"])
    with refuses("BadSignature", expected=world.at["issuer"]):
        world.payments.call("fund", good, other, seals)
    world.halt(7)
    with refuses("ContractHalted", contract_id=7):
        fund(world, good)


def test_tax_above_gross_stays_in_escrow(world: Any) -> None:
    entitlements = tree(world, [("bank", 0, 10, 11)])
    fund(world, funding(world, entitlements))
    outcome = world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    [kept] = world.payments.events(outcome, "EntitlementEscrowed")
    assert decode(kept["reason"]).name == "TaxAboveGross"


# What was paid outside while the ledger could not be reached.

LIST = b"\x11" * 32


def outside(world: Any, entitlements: td.EntitlementTree, kind: int = td.RunKind.COUPON,
            record_day: int = 18_690, cursor: int = 0, amount: int | None = None,
            listed: bytes = LIST) -> tuple[Any, ...]:  # fmt: skip
    rest = sum(one.gross for one in entitlements.entitlements[cursor * td.CHUNK :])
    return (1, world.bond.address, int(kind), record_day, entitlements.root, entitlements.total,
            len(entitlements.entitlements), cursor, rest if amount is None else amount,
            listed)  # fmt: skip


def record(world: Any, values: tuple[Any, ...], *who: int) -> Any:
    seals = world.seal(world.payments, td.OUTSIDE_PAYMENT, values, *(who or (1, 2)))
    return world.payments.call("record_paid_outside", values, seals)


def outside_of(world: Any, run: int = 1) -> int:
    stored = world.payments.ask("run", run)
    parts = (stored[9], stored[10], world.payments.ask("escrow_of", run), stored[12])
    assert stored[4] == sum(parts)
    return int(stored[12])


def test_what_was_paid_outside_is_never_funded_nor_paid(world: Any, refuses: Any) -> None:
    entitlements = tree(world, ROWS)
    before = world.cash.ask("totalSupply")
    outcome = record(world, outside(world, entitlements))
    assert world.payments.events(outcome, "PaidOutside")[0]["amount"] == 11_000
    assert outside_of(world) == 11_000
    with refuses("RunExists", run=1):
        fund(world, funding(world, entitlements))
    world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))  # no effect, as a paid one
    assert world.cash.ask("totalSupply") == before
    assert world.cash.ask("balanceOf", world.payments.address) == 0
    with refuses("EntitlementNotEscrowed"):
        world.payments.call("pay_escrowed", 1, entitlements.entitlements[0].as_tuple())


def test_the_rest_of_a_funded_payment_returns_to_its_payer(world: Any, refuses: Any) -> None:
    entitlements = tree(world, [("bank", 0, 10 + i, 1) for i in range(150)])
    had = world.cash.ask("balanceOf", world.at["issuer"])
    fund(world, funding(world, entitlements))
    world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    paid = sum(10 + i for i in range(64))
    record(world, outside(world, entitlements, cursor=1))
    assert outside_of(world) == entitlements.total - paid
    assert world.cash.ask("balanceOf", world.at["issuer"]) == had - paid
    for chunk in (1, 2):
        world.payments.call("pay_chunk", 1, chunk, *entitlements.chunk(chunk))
    assert world.cash.ask("balanceOf", world.payments.address) == 0
    with refuses("ChunkOutOfOrder", chunk=3):
        world.payments.call("pay_chunk", 1, 3, *entitlements.chunk(2))


def test_a_chunk_that_was_paid_after_the_list_voids_the_record(world: Any, refuses: Any) -> None:
    entitlements = tree(world, ROWS)
    fund(world, funding(world, entitlements))
    listed = outside(world, entitlements)
    world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    with refuses("ChunkOutOfOrder", chunk=0, cursor=1):
        record(world, listed)
    with refuses("OutsideMismatch", untried=0, amount=500):
        record(world, outside(world, entitlements, cursor=1, amount=500))
    with refuses("AmountZero"):
        record(world, outside(world, entitlements, cursor=1))
    assert books(world) == (11_000, 8_900, 2_100, 0)


def test_paid_outside_is_recorded_once(world: Any, refuses: Any) -> None:
    entitlements = tree(world, ROWS)
    record(world, outside(world, entitlements))
    with refuses("ActSpent"):
        record(world, outside(world, entitlements))
    with refuses("RunExists", run=1):
        record(world, outside(world, entitlements, listed=b"\x12" * 32))
    assert outside_of(world) == 11_000


def test_an_escrowed_line_of_a_tried_chunk_stays_payable(world: Any, refuses: Any) -> None:
    rows = [("bank", 0, 10, 1)] * 63 + [("0x" + "99" * 20, 0, 70, 0)] + [("dealer", 0, 5, 1)] * 3
    entitlements = tree(world, rows)
    fund(world, funding(world, entitlements))
    world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    assert books(world)[3] == 70 + 15
    with refuses("OutsideMismatch", untried=15, amount=85):
        record(world, outside(world, entitlements, cursor=1, amount=85))
    record(world, outside(world, entitlements, cursor=1))
    assert (outside_of(world), world.payments.ask("escrow_of", 1)) == (15, 70)
    assert world.cash.ask("balanceOf", world.payments.address) == 70


def test_a_redemption_paid_outside_burns_and_pays_nothing(
    world: Any, kit: Any, refuses: Any
) -> None:
    held = world.bond.ask("balanceOf", world.at["bank"])
    entitlements = tree(world, [("bank", 1_000, 100_000, 0)])
    values = outside(world, entitlements, kind=td.RunKind.REDEMPTION)
    with refuses("NotYetMatured"):
        record(world, values)
    world.open_day(kit.MATURITY)
    cash = world.cash.ask("balanceOf", world.at["bank"])
    record(world, values)
    outcome = world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))
    (told,) = world.payments.events(outcome, "EntitlementRedeemedOutside")
    assert told["nominal"] == 1_000
    assert world.bond.ask("balanceOf", world.at["bank"]) == held - 1_000
    assert world.cash.ask("balanceOf", world.at["bank"]) == cash
    assert outside_of(world) == 100_000
    world.payments.call("pay_chunk", 1, 0, *entitlements.chunk(0))  # again: no effect
    assert world.bond.ask("balanceOf", world.at["bank"]) == held - 1_000


def test_refusals_of_a_record(world: Any, refuses: Any) -> None:
    entitlements = tree(world, ROWS)
    good = outside(world, entitlements)
    for field, value, error in (
        (0, 2, "WrongEpoch"),
        (1, world.cash.address, "SecurityUnknown"),
        (2, 3, "RunKindUnknown"),
        (5, 0, "AmountZero"),
        (6, 0, "AmountZero"),
        (7, 1, "ChunkOutOfOrder"),
        (8, 10_999, "OutsideMismatch"),
    ):
        with refuses(error):
            record(world, (*good[:field], value, *good[field + 1 :]))
    for who in ((1,), (2,), (3, 4)):
        with refuses("SignersMissing"):
            record(world, good, *who)
    fund(world, funding(world, entitlements))
    with refuses("EntitlementUnproven"):
        record(world, outside(world, tree(world, [("bank", 0, 11_000, 1)])))
