"""Contracts against a model in plain Python, over random acts of many actors.

Laws: cash and every security are conserved; nothing is created outside the programme; nothing
moves to the ineligible; the ceiling is never passed.  The model knows the order of refusals, so
each act must succeed or fail for the very same reason in both.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import ContractRefusal, decode


def _load() -> Any:
    name = "amanat_tests_world"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "ledger/contracts/world.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


kit = _load()
BOND, CASH = "bond", "cash"
SENDS = {1, 2, 3}
RECEIVES = {BOND: {1}, CASH: {1, 2}}
ISIN = "PK0330011207"
# Account -> (participant, class); the stranger belongs to nobody.
ACCOUNTS = {"issuer": (1, 4), "bank": (2, 1), "bank 2": (2, 1), "dealer": (3, 1), "fund": (4, 2),
            "exchange": (5, 3), "stranger": (0, 0)}  # fmt: skip
ALLOWED = {1, 2, 4}


@dataclass
class Model:
    """What the contracts should hold; nominal units and paisa, USD cents."""

    balance: dict[tuple[str, str], int] = field(default_factory=dict)
    frozen: dict[tuple[str, str], int] = field(default_factory=dict)
    level: dict[int, int] = field(default_factory=dict)
    halted: set[str] = field(default_factory=set)
    spent: set[tuple[str, int]] = field(default_factory=set)
    day: int = kit.DAY_ONE
    phase: int = 1
    authorised: int = 0
    issued: int = 0
    used: int = 0
    created: int = 0

    def rules(self, token: str, sender: str, receiver: str) -> str | None:
        """The first rule that forbids the transfer, the amount aside."""
        if "programme" in self.halted:
            return "ProgrammeHalted"
        if token in self.halted:
            return "TokenHalted"
        if self.phase == td.Phase.CLOSED:
            return "DayNotOpen"
        for account, levels in ((sender, SENDS), (receiver, RECEIVES[token])):
            participant = ACCOUNTS[account][0]
            if participant == 0:
                return "AccountUnknown"
            if self.level[participant] not in levels:
                return "LevelForbids"
        if token == BOND and ACCOUNTS[receiver][1] not in ALLOWED:
            return "ClassNotAllowed"
        return None

    def refusal(self, token: str, sender: str, receiver: str, amount: int) -> str | None:
        """The refusal of a transfer, or nothing."""
        held = self.balance.get((token, sender), 0)
        reason = self.rules(token, sender, receiver)
        if reason is None and amount > held:
            reason = "ERC20InsufficientBalance"
        frozen = self.frozen.get((token, sender), 0)
        if reason is None and frozen and amount > max(0, held - frozen):
            reason = "ERC7943InsufficientUnfrozenBalance"
        return reason

    def move(self, token: str, sender: str, receiver: str, amount: int) -> None:
        self.balance[token, sender] = self.balance.get((token, sender), 0) - amount
        self.balance[token, receiver] = self.balance.get((token, receiver), 0) + amount

    def settle(self, sender: str, receiver: str, nominal: int, price: int, number: int
               ) -> str | None:  # fmt: skip
        """Settle or say why not."""
        reason: str | None = None
        if sender == receiver:
            reason = "SameAccount"
        elif (sender, number) in self.spent:
            reason = "NumberSpent"
        reason = reason or self.refusal(BOND, sender, receiver, nominal)
        reason = reason or self.refusal(CASH, receiver, sender, price)
        if reason is None:
            self.spent.add((sender, number))
            self.move(BOND, sender, receiver, nominal)
            self.move(CASH, receiver, sender, price)
        return reason


holders = st.sampled_from(["issuer", "bank", "bank 2", "dealer", "fund"])
anyone = st.sampled_from(sorted(ACCOUNTS))
amounts = st.integers(1, 300_000)
numbers = st.integers(0, 40)
_BASE: list[Any] = []


def base() -> Any:
    """The founded programme, built once."""
    if not _BASE:
        world = kit.World(kit.BoaChain(), ceiling=2_000_000).found()
        world.open_day()
        names = {name: kit.key_of(name) for name in ACCOUNTS}
        authority = {4: kit.CENTRAL_BANK, 1: kit.CENTRAL_BANK, 2: kit.SECP, 3: kit.PVARA}
        for participant, participant_class in sorted({*ACCOUNTS.values()} - {(0, 0)}):
            world.admit(participant, participant_class)
            mine = [kit.address_of(names[n]) for n, (p, _) in ACCOUNTS.items() if p == participant]
            world.open_accounts(participant, mine, authority[participant_class])
        world.authorise(world.authorisation(ISIN, 1_000_000))
        world.keys = names
        world.at = {name: kit.address_of(key) for name, key in names.items()}
        world.tokens = {BOND: world.security(ISIN), CASH: world.cash}
        _BASE.append(world)
    return _BASE[0]


class Ledger(RuleBasedStateMachine):
    """Random acts, each against contracts and model."""

    def __init__(self) -> None:
        super().__init__()
        self.world = base()
        self._anchor = self.world.chain.env.anchor()
        self._anchor.__enter__()
        used = self.world.programme.ask("used")
        self.model = Model(level=dict.fromkeys(range(1, 6), 1), authorised=1_000_000, used=used)

    def teardown(self) -> None:
        self._anchor.__exit__(None, None, None)

    def same(self, expected: str | None, act: Callable[[], Any]) -> bool:
        """The act succeeds or refuses as the model says; whether it succeeded."""
        seen = None
        try:
            act()
        except ContractRefusal as refusal:
            seen = refusal.name
        assert seen == expected
        return seen is None

    @rule(token=st.sampled_from([BOND, CASH]), sender=anyone, receiver=anyone, amount=amounts)
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
            world.instruction(world.tokens[BOND], world.keys[one], world.keys[two], nominal, price,
                              number, 0, 2**32 - 1)
            for one, two, nominal, price, number in trades
        ]  # fmt: skip
        expected = [self.model.settle(*trade) for trade in trades]
        outcome = world.settlement.call("settle_batch", td.pack_batch(items))
        failures = world.settlement.events(outcome, "InstructionFailed")
        assert {f["index"]: decode(f["reason"]).name for f in failures} == {
            index: reason for index, reason in enumerate(expected) if reason is not None
        }

    @rule(amount=st.integers(1, 600_000), account=st.sampled_from(["issuer", "dealer", "exchange"]))
    def issue(self, amount: int, account: str) -> None:
        expected = self.model.rules(BOND, "issuer" if account == "issuer" else account, account)
        if amount > self.model.authorised - self.model.issued:
            expected = "AuthorisationExceeded"
        if "programme" in self.model.halted:
            expected = "ProgrammeHalted"
        if self.same(expected, lambda: self.world.issue(1, amount, self.world.at[account])):
            self.model.issued += amount
            self.model.balance[BOND, account] = self.model.balance.get((BOND, account), 0) + amount

    @rule(amount=st.integers(1, 1_000_000), account=anyone)
    def create_cash(self, amount: int, account: str) -> None:
        expected = self.model.rules(CASH, account, account)
        if self.same(expected, lambda: self.world.create_cash(self.world.at[account], amount)):
            self.model.created += amount
            self.model.balance[CASH, account] = self.model.balance.get((CASH, account), 0) + amount

    @rule(nominal=st.integers(1, 1_500_000))
    def authorise_more(self, nominal: int) -> None:
        values = self.world.authorisation(f"PK{self.world.number():010d}", nominal)
        expected = None
        if self.model.used + values[5] > 2_000_000:
            expected = "CeilingPassed"
        if "programme" in self.model.halted:
            expected = "ProgrammeHalted"
        if self.same(expected, lambda: self.world.authorise(values)):
            self.model.used += values[5]

    @rule(participant=st.integers(1, 5), level=st.sampled_from([1, 1, 1, 2, 3, 4]))
    def set_level(self, participant: int, level: int) -> None:
        classes = dict(ACCOUNTS.values())
        self.world.admit(participant, classes[participant], level=level)
        self.model.level[participant] = level

    @rule(token=st.sampled_from([BOND, CASH]), account=holders,
          amount=st.sampled_from([0, 0, 10, 1_000]))  # fmt: skip
    def freeze(self, token: str, account: str, amount: int) -> None:
        expected = "ProgrammeHalted" if "programme" in self.model.halted else None
        address = self.world.tokens[token].address
        if self.same(expected, lambda: self.world.freeze(address, self.world.at[account], amount)):
            self.model.frozen[token, account] = amount

    @rule(what=st.sampled_from(["programme", BOND, CASH]), halted=st.booleans())
    def halt(self, what: str, halted: bool) -> None:
        numbers_of = {"programme": 3, CASH: 4, BOND: self.world.tokens[BOND].ask("number")}
        expected = "NotHalted" if not halted and what not in self.model.halted else None
        if self.same(expected, lambda: self.world.halt(numbers_of[what], halted)):
            (self.model.halted.add if halted else self.model.halted.discard)(what)

    @rule(phase=st.sampled_from([1, 1, 2, 3]), days=st.integers(-1, 1))
    def advance(self, phase: int, days: int) -> None:
        day = self.model.day + days
        forward = (day, phase) > (self.model.day, self.model.phase)
        same_again = self.world.business_day.ask("moment_of", day, phase) != (0, 0)
        expected = None if forward else "ActSpent" if same_again else "DayNotForward"
        if self.same(expected, lambda: self.world.open_day(day, phase)):
            self.model.day, self.model.phase = day, phase

    @rule(sender=holders, receiver=anyone, amount=amounts)
    def forced_transfer(self, sender: str, receiver: str, amount: int) -> None:
        world = self.world
        values, seals = world.order(td.OrderKind.FORCED_TRANSFER, world.tokens[BOND].address,
                                    world.at[sender], world.at[receiver], amount)  # fmt: skip
        expected = self.model.refusal(BOND, sender, receiver, amount)
        if self.same(expected, lambda: world.orders.call("execute", values, seals)):
            self.model.move(BOND, sender, receiver, amount)

    @invariant()
    def same_balances(self) -> None:
        for token, contract in self.world.tokens.items():
            held = {n: contract.ask("balanceOf", at) for n, at in self.world.at.items()}
            assert held == {n: self.model.balance.get((token, n), 0) for n in held}
            supply = self.model.issued if token == BOND else self.model.created
            assert contract.ask("totalSupply") == sum(held.values()) == supply

    @invariant()
    def ceiling_holds(self) -> None:
        assert self.world.programme.ask("used") == self.model.used <= 2_000_000
        assert self.world.tokens[BOND].ask("balanceOf", self.world.at["exchange"]) == 0
        for contract in self.world.tokens.values():
            assert contract.ask("balanceOf", self.world.at["stranger"]) == 0


Ledger.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
TestLedger = Ledger.TestCase
