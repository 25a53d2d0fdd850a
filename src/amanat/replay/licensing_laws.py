"""What the licensing of a pilot must keep: small named laws, all of them asked.

Whether a step may be taken is the licensing room's to say when the pilot is played; these laws find
before that what a person has mistyped: names that nobody has, days that go back, steps whose
ground is missing.  A law leaves alone what could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date
from typing import ClassVar

from amanat.access.actors import Role
from amanat.core.errors import Invalid, Refusal
from amanat.licensing.model import APPLICANT, CONFIRMS, CONSULTED
from amanat.replay.laws import NotSettlementDay, OutsideProgramme, PersonUnfit, RowUnsound
from amanat.replay.licensing import ABSENT, LICENSING_FILE
from amanat.replay.licensing_model import (
    DELIVER,
    TRANSFER,
    Application,
    Attempt,
    Confirmation,
    Decision,
    Event,
    Handover,
    Licence,
    Licensing,
    Question,
    Review,
    Suspension,
    What,
)
from amanat.replay.model import Pilot
from amanat.replay.reading import FieldMissing, Located
from amanat.replay.refusals import DaysDisorderly, Unknown

GOAML = "goaml_registered"
THE_PACK = "the jurisdiction's licensing"
INVENTED = "invented"


class SourceMissing(Invalid):
    """What is said of a real provider has a source; who has none is invented and says so."""

    template: ClassVar[str] = "{provider} is real: name the source of this, or leave it out."


class NameNotInvented(Invalid):
    """The name of an invented provider says that it is invented, so that nobody takes it for one
    that exists."""

    template: ClassVar[str] = "{provider} is invented, but its name {name!r} does not say so."


class GroundMissing(Invalid):
    """Each step rests on an earlier one of the same provider."""

    template: ClassVar[str] = "{provider} cannot {step} here: {ground} does not come before it."


Law = Callable[[Pilot, Licensing], Iterator[Refusal]]


def findings(pilot: Pilot) -> Iterator[Refusal]:
    """Everything that is wrong with the licensing of a pilot."""
    if pilot.licensing is not None:
        for law in LAWS:
            yield from law(pilot, pilot.licensing)


# -- who ------------------------------------------------------------------------------------------


def providers_stand(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """A provider is an institution that may apply; real ones have a source, others say so."""
    for one in licensing.providers.values():
        found = pilot.institutions.get(one.code)
        if found is None:
            if one.code:
                yield _unknown("institution", one.code, "institutions.csv", one.where)
            continue
        if APPLICANT not in found.capacities:
            yield RowUnsound(
                place=found.where.of("capacities"),
                reason=f"{one.code} is a provider and needs the capacity {APPLICANT}",
            )
        if one.invented and INVENTED not in found.name.casefold():
            yield NameNotInvented(place=found.where.of("name"), provider=one.code, name=found.name)
        if not one.invented and not one.source and "invented" not in one.where.unread:
            yield SourceMissing(place=one.where.of("source"), provider=one.code)


def authority_licenses(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """The authority writes the licensed class; one of its people recommends, another decides."""
    at, code = licensing.where, licensing.authority
    holder_class = pilot.classes.get(licensing.pack.participant_class)
    if holder_class is None:
        file = "programme.toml"
        yield _unknown("class", licensing.pack.participant_class, file, at, "authority")
    elif code and holder_class.authority != code:
        yield RowUnsound(
            place=at.of("authority"),
            reason=f"class {holder_class.code} is written by {holder_class.authority}, not {code}",
        )
    institution = pilot.institutions.get(code)
    approves = institution.approves if institution else ()
    for field, name in (("recommends", licensing.recommends), ("decides", licensing.decides)):
        person = pilot.people.get(name)
        reason = None
        if person is None or person.institution != code:
            reason = "people.csv knows no such person there"
        elif person.role not in (Role.OFFICER, Role.APPROVER):
            reason = f"the role is {person.role}"
        elif name in approves:
            reason = "it approves what others propose"
        elif field == "decides" and name == licensing.recommends:
            reason = "nobody decides what they recommended"
        if name and code and reason:
            yield PersonUnfit(
                place=at.of(field), person=name, task=field, institution=code, reason=reason
            )


def references_known(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """Rows name providers, tenders, securities and accounts that exist."""
    rows: list[tuple[str, Located, str]] = [
        *((one.provider, one.where, "provider") for one in licensing.events),
        *((one.provider, one.where, "provider") for one in licensing.awaited),
        *((one.provider, one.where, "provider") for one in licensing.published),
        *((one.party, one.where, "party") for one in licensing.agreements),
    ]
    for code, where, name in rows:
        if code and code not in licensing.providers:
            yield _unknown("provider", code, "providers.csv", where, name)
    tenders = {one.code for one in pilot.tenders}
    for event in licensing.events:
        if event.during and event.during not in tenders:
            yield _unknown("tender", event.during, "tenders.toml", event.where, "during")
        if isinstance(event.said, Attempt):
            yield from _attempt_known(pilot, event, event.said)


def _attempt_known(pilot: Pilot, event: Event, said: Attempt) -> Iterator[Refusal]:
    if said.activity not in (DELIVER, TRANSFER):
        return
    for name, value, known, file in (
        ("isin", said.isin, pilot.instruments, "instruments.toml"),
        ("account", said.account, pilot.accounts, "accounts.csv"),
    ):
        if name in event.where.unread:
            continue
        if not value:
            yield FieldMissing(place=event.where.of(name), name=name)
        elif value not in known:
            yield _unknown(name, value, file, event.where, name)
    if not said.nominal and "face" not in event.where.unread:
        yield FieldMissing(place=event.where.of("face"), name="face")


# -- what the jurisdiction knows ------------------------------------------------------------------


def words_of_the_pack(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """Files, areas, categories, facts, conditions, levels, statuses are the jurisdiction's."""
    pack = licensing.pack
    known: dict[str, Collection[str]] = {
        "file": [one.code for one in pack.files],
        "categories": [one.code for one in pack.categories],
        "category": [one.code for one in pack.categories],
        "conditions": [one.code for one in pack.conditions],
        "consulted": [one.code for one in pack.stakeholders],
        "fact": [one.fact for one in pack.confirmations],
        "level": [one.code for one in pack.suspensions],
        "activity": [*pack.activities, TRANSFER],
        "status": [*(one.code for one in pack.statuses), ABSENT],
        "section": {one.code for one in pack.sections},
    }
    for name, value, where in _words(licensing):
        if value and value not in known[name]:
            yield _unknown(name, value, THE_PACK, where, name)
    for event in licensing.events:
        if isinstance(event.said, Review) and event.said.kind in known["file"]:
            areas = pack.file(event.said.kind).checklists
            if event.said.scores and set(event.said.scores) != set(areas):
                reason = f"a review of this file scores {', '.join(areas)}, each once"
                yield RowUnsound(place=event.where.of("scores"), reason=reason)
    del pilot


def _words(licensing: Licensing) -> Iterator[tuple[str, str, Located]]:
    for event in licensing.events:
        at, said = event.where, event.said
        if isinstance(said, Application | Question | Review | Decision):
            yield "file", said.kind, at
        if isinstance(said, Application):
            yield from (("categories", one, at) for one in said.categories)
        if isinstance(said, Review | Decision | Licence):
            yield from (("conditions", one, at) for one in said.conditions)
        if isinstance(said, Review):
            yield from (("consulted", one, at) for one in said.consulted)
        if isinstance(said, Confirmation | Licence | Suspension | Attempt):
            yield "category", said.category or "", at
        if isinstance(said, Confirmation):
            yield "fact", said.fact, at
        if isinstance(said, Suspension):
            yield "level", said.level, at
        if isinstance(said, Attempt):
            yield "activity", said.activity, at
    yield from (("section", one.section, one.where) for one in licensing.awaited)
    yield from (("status", one.status, one.where) for one in licensing.published)


def somebody_answers(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """Facts and consultations have an institution that confirms or answers them."""
    for event in licensing.events:
        wanted: list[tuple[str, str]] = []
        if isinstance(event.said, Confirmation):
            wanted = [("fact", f"{CONFIRMS}.{event.said.fact}")]
        elif isinstance(event.said, Handover):
            wanted = [("what", f"{CONFIRMS}.{GOAML}")]
        elif isinstance(event.said, Review):
            wanted = [("consulted", f"{CONSULTED}.{one}") for one in event.said.consulted]
        for field, capacity in wanted:
            if not capacity.endswith(".") and not pilot.with_capacity(capacity):
                thing = "institution with the capacity"
                yield _unknown(thing, capacity, "institutions.csv", event.where, field)


# -- days -----------------------------------------------------------------------------------------


def days_are_settlement_days(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """What happens falls on settlement days of the programme, and never goes back."""
    last: tuple[date, int] | None = None
    for one in licensing.agreements:
        if "signed_on" not in one.where.unread:
            what = f"agreement {one.code}"
            yield from _day_fits(pilot, what, one.signed_on, one.where, "signed_on")
    for event in licensing.events:
        if "on" in event.where.unread:
            continue
        what = f"what happens to {event.provider}"
        yield from _day_fits(pilot, what, event.on, event.where, "on")
        if last is not None and event.on < last[0]:
            yield DaysDisorderly(
                place=event.where.of("on"),
                earlier=f"what stands on line {last[1]}",
                first=last[0],
                later="this",
                second=event.on,
            )
        last = max(last, (event.on, event.where.line)) if last else (event.on, event.where.line)
        for tender in pilot.tenders:
            if tender.code == event.during and tender.auction_on != event.on:
                reason = f"bids for {tender.code} are taken on {tender.auction_on}"
                yield RowUnsound(place=event.where.of("during"), reason=reason)


def _day_fits(pilot: Pilot, what: str, day: date, where: Located, name: str) -> Iterator[Refusal]:
    programme = pilot.programme
    if not programme.first_day <= day <= programme.last_day:
        yield OutsideProgramme(
            place=where.of(name),
            what=what,
            day=day,
            first_day=programme.first_day,
            last_day=programme.last_day,
        )
        return
    try:
        if pilot.calendar.is_settlement_day(day):
            return
        listed = pilot.calendar.day_off(day)
    except Refusal as refusal:
        yield refusal.at(where.of(name))
        return
    yield NotSettlementDay(
        place=where.of(name),
        what=what,
        day=day,
        calendar=pilot.calendar.code,
        reason=listed.name if listed else f"{day:%A}",
    )


def published_in_programme(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """What was published can be held against the register only on days that the programme has."""
    programme = pilot.programme
    for one in licensing.published:
        if "day" not in one.where.unread and one.on > programme.last_day:
            yield OutsideProgramme(
                place=one.where.of("day"),
                what="what was published",
                day=one.on,
                first_day=programme.first_day,
                last_day=programme.last_day,
            )


# -- steps ----------------------------------------------------------------------------------------


def sources_named(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """Whatever is said of a provider that is not invented has a source."""
    del pilot
    real = {one.code for one in licensing.providers.values() if not one.invented}
    for event in licensing.events:
        if event.provider in real and event.what is not What.TRY and not event.source:
            yield SourceMissing(place=event.where.of("source"), provider=event.provider)


def steps_have_ground(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """Applied before reviewed, reviewed before decided, granted before licensed, and so on."""
    del pilot
    done: dict[str, set[str]] = {}
    for event in licensing.events:
        before = done.setdefault(event.provider, set())
        if event.where.unread:
            before.add("*")  # what could not be read may be the ground of what follows
        for ground in _grounds(event):
            if ground not in before and "*" not in before:
                yield GroundMissing(
                    place=event.where.of(),
                    provider=event.provider,
                    step=event.what.value.replace("_", " "),
                    ground=ground,
                )
        before.update(_lays(event))
        if isinstance(event.said, Handover) and event.said.first_day < event.on:
            yield DaysDisorderly(
                place=event.where.of("first_day"),
                earlier="the act",
                first=event.on,
                later="the handover's first day",
                second=event.said.first_day,
            )


def _grounds(event: Event) -> list[str]:
    said = event.said
    if isinstance(said, Question | Review):
        return [f"apply ({said.kind})"]
    if isinstance(said, Decision):
        return [f"review ({said.kind})"]
    if isinstance(said, Handover):
        return [f"confirm ({GOAML})"]
    if isinstance(said, Licence):
        return ["grant (licence)"]
    if isinstance(said, Suspension):
        return ["license"]
    return []


def _lays(event: Event) -> list[str]:
    said = event.said
    if isinstance(said, Application):
        return [f"apply ({said.kind})"]
    if isinstance(said, Review):
        return [f"review ({said.kind})"]
    if isinstance(said, Decision) and said.outcome == "grant":
        return [f"grant ({said.kind})"]
    if isinstance(said, Confirmation):
        return [f"confirm ({said.fact})"]
    return ["license"] if isinstance(said, Licence) else []


def licensed_accounts_allowed(pilot: Pilot, licensing: Licensing) -> Iterator[Refusal]:
    """Accounts stand for whoever is admitted; of providers those that are licensed."""
    for account in pilot.accounts.values():
        if account.participant in licensing.providers:
            if account.participant not in licensing.licensed():
                yield GroundMissing(
                    place=account.where.of("participant"),
                    provider=account.participant,
                    step="have an account",
                    ground=f"license ({LICENSING_FILE})",
                )
            if account.participant in pilot.participants:
                where = pilot.participants[account.participant].where
                reason = f"{account.participant} is admitted by its licence"
                yield RowUnsound(place=where.of("institution"), reason=reason)


def _unknown(
    thing: str, value: str, file: str, where: Located, name: str = "institution"
) -> Refusal:
    return Unknown(place=where.of(name), thing=thing, value=value, file=file)


LAWS: tuple[Law, ...] = (
    providers_stand,
    authority_licenses,
    references_known,
    words_of_the_pack,
    somebody_answers,
    days_are_settlement_days,
    published_in_programme,
    sources_named,
    steps_have_ground,
    licensed_accounts_allowed,
)
"""The rulebook of a pilot's licensing."""
