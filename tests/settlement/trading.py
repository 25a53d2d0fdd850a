"""A founded programme on a real node with a bond, a bill, cash and three who trade."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from tests.prepared import prepared
from tests.programme.world import CODE, World, found_world

from amanat.access.acts import Command
from amanat.access.desk import Outcome
from amanat.app import Application
from amanat.assets.commands import AddEvidence, RegisterAsset
from amanat.assets.model import EvidenceKind
from amanat.participants.commands import RecordTaxStatus
from amanat.participants.model import AccountKind
from amanat.programme.commands import AuthoriseSecurity, IssueNominal, MoveDay
from amanat.settings import Settings
from amanat.settlement.commands import CreateCash, Instruct, SettleDay, Side

MONDAY = date(2021, 3, 1)
TUESDAY = date(2021, 3, 2)
WEDNESDAY = date(2021, 3, 3)
MILLION = 1_000_000
CLASSES = ("issuer", "bank", "fund")
BOND = {
    "kind": "bond",
    "isin": "PK0000000015",
    "cfi": "DBFTFR",
    "fisn": "TEST/7 BD 20230820",
    "currency": "PKR",
    "issue_date": "2020-08-20",
    "maturity_date": "2023-08-20",
    "denomination": "100000",
    "convention": "pk-pib-fixed",
    "calendar": "test",
    "coupon_rate": "7.00",
    "coupons_per_year": "2",
}
BILL = {
    "kind": "bill",
    "isin": "PK0000000023",
    "cfi": "DYZTXR",
    "fisn": "TEST/TB 20210524",
    "currency": "PKR",
    "issue_date": "2021-03-01",
    "maturity_date": "2021-05-24",
    "denomination": "5000",
    "convention": "pk-mtb",
    "calendar": "test",
}
BOND_ISIN, BILL_ISIN = BOND["isin"], BILL["isin"]


@dataclass
class Trading:
    """What traders do, in one line each."""

    world: World
    references: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def app(self) -> Application:
        """The running application."""
        return self.world.app

    def at(self, name: str) -> str:
        """The address of an account such as `bank_a.own`."""
        return self.world.accounts[name]

    def do(self, institution: str, command: Command, *, pump: bool = True) -> Outcome:
        """An act with all its approvals, done on the ledger."""
        return self.world.do(institution, command, pump=pump)

    def prepare(self) -> Trading:
        """Participants, accounts, both securities issued, cash for everyone."""
        world = self.world
        for participant, name, authority in (
            ("ministry", "issuer", "central_bank"),
            ("bank_a", "bank", "central_bank"),
            ("bank_b", "bank", "central_bank"),
            ("fund_c", "fund", "secp"),
        ):
            world.admit(participant, name, authority)
        for kind in (AccountKind.DISTRIBUTION, AccountKind.TREASURY, AccountKind.TAX):
            world.enrol("ministry", "central_bank", kind, holder_class="government")
        world.enrol("bank_a", "central_bank", holder_class="bank")
        world.enrol("bank_b", "central_bank", holder_class="bank")
        world.enrol("fund_c", "secp", holder_class="collective_scheme")
        world.enrol(
            "bank_a",
            "central_bank",
            AccountKind.CLIENT,
            holder_class="individual",
            holder="a client of bank A",
        )
        self._issue()
        for name in ("bank_a.own", "bank_b.own", "fund_c.own", "bank_a.client"):
            self.fund(name, 1_000 * MILLION * 100)
        return self

    def _issue(self) -> None:
        self.do(
            "ministry",
            RegisterAsset(asset="faith", kind="full_faith", description="made", place="Islamabad"),
        )
        self.do(
            "ministry",
            AddEvidence(
                asset="faith",
                kind=EvidenceKind.TITLE,
                digest="00" * 32,
                issuer="made",
                reference="made",
                issued_on=date(2020, 1, 1),
            ),
        )
        for terms in (BOND, BILL):
            self.do(
                "ministry",
                AuthoriseSecurity(
                    terms=terms,
                    nominal=1_000 * MILLION,
                    rate_date=MONDAY,
                    asset="faith",
                    authority="made",
                    classes=CLASSES,
                    expires_on=date(2021, 12, 31),
                ),
            )
            self.do("ministry", IssueNominal(isin=terms["isin"], nominal=1_000 * MILLION))

    def fund(self, name: str, paisa: int) -> Outcome:
        """Create cash in an account."""
        return self.do(
            "central_bank",
            CreateCash(
                account=self.at(name),
                amount_paisa=paisa,
                rtgs_reference=f"RTGS-{next(self.references)}",
            ),
        )

    def terms(self, deliverer: str, receiver: str, nominal: int, paisa: int, **changes: Any) -> Any:
        """The fields of an instruction between two named accounts, for Monday to Wednesday."""
        return {
            "isin": BOND_ISIN,
            "deliverer": self.at(deliverer),
            "receiver": self.at(receiver),
            "nominal": nominal,
            "consideration_paisa": paisa,
            "trade_date": MONDAY,
            "first_day": MONDAY,
            "last_day": WEDNESDAY,
        } | changes

    def instruct(self, side: Side, fields: Any) -> Outcome:
        """One side's instruction, by that side's own two people."""
        account = fields["deliverer"] if side is Side.DELIVER else fields["receiver"]
        name = next(name for name, address in self.world.accounts.items() if address == account)
        return self.do(name.split(".")[0], Instruct(side=side, **fields), pump=False)

    def match(self, *names: str, nominal: int, paisa: int, **changes: Any) -> str:
        """Both sides' instructions; the identifier of the matched one."""
        fields = self.terms(names[0], names[1], nominal, paisa, **changes)
        self.instruct(Side.DELIVER, fields)
        outcome = self.instruct(Side.RECEIVE, fields)
        assert outcome.result is not None
        assert outcome.result["state"] == "matched"
        return str(outcome.result["instruction"])

    def trade(self, *names: str, nominal: int, paisa: int, **changes: Any) -> str:
        """A trade that settles today."""
        identifier = self.match(*names, nominal=nominal, paisa=paisa, **changes)
        self.settle()
        assert self.instruction(identifier)["state"] == "settled", self.instruction(identifier)
        return identifier

    def settle(self) -> Outcome:
        """Everything that is due, given to the ledger."""
        return self.do("central_bank", SettleDay())

    def instruction(self, identifier: str) -> dict[str, Any]:
        """An instruction as the central bank sees it."""
        shown: dict[str, Any] = self.world.view(
            "instruction", "central_bank_officer", instruction=identifier
        )
        return shown

    def holds(self, isin: str, name: str) -> int:
        """Units that an account holds now, by the contract itself."""
        gateway = self.app.gateway(CODE)
        return int(gateway.call("Security", "balanceOf", self.at(name), label=isin))

    def cash(self, name: str) -> int:
        """Paisa that an account has now, by the contract itself."""
        return int(self.app.gateway(CODE).call("Cash", "balanceOf", self.at(name)))

    def move_to(self, day: date) -> None:
        """Open a later business day."""
        self.do("ministry", MoveDay(business_date=day))

    def tax_status(self, name: str, holder_class: str, active: bool, **changes: Any) -> None:
        """Record how the holder of an account is taxed, from 2021 on."""
        self.do(
            "central_bank",
            RecordTaxStatus(
                address=self.at(name),
                holder_class=holder_class,
                active_taxpayer=active,
                valid_from=date(2021, 1, 1),
                tax_residency="PK",
                source="made",
                **changes,
            ),
        )


def open_trading(folder: Path, database_url: str, **changes: Any) -> Iterator[Trading]:
    """A started application with all of this in it; `changes` are of the programme's terms."""
    settings = Settings.at(folder / "installation", light_keys=True)
    with Application(replace(settings, database_url=database_url)) as app:
        yield Trading(found_world(app, **changes)).prepare()


def prepared_trading(folder: Path, database_url: str) -> Iterator[Trading]:
    """The same without changes, copied from one that was founded before."""
    with prepared("trading", folder, database_url, _founded) as (app, (accounts, references)):
        yield Trading(World(app, accounts), references)


def _founded(app: Application) -> tuple[dict[str, str], Iterator[int]]:
    trading = Trading(found_world(app)).prepare()
    return trading.world.accounts, trading.references
