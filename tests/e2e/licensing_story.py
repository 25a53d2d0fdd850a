"""Acts of licensing that order the chain, to be killed among: granted, suspended, given back.

`prepare` founds a programme in which two providers are approved and nothing is granted; `play`
grants, suspends, lifts, revokes and takes back, each act under an idempotency key of its own, so
that it may be played again from its start after a kill.  Run in children of `kill_driver`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.e2e import end_state  # noqa: E402
from tests.licensing.world import LicensingWorld, found_licensing_world  # noqa: E402
from tests.programme.world import VALID_UNTIL  # noqa: E402

from amanat.access.acts import Command  # noqa: E402
from amanat.app import Application  # noqa: E402
from amanat.ledger.tables import order  # noqa: E402
from amanat.licensing.commands import (  # noqa: E402
    AcceptSurrender,
    GrantLicence,
    LiftSuspension,
    Revoke,
    Surrender,
    Suspend,
)
from amanat.licensing.register.tables import register_change  # noqa: E402
from amanat.licensing.tables import (  # noqa: E402
    licensing_file,
    permission,
    permission_change,
    provider,
)
from amanat.participants.tables import participant  # noqa: E402
from amanat.settings import Settings  # noqa: E402

REVOKED, GIVES_BACK = "exchange_x", "exchange_y"
OFFICER, SECOND, APPROVER = "pvara_officer", "pvara_second", "pvara_approver"

Make = Callable[[LicensingWorld], Command]


def prepare(directory: Path) -> None:
    """Two providers whose licences are approved, and everyone's confirmations; stopped."""
    with Application(Settings.at(directory, light_keys=True)) as app:
        world = found_licensing_world(app)
        for code in (REVOKED, GIVES_BACK):
            world.noc(code)
            world.confirm("fmu", code, "goaml_registered")
            world.confirm("secp", code, "incorporated")
            number = world.submitted(code, "licence", "exchange")
            world.decided(number, "licence")
            world.confirm_means(code, "exchange")
        app.pump()


def play(directory: Path) -> None:
    """Every act of the story, in order; what was done already is answered as it was."""
    with Application(Settings.at(directory, light_keys=True)) as app:
        world = LicensingWorld(app)
        for place, (person, make, *approvers) in enumerate(STORY):
            _act(world, f"story-{place:02d}-of-licensing", person, make, *approvers)
            app.pump()


def end_of(directory: Path) -> tuple[dict[str, Any], list[str]]:
    """Where it ended, without times and ids, and everything that does not agree."""
    with Application(Settings.at(directory, light_keys=True)) as app:
        found, wrong = end_state.end_in(app)
        wrong += [str(one) for one in app.check()]
        with app.store.reading() as connection:

            def rows(table: Any, *columns: str) -> list[list[Any]]:
                return end_state.rows(connection, table, *columns)

            found |= {
                "providers": rows(provider, "code", "status", "status_until"),
                "files": rows(licensing_file, "number", "stage", "closed_on"),
                "permissions": rows(permission, "provider", "kind", "number"),
                "changes": rows(permission_change, "provider", "change", "level", "effective_on"),
                "levels": rows(participant, "code", "level"),
                "register": rows(register_change, "number", "subject", "latest"),
                "orders": rows(order, "kind", "contract", "function", "state"),
            }
    return found, wrong


def _act(world: LicensingWorld, key: str, person: str, make: Make, *approvers: str) -> None:
    desk = world.app.desk
    outcome = desk.submit(world.actor(person), make(world), key=key)
    for one in approvers:
        assert outcome.proposal is not None
        outcome = desk.approve(world.actor(one), outcome.proposal, key=f"{key}-{one}")
    assert outcome.state == "carried_out", outcome


def _file(world: LicensingWorld, code: str, kind: str) -> str:
    """The number of the provider's file of a kind."""
    (found,) = world.view("files", OFFICER, provider=code, kind=kind)
    return str(found["file"])


def _grant(code: str) -> Make:
    return lambda world: GrantLicence(
        file=_file(world, code, "licence"), category="exchange", valid_until=VALID_UNTIL
    )


STORY: tuple[tuple[Any, ...], ...] = (
    (SECOND, _grant(REVOKED), APPROVER),
    (OFFICER, lambda _: Suspend(provider=REVOKED, level="full_freeze", reason="short"), APPROVER),
    (SECOND, _grant(GIVES_BACK), APPROVER),
    (
        OFFICER,
        lambda w: LiftSuspension(file=_file(w, REVOKED, "suspension"), reason="made whole"),
        APPROVER,
    ),
    (OFFICER, lambda _: Revoke(provider=REVOKED, reason="again"), APPROVER),
    (f"{GIVES_BACK}_officer", lambda _: Surrender(reason="another country")),
    (
        OFFICER,
        lambda w: AcceptSurrender(file=_file(w, GIVES_BACK, "surrender"), reason="as asked"),
        APPROVER,
    ),
)
