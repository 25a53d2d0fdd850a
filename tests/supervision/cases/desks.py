"""A programme with a supervisor, an FIU and two exchanges, and transactions stored for both.

`exchange_x` is registered on goAML; what is stored is what intake would have stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection
from tests.licensing.without_ledger import DeskWorld, desk_world
from tests.licensing.world import CODE, MARCH
from tests.supervision.returns.stored_rows import row, store_transactions

from amanat.access.tables import institution
from amanat.licensing.tables import reporting_entity
from amanat.store.uow import Store
from amanat.supervision.cases.stored import lie_in
from amanat.supervision.transactions import transaction_id

REGISTRATION = "4711"
SUBJECT = 7_000_000_000_000_000_017
"""The pseudonym of the customer whom the cases are about."""
OTHER = 7_000_000_000_000_000_099
ACCOUNT_X, ACCOUNT_Y, BANK, WALLET = 5_001, 5_002, 5_003, 5_004
ADDRESS = "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"
REFERENCES = ("T-1", "T-2", "T-3")


class Desks(DeskWorld):
    """Acts and views as people of the desks."""

    def look(self, person: str | None, name: str, **fields: Any) -> Any:
        """What a view shows somebody."""
        actor = None if person is None else self.actor(person)
        return self.app.desk.view(actor, CODE, name, fields)

    def at(self, day: date) -> None:
        """Another business day."""
        self.clock.pass_by(day - self.day)
        self.day = day

    def days_later(self, days: int) -> None:
        """So many calendar days later."""
        self.at(self.day + timedelta(days))


def x_rows() -> list[dict[str, Any]]:
    """Two deposits below the threshold and one withdrawal to an unhosted wallet."""
    mine: Mapping[str, Any] = {"to_party": SUBJECT, "to_account": ACCOUNT_X}
    deposit = {"kind": "fiat_in", "from_account": BANK, "to_exchange": "exchange_x", **mine}
    return [
        row("exchange_x", "T-1", MARCH - timedelta(4), value=120_000_000, **deposit),
        row("exchange_x", "T-2", MARCH - timedelta(4), value=95_000_000, **deposit),
        row(
            "exchange_x", "T-3", MARCH - timedelta(3), kind="withdrawal",
            from_party=SUBJECT, from_account=ACCOUNT_X, from_exchange="exchange_x",
            to_account=WALLET, to_country=None, asset="BTC", quantity=Decimal("0.61"),
            value=210_000_000, network="bitcoin", address=ADDRESS, hosted=False,
        ),
    ]  # fmt: skip


def y_rows() -> list[dict[str, Any]]:
    """The same person with the other exchange, and a stranger."""
    return [
        row("exchange_y", "Y-1", MARCH - timedelta(2), kind="transfer", value=50_000_000,
            from_party=SUBJECT, from_account=ACCOUNT_Y, from_exchange="exchange_y",
            to_party=OTHER, to_account=6_001, to_exchange="exchange_y"),
    ]  # fmt: skip


def ids(*references: str, exchange: str = "exchange_x") -> tuple[str, ...]:
    """The ids of stored transactions, as acts name them."""
    return tuple(str(transaction_id(exchange, one)) for one in references)


def give_capacity(store: Store, code: str, word: str) -> None:
    """Another capacity of an institution, as its terms would have it."""
    with store.engine.begin() as connection:
        known = connection.execute(
            sql.select(institution.c.capacities).where(institution.c.code == code)
        ).scalar_one()
        connection.execute(
            institution.update()
            .where(institution.c.code == code)
            .values(capacities=sorted({*known, word}))
        )


@contextmanager
def desks_world(
    database_url: str, folder: Path, *, registered: bool = True, reports: bool = False
) -> Iterator[Desks]:
    """The programme, on a Monday in March 2026; `reports`: exchange X has its permission to."""
    with desk_world(database_url) as found:
        found.__class__ = Desks
        world: Any = found
        give_capacity(world.store, "pvara", "supervises")
        give_capacity(world.store, "fmu", "fiu")
        lie_in(world.store.engine, folder)
        with world.store.engine.begin() as connection:
            store_transactions(connection, folder, CODE, "exchange_x", 1, x_rows())
            store_transactions(connection, folder, CODE, "exchange_y", 1, y_rows())
        if reports:
            world.noc("exchange_x", "exchange")
            world.confirm("fmu", "exchange_x", "goaml_registered")
        else:
            world.opened("exchange_x", "noc", "exchange")
        world.opened("exchange_y", "noc", "exchange")
        if registered and not reports:
            with world.store.engine.begin() as connection:
                enter_reporter(connection, "foreign", REGISTRATION, "Exchange X Limited", MARCH)
        yield world


def enter_reporter(
    connection: Connection, entity: str, registration: str, name: str, first_day: date
) -> None:
    """An entity that reports from a day on, as ConfirmFact and HandOverReporting write it."""
    connection.execute(
        reporting_entity.insert().values(
            id=registration, programme=CODE, provider="exchange_x", entity=entity,
            entity_name=name, registration=registration, first_day=first_day.isoformat(),
            institution="fmu", person="fmu_officer", recorded_at="2026-03-09T05:00:00+00:00",
            recorded_on=MARCH.isoformat(), entry="-",
        )
    )  # fmt: skip
