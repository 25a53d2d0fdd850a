"""Intake: a return is accepted or refused as a unit, once, and survives whatever happens meanwhile.

    receive -> check, and write the stored rows -> look for overlaps -> one transaction

Files are written in a place of their own and are on the disk before the one database transaction
that makes them count; killed at any point, what is left is removed by the next intake, and sending
the same return again ends the same.  Of a return that is refused nothing is kept but its errors.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access import policy
from amanat.access.actors import Actor
from amanat.access.attempts import ComeBackLater
from amanat.core.errors import AmanatError, Invalid
from amanat.core.ids import new_id
from amanat.jurisdictions.holidays import load_calendar
from amanat.jurisdictions.returns import ReturnsPack, load_returns
from amanat.ledger.fsck import Difference
from amanat.licensing.model import APPLICANT
from amanat.licensing.standing import measure_against, require_permission
from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork
from amanat.supervision.identities.vault import Vault
from amanat.supervision.returns.checking import Check, Checked
from amanat.supervision.returns.contents import Content, Place
from amanat.supervision.returns.correcting import merge, overlapping
from amanat.supervision.returns.events import RETURN_ACCEPTED, RETURN_REFUSED
from amanat.supervision.returns.findings import Finding, Findings
from amanat.supervision.returns.manifest import REPORT, count_of, folder_in, path_of
from amanat.supervision.returns.quality import due_on, quality_of, score_of
from amanat.supervision.returns.receiving import INCOMING, place
from amanat.supervision.returns.settling import Settling, again, to_disk
from amanat.supervision.returns.specification import MANIFEST
from amanat.supervision.returns.stated import ROWS, WHOLE, Stated, read_manifest
from amanat.supervision.returns.storing import Storing
from amanat.supervision.returns.tables import manifest, refused

SEND = "SendReturn"
"""What a token with scopes names to send returns, and the policies are asked."""
JURISDICTION = "pk"
_ORPHANED_S = 24 * 3600.0


class ReturnRefused(Invalid):
    """A return is refused whole, with every error at once; nothing of it was stored."""

    template: ClassVar[str] = "The return is refused: {count} errors."

    def __init__(self, *, count: int, shown: tuple[Finding, ...], by_rule: Mapping[str, int]):
        super().__init__(count=count)
        self.shown, self.by_rule = shown, by_rule

    def problem(self) -> dict[str, Any]:
        """As `Refusal.problem`, with the errors that are shown and how many of each rule."""
        found = [{"code": one.rule, "detail": str(one), **one.as_json()} for one in self.shown]
        return super().problem() | {"errors": found, "by_rule": dict(self.by_rule)}


class Intake:
    """Takes in the returns of one installation."""

    def __init__(
        self,
        store: Store,
        business_date: Callable[[Connection, str], date],
        data_dir: Path,
        secret: bytes,
    ) -> None:
        self._store = store
        self._business_date = business_date
        self._data_dir = data_dir
        self._folder = folder_in(data_dir)
        self.vault = Vault(secret)
        self.pack: ReturnsPack = load_returns(JURISDICTION)
        self.settling = Settling(store, self.vault, self._folder, self.pack)

    @property
    def bytes_max(self) -> int:
        """How large a return may be as it is sent."""
        return self.pack.limits.file_mib_max << 20

    # -- who may ------------------------------------------------------------------------------

    def require_may_send(self, actor: Actor) -> None:
        """Refuse, before anything is read, who may not report now.

        Refuses, in order: `Forbidden`, `NotFound`, `ProviderSuspended`, `PermissionMissing`.
        """
        policy.require(
            actor,
            "submit",
            SEND,
            programme=actor.programme,
            capacities=(APPLICANT,),
            roles=("officer", "approver"),
        )
        with self._store.reading() as connection:
            self._require_permission(connection, actor)

    def _require_permission(
        self, connection: Connection, actor: Actor, last_day: date | None = None
    ) -> None:
        """Refuse who may not report now; with its last day, who may not report that period."""
        today = self._business_date(connection, actor.programme)
        given = (connection, actor.programme, actor.institution, REPORT, today)
        require_permission(*given)
        measure = measure_against(*given)
        if measure is None:
            return
        before = self.pack.days_before(measure.status, measure.since)
        if not before or (last_day is not None and last_day >= measure.since):
            raise measure.refusal

    def has_returns(self) -> bool:
        """Whether a return was ever accepted here."""
        with self._store.reading() as connection:
            return connection.execute(sql.select(manifest.c.id).limit(1)).first() is not None

    @contextmanager
    def incoming(self) -> Iterator[Place]:
        """A place for the files of one return, gone afterwards."""
        self.sweep()
        with place(self._folder / INCOMING) as made:
            yield made

    # -- one return ---------------------------------------------------------------------------

    def take(self, actor: Actor, received: Place) -> dict[str, Any]:
        """Accept the return in a place of `incoming`, and answer with its receipt.

        The same return again is answered with its first receipt.  Refuses, in order: as
        `require_may_send`, `ReturnRefused`, `ComeBackLater`.
        """
        self.require_may_send(actor)
        files = dict(received.files())
        with self._store.reading() as connection:
            today = self._business_date(connection, actor.programme)
            stated = self._stated(files, today)
            known = None if stated is None else self._known(connection, actor, files, stated)
            if stated is not None and known is None:
                self._require_permission(connection, actor, stated.last_day)
        if known is not None:
            self.settling.settle(str(known["return"]))
            return known
        made = received.folder / "stored.parquet.new"
        storing = Storing(self.vault.pseudonyms, self.pack, made)
        check = Check(
            files, self.pack, today, now=self._now(today), sink=storing, folder=received.folder
        )
        checked = check.run(lambda stated, findings: self._among(actor, stated, findings))
        storing.close()
        if checked.sound:
            made = self._final(actor, checked, storing)
        if not checked.sound:
            self._refuse(actor, checked)
        assert checked.stated is not None
        programme = actor.programme
        arriving = self.settling.seal(received.folder, programme, files, checked.stated)
        return self._accept(actor, checked, made, arriving)

    def _stated(self, files: Mapping[str, Content], today: date) -> Stated | None:
        content = files.get(MANIFEST)
        return None if content is None else read_manifest(content, self.pack, today, Findings())

    def _now(self, today: date) -> datetime:
        """Now; of a programme whose days are not those of the calendar, the end of its day."""
        ends = datetime.combine(today + timedelta(days=1), datetime.min.time(), self.pack.zone)
        return max(self._store.clock(), ends)

    def _known(
        self, connection: Connection, actor: Actor, files: Mapping[str, Content], stated: Stated
    ) -> dict[str, Any] | None:
        row = _accepted(connection, actor, stated.digest)
        # The manifest says which files it is over; what was sent with it is looked at all the same.
        return None if row is None else self._receipt_if_same(row, stated, files)

    def _receipt_if_same(
        self, row: Row[Any], stated: Stated, files: Mapping[str, Content]
    ) -> dict[str, Any] | None:
        same = all(
            one.name in files and _digest_of(files[one.name]) == one.sha256 for one in stated.files
        )
        return receipt_of(row) if same else None

    def _among(self, actor: Actor, stated: Stated, findings: Findings) -> None:
        """The rules of a return among the others of its exchange."""
        if stated.exchange != actor.institution:
            findings.add(MANIFEST, "exchange", column="exchange", value=stated.exchange)
            return
        with self._store.reading() as connection:
            rows = _all_accepted(connection, actor)
        last = max((row.sequence for row in rows), default=0)
        if stated.sequence != last + 1:
            told = f"{stated.sequence}, after {last}"
            findings.add(MANIFEST, "sequence", column="sequence", value=told)
        if stated.corrects is not None:
            former = _corrected(rows, stated)
            days = (stated.first_day.isoformat(), stated.last_day.isoformat())
            if former is None or (former.first_day, former.last_day) != days:
                named = f"sequence {stated.corrects.sequence}"
                successor = _successor(rows, stated.corrects.sequence)
                if successor is not None:
                    named += f", superseded by {successor.sequence}"
                findings.add(MANIFEST, "corrected_known", column="corrects", value=named)
            return
        ends = max((row.last_day for row in rows), default=None)
        follows = ends is None or stated.first_day == date.fromisoformat(ends) + timedelta(days=1)
        if not follows:
            told = f"{stated.first_day}, after {ends}"
            findings.add(MANIFEST, "period_follows", column="first_day", value=told)

    def _final(self, actor: Actor, checked: Checked, storing: Storing) -> Path:
        """The file as it will be kept: of a correction by rows, merged with what it corrects."""
        stated = checked.stated
        assert stated is not None
        with self._store.reading() as connection:
            rows = _all_accepted(connection, actor)
        former = _corrected(rows, stated)
        since = (stated.first_day - timedelta(days=self.pack.overlap_days)).isoformat()
        others = [
            self._folder / row.path
            for row in rows
            if row.superseded_by is None and row.last_day >= since
            and (former is None or row.id != former.id)
        ]  # fmt: skip
        overlapping(storing.path, others, checked.findings)
        if stated.by_rows and former is not None:
            return merge(storing, self._folder / former.path, stated, checked.findings)
        return storing.path

    # -- refused ------------------------------------------------------------------------------

    def _refuse(self, actor: Actor, checked: Checked) -> None:
        """Keep the errors, for the exchange and its supervisor; then refuse."""
        findings, stated = checked.findings, checked.stated
        with self._store.reading() as connection:
            today = self._business_date(connection, actor.programme)

        def enter() -> None:
            with self._store.work(_provenance(actor, today)) as uow:
                made = new_id()
                entry = uow.journal.append(
                    RETURN_REFUSED,
                    {
                        "return": made,
                        "exchange": actor.institution,
                        "sequence": str(stated.sequence) if stated else None,
                        "digest": stated.digest if stated else None,
                        "errors": str(findings.count),
                        "by_rule": {name: str(of) for name, of in findings.by_rule.items()},
                        "person": actor.person,
                    },
                    subject=f"returns:{actor.institution}",
                )
                uow.connection.execute(
                    refused.insert().values(
                        id=made,
                        programme=actor.programme,
                        exchange=actor.institution,
                        digest=stated.digest if stated else None,
                        sequence=min(stated.sequence, 2**31 - 1) if stated else None,
                        received_at=self._store.clock().isoformat(),
                        business_date=today.isoformat(),
                        person=actor.person,
                        errors=findings.count,
                        shown=[one.as_json(kept=True) for one in findings.shown],
                        by_rule=dict(findings.by_rule),
                        entry=entry,
                    )
                )
                uow.commit()

        again(enter)
        raise ReturnRefused(
            count=findings.count, shown=tuple(findings.shown), by_rule=findings.by_rule
        )

    # -- accepted -----------------------------------------------------------------------------

    def _accept(
        self, actor: Actor, checked: Checked, made: Path, arriving: Path | None
    ) -> dict[str, Any]:
        stated = checked.stated
        assert stated is not None
        rows, id_sum = count_of(made)
        kept = self._folder / path_of(actor.institution, stated.digest)
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        to_disk(made)
        made.replace(kept)
        to_disk(kept.parent)
        if arriving is not None:
            arriving = self.settling.put(arriving, actor.institution, stated.digest)

        def enter() -> dict[str, Any]:
            with self._store.reading() as connection:
                today = self._business_date(connection, actor.programme)
            with self._store.work(_provenance(actor, today)) as uow:
                self._require_permission(uow.connection, actor, stated.last_day)
                former = _accepted(uow.connection, actor, stated.digest)
                if former is not None:
                    return receipt_of(former)
                row = self._enter(uow, actor, checked, (rows, id_sum), today)
                # Under the log's lock, which who suspends takes too: before that, or after it.
                uow.journal.flush()
                self._require_permission(uow.connection, actor, stated.last_day)
                uow.commit()
                return receipt_of(row)

        try:
            receipt: dict[str, Any] = again(enter)
        except AmanatError:
            self._forget(actor, stated, kept, arriving)
            raise
        self.settling.settle(str(receipt["return"]))
        return receipt

    def _forget(self, actor: Actor, stated: Stated, kept: Path, arriving: Path | None) -> None:
        """Remove the files of a return that was not accepted after all."""
        with self._store.reading() as connection:
            if _accepted(connection, actor, stated.digest) is not None:
                return
        kept.unlink(missing_ok=True)
        if arriving is not None:
            shutil.rmtree(arriving, ignore_errors=True)

    def _enter(
        self,
        uow: UnitOfWork,
        actor: Actor,
        checked: Checked,
        counted: tuple[int, int],
        today: date,
    ) -> Row[Any]:
        """The row of the manifest with its journal entry; what it corrects is in force no more."""
        stated, connection = checked.stated, uow.connection
        assert stated is not None
        corrected = _corrected(_all_accepted(connection, actor), stated)
        if stated.corrects is not None and corrected is None:
            raise ComeBackLater(seconds=1)  # another correction came in between
        scope = "period" if stated.corrects is None else stated.corrects.scope
        made, rows, id_sum = new_id(), *counted
        entry = uow.journal.append(
            RETURN_ACCEPTED,
            {
                "return": made,
                "exchange": actor.institution,
                "sequence": str(stated.sequence),
                "digest": stated.digest,
                "first_day": stated.first_day.isoformat(),
                "last_day": stated.last_day.isoformat(),
                "rows": str(rows),
                "id_sum": str(id_sum),
                "scope": scope,
                "supersedes": corrected.id if corrected else None,
                "person": actor.person,
            },
            subject=f"returns:{actor.institution}",
        )
        before = _refusals_of(connection, actor, stated)
        due = due_on(stated.last_day, self.pack.due_days, load_calendar(self.pack.calendar))
        parts = quality_of(today, due, checked.completeness, before)
        if corrected is not None:
            connection.execute(
                manifest.update().where(manifest.c.id == corrected.id).values(superseded_by=made)
            )
        connection.execute(
            manifest.insert().values(
                id=made,
                programme=actor.programme,
                exchange=actor.institution,
                digest=stated.digest,
                sequence=stated.sequence,
                first_day=stated.first_day.isoformat(),
                last_day=stated.last_day.isoformat(),
                rows=rows,
                id_sum=str(id_sum),
                path=path_of(actor.institution, stated.digest),
                scope=scope,
                supersedes=corrected.id if corrected else None,
                reason=stated.corrects.reason if stated.corrects else None,
                received_at=self._store.clock().isoformat(),
                settled_at=None,
                business_date=today.isoformat(),
                person=actor.person,
                received=checked.rows,
                totals={
                    "stated": {kind: one.as_json() for kind, one in stated.kinds.items()},
                    "counted": {kind: one.as_json() for kind, one in checked.counted.items()},
                },
                quality=parts,
                entry=entry,
            )
        )
        return connection.execute(sql.select(manifest).where(manifest.c.id == made)).one()

    # -- checking -----------------------------------------------------------------------------

    def check(self) -> list[Difference]:
        """Every file of the manifest that is not there with its rows and the sum of their ids."""
        found = []
        with self._store.reading() as connection:
            rows = connection.execute(sql.select(manifest).order_by(manifest.c.path)).all()
        for row in rows:
            stated = f"{row.rows} rows, {row.id_sum}"
            told = self._found(self._folder / row.path)
            if told != stated:
                found.append(Difference("transactions_kept", row.path, stated, told))
        return found

    def _found(self, path: Path) -> str:
        try:
            rows, id_sum = count_of(path)
        except (pa.ArrowException, OSError) as error:
            return type(error).__name__
        return f"{rows} rows, {id_sum}"

    # -- what is left behind ------------------------------------------------------------------

    def sweep(self) -> None:
        """Remove files of transactions that no return has: their intake was killed, or refused.

        Those of the last day stay, for an intake that goes on while this one looks.
        """
        self.settling.sweep()
        now = self._store.clock().timestamp()
        old = [
            one
            for one in (self._folder / "transactions").glob("exchange=*/*.parquet")
            if now - one.stat().st_mtime > _ORPHANED_S
        ]
        if not old:
            return
        with self._store.reading() as connection:
            known = set(connection.execute(sql.select(manifest.c.path)).scalars())
        for one in old:
            if str(one.relative_to(self._folder)) not in known:
                one.unlink(missing_ok=True)


def receipt_of(row: Row[Any]) -> dict[str, Any]:
    """What the sender of an accepted return is answered, whenever it asks."""
    return {
        "return": row.id,
        "state": "accepted",
        "exchange": row.exchange,
        "sequence": row.sequence,
        "digest": row.digest,
        "first_day": row.first_day,
        "last_day": row.last_day,
        "received": row.received,
        "rows": row.rows,
        "id_sum": row.id_sum,
        "supersedes": row.supersedes,
        "received_at": row.received_at,
        "score": score_of(row.quality),
    }


def _provenance(actor: Actor, today: date) -> Provenance:
    return Provenance(
        programme=actor.programme,
        institution=actor.institution,
        capacity=APPLICANT,
        role=actor.role.value,
        means=actor.means,
        business_date=today,
    )


def _all_accepted(connection: Connection, actor: Actor) -> list[Row[Any]]:
    query = sql.select(manifest).where(
        manifest.c.programme == actor.programme, manifest.c.exchange == actor.institution
    )
    return list(connection.execute(query.order_by(manifest.c.sequence)))


def _accepted(connection: Connection, actor: Actor, digest: str) -> Row[Any] | None:
    return connection.execute(
        sql.select(manifest).where(
            manifest.c.programme == actor.programme,
            manifest.c.exchange == actor.institution,
            manifest.c.digest == digest,
        )
    ).one_or_none()


def _corrected(rows: list[Row[Any]], stated: Stated) -> Row[Any] | None:
    """The return that is corrected: the one with that number, if it is in force."""
    if stated.corrects is None or stated.corrects.scope not in (WHOLE, ROWS):
        return None
    return next(
        (
            row
            for row in rows
            if row.sequence == stated.corrects.sequence and row.superseded_by is None
        ),
        None,
    )


def _successor(rows: list[Row[Any]], sequence: int) -> Row[Any] | None:
    """The return in force that stands in the place of a number that was corrected before."""
    known = {row.id: row for row in rows}
    named = next((row for row in rows if row.sequence == sequence), None)
    found = named
    while found is not None and found.superseded_by is not None:
        found = known.get(found.superseded_by)
    return None if found is named else found


def _refusals_of(connection: Connection, actor: Actor, stated: Stated) -> int:
    query = sql.select(sql.func.count()).where(
        refused.c.programme == actor.programme,
        refused.c.exchange == actor.institution,
        refused.c.sequence == stated.sequence,
    )
    return int(connection.execute(query).scalar_one())


def _digest_of(content: Content) -> str:
    """SHA-256 of a file that was received, in hexadecimal."""
    whole = hashlib.sha256()
    with content.open() as file:
        while part := file.read(1 << 20):
            whole.update(part)
    return whole.hexdigest()
