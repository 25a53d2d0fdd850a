"""What a whole pilot must keep, between its files: small named laws, all of them asked.

Laws within one row are where the row is read; laws of terms and of bids are the rooms' own.  A law
yields refusals, each at its file and line, and leaves alone what another law reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import ClassVar

from pydantic import ValidationError

from amanat.access.actors import Role
from amanat.auctions import laws as auction_laws
from amanat.auctions.model import BidBy, CompetitiveBid, NonCompetitiveBid
from amanat.core.errors import Invalid, Place, Refusal, Refusals
from amanat.participants.model import AccountKind
from amanat.programme.terms import check_terms
from amanat.replay.laws_payments import (
    authorisations_fit,
    instruments_payable,
    tax_rates_cover,
    tax_standings_cover,
)
from amanat.replay.model import Account, Instrument, Pilot, Tender, Trade
from amanat.replay.reading import Located
from amanat.replay.refusals import DaysDisorderly, Unknown
from amanat.replay.terms import programme_terms


class UnknownHolder(Invalid):
    """Whoever holds, bids or is paid has an account in accounts.csv."""

    template: ClassVar[str] = "there is no account {value!r} in accounts.csv."


class ApprovesOwnProposal(Invalid):
    """What one person proposes another approves; nobody does both for an institution."""

    template: ClassVar[str] = "{person} would approve what {person} proposes for {institution}."


class PersonUnfit(Invalid):
    """Who proposes and approves for an institution is one of its people, in a fitting role."""

    template: ClassVar[str] = "{person} cannot {task} for {institution}: {reason}."


class CapacityMissing(Invalid):
    """Some parts in a programme are played by one institution."""

    template: ClassVar[str] = "{count} institutions have the capacity {capacity}; {needed}."


class AccountMissing(Invalid):
    """The state's accounts: one each to distribute from, to pay from and to collect tax."""

    template: ClassVar[str] = "{count} accounts are of the kind {kind}; there must be one."


class NotSettlementDay(Invalid):
    """Trades, tenders and movements of cash fall on settlement days of the calendar."""

    template: ClassVar[str] = "{what} is {day}, no settlement day of calendar {calendar}: {reason}."


class OutsideProgramme(Invalid):
    """Everything happens from the programme's first day to its last."""

    template: ClassVar[str] = "{what} is {day}, outside {first_day} to {last_day}."


class ClassNotAllowed(Refusal):
    """A security is held by the classes that its authorisation names."""

    status: ClassVar[int] = 422
    template: ClassVar[str] = "{account} is of class {holder_class}, which may not hold {isin}."


class RowUnsound(Invalid):
    """A row contradicts itself or another."""

    template: ClassVar[str] = "{reason}."


Law = Callable[[Pilot], Iterable[Refusal]]


def references_known(pilot: Pilot) -> Iterator[Refusal]:
    """Rows name institutions, classes, assets and securities that exist."""
    files: dict[str, tuple[Collection[str], str]] = {
        "institution": (pilot.institutions, "institutions.csv"),
        "participant": (_participants(pilot), "participants.csv"),
        "class": (pilot.classes, "programme.toml"),
        "kind": (pilot.kinds, "programme.toml"),
        "asset": (pilot.assets, "programme.toml"),
        "security": (pilot.instruments, "instruments.toml"),
    }
    for thing, value, where, name in _references(pilot):
        known, file = files[thing]
        if thing == "security" and pilot.unread:
            continue  # it may be the very one whose row could not be read
        if value and value not in known:
            yield Unknown(place=where.of(name), thing=thing, value=value, file=file)


def _participants(pilot: Pilot) -> frozenset[str]:
    """Who is admitted: by a row of participants.csv, or by a licence."""
    licensing = pilot.licensing
    return frozenset(pilot.participants) | (licensing.licensed() if licensing else frozenset())


def _references(pilot: Pilot) -> Iterator[tuple[str, str, Located, str]]:
    for person in pilot.people.values():
        yield "institution", person.institution, person.where, "institution"
    for one in pilot.classes.values():
        yield "institution", one.authority, one.where, "authority"
    for participant in pilot.participants.values():
        yield "institution", participant.institution, participant.where, "institution"
        yield "class", participant.holder_class, participant.where, "class"
    for account in pilot.accounts.values():
        yield "participant", account.participant, account.where, "participant"
    for instrument in pilot.instruments.values():
        yield "asset", instrument.asset, instrument.where, "asset"
        yield "kind", instrument.terms.kind, instrument.where, "kind"
        for code in instrument.classes:
            yield "class", code, instrument.where, "classes"
    for kind in pilot.kinds.values():
        for code in kind.agents:
            yield "institution", code, kind.where, "agents"
    for tender in pilot.tenders:
        yield "security", tender.isin, tender.where, "isin"
    for trade in pilot.trades:
        yield "security", trade.isin, trade.where, "isin"


def holders_known(pilot: Pilot) -> Iterator[Refusal]:
    """Whoever trades, bids or has cash is known by an account; dealers bid with their own."""
    named = [
        (code, row.where, name)
        for row in pilot.trades
        for code, name in ((row.seller, "seller"), (row.buyer, "buyer"))
    ]
    named += [(entry.account, entry.where, "account") for entry in pilot.cash]
    named += [(one.account, one.where, "account") for one in pilot.tax_standings]
    for tender in pilot.tenders:
        named += [(bid.investor, bid.where, "investor") for bid in tender.investor_bids]
    for code, where, name in named:
        if code and code not in pilot.accounts:
            yield UnknownHolder(place=where.of(name), value=code)
    for tender in pilot.tenders:
        bidders = [(bid.bidder, bid.where, "bidder") for bid in tender.bids]
        bidders += [(bid.dealer, bid.where, "dealer") for bid in tender.investor_bids]
        for code, where, name in bidders:
            if code and own_account(pilot, code) is None:
                yield Unknown(
                    place=where.of(name),
                    thing="participant with an account of its own",
                    value=code,
                    file="accounts.csv",
                )


def own_account(pilot: Pilot, participant: str) -> Account | None:
    """The first account of its own that a participant has."""
    for account in pilot.accounts.values():
        if account.participant == participant and account.kind == AccountKind.OWN:
            return account
    return None


def second_person(pilot: Pilot) -> Iterator[Refusal]:
    """For each institution one person proposes and others, who may approve, approve."""
    for institution in pilot.institutions.values():
        at, code = institution.where, institution.code
        if institution.proposes in institution.approves:
            yield ApprovesOwnProposal(
                place=at.of("approves"), person=institution.proposes, institution=code
            )
        may = (Role.OFFICER, Role.APPROVER)
        tasks: list[tuple[str, str, str, tuple[Role, ...]]] = [
            (institution.proposes, "propose", "proposes", may)
        ]
        tasks += [(one, "approve", "approves", (Role.APPROVER,)) for one in institution.approves]
        for name, task, field, roles in tasks:
            person = pilot.people.get(name)
            reason = None
            if person is None or person.institution != code:
                reason = "people.csv knows no such person there"
            elif person.role not in roles:
                reason = f"the role is {person.role}"
            if name and reason:
                yield PersonUnfit(
                    place=at.of(field), person=name, task=task, institution=code, reason=reason
                )


def programme_foundable(pilot: Pilot) -> Iterator[Refusal]:
    """The programme room's own laws: who must hold which duty, two keys, numbers, zone, gazette.

    Keys are made when a pilot is run; here every person has an address that nobody else has.
    """
    places = {name: f"0x{place:040x}" for place, name in enumerate(pilot.people, 1)}
    people = [one for one in pilot.people.values() if one.role not in list(Role)]
    for person in people:
        yield Unknown(
            place=person.where.of("role"), thing="role", value=person.role, file="people.csv"
        )
    if people:
        return
    try:
        check_terms(programme_terms(pilot, lambda _institution, name: places[name]))
    except ValidationError as error:
        for one in error.errors():
            field = ".".join(str(part) for part in one["loc"])
            reason = f"{field}: {one['msg']}"
            yield RowUnsound(place=pilot.programme.where.of(), reason=reason)
    except Refusals as refusals:
        for refusal in refusals.refusals:
            yield refusal.at(_place_of_term(pilot, refusal))
    except Refusal as refusal:
        yield refusal.at(_place_of_term(pilot, refusal))


_OF_INSTITUTIONS = {"duties_held", "capacities_known", "two_keys", "classes_written", "sizes"}


def _place_of_term(pilot: Pilot, refusal: Refusal) -> Place:
    field = refusal.place.field if refusal.place else None
    if field in _OF_INSTITUTIONS and pilot.institutions:
        first = next(iter(pilot.institutions.values())).where
        return Place(file=first.file, field=field)
    return pilot.programme.where.of(field)


def single_parts(pilot: Pilot) -> Iterator[Refusal]:
    """One institution issues, one auctions, one creates cash, one says how holders are taxed."""
    for capacity in ("issuer", "auctioneer", "cash_issuer", "tax_agent"):
        found = len(pilot.with_capacity(capacity))
        if found != 1 and pilot.institutions:
            first = next(iter(pilot.institutions.values())).where
            yield CapacityMissing(
                place=Place(file=first.file, field="capacities"),
                count=found,
                capacity=capacity,
                needed="there must be one",
            )


def state_accounts(pilot: Pilot) -> Iterator[Refusal]:
    """One account each to distribute from, to pay from and to collect tax; kinds are known."""
    if not pilot.accounts:
        return
    kinds = Counter(account.kind for account in pilot.accounts.values())
    at = next(iter(pilot.accounts.values())).where
    for kind in (AccountKind.DISTRIBUTION, AccountKind.TREASURY, AccountKind.TAX):
        if kinds[kind] != 1:
            yield AccountMissing(place=at.of("kind"), count=kinds[kind], kind=kind.value)
    for account in pilot.accounts.values():
        if account.kind not in list(AccountKind):
            yield Unknown(
                place=account.where.of("kind"),
                thing="kind of account",
                value=account.kind,
                file="the programme",
            )
        if account.kind == AccountKind.CLIENT and not account.holder:
            yield RowUnsound(
                place=account.where.of("holder"), reason="a client's account says whose it is"
            )


def days_are_settlement_days(pilot: Pilot) -> Iterator[Refusal]:
    """Every day on which something happens is inside the programme and settles."""
    for what, day, where, name in _days(pilot):
        programme = pilot.programme
        if not programme.first_day <= day <= programme.last_day:
            yield OutsideProgramme(
                place=where.of(name),
                what=what,
                day=day,
                first_day=programme.first_day,
                last_day=programme.last_day,
            )
            continue
        try:
            if pilot.calendar.is_settlement_day(day):
                continue
            listed = pilot.calendar.day_off(day)
        except Refusal as refusal:
            yield refusal.at(where.of(name))
            continue
        yield NotSettlementDay(
            place=where.of(name),
            what=what,
            day=day,
            calendar=pilot.calendar.code,
            reason=listed.name if listed else f"{day:%A}",
        )


def _days(pilot: Pilot) -> Iterator[tuple[str, date, Located, str]]:
    yield "the first day", pilot.programme.first_day, pilot.programme.where, "first_day"
    yield "the last day", pilot.programme.last_day, pilot.programme.where, "last_day"
    for instrument in pilot.instruments.values():
        yield "the authorisation", instrument.authorised_on, instrument.where, "authorised_on"
    for tender in pilot.tenders:
        yield "the announcement", tender.announced_on, tender.where, "announced_on"
        yield "the auction", tender.auction_on, tender.where, "auction_date"
        yield "the settlement", tender.settles_on, tender.where, "settlement_date"
    for trade in pilot.trades:
        yield f"trade {trade.code}", trade.traded_on, trade.where, "trade_date"
        yield f"settlement of {trade.code}", trade.settles_on, trade.where, "settlement_date"
        if trade.last_day != trade.settles_on:
            yield f"last day of {trade.code}", trade.last_day, trade.where, "last_day"
    for entry in pilot.cash:
        yield "the movement of cash", entry.on, entry.where, "day"


def days_in_order(pilot: Pilot) -> Iterator[Refusal]:
    """Authorised before auctioned, auctioned before settled, traded before settled."""
    for tender in pilot.tenders:
        steps = [("the announcement", tender.announced_on), ("the auction", tender.auction_on)]
        steps += [("settlement", tender.settles_on), ("its last day", tender.last_settlement_on)]
        instrument = pilot.instruments.get(tender.isin)
        if instrument:
            steps.insert(0, ("the authorisation", instrument.authorised_on))
        yield from _disorder(steps, tender.where)
        if tender.auction_on == tender.settles_on:
            yield DaysDisorderly(
                place=tender.where.of("settlement_date"),
                earlier="the day after the auction",
                first=tender.auction_on,
                later="settlement",
                second=tender.settles_on,
            )
    for trade in pilot.trades:
        steps = [("the trade", trade.traded_on), ("settlement", trade.settles_on)]
        steps.append(("the last day", trade.last_day))
        yield from _disorder(steps, trade.where)


def _disorder(steps: list[tuple[str, date]], where: Located) -> Iterator[Refusal]:
    for (earlier, first), (later, second) in pairwise(steps):
        if first > second:
            yield DaysDisorderly(
                place=where.of(), earlier=earlier, first=first, later=later, second=second
            )


def trades_sound(pilot: Pilot) -> Iterator[Refusal]:
    """Two sides, a whole number of denominations, within the security's life and classes."""
    for trade in pilot.trades:
        if trade.seller == trade.buyer:
            reason = f"{trade.seller} cannot sell to itself"
            yield RowUnsound(place=trade.where.of("buyer"), reason=reason)
        instrument = pilot.instruments.get(trade.isin)
        if instrument is None:
            continue
        yield from _trade_fits(pilot, trade, instrument)


def _trade_fits(pilot: Pilot, trade: Trade, instrument: Instrument) -> Iterator[Refusal]:
    terms = instrument.terms
    try:
        terms.nominal(trade.nominal)
    except Refusal as refusal:
        yield refusal.at(trade.where.of("face"))
    if not terms.issue_date <= trade.settles_on < terms.maturity_date:
        yield DaysDisorderly(
            place=trade.where.of("settlement_date"),
            earlier="settlement" if trade.settles_on >= terms.maturity_date else "issue",
            first=max(trade.settles_on, terms.issue_date),
            later="maturity" if trade.settles_on >= terms.maturity_date else "settlement",
            second=min(trade.settles_on, terms.maturity_date),
        )
    for code, name in ((trade.seller, "seller"), (trade.buyer, "buyer")):
        yield from _class_allowed(pilot, code, instrument, trade.where, name)


def _class_allowed(
    pilot: Pilot, account_code: str, instrument: Instrument, where: Located, name: str
) -> Iterator[Refusal]:
    account = pilot.accounts.get(account_code)
    participant = pilot.participants.get(account.participant) if account else None
    if participant and participant.holder_class not in instrument.classes:
        yield ClassNotAllowed(
            place=where.of(name),
            account=account_code,
            holder_class=participant.holder_class,
            isin=instrument.isin,
        )


def tenders_sound(pilot: Pilot) -> Iterator[Refusal]:
    """A tender's terms and every bid keep the auction room's own rulebook."""
    for tender in pilot.tenders:
        if tender.where.unread:
            continue  # bids are not judged by terms that could not be read
        try:
            auction_laws.check_terms(tender.terms)
        except Refusals as refusals:
            for refusal in refusals.refusals:
                yield refusal.at(tender.where.of())
        except Refusal as refusal:
            yield refusal.at(tender.where.of())
        else:
            yield from _bids_sound(pilot, tender)


def _bids_sound(pilot: Pilot, tender: Tender) -> Iterator[Refusal]:
    places: dict[int, Located] = {}
    bids: list[CompetitiveBid | NonCompetitiveBid] = []
    for bid, where in numbered_bids(pilot, tender):
        if where.unread:
            continue
        places[id(bid)] = where
        bids.append(bid)
    for bid, refusal in auction_laws.findings(tender.terms, bids):
        yield refusal.at(places[id(bid)].of())


def numbered_bids(
    pilot: Pilot, tender: Tender
) -> list[tuple[CompetitiveBid | NonCompetitiveBid, Located]]:
    """The bids as the auction room knows them: a number for each dealer, lines from 1.

    Numbers here are the dealers' places in the folder; the ledger gives its own.
    """
    names = [bid.bidder for bid in tender.bids] + [bid.dealer for bid in tender.investor_bids]
    numbers = {name: place for place, name in enumerate(dict.fromkeys(names), 1)}
    lines: Counter[tuple[str, bool]] = Counter()
    by_price = tender.terms.bid_by is BidBy.PRICE
    found: list[tuple[CompetitiveBid | NonCompetitiveBid, Located]] = []
    for bid in tender.bids:
        lines[bid.bidder, True] += 1
        price, percent = (bid.value, None) if by_price else (None, bid.value)
        found.append(
            (
                CompetitiveBid(
                    numbers[bid.bidder], lines[bid.bidder, True], bid.nominal, price, percent
                ),
                bid.where,
            )
        )
    for other in tender.investor_bids:
        lines[other.dealer, False] += 1
        account = pilot.accounts.get(other.investor)
        found.append(
            (
                NonCompetitiveBid(
                    numbers[other.dealer],
                    lines[other.dealer, True] + lines[other.dealer, False],
                    other.nominal,
                    account.holder or account.code if account else other.investor,
                    account.holder_class if account else "unknown",
                ),
                other.where,
            )
        )
    return found


def references_once(pilot: Pilot) -> Iterator[Refusal]:
    """An RTGS reference stands for one movement of money."""
    seen: dict[str, int] = {}
    for entry in pilot.cash:
        first = seen.setdefault(entry.reference, entry.where.line)
        if first != entry.where.line:
            yield RowUnsound(
                place=entry.where.of("rtgs_reference"),
                reason=f"reference {entry.reference} is given twice; first on line {first}",
            )


LAWS: tuple[Law, ...] = (
    references_known,
    holders_known,
    second_person,
    single_parts,
    programme_foundable,
    state_accounts,
    days_are_settlement_days,
    days_in_order,
    instruments_payable,
    trades_sound,
    tenders_sound,
    tax_rates_cover,
    tax_standings_cover,
    authorisations_fit,
    references_once,
)
"""The rulebook of pilots."""
