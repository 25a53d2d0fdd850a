"""A bond with as many holders as a test asks for, made by the same acts as any other bond.

One bank holds the whole issue and delivers it, without payment, to the accounts of its clients,
whose keys are not on the server.  A second bank keeps a little for itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from coincurve import PrivateKey

from amanat.access.acts import Command
from amanat.app import Application
from amanat.core.dates import business_day_from_date
from amanat.ledger.typed_data import INSTRUCTION, Domain, sign
from amanat.ledger.wire import address_of_key
from amanat.participants.commands import (
    AccountToEnrol,
    EnrolAccounts,
    RecordTaxStatus,
    RecordTaxStatuses,
)
from amanat.participants.model import AccountKind
from amanat.programme.commands import IssueNominal, MoveDay
from amanat.servicing.commands import FixEntitlements, FundPayment, RecordTaxRates, TaxRateRow
from amanat.servicing.model import PaymentKind
from amanat.settlement.commands import (
    CreateCash,
    Instruct,
    PresignedInstruction,
    SettleDay,
    Side,
    SubmitInstructions,
    TakeNumbers,
)

from ..programme.world import BOND, CODE, FIRST_DAY, World, authorisation, found_world, furnish

ISIN = BOND["isin"]
LAST_DAY = date(2021, 3, 10)
KEPT_BY_BANK_B = 777_777
COUPONS = (date(2021, 8, 20), date(2022, 2, 20), date(2022, 8, 20), date(2023, 2, 20))
"""Four of the half-yearly coupons of 3.5 per 100; two fall on a Sunday."""
# Section 151 as of tax year 2023: 15% for active taxpayers, 30% for others.
ACTIVE, INACTIVE = Decimal(15), Decimal(30)
_WHOLE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Client:
    """The holder of an account, with its key; one in three is no active taxpayer."""

    number: int
    key: PrivateKey
    address: str

    @property
    def nominal(self) -> int:
        """An odd amount, so that coupon and tax have to be rounded."""
        return 10_001 + self.number * 37 % 90_000

    @property
    def active(self) -> bool:
        """Whether the holder is on the active taxpayers list."""
        return self.number % 3 != 0

    @property
    def gross_paisa(self) -> int:
        """3.5 per 100 of face, to the paisa."""
        return coupon_of(self.nominal)

    @property
    def tax_paisa(self) -> int:
        """What is withheld, to the paisa."""
        rate = ACTIVE if self.active else INACTIVE
        return rounded(Decimal(self.gross_paisa) * rate / 100)


def rounded(paisa: Decimal) -> int:
    """To the nearest paisa, halves up."""
    return int(paisa.quantize(_WHOLE, rounding=ROUND_HALF_UP))


def coupon_of(nominal: int) -> int:
    """A half-year of 7% on so many rupees of face, in paisa."""
    return rounded(Decimal(nominal) * Decimal("3.5") / 100 * 100)


def clients_numbered(count: int) -> list[Client]:
    """Clients with keys that follow from their numbers."""
    found = []
    for number in range(count):
        key = PrivateKey(hashlib.sha256(b"client %d" % number).digest())
        found.append(Client(number, key, address_of_key(key.public_key)))
    return found


def _parts(all_of_them: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]


@dataclass
class CouponWorld:
    """The programme, its bond, and the clients who hold it."""

    app: Application
    clients: list[Client]
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.app)

    @property
    def gross_paisa(self) -> int:
        """What one coupon costs the issuer."""
        return sum(one.gross_paisa for one in self.clients) + coupon_of(KEPT_BY_BANK_B)

    def do(self, institution: str, command: Command, *, pump: bool = False) -> Any:
        """An act with its approvals; its result."""
        result = self.world.do(institution, command, pump=False).result
        if pump:
            self.app.pump(300)
        return result

    def prepare(self) -> CouponWorld:
        """Everything up to the first record date: holders with their bonds, rates, statuses."""
        found_world(self.app)
        furnish(self.world)
        for kind in (AccountKind.TREASURY, AccountKind.TAX):
            self.world.enrol("ministry", "central_bank", kind, holder_class="government")
        self._enrol()
        self._tax()
        self._issue()
        self._deliver()
        return self

    def _enrol(self) -> None:
        for part in _parts(self.clients, 64):
            accounts = tuple(
                AccountToEnrol(
                    address=one.address,
                    kind=AccountKind.CLIENT,
                    label=f"client_{one.number}",
                    holder_class="individual",
                    tax_residency="PK",
                    holder=f"Client {one.number}",
                )
                for one in part
            )
            self.do("central_bank", EnrolAccounts(participant="bank_a", accounts=accounts))
        self.app.pump(300)

    def _tax(self) -> None:
        rate = TaxRateRow(
            instrument="government_security",
            holder_classes=("company", "individual"),
            first_day=date(2021, 1, 1),
            last_day=date(2023, 12, 31),
            active_percent=ACTIVE,
            inactive_percent=INACTIVE,
            source="made for tests",
            assumed=True,
        )
        self.do("central_bank", RecordTaxRates(rows=(rate,)))
        own = [("bank_a.own", True), ("bank_b.own", True)]
        statuses = [(self.world.accounts[name], "company", active) for name, active in own]
        statuses += [(one.address, "individual", one.active) for one in self.clients]
        for part in _parts(statuses, 5_000):
            recorded = tuple(
                RecordTaxStatus(
                    address=address,
                    holder_class=holder_class,
                    active_taxpayer=active,
                    valid_from=date(2021, 1, 1),
                    tax_residency="PK",
                    source="made for tests",
                )
                for address, holder_class, active in part
            )
            self.do("central_bank", RecordTaxStatuses(statuses=recorded))

    def _issue(self) -> None:
        sold = sum(one.nominal for one in self.clients)
        nominal = sold + KEPT_BY_BANK_B
        terms = BOND | {"denomination": "1"}
        self.do("ministry", authorisation(terms=terms, nominal=nominal), pump=True)
        self.do("ministry", IssueNominal(isin=ISIN, nominal=nominal), pump=True)
        for bank, part in (("bank_a", sold), ("bank_b", KEPT_BY_BANK_B)):
            self.fund(f"{bank}.own", 100, f"RTGS {bank}")
            fields = {
                "isin": ISIN,
                "deliverer": self.world.accounts["ministry.distribution"],
                "receiver": self.world.accounts[f"{bank}.own"],
                "nominal": part,
                "consideration_paisa": 100,
                "trade_date": FIRST_DAY,
                "first_day": FIRST_DAY,
                "last_day": LAST_DAY,
            }
            self.do("ministry", Instruct(side=Side.DELIVER, **fields))
            self.do(bank, Instruct(side=Side.RECEIVE, **fields))
        self.do("central_bank", SettleDay(), pump=True)

    def _deliver(self) -> None:
        """From the bank's own account to its clients': signed by both, many to an act."""
        gateway = self.app.gateway(CODE)
        security, giver = gateway.address("Security", ISIN), self.world.accounts["bank_a.own"]
        domain = Domain(self.app.settings.chain_id, gateway.address("Settlement"))
        days = business_day_from_date(FIRST_DAY), business_day_from_date(LAST_DAY)
        self.do("bank_a", TakeNumbers(deliverer=giver, count=len(self.clients)))
        own_key = self.app.keys.signer(giver)

        def signed(one: Client, number: int) -> PresignedInstruction:
            values = (security, giver, one.address, one.nominal, 0, number, *days)
            digest = domain.digest(INSTRUCTION.hash(*values))
            return PresignedInstruction(
                isin=ISIN,
                deliverer=giver,
                receiver=one.address,
                number=number,
                nominal=one.nominal,
                consideration_paisa=0,
                trade_date=FIRST_DAY,
                first_day=FIRST_DAY,
                last_day=LAST_DAY,
                deliverer_signature=own_key.sign_digest(digest).hex(),
                receiver_signature=sign(digest, one.key).hex(),
            )

        first = 0
        for part in _parts(self.clients, 2_000):
            instructions = tuple(signed(one, at) for at, one in enumerate(part, first))
            first += len(part)
            self.do("bank_a", SubmitInstructions(instructions=instructions))
            self.do("central_bank", SettleDay(), pump=True)

    def fund(self, name: str, paisa: int, reference: str) -> None:
        """Create cash in an account."""
        account = self.world.accounts[name]
        command = CreateCash(account=account, amount_paisa=paisa, rtgs_reference=reference)
        self.do("central_bank", command, pump=True)

    def fund_coupon(self, due: date, payment_date: date) -> str:
        """Fix the coupon and fund it to the paisa; the payment's identifier."""
        self.do("ministry", MoveDay(business_date=payment_date), pump=True)
        fixed = self.do(
            "central_bank", FixEntitlements(isin=ISIN, kind=PaymentKind.COUPON, due_date=due)
        )
        assert fixed["holders"] == len(self.clients) + 1
        assert fixed["gross_paisa"] == self.gross_paisa
        self.fund("ministry.treasury", self.gross_paisa, f"RTGS coupon {due}")
        self.do(
            "ministry",
            FundPayment(
                payment=fixed["payment"],
                payer=self.world.accounts["ministry.treasury"],
                tax_account=self.world.accounts["ministry.tax"],
            ),
            pump=True,
        )
        return str(fixed["payment"])


def net_paisa(clients: Iterable[Client]) -> dict[str, int]:
    """What each client gets of one coupon."""
    return {one.address: one.gross_paisa - one.tax_paisa for one in clients}
