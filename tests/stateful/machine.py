"""Random acts of many actors, each carried out by the contracts and by the model."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import ContractRefusal, decode


def load(name: str, path: Path) -> Any:
    """A module beside this one, or the contracts' world."""
    qualified = f"amanat_tests_{name}"
    if qualified not in sys.modules:
        spec = importlib.util.spec_from_file_location(qualified, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[qualified] = module
        spec.loader.exec_module(module)
    return sys.modules[qualified]


kit = load("world", Path(__file__).parents[1] / "ledger/contracts/world.py")
laws = load("stateful_model", Path(__file__).with_name("model.py"))
BOND, CASH, ACCOUNTS = laws.BOND, laws.CASH, laws.ACCOUNTS
ISIN = "PK0330011207"
CEILING = 2_000_000
MATURITY = kit.DAY_ONE + 3
# What everybody has at the start, so that most acts have something to move.
HOLDINGS = {"issuer": 300_000, "bank": 200_000, "bank 2": 50_000, "dealer": 100_000, "fund": 50_000}
MONEY = 1_000_000
HALTS = {"programme": 3, CASH: 4, "orders": 5, "settlement": 6, "payments": 7}
# The ISIN's two authorisations: nominal, and units for a dollar.
AUTHORISED = ((1_000_000, kit.RATE), (500_000, 2 * kit.RATE))

holders = st.sampled_from(["issuer", "bank", "bank 2", "dealer", "fund"])
anyone = st.sampled_from(sorted(ACCOUNTS))
tokens = st.sampled_from([BOND, CASH])
amounts = st.one_of(st.integers(1, 20_000), st.integers(1, 300_000))
numbers = st.integers(0, 40)
picks = st.integers(0, 2**16 - 1)
_BASE: list[Any] = []


def one_of(choices: Sequence[Any], pick: int) -> Any:
    """The choice that a drawn number points at."""
    return choices[pick % len(choices)]


def base() -> Any:
    """The founded programme, built once."""
    if not _BASE:
        world = kit.World(kit.BoaChain(), ceiling=CEILING, delay_seconds=60).found()
        world.open_day()
        names = {name: kit.key_of(name) for name in ACCOUNTS}
        authority = {4: kit.CENTRAL_BANK, 1: kit.CENTRAL_BANK, 2: kit.SECP, 3: kit.PVARA}
        for participant, participant_class in sorted({*ACCOUNTS.values()} - {(0, 0)}):
            world.admit(participant, participant_class)
            mine = [kit.address_of(names[n]) for n, (p, _) in ACCOUNTS.items() if p == participant]
            world.open_accounts(participant, mine, authority[participant_class])
        for nominal, rate in AUTHORISED:
            world.authorise(world.authorisation(ISIN, nominal, rate=rate, maturity=MATURITY))
        world.keys = names
        for name, nominal in HOLDINGS.items():
            world.issue(1, nominal, kit.address_of(names[name]))
            world.create_cash(kit.address_of(names[name]), MONEY)
        world.at = {name: kit.address_of(key) for name, key in names.items()}
        world.tokens = {BOND: world.security(ISIN), CASH: world.cash}
        _BASE.append(world)
    return _BASE[0]


class Ledger(RuleBasedStateMachine):
    """Laws: cash and every security are conserved; nothing is created outside the programme;
    nothing moves to the ineligible; the ceiling is never passed; no payment is lost or doubled."""

    def __init__(self) -> None:
        super().__init__()
        self.world = base()
        self.bond = self.world.tokens[BOND]
        self._stack = ExitStack()
        self._stack.enter_context(self.world.chain.env.anchor())
        self.outcomes: Counter[tuple[str, str | None]] = Counter()
        self.model = laws.Model(day=kit.DAY_ONE, maturity=MATURITY, ceiling=CEILING)
        for number, (nominal, rate) in enumerate(AUTHORISED, 1):
            value = -(-nominal * 100_000_000 // rate)
            self.model.authorised[number] = laws.Authorised(nominal, value)
        self.signed: list[tuple[int, tuple[Any, ...], list[bytes], str]] = []
        for name, nominal in HOLDINGS.items():
            self._issued(1, nominal, name)
            self.model.add(CASH, name, MONEY)
            self.model.created += MONEY

    def teardown(self) -> None:
        self._stack.close()

    def same(self, expected: str | None, act: Callable[[], Any]) -> bool:
        """The act succeeds or refuses as the model says; whether it succeeded."""
        seen = None
        try:
            act()
        except ContractRefusal as refusal:
            seen = refusal.name
        assert seen == expected
        self.outcomes[sys._getframe(1).f_code.co_name, seen] += 1
        return seen is None

    # Transfers and settlement.

    @rule(token=tokens, sender=anyone, receiver=anyone, amount=amounts)
    def transfer(self, token: str, sender: str, receiver: str, amount: int) -> None:
        world, contract = self.world, self.world.tokens[token]
        expected = self.model.refusal(token, sender, receiver, amount)
        reason = contract.ask("can_transfer", world.at[sender], world.at[receiver], amount)
        assert (decode(reason).name if reason else None) == expected
        if self.same(expected, lambda: contract.call(
            "transfer", world.at[receiver], amount, key=world.keys[sender]
        )):  # fmt: skip
            self.model.move(token, sender, receiver, amount)

    @rule(trades=st.lists(st.tuples(holders, anyone, amounts, amounts, numbers), min_size=1,
                          max_size=4))  # fmt: skip
    def settle_batch(self, trades: list[tuple[str, str, int, int, int]]) -> None:
        world = self.world
        items = [
            world.instruction(self.bond, world.keys[one], world.keys[two], nominal, price,
                              number, 0, 2**32 - 1)
            for one, two, nominal, price, number in trades
        ]  # fmt: skip
        packed = td.pack_batch(items)
        if "settlement" in self.model.halted:
            self.same("ContractHalted", lambda: world.settlement.call("settle_batch", packed))
            return
        expected = [self.model.settle(*trade) for trade in trades]
        self.outcomes.update(("settle_batch", reason) for reason in expected)
        outcome = world.settlement.call("settle_batch", packed)
        failures = world.settlement.events(outcome, "InstructionFailed")
        assert {f["index"]: decode(f["reason"]).name for f in failures} == {
            index: reason for index, reason in enumerate(expected) if reason is not None
        }

    @rule(
        one=holders,
        two=anyone,
        lines=st.lists(
            st.tuples(st.booleans(), st.booleans(), amounts, amounts, numbers),
            min_size=1,
            max_size=5,
        ),
    )
    def settle_list(self, one: str, two: str,
                    lines: list[tuple[bool, bool, int, int, int]]) -> None:  # fmt: skip
        """Either account delivers; what is not tried stays as it is."""
        world, parties = self.world, (self.world.keys[one], self.world.keys[two])
        trades = [
            ((one, two) if forward else (two, one), nominal, price, number, is_tried)
            for forward, is_tried, nominal, price, number in lines
        ]
        items = [
            td.Listed(self.bond.raw, *(bytes.fromhex(world.at[name][2:]) for name in pair),
                      nominal, price, number, 0, 2**32 - 1, is_tried)
            for pair, nominal, price, number, is_tried in trades
        ]  # fmt: skip
        packed = world.listed(parties, items)
        if "settlement" in self.model.halted:
            self.same("ContractHalted", lambda: world.settlement.call("settle_list", packed))
            return
        expected = {
            index: self.model.settle(*pair, nominal, price, number)
            for index, (pair, nominal, price, number, is_tried) in enumerate(trades)
            if is_tried
        }
        self.outcomes.update(("settle_list", reason) for reason in expected.values())
        outcome = world.settlement.call("settle_list", packed)
        failures = world.settlement.events(outcome, "InstructionFailed")
        assert {f["index"]: decode(f["reason"]).name for f in failures} == {
            index: reason for index, reason in expected.items() if reason is not None
        }
        [told] = world.settlement.events(outcome, "InstructionsSettled")
        assert told["digests"] == tuple(
            world.settlement.domain.digest(td.INSTRUCTION.hash(*items[index].terms()))
            for index, reason in expected.items()
            if reason is None
        )

    @rule(positions=st.dictionaries(st.one_of(holders, holders, anyone),
                                    st.tuples(*[st.integers(-20_000, 20_000)] * 2),
                                    min_size=2, max_size=4), number=numbers,
          residue=st.sampled_from([(0, 0)] * 5 + [(1, 0), (0, -1)]))  # fmt: skip
    def settle_cycle(self, positions: dict[str, tuple[int, int]], number: int,
                     residue: tuple[int, int]) -> None:  # fmt: skip
        """The last position balances the others, but for the residue."""
        last = list(positions)[-1]
        rest = [value for name, value in positions.items() if name != last]
        nominal, cash = (residue[i] - sum(one[i] for one in rest) for i in (0, 1))
        positions = {**positions, last: (nominal, cash)}
        world, trades, days = self.world, keccak(b"trades"), (0, 2**32 - 1)
        packed = []
        for name, (nominal, cash) in positions.items():
            account = bytes.fromhex(world.at[name][2:])
            values = (trades, account, number, [self.bond.raw], [nominal], cash, *days)
            [seal] = world.sign(world.settlement, td.POSITION, values, world.keys[name])
            packed.append(td.SignedPosition(account, number, cash, (nominal,), seal))
        halted = "settlement" in self.model.halted
        expected = "ContractHalted" if halted else self.model.cycle(positions, number)
        data = td.pack_cycle(trades, [self.bond.raw], *days, packed)
        self.same(expected, lambda: world.settlement.call("settle_cycle", data))

    @rule(deliverer=anyone, number=numbers)
    def burn_number(self, deliverer: str, number: int) -> None:
        world, at = self.world, self.world.at[deliverer]
        [own] = world.sign(
            world.settlement, td.NUMBER_BURN, (at, number, at), world.keys[deliverer]
        )
        expected = "NumberSpent" if (deliverer, number) in self.model.spent else None
        if ACCOUNTS[deliverer][0] == 0:
            expected = "AccountUnknown"
        if self.same(expected, lambda: world.settlement.call("burn_number", at, number, own)):
            self.model.spent.add((deliverer, number))

    # Creation and its undoing.

    def _issue_refusal(self, authorisation: int, amount: int, account: str) -> str | None:
        one = self.model.authorised[authorisation]
        if "programme" in self.model.halted:
            return "ProgrammeHalted"
        if amount > one.nominal - one.issued:
            return "AuthorisationExceeded"
        reason: str | None = self.model.rules(BOND, account, account)
        return reason

    def _issued(self, authorisation: int, amount: int, account: str) -> None:
        self.model.authorised[authorisation].issued += amount
        self.model.add(BOND, account, amount)

    @rule(authorisation=st.sampled_from([1, 2]), amount=st.integers(1, 400_000),
          account=st.sampled_from(["issuer", "dealer", "exchange"]))  # fmt: skip
    def issue(self, authorisation: int, amount: int, account: str) -> None:
        expected = self._issue_refusal(authorisation, amount, account)
        at = self.world.at[account]
        if self.same(expected, lambda: self.world.issue(authorisation, amount, at)):
            self._issued(authorisation, amount, account)

    @rule(amount=st.integers(1, 200_000))
    def sign_issue_ahead(self, amount: int) -> None:
        """Signatures that are given now and may be sent later, perhaps in another epoch."""
        world = self.world
        values = (world.number(), self.model.epoch, 1, amount, world.at["issuer"])
        seals = world.seal(world.programme, td.ISSUE, values, kit.MINISTRY, kit.DEPOSITORY)
        self.signed.append((amount, values, seals, "issuer"))

    @precondition(lambda self: self.signed)
    @rule(again=st.booleans())
    def send_what_was_signed(self, again: bool) -> None:
        amount, values, seals, account = self.signed.pop()
        expected = self._issue_refusal(1, amount, account)
        if "programme" not in self.model.halted and values[1] != self.model.epoch:
            expected = "WrongEpoch"
        done = self.same(expected, lambda: self.world.programme.call("issue", values, seals))
        if done:
            self._issued(1, amount, account)
        if done and again:
            self.same("ActSpent", lambda: self.world.programme.call("issue", values, seals))

    @rule(authorisation=st.sampled_from([1, 2]), amount=st.integers(1, 400_000))
    def cancel_unsold(self, authorisation: int, amount: int) -> None:
        world, one = self.world, self.model.authorised[authorisation]
        expected = None
        if "programme" in self.model.halted:
            expected = "ProgrammeHalted"
        elif self.model.day >= MATURITY:
            expected = "SecurityMatured"
        elif amount > one.issued:
            expected = "AuthorisationExceeded"
        expected = expected or self.model.amount(BOND, "issuer", amount)
        values = (world.number(), self.model.epoch, authorisation, amount, world.at["issuer"])
        seals = world.seal(world.programme, td.UNSOLD_CANCELLATION, values, 1, 5)
        [own] = world.sign(world.programme, td.UNSOLD_CANCELLATION, values, world.keys["issuer"])
        if self.same(expected, lambda: world.programme.call("cancel_unsold", values, own, seals)):
            one.issued -= amount
            self.model.add(BOND, "issuer", -amount)

    @rule(authorisation=st.sampled_from([1, 2]), nominal=st.integers(1, 300_000))
    def release_headroom(self, authorisation: int, nominal: int) -> None:
        world = self.world
        values = (world.number(), self.model.epoch, authorisation, nominal)
        seals = world.seal(world.programme, td.HEADROOM_RELEASE, values, 1, 5)
        expected = self.model.release(authorisation, nominal)
        self.same(expected, lambda: world.programme.call("release_headroom", values, seals))

    @rule()
    def release_redeemed(self) -> None:
        self.world.programme.call("release_redeemed", kit.word(ISIN))
        self.model.free_redeemed()

    @rule(nominal=st.integers(1, 1_500_000))
    def authorise_more(self, nominal: int) -> None:
        values = self.world.authorisation(f"PK{self.world.number():010d}", nominal)
        expected = "CeilingPassed" if self.model.used + values[5] > CEILING else None
        if "programme" in self.model.halted:
            expected = "ProgrammeHalted"
        if self.same(expected, lambda: self.world.authorise(values)):
            self.model.elsewhere += values[5]

    @rule(amount=st.integers(1, 1_000_000), account=anyone)
    def create_cash(self, amount: int, account: str) -> None:
        expected = self.model.rules(CASH, account, account)
        if self.same(expected, lambda: self.world.create_cash(self.world.at[account], amount)):
            self.model.created += amount
            self.model.add(CASH, account, amount)

    @rule(amount=amounts, account=anyone)
    def withdraw_cash(self, amount: int, account: str) -> None:
        world, model = self.world, self.model
        expected = model.running(CASH) or model.side(account, laws.SENDS)
        expected = expected or model.amount(CASH, account, amount)
        values = (model.epoch, world.at[account], amount, keccak(b"out %d" % world.number()))
        keys = (world.key(kit.CENTRAL_BANK), world.key(kit.CENTRAL_BANK, 1))
        seals = world.sign(world.cash, td.CASH_WITHDRAWAL, values, *keys)
        [own] = world.sign(world.cash, td.CASH_WITHDRAWAL, values, world.keys[account])
        if self.same(expected, lambda: world.cash.call("withdraw", values, seals, own)):
            model.created -= amount
            model.add(CASH, account, -amount)

    # Orders and holds.

    @rule(token=tokens, account=holders, amount=st.sampled_from([0, 0, 10, 100_000, 2**90]))
    def freeze(self, token: str, account: str, amount: int) -> None:
        expected = self.model.contract("orders")
        address = self.world.tokens[token].address
        if self.same(expected, lambda: self.world.freeze(address, self.world.at[account], amount)):
            self.model.frozen[token, account] = min(amount, 2**80 - 1)
            self.model.known.add((token, account))

    @rule(sender=holders, receiver=anyone, amount=amounts)
    def forced_transfer(self, sender: str, receiver: str, amount: int) -> None:
        world = self.world
        values, seals = world.order(td.OrderKind.FORCED_TRANSFER, self.bond.address,
                                    world.at[sender], world.at[receiver], amount)  # fmt: skip
        expected = self.model.contract("orders")
        expected = expected or self.model.refusal(BOND, sender, receiver, amount)
        if self.same(expected, lambda: world.orders.call("execute", values, seals)):
            self.model.move(BOND, sender, receiver, amount)

    @rule(pair=st.sampled_from([("bank", "bank 2"), ("bank 2", "bank"), ("bank", "dealer"),
                                ("fund", "stranger"), ("issuer", "issuer")]))  # fmt: skip
    def reregister(self, pair: tuple[str, str]) -> None:
        world = self.world
        values, seals = world.order(td.OrderKind.REREGISTRATION, self.bond.address,
                                    *(world.at[name] for name in pair))  # fmt: skip
        expected = self.model.contract("orders") or self.model.reregister(*pair)
        self.same(expected, lambda: world.orders.call("execute", values, seals))

    @rule(account=holders, beneficiary=holders, amount=amounts, days=st.integers(0, 3))
    def place_hold(self, account: str, beneficiary: str, amount: int, days: int) -> None:
        world, model = self.world, self.model
        last = model.day + days
        values = (world.at[account], amount, world.at[beneficiary], world.number(), last)
        [own] = world.sign(self.bond, td.HOLD, values, world.keys[account])
        expected = model.amount(BOND, account, amount)
        if self.same(expected, lambda: self.bond.call("place_hold", values, own)):
            digest = self.bond.domain.digest(td.HOLD.hash(*values))
            model.holds[digest] = laws.Held(account, beneficiary, amount, last)

    @precondition(lambda self: self.model.holds)
    @rule(pick=picks, who=holders)
    def release_hold(self, pick: int, who: str) -> None:
        model, world = self.model, self.world
        digest = one_of(sorted(model.holds), pick)
        hold = model.holds[digest]
        [seal] = world.sign(self.bond, td.HOLD_RELEASE, (digest,), world.keys[who])
        expected = None
        if not hold.live:
            expected = "HoldUnknown"
        elif model.day <= hold.last_day and who != hold.beneficiary:
            expected = "BadSignature"
        if self.same(expected, lambda: self.bond.call("release_hold", digest, seal)):
            hold.live = False

    @precondition(lambda self: self.model.holds)
    @rule(pick=picks)
    def end_hold(self, pick: int) -> None:
        world = self.world
        digest = one_of(sorted(self.model.holds), pick)
        hold = self.model.holds[digest]
        values, seals = world.order(td.OrderKind.HOLD_END, self.bond.address,
                                    world.at[hold.account], kit.NOBODY,
                                    int.from_bytes(digest, "big"))  # fmt: skip
        expected = self.model.contract("orders") or (None if hold.live else "HoldUnknown")
        if self.same(expected, lambda: world.orders.call("execute", values, seals)):
            hold.live = False

    # Payments.

    @rule(kind=st.sampled_from([laws.COUPON, laws.REDEMPTION]), record_day=st.integers(1, 3),
          lines=st.lists(st.tuples(anyone, amounts, st.integers(1, 5_000),
                                   st.sampled_from([0, 0, 1, 500, 6_000])), min_size=1,
                         max_size=4), whole=st.booleans(), at_once=st.booleans())  # fmt: skip
    def fund(self, kind: int, record_day: int, lines: list[tuple[str, int, int, int]],
             whole: bool, at_once: bool) -> None:  # fmt: skip
        """`whole`: of a redemption, each holder's whole holding, as it should be; `at_once`: paid
        in the same step, while nothing has changed."""
        world, model = self.world, self.model
        rows = self._rows(kind, lines, whole)
        tree = self._tree(rows)
        values = (model.epoch, self.bond.address, kind, record_day, tree.root, tree.total,
                  len(rows), world.at[laws.PAYER], world.at[laws.TAX_ACCOUNT])  # fmt: skip
        seals = world.seal(world.payments, td.FUNDING, values, 1, 2)
        [own] = world.sign(world.payments, td.FUNDING, values, world.keys[laws.PAYER])
        expected = model.contract("payments")
        if expected is None and self._run_of(kind, record_day):
            same_again = world.payments.ask(
                "is_spent", world.payments.domain.digest(td.FUNDING.hash(*values))
            )
            expected = "ActSpent" if same_again else "RunExists"
        if expected is None and kind == laws.REDEMPTION and model.day < MATURITY:
            expected = "NotYetMatured"
        expected = expected or model.running(CASH) or model.side(laws.PAYER, laws.SENDS)
        expected = expected or model.amount(CASH, laws.PAYER, tree.total)
        if self.same(expected, lambda: world.payments.call("fund", values, own, seals)):
            model.add(CASH, laws.PAYER, -tree.total)
            number = len(model.payments) + 1
            model.payments[number] = laws.Payment(kind, record_day, rows, tree.total)
            if at_once:
                self._pay_chunk(number, 0)

    def _rows(self, kind: int, lines: list[tuple[str, int, int, int]], whole: bool) -> list[Any]:
        rows = []
        for index, (holder, nominal, gross, tax) in enumerate(lines):
            if kind == laws.REDEMPTION and whole:
                nominal = self.model.has(BOND, holder) or 1
            rows.append(laws.Entitled(index, holder, nominal, gross, tax))
        return rows

    def _run_of(self, kind: int, record_day: int) -> int | None:
        return next((number for number, run in self.model.payments.items()
                     if (run.kind, run.record_day) == (kind, record_day)), None)  # fmt: skip

    def _tree(self, rows: list[Any]) -> td.EntitlementTree:
        return td.EntitlementTree([self._leaf(row) for row in rows])

    def _leaf(self, row: Any) -> td.Entitlement:
        at = self.world.at[row.holder]
        return td.Entitlement(row.index, at, row.nominal, row.gross, row.tax)

    @rule(
        kind=st.sampled_from([laws.COUPON, laws.REDEMPTION]),
        record_day=st.integers(1, 4),
        lines=st.lists(
            st.tuples(holders, amounts, st.integers(1, 5_000), st.just(0)), min_size=1, max_size=3
        ),
        cursor=st.sampled_from([None, None, None, 0, 1]),
        more=st.sampled_from([0, 0, 0, 1]),
        at_once=st.booleans(),
    )
    def record_paid_outside(self, kind: int, record_day: int,
                            lines: list[tuple[str, int, int, int]], cursor: int | None, more: int,
                            at_once: bool) -> None:  # fmt: skip
        """Of the run with this record day, or of one that was never funded; `cursor` and `more`
        are mistakes of whoever made the list, `at_once` burns a redemption in the same step."""
        world, model = self.world, self.model
        number = self._run_of(kind, record_day)
        if number is not None:
            run = model.payments[number]
        else:
            rows = self._rows(kind, lines, True)
            run = laws.Payment(kind, record_day, rows, sum(row.gross for row in rows))
        tree = self._tree(run.lines)
        said = run.cursor if cursor is None else cursor
        amount = run.untried + more
        values = (model.epoch, self.bond.address, kind, record_day, tree.root, tree.total,
                  len(run.lines), said, amount, keccak(b"list %d" % world.number()))  # fmt: skip
        seals = world.seal(world.payments, td.OUTSIDE_PAYMENT, values, 1, 2)
        expected = model.contract("payments") or model.record_outside(
            run, said, amount, funded=number is not None
        )
        if not self.same(
            expected, lambda: world.payments.call("record_paid_outside", values, seals)
        ):
            return
        if number is None:
            number = len(model.payments) + 1
            model.payments[number] = run
        if at_once:
            self._pay_chunk(number, 0)

    @precondition(lambda self: self.model.payments)
    @rule(pick=picks, chunk=st.sampled_from([0, 0, 0, 1]))
    def pay_chunk(self, pick: int, chunk: int) -> None:
        self._pay_chunk(one_of(sorted(self.model.payments), pick), chunk)

    def _pay_chunk(self, number: int, chunk: int) -> None:
        world, model = self.world, self.model
        run = model.payments[number]
        arguments = (number, chunk, *self._tree(run.lines).chunk(0))
        expected = model.contract("payments")
        repeated = chunk < run.cursor
        if expected is None and not repeated:
            expected = model.open_for_payment() or ("ChunkOutOfOrder" if chunk else None)
        kept: dict[int, str] = {}
        if expected is None and not repeated and run.outside is not None:
            expected = model.redeem_outside(run)
            self.outcomes["redeem_outside", expected] += 1
        elif expected is None and not repeated:
            run.cursor = 1
            for line in run.lines:
                reason = model.pay(run, line, in_chunk=True)
                if reason is not None:
                    kept[line.index] = reason
                    run.escrowed[line.index] = line
        outcome: list[Any] = []
        self.outcomes.update(("entitlement", reason) for reason in kept.values())
        self.same(expected, lambda: outcome.append(world.payments.call("pay_chunk", *arguments)))
        if outcome:
            seen = world.payments.events(outcome[0], "EntitlementEscrowed")
            assert {one["index"]: decode(one["reason"]).name for one in seen} == kept

    @precondition(lambda self: self.model.payments)
    @rule(pick=picks)
    def pay_escrowed(self, pick: int) -> None:
        model = self.model
        waiting = [number for number, run in model.payments.items() if run.escrowed]
        number = one_of((pick % 4 and waiting) or sorted(model.payments), pick >> 2)
        run = model.payments[number]
        self._pay_escrowed(number, one_of(list(run.escrowed.values()) or run.lines, pick >> 8))

    @precondition(lambda self: any(run.escrowed for run in self.model.payments.values()))
    @rule()
    def relieve(self) -> None:
        """Everybody may receive again: who waits in escrow is paid, each once."""
        self.resume_all()
        if self.model.phase == laws.CLOSED:
            self.advance(phase=1, days=1)
        for participant in range(1, 6):
            self.set_level(participant, 1)
        for number, run in self.model.payments.items():
            for line in list(run.escrowed.values()):
                self._pay_escrowed(number, line)

    def _pay_escrowed(self, number: int, line: Any) -> None:
        world, model = self.world, self.model
        run = model.payments[number]
        expected = model.contract("payments")
        if expected is None and line.index not in run.escrowed:
            expected = "EntitlementNotEscrowed"
        expected = expected or model.open_for_payment() or model.pay(run, line, in_chunk=False)
        leaf = self._leaf(line).as_tuple()
        if self.same(expected, lambda: world.payments.call("pay_escrowed", number, leaf)):
            self.same(
                "EntitlementNotEscrowed",
                lambda: world.payments.call("pay_escrowed", number, leaf),
            )

    # The programme.

    @rule(participant=st.integers(1, 5), level=st.sampled_from([1, 1, 1, 1, 2, 3, 4]))
    def set_level(self, participant: int, level: int) -> None:
        classes = dict(ACCOUNTS.values())
        self.world.admit(participant, classes[participant], level=level)
        self.model.level[participant] = level

    @rule(what=st.sampled_from([BOND, *HALTS]), halted=st.sampled_from([True, False, False]))
    def halt(self, what: str, halted: bool) -> None:
        number = HALTS.get(what) or self.bond.ask("number")
        expected = "NotHalted" if not halted and what not in self.model.halted else None
        if self.same(expected, lambda: self.world.halt(number, halted)):
            (self.model.halted.add if halted else self.model.halted.discard)(what)

    @precondition(lambda self: self.model.halted)
    @rule()
    def resume_all(self) -> None:
        for what in sorted(self.model.halted):
            self.world.halt(HALTS.get(what) or self.bond.ask("number"), False)
        self.model.halted.clear()

    @rule(phase=st.sampled_from([1, 1, 1, 1, 2, 3]), days=st.sampled_from([-1, 0, 1, 1, 2]))
    def advance(self, phase: int, days: int) -> None:
        model, day = self.model, self.model.day + days
        forward = (day, phase) > (model.day, model.phase)
        digest = self.world.business_day.domain.digest(td.DAY_ADVANCE.hash(model.epoch, day, phase))
        expected = None if forward else "DayNotForward"
        if self.world.business_day.ask("is_spent", digest):
            expected = "ActSpent"
        if self.same(expected, lambda: self.world.open_day(day, phase)):
            model.day, model.phase = day, phase

    @precondition(lambda self: self.signed)
    @rule()
    def begin_epoch(self) -> None:
        """A change of the institutions, announced and carried out: what was signed is void."""
        world = self.world
        change = (world.number(), self.model.epoch, int(td.ChangeKind.QUORUM), bytes(32),
                  (3).to_bytes(32, "big"))  # fmt: skip
        seals = world.seal(world.directory, td.CHANGE, change, 1, 2, 3)
        world.directory.call("announce_change", change, seals)
        self.same("ChangeNotDue", lambda: world.directory.call("execute_change", change))
        world.chain.wait(world.delay_seconds)
        world.directory.call("execute_change", change)
        self.model.epoch += 1
        assert world.directory.ask("epoch") == self.model.epoch

    # Laws.

    @invariant()
    def same_balances(self) -> None:
        supplies = {BOND: self.model.supply, CASH: self.model.created}
        for token, contract in self.world.tokens.items():
            held = {n: contract.ask("balanceOf", at) for n, at in self.world.at.items()}
            assert held == {n: self.model.has(token, n) for n in held}
            escrow = contract.ask("balanceOf", self.world.payments.address)
            assert escrow == (self.model.escrow if token == CASH else 0)
            assert contract.ask("totalSupply") == sum(held.values()) + escrow == supplies[token]

    @invariant()
    def nothing_at_the_ineligible(self) -> None:
        assert self.bond.ask("balanceOf", self.world.at["exchange"]) == 0
        for contract in self.world.tokens.values():
            assert contract.ask("balanceOf", self.world.at["stranger"]) == 0

    @invariant()
    def ceiling_holds(self) -> None:
        used = self.world.programme.ask("used")
        assert used == self.model.used <= CEILING
        assert used - self.model.elsewhere >= self.model.least_used() - len(AUTHORISED)

    @invariant()
    def payments_add_up(self) -> None:
        for number, run in self.model.payments.items():
            stored = self.world.payments.ask("run", number)
            escrow = self.world.payments.ask("escrow_of", number)
            assert stored[4] == stored[9] + stored[10] + stored[12] + escrow
            assert (stored[8], stored[9], stored[10]) == (run.cursor, run.paid, run.tax)
            assert stored[12] == (run.outside or 0)
        assert self.bond.ask("redeemed") == self.model.redeemed
