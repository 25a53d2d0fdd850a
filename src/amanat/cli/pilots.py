"""`amanat pilot FOLDER` and `amanat pilots`: replay programmes that are written down as files."""

from __future__ import annotations

import fcntl
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining

from amanat.cli.acts import Json
from amanat.cli.networks import administered
from amanat.cli.terminal import PILOTS_FOLDER, err, errors_in_lines, out, print_json
from amanat.core.errors import Refusal
from amanat.settings import CONFIGURATION_FILE, Settings

if TYPE_CHECKING:
    from amanat.app import Application
    from amanat.replay.model import Pilot
    from amanat.replay.plan import Step
    from amanat.replay.report import Facts
    from amanat.replay.runner import Course, Watch

# What a command works with is imported when it is carried out, so that help is there at once.

WIDTH_MIN = 130
"""Columns of text where output is piped."""

MARKER = "pilot.txt"
"""A folder that holds this file was made by a replay, and may be emptied by the next one."""


class NotAReplay(Refusal):
    """Only what an earlier replay made is ever thrown away."""

    template: ClassVar[str] = "{folder} is not empty and was not made by a replay; name another."


@dataclass(frozen=True, slots=True)
class Run:
    """One pilot that has been replayed."""

    pilot: Pilot
    data: Path
    course: Course
    report: Facts

    def as_json(self) -> Facts:
        """The report with the times."""
        times: dict[str, Any] = {
            "seconds": {stage.value: round(one, 3) for stage, one in self.course.seconds.items()},
            "total_seconds": round(self.course.total_seconds, 3),
            "waited_seconds": round(self.course.waited_seconds, 3),
            "steps": self.course.steps,
            "to_come": [f"{step.day} {step.key}" for step in self.course.to_come],
        }
        return self.report | {"data": str(self.data), "times": times}


def pilot(
    folder: Annotated[Path, typer.Argument(help="The pilot's folder, such as pilots/NAME.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Where to keep it; else var/pilots/NAME.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was interrupted.")
    ] = False,
    network: Annotated[
        Path | None,
        typer.Option("--network", help="Folder of a network that is up; else the embedded node."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the folder is sound.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Replay a pilot, from an empty ledger, and print what happened as tables."""
    from amanat.replay.loading import load_pilot

    with errors_in_lines(as_json=as_json):
        read = load_pilot(folder)
        if check:
            providers = len(read.licensing.providers) if read.licensing else 0
            counts = f"{len(read.tenders)} tenders, {len(read.trades)} trades"
            more = f", {providers} providers" if providers else ""
            if read.supervision is not None:
                more += f", {len(read.supervision.transfers)} transfers"
            out.print(f"{folder} is sound: {counts}{more}")
            return
        name = folder.resolve().name + ("-network" if network else "")
        run = run_pilot(read, data or PILOTS_FOLDER / name, resume=resume, network=network)
        _show(run, as_json)


def pilots(
    folder: Annotated[Path, typer.Argument(help="The folder of pilots.")] = Path("pilots"),
    as_json: Json = False,
) -> None:
    """Replay every pilot in a folder, one after the other."""
    from amanat.replay.loading import load_pilot

    with errors_in_lines(as_json=as_json):
        found = sorted(one.parent for one in folder.glob("*/programme.toml"))
        runs = [run_pilot(load_pilot(one), PILOTS_FOLDER / one.name, resume=False) for one in found]
        if as_json:
            print_json([run.as_json() for run in runs])
            return
        for run in runs:
            _show(run, as_json=False)


def _show(run: Run, as_json: bool) -> None:
    if as_json:
        print_json(run.as_json())
        return
    from amanat.replay.sheets import print_report

    # A sheet has many columns: where nobody's window sets the width, it is not folded.
    wide = out if out.is_terminal else Console(width=max(out.width, WIDTH_MIN))
    print_report(wide, run.report, run.course)
    out.print()
    out.print(f"To look at it in a browser: amanat serve --data {run.data}")
    out.print(f"To act in it: amanat token issue PERSON --data {run.data}")


def run_pilot(pilot: Pilot, data: Path, *, resume: bool, network: Path | None = None) -> Run:
    """Replay a pilot in a folder of its own, with progress on standard error.

    With `network` it runs on the nodes of that folder, whose administrator lets its operator send
    and deploy first.
    """
    from amanat.replay.performing import Performer
    from amanat.replay.report import report_of

    prepare(data, resume=resume)
    application = application_of(data, network)
    columns = (
        TextColumn("{task.fields[day]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        Remaining(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("starting the node", total=None, day=pilot.programme.first_day)

        def watch(step: Step, place: int, count: int) -> None:
            progress.update(task, completed=place, total=count, description=step.key, day=step.day)

        began = time.perf_counter()
        with application:
            started = time.perf_counter() - began
            course = play(application, pilot, watch, network)
            report = report_of(Performer(application, pilot))
            report["starting_seconds"] = round(started, 3)
    return Run(pilot, data, course, report)


def application_of(data: Path, network: Path | None) -> Application:
    """An installation of its own in a folder, not yet started; on a network if one is named."""
    from amanat.app import Application

    settings = Settings.at(data, light_keys=True)
    if network is None:
        return Application(settings)
    settings = _on_network(settings, network)
    _configure(settings)
    application = Application(settings)
    let_in_senders(network, application)
    return application


def play(
    application: Application, pilot: Pilot, watch: Watch | None, network: Path | None
) -> Course:
    """Take every step of a pilot in an application that was started.

    On a network its `Eligibility` keeps the chain's own list of senders from the founding on, for
    which an administrator appoints it.
    """
    from amanat.network.lists import SENDERS
    from amanat.replay.runner import replay

    if network is None:
        return replay(application, pilot, watch)
    founding = replay(application, pilot, watch, until=1, sender_list=SENDERS)
    gateway = application.gateway(pilot.programme.code)
    appoint_keeper(network, gateway.address("Eligibility"))
    course = replay(application, pilot, watch, sender_list=SENDERS)
    for stage, seconds in founding.seconds.items():
        course.seconds[stage] += seconds
    return course


def appoint_keeper(network: Path, eligibility: str) -> None:
    """Have the network's first administrator let the contract keep the list of senders."""
    from amanat.network.lists import SENDERS, ListRole, appoint, role_of

    with administered(network) as (_, rpc, signer):
        if role_of(rpc, SENDERS, eligibility) is not ListRole.MANAGER:
            appoint(rpc, signer, eligibility)


def _on_network(settings: Settings, network: Path) -> Settings:
    """The same settings, with the nodes of a network in the place of the embedded one."""
    from amanat.network.home import Home

    home = Home(network)
    founded = home.founded()
    return replace(
        settings,
        node_urls=tuple(founded.rpc_urls()),
        nodes_token_file=home.token().file,
        chain_id=founded.chain_id,
        finality="finalized",
    )


def _configure(settings: Settings) -> None:
    """Write down where the nodes are, so that later commands on this folder ask them too."""
    nodes = "".join(f'    "{url}",\n' for url in settings.node_urls)
    (settings.data_dir / CONFIGURATION_FILE).write_text(
        "# Made by `amanat pilot --network`.\n"
        f"[network]\nnodes = [\n{nodes}]\nchain_id = {settings.chain_id}\n"
        f'token_file = "{settings.nodes_token_file}"\n'
        f'finality = "{settings.finality}"\n',
        encoding="utf-8",
    )


def let_in_senders(network: Path, application: Application) -> None:
    """Have the network's first administrator let every sender send, and the operator's key deploy.

    The reserve is let in too: it may have to take the place of any.
    """
    from amanat.network.lists import WEI_PER_COIN, let_in_once

    with administered(network) as (founded, rpc, signer):
        wei = founded.coin_for_senders * WEI_PER_COIN
        for address in (*application.senders.values(), application.reserve):
            deploys = address in (application.operator, application.reserve)
            let_in_once(rpc, signer, address, deploys=deploys, wei=wei)


class ReplayRunning(Refusal):
    """One folder is replayed, or served, by one application at a time."""

    template: ClassVar[str] = "{folder} is in use by a replay or a server that is running."


def _require_idle(data: Path) -> None:
    """Refuse `ReplayRunning` while an application holds the lock of the folder's node."""
    lock = data / "node" / "node.lock"
    if not lock.exists():
        return
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReplayRunning(folder=data) from None


def prepare(data: Path, *, resume: bool) -> None:
    """Empty the folder of an earlier replay, unless it is to be resumed.

    Refuses `NotAReplay` (a folder with anything else in it is never touched), `ReplayRunning`.
    """
    if data.exists() and any(data.iterdir()) and not (data / MARKER).is_file():
        raise NotAReplay(folder=data)
    if data.exists():
        _require_idle(data)
    if not resume and data.exists():
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARKER).write_text("Made by `amanat pilot`; the next run empties this folder.\n")
