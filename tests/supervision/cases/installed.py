"""The desks on a whole installation with its faces, in this process.

Planted: a supervisor's case that was referred, the FIU's case with a request and a dissemination,
the exchange's case with an STR that was submitted, each with words of its own to search for; and a
freeze that was ordered and that the exchange has not carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from tests.licensing.world import CODE, LicensingWorld, found_licensing_world
from tests.supervision.cases.desks import (
    REFERENCES,
    SUBJECT,
    give_capacity,
    ids,
    x_rows,
    y_rows,
)
from tests.supervision.goaml.test_reports import PARTIES, fields
from tests.supervision.returns.stored_rows import store_transactions

from amanat.access import sessions
from amanat.access.tokens import authenticate, issue_token
from amanat.app import Application
from amanat.settings import Settings, SignIn
from amanat.supervision.cases.commands import (
    AddCaseNote,
    AnswerInformationRequest,
    AttachAlert,
    DismissAlert,
    Disseminate,
    OpenCase,
    ReceiveReferral,
    ReferCase,
    RequestInformation,
)
from amanat.supervision.goaml.commands import DraftReport, SubmitReport
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.screening.commands import AccountsToFreeze, OrderFreeze
from amanat.supervision.screening.tables import hit
from amanat.web.server import create_app
from amanat.web.visitors import COOKIE

WORDS = {
    "pvara": ("quokka alpha", "quokka beta", "quokka iota"),
    "fmu": ("quokka gamma", "quokka delta", "quokka epsilon"),
    "exchange_x": ("quokka zeta", "quokka eta"),
}
"""What each desk writes, and nobody else may read."""


FROZEN, HIT = "7000000000000000055", "c" * 36
"""A customer of exchange X who was found to be listed, and the hit that says so."""
ORDERED = ("quokka kappa", "QUOKKA-LAMBDA", FROZEN, "d4" * 32)
"""What stands in the order to freeze: its reason, the account, the person, the paper's digest."""

ATTACHED, DISMISSED = "a1" * 16, "b2" * 16
"""Alerts: one goes into the supervisor's case, one is settled without."""


@dataclass
class Told:
    """An installation, its faces, and what was planted there."""

    world: LicensingWorld
    client: TestClient
    numbers: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def app(self) -> Application:
        """The installation."""
        return self.world.app

    def bearer(self, person: str | None) -> dict[str, str]:
        """Headers of a program that acts for a person."""
        if person is None:
            return {}
        if person not in self.tokens:
            now = self.app.store.clock()
            with self.app.engine.begin() as connection:
                lifetime = timedelta(days=30)
                self.tokens[person] = issue_token(connection, CODE, person, now, lifetime)
        return {"Authorization": f"Bearer {self.tokens[person]}"}

    def cookie(self, person: str | None) -> dict[str, str]:
        """Headers of a browser in which a person has just signed in."""
        if person is None:
            return {}
        self.bearer(person)
        now, entrance = self.app.store.clock(), self.app.entrance
        with self.app.engine.begin() as connection:
            actor = authenticate(connection, self.tokens[person], now)
            secret = sessions.begin(connection, actor, now, entrance.rules.terms, browser="a test")
        return {"Cookie": f"{COOKIE}={secret[1]}"}


@contextmanager
def installed(folder: Path) -> Iterator[Told]:
    """The installation, with transactions stored and one exchange registered on goAML."""
    unbound = SignIn(lockout_failures=0, rate_address=0, rate_token=0)
    settings = replace(Settings.at(folder, light_keys=True), sign_in=unbound)
    with Application(settings) as app:
        world = found_licensing_world(app)
        for code, word in (("pvara", "supervises"), ("fmu", "fiu")):
            give_capacity(app.store, code, word)
        with app.engine.begin() as connection:
            store_transactions(connection, folder, CODE, "exchange_x", 1, x_rows())
            store_transactions(connection, folder, CODE, "exchange_y", 1, y_rows())
        world.opened("exchange_y", "noc", "exchange")
        world.noc("exchange_x")
        world.confirm("fmu", "exchange_x", "goaml_registered", registration="4711",
                      entity_name="Exchange X Limited")  # fmt: skip
        with TestClient(create_app(app), base_url="http://127.0.0.1") as client:
            yield Told(world, client)


def put_alerts(told: Told) -> None:
    """What monitoring found of the subject."""
    with told.app.engine.begin() as connection:
        for one in (ATTACHED, DISMISSED):
            connection.execute(
                alert.insert().values(
                    programme=CODE, id=one, scenario="structuring", version="1", run="-",
                    subject=f"party:{SUBJECT}", exchanges=["exchange_x"], day="2026-03-05",
                    score="0.700", explanation={"text": "deposits below the threshold"},
                    transactions=list(ids(*REFERENCES)), transactions_all=len(REFERENCES),
                    state="open", found_at="-",
                )
            )  # fmt: skip


def order_freeze(told: Told) -> str:
    """The supervisor orders exchange X to freeze a customer; nothing is carried out yet."""
    with told.app.engine.begin() as connection:
        connection.execute(
            hit.insert().values(
                id=HIT, programme=CODE, party=FROZEN, roles=["customer"], list="nacta",
                reference="N-1", entry_digest="-", topics=[], grade=1, strength=1,
                name_permille=1000, score_permille=1000, evidence={}, features={},
                evidence_digest="-", state="true_match", decided_until="9999-12-31", run="-",
                found_at="-", found_on="2026-03-05",
            )
        )  # fmt: skip
        today = told.app.business_date(connection, CODE)
    reason, account, _party, digest = ORDERED
    order = OrderFreeze(
        hit=HIT, authority="Federal Government", basis="un_act", order_hash=digest,
        until=today + timedelta(days=60), reason=reason,
        exchanges=(AccountsToFreeze(exchange="exchange_x", accounts=(account,)),),
    )  # fmt: skip
    return str(told.world.do_as("pvara_officer", order, "pvara_approver")["freeze"])


def plant(told: Told) -> None:
    """Every desk does what it does, with words of its own."""
    world, numbers = told.world, told.numbers
    alpha, beta, iota = WORDS["pvara"]
    gamma, delta, epsilon = WORDS["fmu"]
    zeta, eta = WORDS["exchange_x"]
    case = world.do_as(
        "pvara_officer",
        OpenCase(subject=f"party:{SUBJECT}", title="Structured deposits", reason=alpha,
                 transactions=ids(*REFERENCES)),
    )["case"]  # fmt: skip
    world.do_as("pvara_officer", AddCaseNote(case=case, text=beta))
    put_alerts(told)
    numbers["alert"] = DISMISSED
    world.do_as("pvara_officer", AttachAlert(case=case, alert=ATTACHED))
    dismissing = DismissAlert(alert=DISMISSED, disposition="false_positive", reason=iota)
    world.do_as("pvara_officer", dismissing, "pvara_approver")
    referring = ReferCase(case=case, grounds="deposits below the threshold, emptied at once")
    numbers["referral"] = world.do_as("pvara_officer", referring, "pvara_approver")["referral"]
    received = ReceiveReferral(referral=numbers["referral"])
    theirs = world.do_as("fmu_officer", received)["case"]
    world.do_as("fmu_officer", AddCaseNote(case=theirs, text=gamma))
    asking = RequestInformation(case=theirs, asked="exchange_x", question=delta)
    numbers["request"] = world.do_as("fmu_officer", asking)["request"]
    giving = Disseminate(case=theirs, recipient="interior", text=epsilon)
    numbers["dissemination"] = world.do_as("fmu_officer", giving, "fmu_approver")["dissemination"]
    own = world.do_as(
        "exchange_x_officer",
        OpenCase(subject="customer:17", title="Structuring", reason=zeta, references=REFERENCES),
    )["case"]
    answer = AnswerInformationRequest(request=numbers["request"], answer=eta)
    world.do_as("exchange_x_officer", answer)
    drafting = DraftReport(case=own, **fields(parties=PARTIES, answers=numbers["request"]))
    numbers["report"] = world.do_as("exchange_x_officer", drafting)["report"]
    sent = world.do_as(
        "exchange_x_officer", SubmitReport(report=numbers["report"]), "exchange_x_approver"
    )
    numbers["reference"], numbers["digest"] = sent["reference"], sent["digest"]
    numbers["freeze"] = order_freeze(told)
