"""Suspensions of categories and of accounts apart: what binds where, and what becomes of trades."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
import sqlalchemy as sql

from amanat.access.effects import Seen
from amanat.app import Application
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.commands import GrantLicence, LiftSuspension, Suspend
from amanat.licensing.deriving import ON_LEDGER, Changed, Granted, Standing, standing_from
from amanat.licensing.enforcement.commands import SuspendUrgently
from amanat.licensing.model import Accounts, Change, ProviderSuspended
from amanat.licensing.standing import require_permission
from amanat.participants.tables import account
from amanat.settings import Settings
from amanat.settlement.commands import SettleDay
from amanat.settlement.effects import unburned_numbers
from amanat.settlement.finality import require_accounts, withheld_accounts
from amanat.settlement.model import InstructionState
from amanat.settlement.tables import instruction
from amanat.store.journal import read_entries

from ..programme.world import CODE, VALID_UNTIL
from .world import MARCH, LicensingWorld, found_licensing_world

PACK = load_licensing("pk")
LEVELS = [one.code for one in PACK.suspensions]


def held(*categories: str) -> tuple[list[Granted], list[Changed]]:
    """A licence for each of these, granted one after another."""
    granted = [Granted(one, "licence", f"P0001-{one}", (one,)) for one in categories]
    changes = [
        Changed(one, Change.GRANT, "", MARCH, f"0{index}") for index, one in enumerate(categories)
    ]
    return granted, changes


def suspended(
    order: str, level: str, permission: str | None = None, accounts: Accounts | None = None
) -> Changed:
    return Changed(
        permission,
        Change.SUSPEND,
        "",
        MARCH,
        order,
        level=level,
        suspension=order,
        accounts=accounts.value if accounts else None,
    )


def stands(categories: tuple[str, ...], *changes: Changed) -> Standing:
    granted, former = held(*categories)
    return standing_from(PACK, "x", granted, [*former, *changes], MARCH)


def test_a_dealing_licence_that_is_suspended_alone_binds_on_the_ledger() -> None:
    found = stands(("advisory", "exchange"), suspended("9", "close_out_only", "exchange"))
    assert (found.status, found.level) == ("licensed", "close_out_only")
    assert not found.opens & {"bid", "acquire"}
    assert {"deliver", "client_order"} <= found.opens
    assert found.services == ("advisory", "exchange")  # at this level orders are still carried out


def test_a_licence_that_deals_in_nothing_leaves_the_ledger_as_it_is() -> None:
    found = stands(("advisory", "exchange"), suspended("9", "full_freeze", "advisory"))
    assert (found.status, found.level, found.services) == ("licensed", "active", ("exchange",))
    assert found.opens >= ON_LEDGER


def test_of_several_dealing_licences_the_one_that_stands_counts() -> None:
    one = suspended("8", "full_freeze", "exchange")
    assert stands(("broker_dealer", "exchange"), one).level == "active"
    other = suspended("9", "close_out_only", "broker_dealer")
    assert stands(("broker_dealer", "exchange"), one, other).level == "close_out_only"


def test_where_nothing_that_is_held_deals_all_of_it_counts() -> None:
    found = stands(("advisory",), suspended("9", "full_freeze", "advisory"))
    assert (found.status, found.level) == ("suspended", "frozen")


@pytest.mark.parametrize(("own", "client"), list(product([None, *LEVELS], repeat=2)))
def test_the_ledger_is_told_what_own_and_client_accounts_have_in_common(
    own: str | None, client: str | None
) -> None:
    """Over all pairs of levels: never more than either has, and each kind keeps its own."""
    changes = [
        suspended(order, level, accounts=kind)
        for order, level, kind in (("8", own, Accounts.OWN), ("9", client, Accounts.CLIENT))
        if level is not None
    ]
    found = stands(("exchange",), *changes)
    ranks = [0 if level is None else LEVELS.index(level) + 1 for level in (own, client)]
    expected = "active" if min(ranks) == 0 else PACK.suspension(LEVELS[min(ranks) - 1]).level
    assert found.level == expected
    for kind, level in ((Accounts.OWN, own), (Accounts.CLIENT, client)):
        shuts = set() if level is None else set(PACK.suspension(level).shuts)
        assert found.shut_for(PACK, kind) == shuts & ON_LEDGER
    if client is not None:
        assert not set(PACK.suspension(client).shuts) & {"new_clients"} & found.opens
    if own is None and client is not None:
        assert found.status == "licensed"
        assert "bid" in found.opens


# -- on a ledger ----------------------------------------------------------------------------------

OWN, CLIENTS, BANK = (f"0x{digit * 40}" for digit in "abc")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LicensingWorld]:
    """An exchange with a licence to deal and one to advise, and accounts of both kinds."""
    folder: Path = tmp_path_factory.mktemp("apart")
    with Application(Settings.at(folder, light_keys=True)) as app:
        found = found_licensing_world(app)
        found.licensed("exchange_x", pump=False)
        number = found.submitted("exchange_x", "licence", "advisory")
        found.decided(number, "licence")
        found.confirm_means("exchange_x", "advisory")
        found.app.pump()
        grant = GrantLicence(file=number, category="advisory", valid_until=VALID_UNTIL)
        found.do_as("pvara_second", grant, "pvara_approver", pump=True)
        found.admit("bank_a", "bank", "central_bank")
        with app.store.engine.begin() as connection:
            for address, code, kind in (
                (OWN, "exchange_x", "own"),
                (CLIENTS, "exchange_x", "client"),
                (BANK, "bank_a", "own"),
            ):
                connection.execute(
                    account.insert().values(
                        programme=CODE, address=address, participant=code, kind=kind, label=kind,
                        holder_class="company", tax_residency="PK", requested_at="", done_at="",
                    )
                )  # fmt: skip
        yield found


def suspend(world: LicensingWorld, **more: object) -> str:
    command = Suspend.model_validate(
        {"provider": "exchange_x", "level": "close_out_only", "reason": "it grows too fast"} | more
    )
    return str(world.do_as("pvara_officer", command, "pvara_approver", pump=True)["file"])


def lift(world: LicensingWorld, number: str) -> None:
    world.do_as(
        "pvara_officer", LiftSuspension(file=number, reason="remedied"), "pvara_approver", pump=True
    )


def level_there(world: LicensingWorld) -> str:
    """As the contract has it."""
    (row,) = [
        one
        for one in world.view("participants", "auditor_officer")
        if one["participant"] == "exchange_x"
    ]
    return str(row["level"])


def matched(world: LicensingWorld, deliverer: str, receiver: str, number: int) -> str:
    """A trade that both signed; its id."""
    owner = {OWN: "exchange_x", CLIENTS: "exchange_x", BANK: "bank_a"}
    identifier = f"trade-{number}"
    with world.app.store.engine.begin() as connection:
        connection.execute(
            instruction.insert().values(
                programme=CODE, id=identifier, digest=f"{number:064x}", isin="PK0000000001",
                deliverer=deliverer, receiver=receiver, number=number, nominal=100,
                consideration_paisa=100, trade_date=MARCH.isoformat(),
                # Not due yet: what is looked at here is what the rule cancels.
                first_day=(MARCH + timedelta(days=7)).isoformat(),
                last_day=(MARCH + timedelta(days=9)).isoformat(),
                purpose="trade", deliverer_institution=owner[deliverer],
                receiver_institution=owner[receiver], deliverer_spoke=True, receiver_spoke=True,
                state=InstructionState.MATCHED.value, attempts=0, entry="",
            )
        )  # fmt: skip
    return identifier


def state(world: LicensingWorld, identifier: str) -> str:
    with world.app.store.reading() as connection:
        return str(
            connection.execute(
                sql.select(instruction.c.state).where(instruction.c.id == identifier)
            ).scalar_one()
        )


def settle(world: LicensingWorld) -> int:
    done = world.do_as("central_bank_officer", SettleDay(instructions_max=100, batch=10))
    return int(done["cancelled"])


def test_suspending_a_dealing_category_moves_the_ledger_and_back(world: LicensingWorld) -> None:
    assert level_there(world) == "active"
    number = suspend(world, category="exchange")
    assert level_there(world) == "close_out_only"
    assert world.app.check() == []
    lift(world, number)
    assert level_there(world) == "active"
    number = suspend(world, category="advisory", level="full_freeze")
    assert level_there(world) == "active"
    lift(world, number)


def test_client_accounts_are_suspended_apart_from_own_ones(world: LicensingWorld) -> None:
    number = suspend(world, accounts="client")
    assert level_there(world) == "active"
    with world.app.store.reading() as connection:
        require_accounts(connection, CODE, BANK, OWN, MARCH)
        require_accounts(connection, CODE, CLIENTS, BANK, MARCH)  # clients can leave
        with pytest.raises(ProviderSuspended, match=number):
            require_accounts(connection, CODE, BANK, CLIENTS, MARCH)
        require_permission(connection, CODE, "exchange_x", "bid", MARCH)
        with pytest.raises(ProviderSuspended, match="take on new clients"):
            require_permission(connection, CODE, "exchange_x", "new_clients", MARCH)
        assert withheld_accounts(connection, CODE, MARCH) == (frozenset(), {CLIENTS})
    assert world.app.check() == []
    lift(world, number)
    number = suspend(world, accounts="own", level="wind_down")
    with world.app.store.reading() as connection:
        require_accounts(connection, CODE, BANK, CLIENTS, MARCH)
        with pytest.raises(ProviderSuspended):
            require_accounts(connection, CODE, OWN, BANK, MARCH)
        with pytest.raises(ProviderSuspended, match="bid in an auction"):
            require_permission(connection, CODE, "exchange_x", "bid", MARCH)
        require_permission(connection, CODE, "exchange_x", "client_order", MARCH)
    lift(world, number)


def test_trades_matched_before_settle_wait_or_are_cancelled_by_the_rule(
    world: LicensingWorld,
) -> None:
    """Close-out only: what it delivers settles, what it would take on is cancelled by the law."""
    delivers, receives = matched(world, OWN, BANK, 1), matched(world, BANK, CLIENTS, 2)
    others = matched(world, BANK, BANK, 3)
    number = suspend(world, level="no_new_business")
    assert settle(world) == 0
    lift(world, number)
    urgent = SuspendUrgently(
        provider="exchange_x",
        level="full_freeze",
        reason="keys were stolen",
        until=MARCH + timedelta(days=2),
    )
    number = world.do_as("pvara_officer", urgent, "pvara_approver", pump=True)["file"]
    assert settle(world) == 0  # it ends by itself: all of it waits
    lift(world, number)
    number = suspend(world)
    assert settle(world) == 1
    assert [state(world, one) for one in (delivers, receives, others)] == [
        "matched",
        "cancelled",
        "matched",
    ]
    with world.app.store.reading() as connection:
        (told,) = read_entries(connection, programme=CODE, kinds=["InstructionCancelled"])
    assert told["content"]["party"] == "exchange_x"
    assert "Virtual Assets Act 2026" in told["content"]["reason"]
    assert settle(world) == 0
    with world.app.store.reading() as connection:
        seen = Seen(connection, CODE, MARCH, "pvara", world.app.gateway(CODE))
        told = list(unburned_numbers(LiftSuspension(file=number, reason="remedied"), seen))
    assert [str(one) for one in told] == [
        "1 trades that were cancelled could be taken to the ledger by a party:"
        " their numbers are not burned."
    ]
    lift(world, number)
    assert state(world, receives) == "cancelled"  # what was cancelled does not come back


def test_a_suspension_of_clients_accounts_cancels_only_their_trades(world: LicensingWorld) -> None:
    own, clients = matched(world, BANK, OWN, 11), matched(world, BANK, CLIENTS, 12)
    number = suspend(world, accounts="client")
    assert settle(world) == 1
    assert (state(world, own), state(world, clients)) == ("matched", "cancelled")
    lift(world, number)
