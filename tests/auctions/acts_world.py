"""Tenders on a real node: a founded programme with a bond, two dealers and a client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.programme.world import BOND, World

from amanat.access.acts import Command
from amanat.access.desk import Outcome
from amanat.assets.commands import AddEvidence, RegisterAsset
from amanat.assets.model import EvidenceKind
from amanat.auctions.acts import compose_sheet
from amanat.auctions.book import Window
from amanat.auctions.commands import (
    AnnounceTender,
    CloseTender,
    NonCompetitiveTerms,
    OpenBids,
    ReleaseShare,
    ReviseBid,
    SetTarget,
    SubmitBid,
    SubmitNonCompetitiveBid,
)
from amanat.auctions.model import Bid, BidBy, CompetitiveBid, NonCompetitiveBid, TenderTerms
from amanat.auctions.records import read_terms
from amanat.auctions.sealing import TenderKey
from amanat.participants.model import AccountKind
from amanat.programme.commands import AuthoriseSecurity

TERMS = BOND | {"convention": "pk-pib-fixed"}
ISIN = TERMS["isin"]
MILLION = 1_000_000
AUCTION_DAY = date(2021, 3, 3)
SETTLEMENT_DAY = date(2021, 3, 4)
LAST_DAY = date(2021, 3, 8)


def bid(line: int, millions: int, price: str) -> CompetitiveBid:
    """A competitive bid by price; its number is filled in by `Auctions.sheet`."""
    return CompetitiveBid(0, line, millions * MILLION, price=Decimal(price))


@dataclass
class Auctions:
    """What is done with tenders in a world."""

    world: World
    ahead_s: int = 0

    def now(self) -> datetime:
        """The clock of application and node; see `skip_to`."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead_s)

    def in_seconds(self, seconds: int) -> datetime:
        """A whole second, so far ahead."""
        return self.now().replace(microsecond=0) + timedelta(seconds=seconds)

    def skip_to(self, instant: str) -> None:
        """Set the clocks of node and application to just after a stored instant."""
        left = datetime.fromisoformat(instant) - self.now()
        skipped = max(0, int(left.total_seconds())) + 2
        self.ahead_s += skipped
        app = self.world.app
        app.ledger.rpc.call("evm_increaseTime", skipped)
        app.store.clock = self.now

    def prepare(self) -> Auctions:
        """Admit dealers and a client's account; authorise the bond."""
        world = self.world
        for dealer in ("bank_a", "bank_b"):
            world.admit(dealer, "bank", "central_bank")
            world.enrol(dealer, "central_bank")
            world.enrol(
                dealer,
                "central_bank",
                AccountKind.CLIENT,
                holder="Widows' Fund",
                holder_class="fund",
            )
        world.admit("ministry", "issuer", "central_bank")
        world.enrol("ministry", "central_bank", AccountKind.DISTRIBUTION)
        world.do(
            "ministry",
            RegisterAsset(asset="credit", kind="credit", description="Full faith", place="here"),
        )
        world.do(
            "ministry",
            AddEvidence(
                asset="credit",
                kind=EvidenceKind.TITLE,
                digest="ab" * 32,
                issuer="Finance Division",
                reference="made for tests",
                issued_on=date(2021, 1, 1),
            ),
        )
        world.do(
            "ministry",
            AuthoriseSecurity(
                terms=TERMS,
                nominal=20_000 * MILLION,
                rate_date=date(2021, 3, 1),
                asset="credit",
                authority="Public Debt Act",
                classes=("bank", "fund"),
                expires_on=date(2021, 12, 31),
            ),
        )
        return self

    def announce(
        self,
        tender: str,
        target: int = 1_000,
        due_s: int = 600,
        *,
        sealing_key: str | None = None,
        **changes: Any,
    ) -> Outcome:
        """Fix a target in millions and announce, by price, with a non-competitive part."""
        self.world.do(
            "ministry",
            SetTarget(
                tender=tender,
                isin=ISIN,
                auction_date=AUCTION_DAY,
                target=target * MILLION,
                sealing_key=sealing_key,
            ),
        )
        fields: dict[str, Any] = {
            "tender": tender,
            "settlement_date": SETTLEMENT_DAY,
            "last_settlement_date": LAST_DAY,
            "bids_due": self.in_seconds(due_s),
            "bid_by": BidBy.PRICE,
            "non_competitive": NonCompetitiveTerms(cap_fraction=Decimal("0.05")),
        }
        return self.world.do("central_bank", AnnounceTender(**fields | changes))

    def tender(self, code: str, person: str | None = "auditor_officer") -> dict[str, Any]:
        """The tender as a person sees it."""
        return dict(self.world.view("tender", person, tender=code))

    def mine(self, code: str, dealer: str, *, full: bool = False) -> dict[str, Any]:
        """A dealer's own bids, with the ciphertexts only where they are asked for."""
        return dict(self.world.view("my_bids", f"{dealer}_officer", tender=code, full=full))

    def terms(self, code: str) -> TenderTerms:
        """The terms, as any bidder reads them."""
        shown = self.tender(code, None)
        return read_terms(shown["rules"] | {"target": shown["target"]})

    def keys(self, code: str) -> tuple[TenderKey, TenderKey]:
        """The announced keys, as any bidder reads them."""
        inner, outer = (
            TenderKey(one["institution"], bytes.fromhex(one["public_key"]))
            for one in self.tender(code, None)["sealing_keys"]
        )
        return inner, outer

    def sheet(self, code: str, dealer: str, bids: Sequence[Bid]) -> dict[str, Any]:
        """Seal a dealer's bids: the fields of the command that submits them."""
        bidder = self.mine(code, dealer)["bidders"][0]
        numbered = [
            type(one)(**{f: getattr(one, f) for f in one.__slots__} | {"number": bidder["number"]})
            for one in bids
        ]
        sealed, salt = compose_sheet(self.terms(code), bidder["number"], numbered, self.keys(code))
        return {
            "tender": code,
            "account": bidder["account"],
            "ciphertext": sealed.hex(),
            "salt": salt.hex(),
        }

    def submit(
        self,
        code: str,
        dealer: str,
        bids: Sequence[Bid],
        *,
        window: Window = Window.COMPETITIVE,
        pump: bool = True,
    ) -> dict[str, Any]:
        """Submit a sealed sheet; the receipt."""
        kind = SubmitBid if window is Window.COMPETITIVE else SubmitNonCompetitiveBid
        return self.carry_out(dealer, kind(**self.sheet(code, dealer, bids)), pump=pump)

    def revise(self, code: str, dealer: str, former: str, bids: Sequence[Bid]) -> dict[str, Any]:
        """Put another sheet in a former one's place."""
        return self.carry_out(dealer, ReviseBid(bid=former, **self.sheet(code, dealer, bids)))

    def carry_out(self, dealer: str, command: Command, *, pump: bool = True) -> dict[str, Any]:
        """What the officer alone may do."""
        outcome = self.world.propose(dealer, command)
        assert outcome.state == "carried_out"
        if pump:
            self.world.app.pump()
        assert outcome.result is not None
        return outcome.result

    def non_competitive(self, investor: str, line: int, millions: int) -> NonCompetitiveBid:
        """A bid for an investor of class fund."""
        return NonCompetitiveBid(0, line, millions * MILLION, investor, "fund")

    def close(self, code: str) -> None:
        """Once bids were due, close."""
        self.skip_to(self.tender(code)["bids_due"])
        self.world.do("central_bank", CloseTender(tender=code))

    def release(self, code: str) -> None:
        """Both institutions release their keys."""
        for institution in ("ministry", "central_bank"):
            self.world.do(institution, ReleaseShare(tender=code))

    def open(self, code: str) -> dict[str, Any]:
        """Close, release and open; what the opening found."""
        self.close(code)
        self.release(code)
        outcome = self.world.do("central_bank", OpenBids(tender=code))
        assert outcome.result is not None
        return outcome.result
