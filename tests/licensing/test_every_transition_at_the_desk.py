"""Every kind of file × stage × act × who, submitted at the desk: refused where the table has none.

`test_every_transition` asks the path alone; here each act is submitted for real, against a file of
that kind in that stage, so that an act that forgot to ask the path is seen.
"""

from __future__ import annotations

import functools
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from tests.access.test_attacks_input import sound

from amanat.access.acts import ACTS, ActKind, Command
from amanat.core.errors import AmanatError, Forbidden, NotFound
from amanat.core.ids import new_id
from amanat.jurisdictions import reading
from amanat.licensing.model import NotTheirStep, StepNotAllowed
from amanat.licensing.tables import licensing_file

from ..programme.world import CODE
from .without_ledger import DeskWorld, desk_world
from .world import MARCH

TABLE = tomllib.loads(reading.read_table("pk", "licensing")[0])
PARTIES = ("pvara_officer", "pvara_approver", "exchange_x_officer", "exchange_x_approver")
OTHERS = ("exchange_y_officer", "fmu_officer", "bank_a_officer")
CAPACITY = {"pvara": "authority", "exchange_x": "applicant"}
KNOWN: dict[str, Any] = {
    "number": 1,
    "category": "exchange",
    "country": "SG",
    "clients": [{"client": "c-1", "holdings": []}],
    "content": {},
    "scores": [{"item": "board", "score": 4, "note": "seen", "evidence": ["form A1"]}],
}
OUTSIDE_THE_TABLE = frozenset({"OpenFile", "LodgeAppeal"})
"""Acts that open a file of their own: what their `file` or `against` names stays as it is."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskWorld]:
    """A programme with one provider, and files of it in whatever stage is asked for."""
    folder: Path = tmp_path_factory.mktemp("desk")
    with desk_world(f"sqlite:///{folder / 'amanat.sqlite'}") as found:
        found.noc("exchange_x")
        yield found


def on_files() -> list[ActKind]:
    """The room's acts that are steps of a file which they name."""
    stepping = {one["act"] for one in TABLE["steps"]} - OUTSIDE_THE_TABLE
    return [
        kind
        for kind in sorted(ACTS.values(), key=lambda one: one.name)
        if kind.room == "licensing"
        and kind.name in stepping
        and "file" in kind.command.model_fields
    ]


@functools.cache
def fields_of(act: str) -> dict[str, Any]:
    """Sound values of an act's fields."""
    schema = ACTS[act].command.model_json_schema()
    defs = schema.get("$defs", {})
    fields: dict[str, Any] = {
        name: sound(one, name, None, defs)  # type: ignore[arg-type]
        for name, one in schema["properties"].items()
        if name in schema.get("required", ())
    }
    return fields | {name: value for name, value in KNOWN.items() if name in fields}


def command(kind: ActKind, number: str, outcome: str) -> Command:
    """A sound command about a file; with the outcome that the table tells apart, where it has."""
    fields = fields_of(kind.name) | {"file": number}
    told = [name for name in ("outcome", "order") if name in fields]
    if outcome and told:
        fields[told[0]] = outcome
    return kind.command.model_validate(fields)


def entered(world: DeskWorld, kind: str, stage: str, prefix: str, place: int) -> str:
    """A file of the provider that stands in a stage; its number."""
    number = f"{prefix}-2026-{9000 - place}"
    with world.store.engine.begin() as connection:
        connection.execute(
            licensing_file.insert().values(
                id=new_id(), programme=CODE, number=number, provider="exchange_x", kind=kind,
                stage=stage, categories=["exchange"], opened_on=MARCH.isoformat(),
                institution="exchange_x", person="exchange_x_officer",
                recorded_at="2026-03-09T05:00:00+00:00", recorded_on=MARCH.isoformat(), entry="-",
            )
        )  # fmt: skip
    return number


def files(world: DeskWorld) -> Iterator[tuple[str, str, str]]:
    """One file for each kind and stage but complaints, which are kept apart."""
    for kind in TABLE["files"]:
        if kind["code"] == "complaint":
            continue
        for place, stage in enumerate(kind["stages"]):
            yield (
                kind["code"],
                stage,
                entered(world, kind["code"], stage, kind["prefix"], place),
            )


def answered(world: DeskWorld, person: str, given: Command) -> BaseException | None:
    """Why it was refused; None where it went on."""
    try:
        world.app.desk.submit(world.actor(person), given)
    except AmanatError as refusal:
        return refusal
    except (sql.exc.SQLAlchemyError, AssertionError) as bare:
        # The step is allowed; what usually happened before it is not there in a file made so.
        return bare
    return None


def outcomes(act: str) -> list[str]:
    """The outcomes by which the table tells an act's steps apart."""
    return sorted({one.get("outcome", "") for one in TABLE["steps"] if one["act"] == act})


def test_an_act_goes_on_only_where_the_table_has_its_step(world: DeskWorld) -> None:
    steps = {
        (one["file"], stage, one["act"], one.get("outcome", "")): one
        for one in TABLE["steps"]
        for stage in one["from"]
    }
    counted: Counter[str] = Counter()
    for turn, (kind, stage, number) in enumerate(files(world)):
        for act in on_files():
            known = [one for one in outcomes(act.name) if (kind, stage, act.name, one) in steps]
            # Of several outcomes of which none is a step, one stands for all.
            for outcome in outcomes(act.name) if known else outcomes(act.name)[:1]:
                step = steps.get((kind, stage, act.name, outcome))
                # Where there is no step, the roles take turns: it is refused before they count.
                people = PARTIES[turn % 2 :: 2] if step is None else PARTIES
                for person in people:
                    if step is None and not act.capacities & world.actor(person).capacities:
                        continue  # refused by the policy, whatever the stage; see below
                    own = CAPACITY[person.rpartition("_")[0]]
                    refusal = answered(world, person, command(act, number, outcome))
                    where = (kind, stage, act.name, outcome, person, refusal)
                    if step is None:
                        assert isinstance(refusal, StepNotAllowed), where
                        counted["no step"] += 1
                    elif step["capacity"] != own:
                        assert isinstance(refusal, (NotTheirStep, Forbidden)), where
                        counted["not theirs"] += 1
                    else:
                        assert not isinstance(refusal, (StepNotAllowed, NotTheirStep)), where
                        assert not isinstance(refusal, Forbidden), where
                        counted["theirs"] += 1
                        put_back(world, number, stage)
    assert counted["no step"] > 1_500
    assert min(counted.values()) > 50


def put_back(world: DeskWorld, number: str, stage: str) -> None:
    """The file as it stood, for the next act."""
    with world.store.engine.begin() as connection:
        connection.execute(
            sql.update(licensing_file).where(licensing_file.c.number == number).values(stage=stage)
        )


def test_nobody_else_acts_on_any_of_them(world: DeskWorld) -> None:
    """Another applicant, who confirms, a bank: as if there were no such file, or no such right."""
    number = entered(world, "noc", "submitted", "NOC", 77)
    for act in on_files():
        given = command(act, number, outcomes(act.name)[0])
        for person in (*OTHERS, "exchange_x_viewer", *PARTIES):
            if person in PARTIES and act.capacities & world.actor(person).capacities:
                continue
            refusal = answered(world, person, given)
            assert isinstance(refusal, (Forbidden, NotFound, NotTheirStep)), (act.name, person)
