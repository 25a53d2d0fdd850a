"""What the supervision of a pilot must keep: small named laws, all of them asked.

Whether a step may be taken is the rooms' own to say when the pilot is played; these laws find
before that what a person has mistyped: names that nobody has, days that go back, steps whose
ground is missing.  A law leaves alone what could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date

from amanat.core.errors import Refusal, Refusals
from amanat.jurisdictions.goaml import load_goaml
from amanat.jurisdictions.returns import load_returns
from amanat.jurisdictions.screening import load_screening
from amanat.replay.laws import CapacityMissing, NotSettlementDay, OutsideProgramme, RowUnsound
from amanat.replay.licensing_laws import GroundMissing
from amanat.replay.model import Pilot
from amanat.replay.reading import Located
from amanat.replay.refusals import DaysDisorderly, Unknown
from amanat.replay.supervision import CUSTOMERS_FILE, PERSONS_FILE, TRANSFERS_FILE
from amanat.replay.supervision_model import BANK, Customer, Does, Event, Supervision, Transfer
from amanat.supervision.cases.model import FIU, SUPERVISES

THE_PACK = "the jurisdiction's files"
Law = Callable[[Pilot, Supervision], Iterator[Refusal]]


def findings(pilot: Pilot) -> Iterator[Refusal]:
    """Everything that is wrong with the supervision of a pilot."""
    if pilot.supervision is not None:
        for law in LAWS:
            yield from law(pilot, pilot.supervision)


def _unknown(thing: str, value: str, file: str, where: Located, name: str) -> Refusal:
    return Unknown(place=where.of(name), thing=thing, value=value, file=file)


# -- who ------------------------------------------------------------------------------------------


def desks_stand(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """The supervisor and the FIU are institutions of that capacity, and the only ones."""
    desks = (("supervisor", said.supervisor, SUPERVISES), ("fiu", said.fiu, FIU))
    for name, code, capacity in desks:
        if not code:
            continue
        found = pilot.institutions.get(code)
        if found is None:
            yield _unknown("institution", code, "institutions.csv", said.where, name)
            continue
        held = pilot.with_capacity(capacity)
        if [one.code for one in held] != [code]:
            yield CapacityMissing(
                place=found.where.of("capacities"),
                count=len(held),
                capacity=capacity,
                needed=f"{code} alone must have it",
            )


def exchanges_are_licensed(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """Whoever reports here is an invented provider that the folder licenses."""
    licensing = pilot.licensing
    districts = load_goaml(pilot.programme.jurisdiction)
    for one in said.exchanges.values():
        provider = licensing.providers.get(one.code) if licensing else None
        if provider is None:
            yield _unknown("provider", one.code, "providers.csv", one.where, "code")
            continue
        if not provider.invented:
            reason = f"{one.code} is real: what it would report is nobody's to invent"
            yield RowUnsound(place=one.where.of("code"), reason=reason)
        if licensing is not None and one.code not in licensing.licensed():
            reason = f"{one.code} is not licensed in this folder"
            yield RowUnsound(place=one.where.of("code"), reason=reason)
        if one.district and districts.province_of(one.district) is None:
            yield _unknown("district", one.district, THE_PACK, one.where, "district")


def persons_sound(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """Identity cards are one person's each; districts are spelt as the FIU spells them."""
    pack = load_goaml(pilot.programme.jurisdiction)
    cards: dict[str, int] = {}
    for one in said.persons.values():
        first = cards.setdefault(one.cnic, one.where.line)
        if one.cnic and first != one.where.line:
            reason = f"the identity card {one.cnic} is given twice; first on line {first}"
            yield RowUnsound(place=one.where.of("cnic"), reason=reason)
        if one.district and pack.province_of(one.district) is None:
            yield _unknown("district", one.district, THE_PACK, one.where, "district")


def customers_sound(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """An account is of a person, at an exchange."""
    del pilot
    for one in said.customers.values():
        if one.exchange and one.exchange not in said.exchanges:
            yield _unknown("exchange", one.exchange, "supervision.toml", one.where, "exchange")
        if one.person and one.person not in said.persons:
            yield _unknown("person", one.person, PERSONS_FILE, one.where, "person")


# -- what moves -----------------------------------------------------------------------------------


def transfers_sound(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """Money moves between two sides, one a customer's that is open, in the order of time."""
    del pilot
    last: Transfer | None = None
    for one in said.transfers.values():
        if one.where.unread:
            continue
        for name, side in (("sender", one.sender), ("receiver", one.receiver)):
            if side == BANK:
                continue
            customer = said.customers.get(side)
            if customer is None:
                yield _unknown("account", side, CUSTOMERS_FILE, one.where, name)
            elif customer.opened > one.at.date():
                yield _disorder(one.where, name, f"the opening of {side}", customer, one)
        if one.sender == one.receiver:
            reason = f"{one.sender} is on both sides"
            yield RowUnsound(place=one.where.of("receiver"), reason=reason)
        if one.amount <= 0:
            yield RowUnsound(place=one.where.of("amount"), reason="what moved is above zero")
        if one.cash and BANK not in (one.sender, one.receiver):
            yield RowUnsound(place=one.where.of("cash"), reason="only money from outside is cash")
        if last is not None and one.at < last.at:
            reason = f"it is earlier than {last.code} before it"
            yield RowUnsound(place=one.where.of("time"), reason=reason)
        last = one


def _disorder(
    where: Located, name: str, earlier: str, customer: Customer, one: Transfer
) -> Refusal:
    return DaysDisorderly(
        place=where.of(name),
        earlier=earlier,
        first=customer.opened,
        later="the transfer",
        second=one.at.date(),
    )


def labels_known(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """Labels are of transfers, each once."""
    del pilot
    seen: dict[str, int] = {}
    for one in said.labels:
        if one.code and one.code not in said.transfers:
            yield _unknown("transfer", one.code, TRANSFERS_FILE, one.where, "transfer")
        first = seen.setdefault(one.code, one.where.line)
        if one.code and first != one.where.line:
            reason = f"{one.code} is labelled twice; first on line {first}"
            yield RowUnsound(place=one.where.of("transfer"), reason=reason)


# -- what is done ---------------------------------------------------------------------------------


def words_known(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """Events name exchanges, accounts, persons, institutions, and codes of the jurisdiction."""
    screening = load_screening(pilot.programme.jurisdiction)
    goaml = load_goaml(pilot.programme.jurisdiction)
    files: dict[str, tuple[Collection[str], str]] = {
        "exchange": (said.exchanges, "supervision.toml"),
        "account": (said.customers, CUSTOMERS_FILE),
        "person": (said.persons, PERSONS_FILE),
        "recipient": (pilot.institutions, "institutions.csv"),
        "list": ({one.code for one in screening.lists}, THE_PACK),
        "basis": ({one.code for one in screening.bases}, THE_PACK),
        "report": ({one.code for one in goaml.reports}, THE_PACK),
    }
    for event in said.events:
        for name, (known, file) in files.items():
            value = event.said.get(name, "")
            if value and value not in known:
                yield _unknown(name, value, file, event.where, name)
        for code in event.said.get("indicators", ()):
            if goaml.indicator(code) is None:
                yield _unknown("indicator", code, THE_PACK, event.where, "indicators")
        customer = said.customers.get(event.said.get("account", ""))
        if customer is not None and customer.exchange != event.said.get("exchange"):
            reason = f"{customer.code} is an account at {customer.exchange}"
            yield RowUnsound(place=event.where.of("account"), reason=reason)


def lists_readable(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """The file of a list is of the format in which it is published."""
    if not said.lists:
        return
    # What reads lists takes a while to load: only a folder that has some waits for it.
    from amanat.supervision.screening.versions import read

    screening = load_screening(pilot.programme.jurisdiction)
    kinds = {one.code: one for one in screening.lists}
    for event in said.events:
        content = said.lists.get(event.said.get("file", ""))
        kind = kinds.get(event.said.get("list", ""))
        if content is None or kind is None:
            continue
        try:
            read(kind, content)
        except Refusals as refusals:
            for one in refusals.refusals:
                yield RowUnsound(place=event.where.of("file"), reason=str(one))
        except Refusal as refusal:
            yield RowUnsound(place=event.where.of("file"), reason=str(refusal))


def days_fit(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """What is done falls on settlement days of the programme, and never goes back."""
    programme, last = pilot.programme, date.min
    for event in said.events:
        if "on" in event.where.unread:
            continue
        place = event.where.of("on")
        what = f"event {event.code}"
        if not programme.first_day <= event.on <= programme.last_day:
            yield OutsideProgramme(
                place=place,
                what=what,
                day=event.on,
                first_day=programme.first_day,
                last_day=programme.last_day,
            )
            continue
        try:
            settles = pilot.calendar.is_settlement_day(event.on)
        except Refusal as refusal:
            yield refusal.at(place)
            continue
        if not settles:
            listed = pilot.calendar.day_off(event.on)
            yield NotSettlementDay(
                place=place,
                what=what,
                day=event.on,
                calendar=pilot.calendar.code,
                reason=listed.name if listed else f"{event.on:%A}",
            )
        if event.on < last:
            yield DaysDisorderly(
                place=place, earlier="the event before", first=last, later="this", second=event.on
            )
        last = max(last, event.on)


def periods_sound(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """A period has an end, is over before it is reported, and no longer than returns may be."""
    most = load_returns(pilot.programme.jurisdiction).period_days_max
    for event in said.events:
        first, last = event.said.get("first_day"), event.said.get("last_day")
        if first is None or last is None or "on" in event.where.unread:
            continue
        if first > last or last >= event.on:
            yield DaysDisorderly(
                place=event.where.of("last_day"),
                earlier="the first day" if first > last else "the last day reported",
                first=first if first > last else last,
                later="the last day" if first > last else "the day before the event",
                second=last if first > last else event.on,
            )
        elif event.does is Does.SEND and (last - first).days >= most:
            reason = f"a return is of at most {most} days"
            yield RowUnsound(place=event.where.of("last_day"), reason=reason)


def returns_sound(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """What is broken says which rules it breaks; what is left out is the exchange's own."""
    del pilot
    for event in said.events:
        if event.does is not Does.SEND or event.where.unread:
            continue
        if ("breaks" in event.said) != ("expects" in event.said):
            reason = "breaks and expects stand together"
            yield RowUnsound(place=event.where.of("breaks"), reason=reason)
        for code in event.said.get("without", ()):
            transfer = said.transfers.get(code)
            customers = [said.customers.get(one) for one in transfer.sides] if transfer else []
            own = any(one and one.exchange == event.said["exchange"] for one in customers)
            if transfer is None or not own:
                yield _unknown("transfer", code, TRANSFERS_FILE, event.where, "without")


_GROUNDS: dict[Does, tuple[Does, tuple[str, ...]]] = {
    Does.FREEZE: (Does.CONFIRM_HIT, ("person",)),
    Does.ACKNOWLEDGE: (Does.FREEZE, ("person",)),
    Does.TELL: (Does.FREEZE, ("person",)),
    Does.CONFIRM_HIT: (Does.TAKE_IN, ()),
    Does.DISMISS_HIT: (Does.TAKE_IN, ()),
    Does.REFER: (Does.GROUP, ()),
    Does.RECEIVE: (Does.REFER, ()),
    Does.ASK: (Does.RECEIVE, ()),
    Does.ANSWER: (Does.ASK, ("exchange",)),
    Does.DISSEMINATE: (Does.RECEIVE, ()),
    Does.REPORT: (Does.SUSPECT, ("exchange", "account")),
}
"""What each step rests on, and which words the two have in common."""


def steps_have_ground(pilot: Pilot, said: Supervision) -> Iterator[Refusal]:
    """Confirmed before frozen, referred before received, asked before answered, and so on."""
    del pilot
    for event in said.events:
        ground, names = _GROUNDS.get(event.does, (None, ()))
        if "corrects" in event.said:
            ground, names = Does.SEND, ("exchange", "first_day", "last_day")
        if ground is None or event.where.unread:
            continue
        if said.before(event, ground, **{name: event.said[name] for name in names}) is None:
            yield GroundMissing(
                place=event.where.of(),
                provider=_who(event, said),
                step=event.does.value.replace("_", " "),
                ground=ground.value.replace("_", " "),
            )


def _who(event: Event, said: Supervision) -> str:
    return str(event.said.get("exchange") or said.supervisor)


LAWS: tuple[Law, ...] = (
    desks_stand,
    exchanges_are_licensed,
    persons_sound,
    customers_sound,
    transfers_sound,
    labels_known,
    words_known,
    lists_readable,
    days_fit,
    periods_sound,
    returns_sound,
    steps_have_ground,
)
"""The rulebook of a pilot's supervision."""
