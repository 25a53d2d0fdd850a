"""Contracts are replaced in the open: what is open goes over, or the replacement is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import vyper
from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode

MINISTRY, CENTRAL_BANK, SECP = 1, 2, 3
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "BusinessDay": (18_000,),
    "Orders": (2,),
    "Settlement": (),
    "Payments": (),
    "Tender": (0,),
}
SNAKES = {"BusinessDay": "business_day"}


@pytest.fixture(autouse=True)
def _put_back(world: Any) -> Any:
    contracts = world.contracts
    yield
    world.contracts = contracts


def created(world: Any, kit: Any, name: str, *arguments: Any) -> Any:
    """A contract that nobody has named yet."""
    given = arguments or ARGUMENTS[name]
    at = world.chain.deploy(kit.constructor(name, world.directory.address, *given))
    return kit.Contract(world.chain, name, at)


def name(world: Any, kind: str, at: str) -> None:
    """Announce it by a quorum, wait, and have the Directory name it."""
    number = td.CONTRACT_NUMBERS[kind]
    value = bytes(12) + bytes.fromhex(at[2:])
    epoch = world.directory.ask("epoch")
    change = (world.number() + 900, epoch, 1, number.to_bytes(32, "big"), value)
    seals = world.seal(world.directory, td.CHANGE, change, 1, 2, 3)
    world.directory.call("announce_change", change, seals)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change, gas=3_000_000)


def replace(world: Any, kit: Any, kind: str, *arguments: Any) -> Any:
    """Replace a contract; the former one."""
    snake = SNAKES.get(kind, kind.lower())
    former, new = world.contracts[snake], created(world, kit, kind, *arguments)
    name(world, kind, new.address)
    world.contracts = {**world.contracts, snake: new}
    assert new.ask("predecessor") == former.address
    return former


def programme_arguments(world: Any) -> tuple[Any, ...]:
    blueprint = world.programme.ask("blueprint")
    return (blueprint, 0, True, td.mask((MINISTRY, CENTRAL_BANK)), 0, [])


def trade(world: Any, number: int, nominal: int = 100) -> td.SignedInstruction:
    item: td.SignedInstruction = world.instruction(
        world.bond, world.keys["bank"], world.keys["dealer"], nominal, 950, number
    )
    return item


# -- who may replace what -------------------------------------------------------------------------


def test_a_contract_never_comes_back(world: Any, kit: Any, refuses: Any) -> None:
    first = replace(world, kit, "Orders")
    with refuses("SuccessorUnfit", at=first.address):
        name(world, "Orders", first.address)
    with refuses("SuccessorUnfit"):
        name(world, "Orders", world.settlement.address)


def test_a_successor_belongs_to_this_directory_and_to_its_place(
    world: Any, kit: Any, refuses: Any
) -> None:
    other = world.chain.deploy(kit.constructor("Settlement", world.bond.address))
    with refuses("SuccessorUnfit", at=other):
        name(world, "Settlement", other)
    with refuses("SuccessorUnfit"):
        name(world, "Settlement", created(world, kit, "Payments").address)


def test_only_the_directory_lets_take_over(world: Any, kit: Any, refuses: Any) -> None:
    for kind in ARGUMENTS:
        with refuses("CallerNotAllowed"):
            created(world, kit, kind).call("succeed", world.bond.address)


def test_a_successor_does_nothing_before_it_is_named(world: Any, kit: Any, refuses: Any) -> None:
    new = created(world, kit, "Settlement")
    here = world.settlement
    world.contracts = {**world.contracts, "settlement": new}
    with refuses("ContractReplaced", contract_id=6, current=here.address):
        world.settle(trade(world, 1))


# -- settlement -----------------------------------------------------------------------------------


def test_signed_instructions_settle_in_the_new_contract_once(
    world: Any, kit: Any, refuses: Any
) -> None:
    settled, waiting, burned, late = (trade(world, number) for number in (1, 2, 3, 4))
    world.settle(settled)
    [own] = world.sign(
        world.settlement,
        td.NUMBER_BURN,
        (world.at["bank"], 3, world.at["bank"]),
        world.keys["bank"],
    )
    world.settlement.call("burn_number", world.at["bank"], 3, own)
    domain = world.settlement.domain
    former = replace(world, kit, "Settlement")
    for item in (settled, burned):
        with refuses("NumberSpent"):
            world.settle(item)
        assert world.settlement.ask("can_settle", *kit.settle_arguments(item)) != b""
    assert world.settlement.ask("can_settle", *kit.settle_arguments(waiting)) == b""
    [told] = world.settlement.events(world.settle(waiting), "InstructionsSettled")
    assert told["digests"] == (domain.digest(waiting.struct_hash()),)
    for item in (waiting, trade(world, 2)):  # its number is spent here, whoever signed for what
        with refuses("NumberSpent"):
            world.settle(item)
    with refuses("ContractReplaced", current=world.settlement.address):
        former.call("settle", *kit.settle_arguments(late))
    with refuses("ContractReplaced"):
        former.call("burn_number", world.at["bank"], 4, own)
    world.settle(trade(world, 5))
    replace(world, kit, "Settlement")
    world.settle(late)  # signed two contracts ago
    for number in (1, 2, 5):
        assert world.settlement.ask("number_spent", world.at["bank"], number)


def test_a_batch_of_both_fails_by_the_digest_that_was_signed(world: Any, kit: Any) -> None:
    short, fine = trade(world, 1, nominal=900_000), trade(world, 2)
    domain = world.settlement.domain
    replace(world, kit, "Settlement")
    batch = td.pack_batch([short, fine, trade(world, 3)])
    outcome = world.settlement.call("settle_batch", batch)
    [failed] = world.settlement.events(outcome, "InstructionFailed")
    [told] = world.settlement.events(outcome, "InstructionsSettled")
    assert failed["digest"] == domain.digest(short.struct_hash())
    assert told["digests"][0] == domain.digest(fine.struct_hash())
    assert len(told["digests"]) == 2


def test_a_list_for_the_former_contract_settles_in_its_place(world: Any, kit: Any) -> None:
    """Under the digests that were signed; a number that was spent there stays spent."""
    keys = (world.keys["bank"], world.keys["dealer"])
    raw = [td.address_of(key.public_key) for key in keys]
    bank = world.at["bank"]
    burn = (bank, 2, bank)
    [own] = world.sign(world.settlement, td.NUMBER_BURN, burn, keys[0])
    world.settlement.call("burn_number", bank, 2, own)
    items = [td.Listed(world.bond.raw, *raw, 100, 950, n, 0, 2**32 - 1) for n in (1, 2, 3)]
    listed, domain = world.listed(keys, items), world.settlement.domain
    digests = [domain.digest(td.INSTRUCTION.hash(*item.terms())) for item in items]
    for _ in range(2):  # signed one contract ago, then two
        replace(world, kit, "Settlement")
    outcome = world.settlement.call("settle_list", listed)
    [told] = world.settlement.events(outcome, "InstructionsSettled")
    assert told["digests"] == (digests[0], digests[2])
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert failure["digest"] == digests[1]
    assert decode(failure["reason"]).name == "NumberSpent"


def test_a_forged_signature_is_none_for_the_former_contract_either(
    world: Any, kit: Any, refuses: Any
) -> None:
    forged = world.instruction(world.bond, world.keys["fund"], world.keys["dealer"], 1, 1, 1)
    item = trade(world, 1)
    replace(world, kit, "Settlement")
    mixed = td.SignedInstruction(
        *(getattr(item, one) for one in td.SignedInstruction.__slots__[:8]),
        forged.deliverer_signature,
        item.receiver_signature,
    )
    with refuses("BadSignature"):
        world.settle(mixed)


# -- the programme --------------------------------------------------------------------------------


def test_a_new_programme_forgets_no_use_of_the_ceiling(world: Any, kit: Any, refuses: Any) -> None:
    names = ("ceiling", "used", "headroom", "next_authorisation", "reserves")
    sums = ("security_of", "terms_of", "nominal_of", "usd_of", "issued_of", "issued_usd_of")
    before = [world.programme.ask(one) for one in names]
    known = [world.programme.ask(one, kit.word(world.isin)) for one in sums]
    former = replace(world, kit, "Programme", *programme_arguments(world))
    assert [world.programme.ask(one) for one in names] == before
    assert [world.programme.ask(one, kit.word(world.isin)) for one in sums] == known
    assert world.programme.ask("authorised", 1) == former.ask("authorised", 1)
    assert world.programme.ask("rule_of", kit.BOND) == former.ask("rule_of", kit.BOND)
    too_much = world.authorisation(world.isin, world.ceiling * 200)
    with refuses("CeilingPassed"):
        world.authorise(too_much)
    other_terms = list(world.authorisation(world.isin, 10))
    other_terms[8] = keccak(b"other terms")
    with refuses("TermsDiffer"):
        world.authorise(tuple(other_terms))
    with refuses("AuthorisationExceeded", left=400_000):
        world.issue(1, 400_001, world.at["issuer"])
    world.issue(1, 400_000, world.at["issuer"])
    assert world.programme.ask("issued_of", kit.word(world.isin)) == 1_000_000
    assert former.ask("issued_of", kit.word(world.isin)) == 600_000
    world.authorise(world.authorisation(world.isin, 1_000))
    assert world.programme.ask("next_authorisation") == 3
    assert world.programme.ask("nominal_of", kit.word(world.isin)) == 1_001_000
    world.contracts = {**world.contracts, "programme": former}
    with refuses("ContractReplaced"):
        world.authorise(world.authorisation(world.isin, 10))
    with refuses("ContractReplaced"):
        world.halt(3)
    with refuses("ContractReplaced"):
        former.call("release_redeemed", kit.word(world.isin))


def test_what_two_programmes_ago_was_issued_is_redeemed_once(world: Any, kit: Any) -> None:
    for _ in range(2):
        replace(world, kit, "Programme", *programme_arguments(world))
    used = world.programme.ask("used")
    assert world.programme.ask("usd_of", kit.word(world.isin)) == used
    assert world.programme.ask("security_of", kit.word(world.isin)) == world.bond.address
    world.halt(3)
    assert world.directory.ask("is_halted", 3)


# -- payments -------------------------------------------------------------------------------------

ROWS = [("bank", 0, 7_000, 1_400), ("dealer", 0, 3_500, 700), ("fund", 0, 500, 0)]


def funded(world: Any, rows: list[tuple[str, int, int, int]]) -> tuple[Any, Any]:
    """A coupon's entitlements and the values of its funding, which is in escrow."""
    tree = td.EntitlementTree(
        [td.Entitlement(i, world.at[h], n, g, t) for i, (h, n, g, t) in enumerate(rows)]
    )
    values = (1, world.bond.address, 1, 18_690, tree.root, tree.total, len(rows),
              world.at["issuer"], world.at["exchange"])  # fmt: skip
    fund(world, values)
    return tree, values


def fund(world: Any, values: Any) -> None:
    seals = world.seal(world.payments, td.FUNDING, values, 1, 2)
    [own] = world.sign(world.payments, td.FUNDING, values, world.keys["issuer"])
    world.payments.call("fund", values, own, seals)


def test_escrow_and_cursor_go_over_to_the_new_payments(world: Any, kit: Any, refuses: Any) -> None:
    world.admit(2, level=4)
    rows = [ROWS[0], *[("dealer", 0, 10 + i, 1) for i in range(99)]]
    tree, values = funded(world, rows)
    world.payments.call("pay_chunk", 1, 0, *tree.chunk(0))
    held = world.cash.ask("balanceOf", world.payments.address)
    former = replace(world, kit, "Payments")
    assert world.cash.ask("balanceOf", world.payments.address) == held > 0
    assert world.cash.ask("balanceOf", former.address) == 0
    assert world.payments.ask("run", 1) == former.ask("run", 1)
    with refuses("RunExists", run=1):
        fund(world, values)
    with refuses("ContractReplaced"):
        former.call("pay_chunk", 1, 1, *tree.chunk(1))
    world.payments.call("pay_chunk", 1, 0, *tree.chunk(0))  # paid in the former one: no effect
    world.payments.call("pay_chunk", 1, 1, *tree.chunk(1))
    leaf = tree.entitlements[0].as_tuple()
    with refuses("LevelForbids"):
        world.payments.call("pay_escrowed", 1, leaf)
    world.admit(2, level=1)
    world.payments.call("pay_escrowed", 1, leaf)
    with refuses("EntitlementNotEscrowed"):
        world.payments.call("pay_escrowed", 1, leaf)
    stored = world.payments.ask("run", 1)
    assert (stored[9] + stored[10], world.payments.ask("escrow_of", 1)) == (tree.total, 0)
    assert world.cash.ask("balanceOf", world.payments.address) == 0
    replace(world, kit, "Payments")
    with refuses("EntitlementNotEscrowed"):
        world.payments.call("pay_escrowed", 1, leaf)
    assert (world.payments.ask("next_run"), world.payments.ask("escrow_of", 1)) == (2, 0)


def test_escrow_follows_to_payments_alone(world: Any, refuses: Any) -> None:
    with refuses("CallerNotAllowed"):
        world.cash.call("follow_escrow", world.payments.address)


# -- tenders --------------------------------------------------------------------------------------


def test_tenders_without_result_keep_their_contract(
    world: Any, kit: Any, auction: Any, refuses: Any
) -> None:
    world.chain.wait(10)
    auction.commit(11, keccak(b"sealed"))
    with refuses("TendersOpen", tenders=1):
        replace(world, kit, "Tender")
    assert world.directory.ask("contract_at", 8) == world.tender.address
    reason = kit.word("withdrawn")
    seals = world.seal(world.tender, td.TENDER_CANCELLATION, (1, 1, reason), 1, 2)
    world.tender.call("cancel", 1, 1, reason, seals)
    former = replace(world, kit, "Tender")
    assert world.tender.ask("tender", 1) == former.ask("tender", 1)
    assert world.tender.ask("live", 1, 11, keccak(b"sealed")) == 1
    with refuses("TenderExists", tender=1):
        type(auction)(world, kit)
    world.contracts = {**world.contracts, "tender": former}
    with refuses("ContractReplaced"):
        auction.act("announce", td.TENDER_ANNOUNCEMENT,
                    (1, 2, kit.word(world.isin), 1, auction.due, auction.due + 60, bytes(32)),
                    1, 2)  # fmt: skip


# -- who may hold, and when -----------------------------------------------------------------------


def test_a_new_eligibility_knows_the_authorities(world: Any, kit: Any, refuses: Any) -> None:
    former = replace(world, kit, "Eligibility", [], kit.NOBODY)
    assert world.eligibility.ask("authority_of", kit.FUNDS) == SECP
    world.admit(2, level=4)
    with refuses("LevelForbids"):
        world.bond.call("transfer", world.at["dealer"], 1, key=world.keys["bank"])
    world.admit(2, level=1)
    world.admit(6)
    world.open_accounts(6, [kit.address_of(kit.key_of("newcomer"))])
    world.contracts = {**world.contracts, "eligibility": former}
    with refuses("ContractReplaced"):
        world.admit(2, level=4)


def test_the_chains_list_follows_the_new_eligibility(kit: Any, refuses: Any) -> None:
    chain = kit.BoaChain()
    source = (Path(__file__).parent / "sender_list.vy").read_text()
    code = bytes.fromhex(vyper.compile_code(source, output_formats=["bytecode"])["bytecode"][2:])
    at = chain.deploy(code + encode(["address"], [to_checksum_address(chain.operator)]))
    world = kit.World(chain, sender_list=at).found()
    world.open_day()

    def appoint(account: str) -> None:
        calldata = keccak(b"setManager(address)")[:4] + encode(["address"], [account])
        assert chain.send(at, calldata, None, None).success

    def role(account: str) -> int:
        calldata = keccak(b"readAllowList(address)")[:4] + encode(["address"], [account])
        return int.from_bytes(chain.view(at, calldata).output, "big")

    appoint(world.eligibility.address)
    first, second = (kit.address_of(kit.key_of(one)) for one in ("first", "second"))
    world.admit(2)
    world.open_accounts(2, [first])
    with refuses("SenderListClosed"):
        replace(world, kit, "Eligibility", [], at)
    new = created(world, kit, "Eligibility", [], at)
    appoint(new.address)
    name(world, "Eligibility", new.address)
    world.contracts = {**world.contracts, "eligibility": new}
    assert new.ask("may_send", first)
    world.open_accounts(2, [second])
    world.admit(2, level=4)
    assert (role(first), role(second)) == (0, 0)
    world.admit(2)
    assert (role(first), role(second)) == (1, 1)
    assert list(new.ask("senders_of", 2)) == [first, second]


def test_a_new_calendar_and_new_orders_go_on(world: Any, kit: Any, refuses: Any) -> None:
    replace(world, kit, "BusinessDay")
    assert world.business_day.ask("day") == kit.DAY_ONE
    with refuses("DayNotForward"):
        world.open_day(kit.DAY_ONE - 1)
    world.open_day(kit.DAY_ONE + 1)
    values, seals = world.order(1, world.bond.address, world.at["bank"], amount=5)
    former = replace(world, kit, "Orders")
    with refuses("ContractReplaced"):
        former.call("execute", values, seals)
    world.freeze(world.bond.address, world.at["bank"], 7)
    assert world.bond.ask("getFrozenTokens", world.at["bank"]) == 7
