"""What the contracts should hold, in plain Python: balances, rules, and the order of refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

BOND, CASH = "bond", "cash"
SENDS = {1, 2, 3}
RECEIVES = {BOND: {1}, CASH: {1, 2}}
IS_PAID = {1, 2, 3}
CLOSED = 3
COUPON, REDEMPTION = 1, 2
# Account -> (participant, class); the stranger belongs to nobody.
ACCOUNTS = {"issuer": (1, 4), "bank": (2, 1), "bank 2": (2, 1), "dealer": (3, 1), "fund": (4, 2),
            "exchange": (5, 3), "stranger": (0, 0)}  # fmt: skip
ALLOWED = {1, 2, 4}
TAX_ACCOUNT = "dealer"
PAYER = "issuer"


@dataclass
class Authorised:
    """One authorisation: nominal units and US cents."""

    nominal: int
    usd: int
    issued: int = 0


@dataclass
class Entitled:
    """One line of a payment."""

    index: int
    holder: str
    nominal: int
    gross: int
    tax: int


@dataclass
class Payment:
    """One run; `escrowed` are the lines that could not be paid, `outside` the gross of those that
    were paid through other systems, or nothing when no such record was made."""

    kind: int
    record_day: int
    lines: list[Entitled]
    funding: int
    cursor: int = 0
    paid: int = 0
    tax: int = 0
    escrowed: dict[int, Entitled] = field(default_factory=dict)
    outside: int | None = None

    @property
    def escrow(self) -> int:
        return self.funding - self.paid - self.tax - (self.outside or 0)

    @property
    def untried(self) -> int:
        """Gross of the lines that no chunk has tried to pay."""
        return self.escrow - sum(one.gross for one in self.escrowed.values())


@dataclass
class Held:
    """A hold that its account placed in favour of another."""

    account: str
    beneficiary: str
    amount: int
    last_day: int
    live: bool = True


@dataclass
class Model:
    """Nominal units, paisa and US cents; days as the contracts count them."""

    day: int
    maturity: int
    ceiling: int
    phase: int = 1
    epoch: int = 1
    balance: dict[tuple[str, str], int] = field(default_factory=dict)
    frozen: dict[tuple[str, str], int] = field(default_factory=dict)
    holds: dict[bytes, Held] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    level: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(1, 6), 1))
    halted: set[str] = field(default_factory=set)
    spent: set[tuple[str, int]] = field(default_factory=set)
    authorised: dict[int, Authorised] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)
    elsewhere: int = 0
    freed: int = 0
    created: int = 0
    redeemed: int = 0

    # What is there.

    def held(self, token: str, account: str) -> int:
        return sum(
            one.amount
            for one in self.holds.values()
            if token == BOND and one.live and one.account == account
        )

    def has(self, token: str, account: str) -> int:
        return self.balance.get((token, account), 0)

    def available(self, token: str, account: str) -> int:
        bound = self.frozen.get((token, account), 0) + self.held(token, account)
        return max(0, self.has(token, account) - bound)

    @property
    def issued(self) -> int:
        return sum(one.issued for one in self.authorised.values())

    @property
    def supply(self) -> int:
        return self.issued - self.redeemed

    @property
    def escrow(self) -> int:
        return sum(one.escrow for one in self.payments.values())

    @property
    def used(self) -> int:
        """Of the ceiling: other ISINs, and this one less what was redeemed and freed."""
        return self.elsewhere + sum(one.usd for one in self.authorised.values()) - self.freed

    def least_used(self) -> Fraction:
        """What this ISIN takes at the least: the unissued, and the rest at the lowest value."""
        shares = [(one, Fraction(one.usd, one.nominal)) for one in self.authorised.values()
                  if one.nominal]  # fmt: skip
        unissued = sum(((one.nominal - one.issued) * share for one, share in shares), Fraction())
        return unissued + self.supply * min((share for _, share in shares), default=Fraction())

    # Rules, in the contracts' order.

    def running(self, token: str) -> str | None:
        if "programme" in self.halted:
            return "ProgrammeHalted"
        if token in self.halted:
            return "TokenHalted"
        if self.phase == CLOSED:
            return "DayNotOpen"
        if token == BOND and self.day >= self.maturity:
            return "SecurityMatured"
        return None

    def contract(self, name: str) -> str | None:
        if "programme" in self.halted:
            return "ProgrammeHalted"
        return "ContractHalted" if name in self.halted else None

    def side(self, account: str, levels: set[int]) -> str | None:
        participant = ACCOUNTS[account][0]
        if participant == 0:
            return "AccountUnknown"
        return None if self.level[participant] in levels else "LevelForbids"

    def into(self, token: str, account: str) -> str | None:
        reason = self.side(account, RECEIVES[token])
        if reason is None and token == BOND and ACCOUNTS[account][1] not in ALLOWED:
            reason = "ClassNotAllowed"
        return reason

    def rules(self, token: str, sender: str, receiver: str) -> str | None:
        """The first rule that forbids a transfer, the amount aside."""
        return self.running(token) or self.side(sender, SENDS) or self.into(token, receiver)

    def amount(self, token: str, account: str, amount: int) -> str | None:
        if amount > self.has(token, account):
            return "ERC20InsufficientBalance"
        if amount > self.available(token, account):
            return "ERC7943InsufficientUnfrozenBalance"
        return None

    def refusal(self, token: str, sender: str, receiver: str, amount: int) -> str | None:
        """The refusal of a transfer, or nothing."""
        return self.rules(token, sender, receiver) or self.amount(token, sender, amount)

    # What moves.

    def add(self, token: str, account: str, amount: int) -> None:
        self.balance[token, account] = self.has(token, account) + amount
        if amount > 0:
            self.known.add((token, account))

    def move(self, token: str, sender: str, receiver: str, amount: int) -> None:
        self.add(token, sender, -amount)
        self.add(token, receiver, amount)

    def settle(self, sender: str, receiver: str, nominal: int, price: int, number: int
               ) -> str | None:  # fmt: skip
        """Settle, or say why not."""
        if sender == receiver:
            return "SameAccount"
        if (sender, number) in self.spent:
            return "NumberSpent"
        reason = self.refusal(BOND, sender, receiver, nominal)
        reason = reason or self.refusal(CASH, receiver, sender, price)
        if reason is None:
            self.spent.add((sender, number))
            self.move(BOND, sender, receiver, nominal)
            self.move(CASH, receiver, sender, price)
        return reason

    def cycle(self, positions: dict[str, tuple[int, int]], number: int) -> str | None:
        """Settle the net positions (nominal, cash) whole, or say why not."""
        for account in positions:
            if ACCOUNTS[account][0] == 0:
                return "AccountUnknown"
            if (account, number) in self.spent:
                return "NumberSpent"
        for place, token in enumerate((BOND, CASH)):
            moved = {account: position[place] for account, position in positions.items()}
            for account, change in moved.items():
                if change < 0 and (reason := self.running(token) or self.side(account, SENDS)
                                   or self.amount(token, account, -change)):  # fmt: skip
                    return reason
            if sum(moved.values()) != 0:
                return "CycleUnbalanced"
            for account, change in moved.items():
                if change > 0 and (reason := self.into(token, account)):
                    return reason
        for account, (nominal, cash) in positions.items():
            self.spent.add((account, number))
            self.add(BOND, account, nominal)
            self.add(CASH, account, cash)
        return None

    def reregister(self, sender: str, receiver: str) -> str | None:
        """Move a whole holding with its freeze, or say why not."""
        if sender == receiver:
            return "SameAccount"
        mine = ACCOUNTS[sender][0] if (BOND, sender) in self.known else 0
        theirs = ACCOUNTS[receiver][0]
        if theirs == 0:
            return "AccountUnknown"
        if mine != theirs:
            return "ParticipantsDiffer"
        if reason := self.rules(BOND, receiver, receiver):
            return reason
        if self.held(BOND, sender):
            return "ERC7943InsufficientUnfrozenBalance"
        frozen = self.frozen.pop((BOND, sender), 0)
        if frozen:
            self.frozen[BOND, receiver] = self.frozen.get((BOND, receiver), 0) + frozen
            self.known.add((BOND, receiver))
        self.move(BOND, sender, receiver, self.has(BOND, sender))
        return None

    # Payments.

    def open_for_payment(self) -> str | None:
        """What hinders everybody: halts and the night; a matured bond is no hindrance."""
        if BOND in self.halted:
            return "TokenHalted"
        return self.running(CASH)

    def pay(self, run: Payment, line: Entitled, *, in_chunk: bool) -> str | None:
        """Pay one line with its tax, or say why it stays in escrow."""
        taxed = self.side(TAX_ACCOUNT, IS_PAID) if line.tax else None
        reason = taxed if in_chunk else None
        if reason is None and line.tax > line.gross:
            reason = "TaxAboveGross"
        if reason is None and run.kind == REDEMPTION:
            reason = self.amount(BOND, line.holder, line.nominal)
        reason = reason or self.side(line.holder, IS_PAID) or taxed
        if reason is not None:
            return reason
        if run.kind == REDEMPTION:
            self.add(BOND, line.holder, -line.nominal)
            self.redeemed += line.nominal
        self.add(CASH, line.holder, line.gross - line.tax)
        self.known.add((CASH, line.holder))
        self.add(CASH, TAX_ACCOUNT, line.tax)
        run.paid += line.gross - line.tax
        run.tax += line.tax
        run.escrowed.pop(line.index, None)
        return None

    def record_outside(self, run: Payment, cursor: int, amount: int, *, funded: bool) -> str | None:
        """Every line from `cursor` on was paid elsewhere: its escrow returns, or say why not."""
        if run.kind == REDEMPTION and self.day < self.maturity:
            return "NotYetMatured"
        if run.outside is not None:
            return "RunExists"
        if cursor != run.cursor:
            return "ChunkOutOfOrder"
        untried = run.untried
        if amount != untried:
            return "OutsideMismatch"
        if untried == 0:
            return "AmountZero"
        if funded and (reason := self.running(CASH) or self.side(PAYER, IS_PAID)):
            return reason
        if funded:
            self.add(CASH, PAYER, untried)
        run.outside = untried
        run.cursor = 1 if run.kind == COUPON else run.cursor
        return None

    def redeem_outside(self, run: Payment) -> str | None:
        """Burn what a redemption paid elsewhere: all lines of the chunk, or say why none."""
        before = dict(self.balance)
        for line in run.lines:
            if reason := self.amount(BOND, line.holder, line.nominal):
                self.balance = before
                return reason
            self.add(BOND, line.holder, -line.nominal)
        self.redeemed += sum(line.nominal for line in run.lines)
        run.cursor = 1
        return None

    # Headroom.

    def release(self, number: int, nominal: int) -> str | None:
        one = self.authorised[number]
        if nominal > one.nominal - one.issued:
            return "AuthorisationExceeded"
        one.usd -= one.usd * nominal // one.nominal
        one.nominal -= nominal
        return None

    def free_redeemed(self) -> None:
        """The redeemed part of what the issued took of the ceiling, rounded down."""
        if self.issued:
            taken = sum(
                one.usd * one.issued // one.nominal
                for one in self.authorised.values()
                if one.nominal
            )
            self.freed = max(self.freed, taken * self.redeemed // self.issued)
