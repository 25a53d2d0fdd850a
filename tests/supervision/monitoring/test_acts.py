"""A scenario's way from draft to live, lists, and decisions asked before settling, at the desk."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from tests.licensing.world import CODE, MARCH
from tests.supervision.cases.desks import Desks, desks_world
from tests.supervision.monitoring.ledger_of_rows import FIRST, Stored, moved
from tests.supervision.monitoring.test_composed import RULE

from amanat.access.acts import Command
from amanat.core.errors import AmanatError, NotFound
from amanat.jurisdictions.supervision import load_supervision
from amanat.licensing.model import PermissionMissing
from amanat.store.tables import journal_entry
from amanat.supervision.identities.tables import account as held_account
from amanat.supervision.identities.tables import owner
from amanat.supervision.identities.vault import Vault
from amanat.supervision.monitoring.acts import (
    AlreadyListed,
    NotBacktested,
    NotRunInShadow,
    NotTheirState,
    ParametersNotJson,
    ScenarioIsOurs,
)
from amanat.supervision.monitoring.acts_decisions import AskedOtherwise, CounterpartyIncomplete
from amanat.supervision.monitoring.backtesting import run_backtest
from amanat.supervision.monitoring.commands import (
    AdoptScenario,
    ChangeScenario,
    ComposeScenario,
    DecideTransaction,
    DelistPseudonym,
    ListPseudonym,
    RetireScenario,
    ShadowScenario,
)
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.planning import lists_of, plain_parameters
from amanat.supervision.monitoring.running import Running, plan_run
from amanat.supervision.screening.commands import TakeInList
from amanat.supervision.screening.tables import freeze, freeze_order

PAKISTAN = load_supervision("pk")
WHY = "tried by the desk"
SHIFT = (MARCH - FIRST).days
"""Days from the first day of rows to the business day."""


@pytest.fixture
def desks(sqlite_url: str, tmp_path: Path) -> Iterator[Desks]:
    """A supervisor, an FIU, two exchanges; the folder of files and a secret of pseudonyms."""
    with desks_world(sqlite_url, tmp_path) as world:
        world.store.folder = tmp_path
        world.store._secret = lambda _name: b"s" * 32
        yield world


def act(desks: Desks, command: Command, *approvers: str, person: str = "pvara_officer") -> Any:
    """What the supervisor's desk does."""
    return desks.do_as(person, command, *approvers)


def run_days(desks: Desks, engine: DuckEngine, folder: Path, first: date, last: date) -> Any:
    """A run as the command line makes it."""
    with desks.store.reading() as connection:
        plan = plan_run(connection, CODE, PAKISTAN, folder, first, last)
    return Running(desks.store, engine, plan, desks.day).carry_out()


def test_a_composed_scenario_goes_live_with_a_second_person(
    desks: Desks, engine_of_scenarios: DuckEngine, tmp_path: Path
):
    day = MARCH - timedelta(days=5)
    rows = [moved(SHIFT - 5 - n, "transfer", 11, 20 + n, 100_000) for n in range(3)]
    Stored(desks.store, tmp_path, CODE).put(rows)
    named = {"scenario": "middling", "version": "v1", "reason": WHY}
    composed = act(desks, ComposeScenario(scenario="middling", rule=RULE, reason=WHY))
    assert (composed["version"], composed["state"]) == ("v1", "draft")
    with pytest.raises(NotBacktested):
        act(desks, ShadowScenario(**named))
    found = run_backtest(
        desks.store, engine_of_scenarios, tmp_path, PAKISTAN, CODE, "middling", "v1",
        MARCH - timedelta(days=20), day,
    )  # fmt: skip
    assert (found["alerts"], found["lost"], found["subjects"]) == (1, 0, 1)
    act(desks, ShadowScenario(**named))
    with pytest.raises(NotRunInShadow):
        act(desks, AdoptScenario(**named), "pvara_approver")
    # From its business day on it looks beside the live ones; nobody works what it finds.
    late = [moved(SHIFT - n, "transfer", 12, 20 + n, 100_000) for n in range(3)]
    Stored(desks.store, tmp_path, CODE).put(late)
    run_days(desks, engine_of_scenarios, tmp_path, MARCH, MARCH)
    shown = desks.look("pvara_officer", "monitoring_alerts", state="shadow")
    assert [row["subject"] for row in shown["rows"]] == ["party:12"]
    assert desks.look("pvara_officer", "monitoring_alerts", scenario="middling")["count"] == 0
    adopted = act(desks, AdoptScenario(**named), "pvara_approver")
    assert adopted["live_from"] == (MARCH + timedelta(days=1)).isoformat()
    with pytest.raises(NotTheirState):
        act(desks, AdoptScenario(**named), "pvara_approver")
    desks.days_later(1)
    more = [moved(SHIFT + 1 - n, "transfer", 13, 20 + n, 100_000) for n in range(3)]
    Stored(desks.store, tmp_path, CODE).put(more)
    run_days(desks, engine_of_scenarios, tmp_path, desks.day, desks.day)
    alerts = desks.look("pvara_officer", "monitoring_alerts", scenario="middling")
    assert {row["subject"] for row in alerts["rows"]} == {"party:13"}
    one = desks.look("pvara_officer", "monitoring_alert", alert=alerts["rows"][0]["alert"])
    assert one["explains"].startswith("Several withdrawals")
    history = desks.look("pvara_officer", "monitoring_scenario", scenario="middling")
    (version,) = history["versions"]
    assert (version["approved_by"], len(version["backtests"])) == ("pvara_approver", 1)
    retired = act(desks, RetireScenario(**named), "pvara_approver")
    assert retired["retired_from"] == (desks.day + timedelta(days=1)).isoformat()


def test_changed_parameters_have_a_history(desks: Desks):
    held = plain_parameters(PAKISTAN.on("structuring", MARCH).parameters)
    changed = json.dumps(held | {"count_min": 4})
    for version in ("v1", "v2"):
        stated = act(desks, ChangeScenario(scenario="structuring", parameters=changed, reason=WHY))
        assert stated["version"] == version
    shown = desks.look("pvara_officer", "monitoring_scenario", scenario="structuring")
    assert [one["content"]["count_min"] for one in shown["versions"]] == [4, 4]
    assert shown["history"][0]["source"].startswith("red flag in FATF")
    today = desks.look("pvara_officer", "monitoring_scenarios")
    assert len(today["rows"]) == 15
    assert len(today["drafts"]) == 2


REFUSED: tuple[tuple[Command, type[Exception]], ...] = (
    (ComposeScenario(scenario="velocity", rule=RULE, reason=WHY), ScenarioIsOurs),
    (ComposeScenario(scenario="mine", rule="{}", reason=WHY), AmanatError),
    (ChangeScenario(scenario="mine", parameters="{}", reason=WHY), NotFound),
    (ChangeScenario(scenario="velocity", parameters="[]", reason=WHY), ParametersNotJson),
    (ChangeScenario(scenario="velocity", parameters="{}", reason=WHY), AmanatError),
    (ShadowScenario(scenario="mine", version="v1", reason=WHY), NotFound),
    (DelistPseudonym(kind="party", pseudonym="5", reason=WHY), NotFound),
    (ListPseudonym(kind="party", pseudonym="9" * 19, reason=WHY), AmanatError),
)


def test_what_is_not_so_is_refused(desks: Desks):
    for command, error in REFUSED:
        with pytest.raises(error):
            act(desks, command)


def test_lists_need_two_people_to_take_off(desks: Desks):
    put = ListPseudonym(kind="address", pseudonym="555", reason=WHY)
    act(desks, put)
    with pytest.raises(AlreadyListed):
        act(desks, put)
    (row,) = desks.look("pvara_officer", "monitoring_lists")["rows"]
    assert (row["pseudonym"], row["delisted_on"]) == ("555", None)
    act(desks, DelistPseudonym(kind="address", pseudonym="555", reason=WHY), "pvara_approver")
    assert desks.look("pvara_officer", "monitoring_lists")["rows"] == []
    assert len(desks.look("pvara_officer", "monitoring_lists", ended=True)["rows"]) == 1
    act(desks, put)


VIEWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("monitoring_scenarios", {}),
    ("monitoring_scenario", {"scenario": "velocity"}),
    ("monitoring_alerts", {}),
    ("monitoring_alert", {"alert": "0" * 32}),
    ("monitoring_runs", {}),
    ("monitoring_run", {"run": "0" * 36}),
    ("monitoring_lists", {}),
)


def test_other_desks_see_nothing(desks: Desks):
    for person in ("fmu_officer", "exchange_x_officer", None):
        for view, fields in VIEWS:
            with pytest.raises(AmanatError):
                desks.look(person, view, **fields)


ASKED = {
    "kind": "fiat_in",
    "account": "A-1",
    "counterparty": "PK36SCBL0000001123456702",
    "country": "PK",
}


def ask(desks: Desks, reference: str, **fields: Any) -> Any:
    """An exchange asks before it settles."""
    command = DecideTransaction(reference=reference, **(ASKED | fields))
    return desks.do_as("exchange_x_officer", command)


@pytest.fixture
def reporting(sqlite_url: str, tmp_path: Path) -> Iterator[Desks]:
    """The same, of whom exchange X may report."""
    with desks_world(sqlite_url, tmp_path, reports=True) as world:
        world.store.folder = tmp_path
        world.store._secret = lambda _name: b"s" * 32
        yield world


def test_an_exchange_without_a_permission_is_told_nothing(desks: Desks):
    with pytest.raises(PermissionMissing):
        ask(desks, "d1", value_minor=1)


def test_an_exchange_asks_before_it_settles(reporting: Desks):
    desks = reporting
    assert ask(desks, "d1", value_minor=150_000_000)["answer"] == "allow"
    second = ask(desks, "d2", value_minor=50_000_000)
    # PKR 2.0 million on one day: a duty to report, so that somebody looks.
    assert second["answer"] == "review"
    assert [one["scenario"] for one in second["reasons"]] == ["ctr_threshold"]
    assert set(second["reasons"][0]) == {"scenario", "explains"}
    assert ask(desks, "d2", value_minor=50_000_000) == second
    with pytest.raises(AskedOtherwise):
        ask(desks, "d2", value_minor=1)
    blocked = ask(desks, "d3", value_minor=1, counterparty_country="KP")
    assert blocked["answer"] == "block"
    with pytest.raises(CounterpartyIncomplete):
        ask(desks, "d4", kind="withdrawal", value_minor=1)


def test_what_was_asked_counts_after_a_restart(reporting: Desks):
    desks = reporting
    from amanat.supervision.monitoring import acts_decisions

    ask(desks, "d1", value_minor=150_000_000)
    acts_decisions._HELD.clear()
    assert ask(desks, "d2", value_minor=50_000_000)["answer"] == "review"


def test_what_was_asked_counts_until_ones_own_return_covers_the_day(
    reporting: Desks, tmp_path: Path
):
    desks = reporting
    stored = Stored(desks.store, tmp_path, CODE)
    ask(desks, "d1", value_minor=150_000_000)
    stored.put([moved(SHIFT, "transfer", 11, 20, 1, exchange="exchange_y")])
    assert ask(desks, "d2", value_minor=50_000_000)["answer"] == "review"
    # What that return does not have was not carried out.
    stored.put([moved(SHIFT, "transfer", 11, 20, 1, exchange="exchange_x")])
    assert ask(desks, "d3", value_minor=50_000_000)["answer"] == "allow"


@pytest.mark.parametrize(
    ("before", "other"),
    [
        ({}, {"account": "A-2"}),
        ({}, {"counterparty": "PK36SCBL0000001123456703"}),
        ({"kind": "transfer", "counterparty": "B-1"}, {"counterparty": "B-2"}),
        ({"kind": "transfer", "counterparty": "B-1"}, {"counterparty_exchange": "exchange_y"}),
    ],
)
def test_a_reference_stands_for_one_transaction(
    reporting: Desks, before: dict[str, Any], other: dict[str, Any]
):
    """Who got a yes for one account has none for another."""
    desks, asked = reporting, before | {"value_minor": 1}
    first = ask(desks, "d1", **asked)
    assert ask(desks, "d1", **asked) == first
    with pytest.raises(AskedOtherwise):
        ask(desks, "d1", **asked | other)


WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"


def test_a_listed_address_stops_what_comes_from_it_and_goes_to_it(reporting: Desks):
    desks = reporting
    withdrawal = {"kind": "withdrawal", "network": "ethereum", "travel_rule": "M-1"}
    asked = {**withdrawal, "counterparty": WALLET, "value_minor": 100}
    assert ask(desks, "w1", **asked)["answer"] == "allow"
    content = base64.b64encode(f"network,address\nethereum,{WALLET.lower()}\n".encode()).decode()
    listing = TakeInList(list="wallets", dated_on=desks.day, content=content)
    desks.do_as("pvara_officer", listing)
    assert ask(desks, "w2", **asked)["answer"] == "block"
    for evading in (
        {"network": "eth"},
        {"counterparty": f"{WALLET}\n"},
        {"counterparty": WALLET[2:]},
    ):
        with pytest.raises(CounterpartyIncomplete):
            ask(desks, "w4", **asked | evading)
    assert ask(desks, "w3", **{**asked, "counterparty": WALLET[:-1] + "8"})["answer"] == "allow"


def freeze_of(desks: Desks, party: str, state: str, exchange: str) -> None:
    """A freeze that an exchange is ordered to carry out."""
    moment, day = desks.store.clock().isoformat(), desks.day.isoformat()
    common = {"programme": CODE, "institution": "pvara", "person": "pvara_officer"}
    with desks.store.engine.begin() as connection:
        entry = connection.execute(sql.select(sql.func.min(journal_entry.c.id))).scalar_one()
        connection.execute(freeze.insert().values(
            id="freeze", number="FRZ-AAAAAAAA", hit="hit", party=party, authority="a", basis="b",
            law="c", order_hash="0" * 64, reason="d", until=day, state=state, ledger={},
            ordered_at=moment, ordered_on=day, report_due_at=moment, recorded_at=moment,
            entry=entry, **common,
        ))  # fmt: skip
        connection.execute(freeze_order.insert().values(
            id="order", programme=CODE, freeze="freeze", exchange=exchange, accounts=[],
            state="ordered", acknowledge_by=moment,
        ))  # fmt: skip


@pytest.mark.parametrize(
    ("state", "ordered", "answer"),
    [
        ("ordered", "exchange_x", "block"),
        ("ordered", "exchange_y", "allow"),
        ("served", "exchange_y", "block"),
        ("released", "exchange_x", "allow"),
    ],
)
def test_nothing_moves_for_who_is_frozen_and_no_order_shows_before_it_is_served(
    reporting: Desks, state: str, ordered: str, answer: str
):
    desks = reporting
    freeze_of(desks, "77", state, ordered)
    number = Vault(b"s" * 32).pseudonyms.account("exchange_x", "A-1")
    with desks.store.engine.begin() as connection:
        connection.execute(held_account.insert().values(
            programme=CODE, account=number, person=77, exchange="exchange_x", number=b"",
            opened="2025-01-02", first_return="return",
        ))  # fmt: skip
        assert lists_of(connection, CODE, desks.day).parties == (
            frozenset() if state == "released" else {77}
        )
    assert ask(desks, "f1", value_minor=1)["answer"] == answer


@pytest.mark.parametrize(
    ("holders", "owners", "answer"),
    [
        ({"A-1": [5, 77]}, {}, "block"),  # a joint account, whoever's number is lower
        ({"A-1": [5]}, {5: 77}, "block"),  # a company that the frozen person owns
        ({"A-2": [5, 77]}, {}, "block"),  # the other side is a joint account
        ({"A-3": [5, 77]}, {6: 77}, "allow"),  # what it holds elsewhere
    ],
)
def test_a_freeze_stops_joint_accounts_and_companies_of_the_frozen_person(
    reporting: Desks, holders: dict[str, list[int]], owners: dict[int, int], answer: str
):
    desks = reporting
    freeze_of(desks, "77", "served", "exchange_x")
    pseudonyms = Vault(b"s" * 32).pseudonyms
    with desks.store.engine.begin() as connection:
        for name, people in holders.items():
            for person in people:
                connection.execute(held_account.insert().values(
                    programme=CODE, account=pseudonyms.account("exchange_x", name), person=person,
                    exchange="exchange_x", number=b"", opened="2025-01-02", first_return="return",
                ))  # fmt: skip
        for company, person in owners.items():
            connection.execute(owner.insert().values(
                programme=CODE, person=company, owner=person, exchange="exchange_x",
                first_return="return",
            ))  # fmt: skip
    asked = {"kind": "transfer", "counterparty": "A-2", "value_minor": 1}
    assert ask(desks, "f1", **asked)["answer"] == answer
