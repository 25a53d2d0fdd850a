"""Runs the screening: parties against the entries that are new to them, hits kept from run to run.

    party unchanged, lists unchanged   -> nothing
    party unchanged, lists changed     -> entries that came or changed since it was screened
    party new or changed               -> every entry

A hit is one party and one entry.  What was decided of it stays until its evidence changes or the
decision's last day has passed; then it is open again, and the run says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.canonical import canonical_bytes, digest
from amanat.core.ids import new_id
from amanat.core.memory import uncollected
from amanat.jurisdictions.screening import load_screening
from amanat.licensing.records import pack_of
from amanat.supervision.identities.vault import Vault
from amanat.supervision.screening.model import (
    DECIDED,
    HitState,
    ListedSubject,
    ScreenedParty,
    marked,
)
from amanat.supervision.screening.sources import (
    PROVIDER,
    count_behind,
    persons_of_return,
    vault_parties,
)
from amanat.supervision.screening.tables import disposition, hit, list_entry, run, screened
from amanat.supervision.screening.versions import Entry, from_json, versions_in_force

if TYPE_CHECKING:
    from amanat.supervision.screening.matching import Match, Matcher

_CHUNK = 500
COMPARISON = 4
"""Counts up with what the comparison finds, so that everybody is compared again."""
_COMPARISON = "comparison"


@dataclass(slots=True)
class Run:
    """What one run did: how many parties it compared, and the ids of hits by what became of them.

    `reopened` are hits that had been decided and are open again.
    """

    id: str
    reason: str
    parties: int = 0
    skipped: int = 0
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Held:
    """Entries to hold a party to, and a matcher over them."""

    entries: Sequence[Entry]
    matcher: Matcher


class _Entries:
    """Entries in force, whole and as they changed since given versions; matchers over each."""

    def __init__(self, connection: Connection, programme: str, cutoff: float) -> None:
        rows = connection.execute(
            sql.select(
                list_entry.c.list, list_entry.c.digest, list_entry.c.content, list_entry.c.since
            )
            .where(list_entry.c.programme == programme, list_entry.c.until.is_(None))
            .order_by(list_entry.c.list, list_entry.c.reference)
        )
        self._all = [
            (Entry(row.list, row.digest, subject), row.since)
            for _list, part in groupby(rows, key=lambda row: row.list)
            for row, subject in _of_list(list(part))
        ]
        self.versions = versions_in_force(connection, programme)
        self.in_force = {(one.list, one.subject.reference) for one, _since in self._all}
        self._cutoff = cutoff
        self._kept: dict[tuple[tuple[str, int], ...], _Held] = {}

    def since(self, versions: Mapping[str, int] | None) -> _Held:
        """Entries that came or changed after these versions; all of them for None."""
        # Here alone: what compares names takes a second to import, and few commands compare.
        from amanat.supervision.screening.matching import Matcher

        key = tuple(sorted((versions or {}).items()))
        if key not in self._kept:
            known = dict(key)
            entries = [one for one, since in self._all if since > known.get(one.list, 0)]
            matcher = Matcher([one.subject for one in entries], self._cutoff)
            self._kept[key] = _Held(entries, matcher)
        return self._kept[key]


def _of_list(rows: Sequence[Any]) -> Iterator[tuple[Any, ListedSubject]]:
    """The entries of one list in force; those stored before they were marked are marked here."""
    return zip(rows, marked(from_json(row.content) for row in rows), strict=True)


def screen_parties(
    connection: Connection,
    programme: str,
    parties: Iterable[ScreenedParty],
    *,
    now: datetime,
    day: date,
    reason: str = "intake",
    everybody: bool = False,
) -> Run:
    """Screen parties, and store hits and the run; those that nothing changed for are passed over.

    `now` is the time (UTC), `day` the business date, from which decisions lapse.  `everybody`
    compares everyone with every entry.  The caller commits, and journals the run.
    """
    pack = load_screening(pack_of(connection, programme).code)
    entries = _Entries(connection, programme, pack.cutoff)
    done = Run(new_id(), reason)
    lapse(connection, programme, day, done)
    for chunk in _chunks(parties):
        known = _known(connection, programme, chunk)
        with uncollected():
            for party in chunk:
                before = known.get(party.pseudonym)
                same = before is not None and before.revision == party.revision and not everybody
                if same and before is not None and before.versions == _written(entries.versions):
                    done.skipped += 1
                    continue
                known_versions = json.loads(before.versions) if before is not None else {}
                same = same and known_versions.pop(_COMPARISON, None) == COMPARISON
                held = entries.since(known_versions if same else None)
                matches = held.matcher.screen(party)
                _keep(connection, programme, party, matches, held, entries, done, now, day,
                      whole=not same)  # fmt: skip
                done.parties += 1
        _note(connection, programme, chunk, entries.versions, now)
    store_run(connection, programme, done, len(entries.in_force), now, day)
    return done


def screen_return(
    connection: Connection,
    programme: str,
    identities: Vault,
    return_id: str,
    *,
    now: datetime,
    day: date,
) -> Run:
    """Screen whom a return brought, or said something new of; called once it is accepted."""
    persons = persons_of_return(connection, programme, return_id)
    parties = vault_parties(identities, connection, programme, persons)
    return screen_parties(connection, programme, parties, now=now, day=day, reason="intake")


def _chunks(parties: Iterable[ScreenedParty]) -> Iterator[list[ScreenedParty]]:
    iterator = iter(parties)
    while chunk := list(islice(iterator, _CHUNK)):
        # A party that comes twice in a chunk is screened as it came last.
        yield list({one.pseudonym: one for one in chunk}.values())


def _known(
    connection: Connection, programme: str, chunk: Sequence[ScreenedParty]
) -> dict[str, Row[Any]]:
    rows = connection.execute(
        sql.select(screened).where(
            screened.c.programme == programme,
            screened.c.party.in_([one.pseudonym for one in chunk]),
        )
    )
    return {row.party: row for row in rows}


def _note(
    connection: Connection,
    programme: str,
    chunk: Sequence[ScreenedParty],
    versions: Mapping[str, int],
    now: datetime,
) -> None:
    names = [one.pseudonym for one in chunk]
    connection.execute(
        sql.delete(screened).where(screened.c.programme == programme, screened.c.party.in_(names))
    )
    connection.execute(
        screened.insert(),
        [
            {
                "programme": programme,
                "party": one.pseudonym,
                "revision": one.revision,
                "versions": _written(versions),
                "screened_at": now.isoformat(),
            }
            for one in chunk
        ],
    )


# -- hits -----------------------------------------------------------------------------------------


def _keep(
    connection: Connection,
    programme: str,
    party: ScreenedParty,
    matches: Sequence[Match],
    held: _Held,
    entries: _Entries,
    done: Run,
    now: datetime,
    day: date,
    *,
    whole: bool,
) -> None:
    before = {
        (row.list, row.reference): row
        for row in connection.execute(
            sql.select(hit).where(hit.c.programme == programme, hit.c.party == party.pseudonym)
        )
    }
    found = {}
    for match in matches:
        entry = held.entries[match.entry]
        found[entry.list, match.subject.reference] = (entry, match)
    compared = {(one.list, one.subject.reference) for one in held.entries}
    for key, (entry, match) in found.items():
        values = _values(party, entry, match)
        if key in before:
            _again(connection, before[key], values, done, day)
            continue
        identifier = new_id()
        connection.execute(
            hit.insert().values(
                id=identifier,
                programme=programme,
                party=party.pseudonym,
                list=entry.list,
                reference=match.subject.reference,
                state=HitState.OPEN.value,
                run=done.id,
                found_at=now.isoformat(),
                found_on=day.isoformat(),
                **values,
            )
        )
        done.new.append(identifier)
    for key, row in before.items():
        no_longer = key not in entries.in_force or (key in compared and key not in found)
        if row.state != HitState.GONE.value and (no_longer or (whole and key not in found)):
            _set(connection, row.id, state=HitState.GONE.value, gone_at=now.isoformat())
            done.gone.append(row.id)


def _values(party: ScreenedParty, entry: Entry, match: Match) -> dict[str, Any]:
    evidence = [
        {
            "feature": one.feature.value,
            "verdict": one.verdict.value,
            "listed": one.listed,
            "placeholder": one.detail == "placeholder",
        }
        for one in match.evidence
    ]
    return {
        "customer": party.customer,
        "roles": list(party.roles),
        "entry_digest": entry.digest,
        "topics": [one.value for one in match.subject.topics],
        "grade": int(match.grade),
        "strength": match.strength,
        "name_permille": round(match.name_score * 1000),
        "score_permille": round(match.score * 1000),
        "evidence": evidence,
        "features": {one.feature: str(one.score) for one in match.features},
        # With how near the name is, in tenths: who takes the listed name is asked about again.
        "evidence_digest": digest(
            {
                "grade": int(match.grade),
                "evidence": evidence,
                "name_tenths": int(match.name_score * 10),
            }
        ).hex(),
    }


def _again(
    connection: Connection, row: Row[Any], values: dict[str, Any], done: Run, day: date
) -> None:
    """A hit that is known already: its decision stands while the evidence is the same."""
    state: dict[str, Any] = {}
    if row.state == HitState.GONE.value:
        stands = row.decided_until is not None and row.decided_until >= day.isoformat()
        last = _last_verdict(connection, row.id)
        if stands and last is not None and last.evidence_digest == values["evidence_digest"]:
            state = {"state": last.verdict, "gone_at": None}
        else:
            state = {"state": HitState.OPEN.value, "gone_at": None, "decided_until": None}
            done.new.append(row.id)
    elif row.state in DECIDED and row.evidence_digest != values["evidence_digest"]:
        state = {"state": HitState.OPEN.value, "decided_until": None}
        done.reopened.append(row.id)
    _set(connection, row.id, **values, **state)


def _last_verdict(connection: Connection, identifier: str) -> Row[Any] | None:
    return connection.execute(
        sql.select(disposition)
        .where(disposition.c.hit == identifier)
        .order_by(disposition.c.id.desc())
        .limit(1)
    ).one_or_none()


def _set(connection: Connection, identifier: str, **values: Any) -> None:
    connection.execute(sql.update(hit).where(hit.c.id == identifier).values(**values))


def lapse(connection: Connection, programme: str, day: date, done: Run) -> None:
    """Open again what was decided until a day that has passed."""
    rows = connection.execute(
        sql.select(hit.c.id).where(
            hit.c.programme == programme,
            hit.c.state.in_(DECIDED),
            hit.c.decided_until < day.isoformat(),
        )
    ).scalars()
    for identifier in list(rows):
        _set(connection, identifier, state=HitState.OPEN.value, decided_until=None)
        done.reopened.append(identifier)


def drop_removed(
    connection: Connection, programme: str, code: str, references: Sequence[str], now: datetime
) -> list[str]:
    """Hits on entries that left a list are gone at once, whoever's they are; their ids."""
    found: list[str] = []
    for start in range(0, len(references), _CHUNK):
        chosen = sql.and_(
            hit.c.programme == programme,
            hit.c.list == code,
            hit.c.reference.in_(references[start : start + _CHUNK]),
            hit.c.state != HitState.GONE.value,
        )
        ids = list(connection.execute(sql.select(hit.c.id).where(chosen)).scalars())
        if ids:
            connection.execute(
                sql.update(hit)
                .where(hit.c.id.in_(ids))
                .values(state=HitState.GONE.value, gone_at=now.isoformat())
            )
        found += ids
    return found


def store_run(
    connection: Connection, programme: str, done: Run, entries: int, now: datetime, day: date
) -> None:
    """The row of a run, which names what it found."""
    connection.execute(
        run.insert().values(
            id=done.id,
            programme=programme,
            reason=done.reason,
            parties=done.parties,
            entries=entries,
            new=done.new,
            gone=done.gone,
            reopened=done.reopened,
            ran_at=now.isoformat(),
            business_date=day.isoformat(),
        )
    )


def run_content(done: Run) -> dict[str, Any]:
    """What the journal says of a run."""
    return {
        "run": done.id,
        "reason": done.reason,
        "parties": done.parties,
        "new": len(done.new),
        "gone": len(done.gone),
        "reopened": len(done.reopened),
    }


def behind(connection: Connection, programme: str) -> int:
    """Parties that have not been held to the versions in force: the next run compares them."""
    versions = written_versions(connection, programme)
    waiting = sql.select(sql.func.count()).where(
        screened.c.programme == programme,
        screened.c.versions != versions,
        screened.c.party.like(f"{PROVIDER}:%"),
    )
    people = int(connection.execute(waiting).scalar_one())
    return people + count_behind(connection, programme, versions)


def written_versions(connection: Connection, programme: str) -> str:
    """The versions in force as a party's row has them."""
    return _written(versions_in_force(connection, programme))


def _written(versions: Mapping[str, int]) -> str:
    return canonical_bytes({**versions, _COMPARISON: COMPARISON}).decode()
