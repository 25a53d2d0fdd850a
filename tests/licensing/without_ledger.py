"""Database, acts and views without a node, for what the ledger has no part in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from amanat.access.actors import add_institution, add_person
from amanat.access.desk import Desk
from amanat.app import declare_rooms
from amanat.core.ids import new_id
from amanat.ledger.signers import KeySigner
from amanat.licensing.ordering import refresh_status
from amanat.licensing.tables import permission, permission_change
from amanat.participants.tables import participant_class
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store

from ..programme.world import CODE
from ..store.conftest import MovingClock
from .world import INSTITUTIONS, MARCH, LicensingWorld, people

declare_rooms()


class HeldKeys:
    """A key for everyone, all on this server."""

    def __init__(self) -> None:
        self.held: dict[str, KeySigner] = {}

    def give(self) -> str:
        """Another key; its address."""
        signer = KeySigner.generate()
        self.held[signer.address] = signer
        return signer.address

    def sign(self, programme: str, address: str, signed_digest: bytes) -> bytes:
        """65 bytes r, s, v."""
        del programme
        return self.held[address].sign_digest(signed_digest)


def no_ledger(programme: str) -> Any:
    """These acts ask nothing of a ledger."""
    del programme


class DeskWorld(LicensingWorld):
    """Acts at a desk whose business day tests move."""

    day: date
    store: Store
    clock: MovingClock

    def hold_licence(self, provider: str, category: str, *, number: int = 9) -> None:
        """A licence as its rows stand once the ledger has it."""
        made, now, today = new_id(), self.clock.now.isoformat(), self.day.isoformat()
        usual = {"programme": CODE, "provider": provider, "section": "licence.grant",
                 "law": "s.19(4)", "entry": "-"}  # fmt: skip
        with self.store.engine.begin() as connection:
            connection.execute(
                permission.insert().values(
                    id=made, kind="licence", number=f"P0001-{number + 10}", categories=[category],
                    first_day=today, institution="pvara", person="pvara_officer",
                    recorded_at=now, recorded_on=today, **usual,
                )
            )  # fmt: skip
            connection.execute(
                permission_change.insert().values(
                    id=new_id(), permission=made, change="grant", reason="granted",
                    effective_at=now, effective_on=today, requested_at=now, done_at=now,
                    expires_on="2029-06-30", **usual,
                )
            )  # fmt: skip
            refresh_status(connection, CODE, provider, self.day)


@contextmanager
def desk_world(database_url: str) -> Iterator[DeskWorld]:
    """A programme's rows as the founding would write them, and a desk over them."""
    engine = open_engine(database_url)
    migrate(engine)
    clock = MovingClock()
    clock.now = datetime(MARCH.year, MARCH.month, MARCH.day, 6, tzinfo=UTC)
    store = Store(engine, OpeningVault(b"k" * 32), clock=clock)
    keys = HeldKeys()
    world: Any = DeskWorld(SimpleNamespace(store=store))  # type: ignore[arg-type]
    world.day, world.store, world.clock = MARCH, store, clock
    world.app.desk = Desk(store, no_ledger, keys, lambda _connection, _programme: world.day)
    with engine.begin() as connection:
        for code, (number, capacities) in INSTITUTIONS.items():
            words = {*capacities, *(one.partition(".")[0] for one in capacities if "." in one)}
            if code == "pvara":
                words |= {"class_authority", "class_authority.vasp"}
            add_institution(
                connection, CODE, code, number=number, name=code.upper(), capacities=words
            )
        for one in people({}):
            add_person(
                connection,
                CODE,
                one.code,
                institution=one.institution,
                role=one.role,
                name=one.name,
                address=keys.give(),
            )
        connection.execute(
            participant_class.insert().values(
                programme=CODE, code="vasp", number=1, authority="pvara"
            )
        )
    yield world
    engine.dispose()
