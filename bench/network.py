"""Delivery versus payment on five validators: a second, and seconds from order to final.

    python bench/network.py [--quick] [--senders 1 4 16] [--size 10000] [--rounds 1]
                            [--networks validators embedded] [--json FILE]

What is measured.  The network of `pilots/pib-3y-2021/network.toml` is founded and brought up on
this machine: five validators with a gate before each, on loopback.  An installation as `amanat
serve` runs it uses them through their gates, as it would anywhere.  Instructions that both accounts
signed beforehand are posted to its HTTP API, many to an act, and given to the ledger in batches,
each instruction signed by itself, and again in lists that two accounts signed once each;
the clock runs from the first byte sent until the API reports the last instruction settled, as in
`bench/settlement.py`.  Each act's instructions are among the accounts of one group, and there are
as many groups as senders, so that batches of different groups wait for each other in nothing.

Seconds from order to final are those between the transaction in which the batch was ordered and
the one in which its final receipt took effect: for instructions that are sent one at a time, and
for those of the load.

In the same run the same networks carry plain ERC-20 transfers, sent straight to the nodes' URLs
without an application (`bench/transfers.py`), and the embedded node carries both.  At the end of
each installation contracts, index and journal are compared.

Go is needed once, to build the nodes: `network/README.md` says how.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import RpcClient
from amanat.ledger.signers import KeySigner
from amanat.network.founding import found
from amanat.network.home import Home, find_parts
from amanat.network.lists import WEI_PER_COIN, let_in
from amanat.network.plan import load_plan
from amanat.network.status import wait_ready
from amanat.network.supervisor import bring_up, take_down
from founded import Account, bank_accounts
from settlement import (
    ACTS,
    LISTED,
    ONE_BY_ONE,
    BenchFailed,
    Client,
    Installation,
    Measured,
    Submission,
    bodies,
    database,
    draw,
    draw_listed,
    require_durable,
    run,
    stages_table,
)
from transfers import Sending, transfers_per_s

PILOT = Path(__file__).parents[1] / "pilots" / "pib-3y-2021"
VALIDATORS, EMBEDDED = "validators", "embedded"
NAMES = {VALIDATORS: "five validators", EMBEDDED: "embedded node"}
SEED = 20_210_305
_EMBEDDED_CHAIN = 781_950
_WEI = 10**27
console = Console(stderr=True)


@dataclass(slots=True)
class Found:
    """What one network did with one number of senders; seconds from order to final by quantile."""

    network: str
    senders: int
    signed: str
    dvp: Measured
    loaded_s: tuple[float, float]
    alone_s: tuple[float, float]
    erc20_per_s: float
    load: float


# -- the networks ---------------------------------------------------------------------------------


@contextmanager
def validators(folder: Path, progress: Progress) -> Iterator[Home]:
    """Five validators, healthy."""
    home = Home(folder / "network")
    task = progress.add_task("founding five validators", total=None)
    found(
        home, load_plan(PILOT), find_parts(), lambda text: progress.update(task, description=text)
    )
    bring_up(home)
    try:
        wait_ready(home)
        progress.remove_task(task)
        yield home
    finally:
        take_down(home)


def measure_transfers(
    home: Home | None, folder: Path, senders: int, count: int, progress: Progress
) -> float:
    """Plain transfers a second by so many senders, through the nodes that the application asks."""
    signers = [KeySigner.generate() for _ in range(senders)]
    task = progress.add_task(f"ERC-20: {senders} senders", total=None)
    try:
        if home is None:
            funded = {one.address: _WEI for one in signers}
            place = folder / f"erc20-{senders}"
            with EmbeddedNode(place, chain_id=_EMBEDDED_CHAIN, funded=funded) as node:
                rpc = RpcClient(node.urls, chain_id=_EMBEDDED_CHAIN)
                return transfers_per_s(Sending(rpc, signers, embedded=True), count)
        rpc = home.client()
        administrator = home.administrator(next(iter(home.founded().administrators)))
        for at, one in enumerate(signers):
            let_in(rpc, administrator, one.address, deploys=at == 0, wei=1_000 * WEI_PER_COIN)
        return transfers_per_s(Sending(rpc, signers, embedded=False), count)
    finally:
        progress.remove_task(task)


# -- delivery versus payment ----------------------------------------------------------------------


def settlement_senders(count: int) -> tuple[str, ...]:
    """The names of so many settlement senders, and the other purposes'."""
    further = (f"settlement_{at}" for at in range(2, count + 1))
    return ("settlement", *further, "payments", "tenders")


def draw_groups(
    accounts: Sequence[Account],
    groups: int,
    size: int,
    per_act: int,
    numbers: dict[str, int],
    source: random.Random,
    signed: str,
) -> list[Any]:
    """As `draw`, the instructions of each act among the accounts of one group in turn."""
    drawing = draw_listed if signed == LISTED else draw
    members = [accounts[at::groups] for at in range(groups)]
    drawn: list[Any] = []
    for at, first in enumerate(range(0, size, per_act)):
        count = min(per_act, size - first)
        drawn.extend(drawing(members[at % groups], count, numbers, source))
    return drawn


def quantiles(finalities: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The median and the 99th percentile over instructions, of (instructions, seconds)."""
    every = sorted(seconds for count, seconds in finalities for _ in range(count))
    if not every:
        raise BenchFailed("no batch was ordered")
    return every[len(every) // 2], every[min(len(every) - 1, len(every) * 99 // 100)]


def one_at_a_time(client: Client, submissions: Sequence[Submission]) -> None:
    """Submit, settle and await each instruction before the next."""
    client.connect()
    for act, body in submissions:
        client.act(act, body)
        client.act("SettleDay", b"{}")
        limit = time.monotonic() + 120
        while client.waiting():
            if time.monotonic() > limit:
                raise BenchFailed("one instruction is not settled after 120 s")
            time.sleep(0.01)


def load(
    installation: Installation,
    network: str,
    senders: int,
    signed: str,
    asked: argparse.Namespace,
    accounts: Sequence[Account],
    numbers: dict[str, int],
    source: random.Random,
) -> Found:
    """One run of the load, after some instructions one at a time."""
    since, _ = installation.ask("finalities", 0)
    few = draw(accounts, asked.alone, numbers, source)
    one_at_a_time(installation.client, bodies(installation.founded, few, 1))
    since, alone = installation.ask("finalities", since)
    drawn = draw_groups(accounts, senders, asked.size, asked.per_act, numbers, source, signed)
    submissions = bodies(installation.founded, drawn, asked.per_act, signed)
    before = installation.ask("spent")
    measured = run(installation.client, submissions, asked.size)
    after = installation.ask("spent")
    measured.stages = {
        stage: [a - b for a, b in zip(pair, before[stage], strict=True)]
        for stage, pair in after.items()
    }
    _, loaded = installation.ask("finalities", since)
    times = (quantiles(loaded), quantiles(alone))
    return Found(network, senders, signed, measured, *times, 0.0, os.getloadavg()[0])


def measure_settlement(
    network: str,
    home: Home | None,
    folder: Path,
    asked: argparse.Namespace,
    progress: Progress,
) -> list[Found]:
    """One installation: the load with each number of senders, and instructions one at a time."""
    source = random.Random(SEED)
    accounts, numbers = bank_accounts(asked.accounts), dict[str, int]()
    results: list[Found] = []
    with database(asked.database, folder) as (url, pids):
        installation = Installation(
            folder / "data",
            url,
            pids,
            accounts,
            progress,
            home.folder if home else None,
            settlement_senders(max(asked.senders)),
        )
        try:
            require_durable(installation.ask("durability"))
            for senders in asked.senders:
                if installation.ask("use_senders", senders) != senders:
                    raise BenchFailed(f"there are not {senders} settlement senders")
                for signed in asked.signed:
                    found = load(
                        installation, network, senders, signed, asked, accounts, numbers, source
                    )
                    results.append(found)
                    console.print(
                        f"{NAMES[network]}, {senders} senders, signed by {signed}: "
                        f"{found.dvp.per_second:,.0f} DvP/s"
                    )
            task = progress.add_task("comparing contracts, index and journal", total=None)
            differences = installation.ask("check")
            progress.remove_task(task)
            if differences:
                raise BenchFailed(f"{len(differences)} differences: {differences[:3]}")
        finally:
            installation.stop()
    return results


def measure(network: str, asked: argparse.Namespace) -> list[Found]:
    """Everything on one network, which is founded for it."""
    folder = Path(tempfile.mkdtemp(prefix="amanat-bench-"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            if network == EMBEDDED:
                return _measured(network, None, folder, asked, progress)
            with validators(folder, progress) as home:
                return _measured(network, home, folder, asked, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(
    network: str, home: Home | None, folder: Path, asked: argparse.Namespace, progress: Progress
) -> list[Found]:
    rates = {}
    for senders in asked.senders:
        rates[senders] = measure_transfers(home, folder, senders, asked.transfers, progress)
        console.print(f"{NAMES[network]}, {senders} senders: {rates[senders]:,.0f} ERC-20/s")
    results = measure_settlement(network, home, folder, asked, progress)
    for one in results:
        one.erc20_per_s = rates[one.senders]
    return results


# -- what is printed ------------------------------------------------------------------------------


def by_run(results: Sequence[Found]) -> dict[tuple[str, int, str], list[Found]]:
    """The rounds of each network, number of senders, and way to sign."""
    found: dict[tuple[str, int, str], list[Found]] = {}
    for one in results:
        found.setdefault((one.network, one.senders, one.signed), []).append(one)
    return found


def rates_table(results: Sequence[Found], asked: argparse.Namespace) -> Table:
    """Rates and times by network and number of senders; medians over the rounds."""
    table = Table(
        title=f"Delivery versus payment, HTTP API to final report, {asked.size:,} instructions",
        caption="final: seconds from order to final, median and 99th percentile, of instructions "
        "sent one at a time, and under the load; others: share of the machine's processors that "
        "worked for other programs; load: the machine's load average at the end",
    )
    names = ("network", "senders", "signed", "DvP/s", "lowest", "highest", "final p50", "p99")
    for name in (*names, "loaded p50", "p99", "ERC-20/s", "others", "load"):
        table.add_column(name, justify="left" if name in ("network", "signed") else "right")
    for (network, senders, signed), runs in by_run(results).items():
        rates = [one.dvp.per_second for one in runs]
        middle = [
            statistics.median(times)
            for times in zip(*((*one.alone_s, *one.loaded_s) for one in runs), strict=True)
        ]
        table.add_row(
            NAMES[network], str(senders), signed, f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f}", f"{max(rates):,.0f}", *(f"{one:.2f}" for one in middle),
            f"{statistics.median(one.erc20_per_s for one in runs):,.0f}",
            f"{statistics.median(one.dvp.others_share for one in runs):.0%}",
            f"{max(one.load for one in runs):.1f}",
        )  # fmt: skip
    return table


def figures(results: Sequence[Found]) -> list[dict[str, Any]]:
    """`size` is the number of senders; keys without a network's name are the validators'.

    Those of instructions that were signed one by one end in `_one_by_one`.
    """
    found: list[dict[str, Any]] = []
    for (network, senders, signed), runs in by_run(results).items():
        end = "" if network == VALIDATORS else f"_{network}"
        end += "" if signed == LISTED else "_one_by_one"
        erc20 = statistics.median(one.erc20_per_s for one in runs)
        rows = {
            "dvp_per_s": (statistics.median(one.dvp.per_second for one in runs), "1/s"),
            "finality_p50_s": (statistics.median(one.alone_s[0] for one in runs), "s"),
            "finality_p99_s": (statistics.median(one.alone_s[1] for one in runs), "s"),
            "finality_loaded_p50_s": (statistics.median(one.loaded_s[0] for one in runs), "s"),
            "finality_loaded_p99_s": (statistics.median(one.loaded_s[1] for one in runs), "s"),
            "erc20_per_s": (erc20, "1/s"),
        }
        for key, (value, unit) in rows.items():
            row = {"key": key + end, "value": round(value, 3), "unit": unit, "size": senders}
            if key == "dvp_per_s":
                row |= {"peer": "plain ERC-20 transfers", "peer_value": round(erc20, 1)}
            found.append(row)
    return found


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--networks", nargs="+", default=[VALIDATORS, EMBEDDED], choices=[VALIDATORS, EMBEDDED]
    )
    parser.add_argument("--senders", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument(
        "--signed", nargs="+", choices=list(ACTS), default=[ONE_BY_ONE, LISTED],
        help="what each party signed: every instruction, or lists of 100 between two of them",
    )  # fmt: skip
    parser.add_argument("--size", type=int, default=10_000, help="instructions in one run")
    parser.add_argument("--transfers", type=int, default=10_000, help="ERC-20 transfers in one run")
    parser.add_argument("--alone", type=int, default=50, help="instructions sent one at a time")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "postgresql"])
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--per-act", type=int, default=500, help="instructions in one act")
    parser.add_argument("--quick", action="store_true", help="one sender, and few of everything")
    parser.add_argument("--json", type=Path, metavar="FILE")
    found = parser.parse_args(given)
    if found.quick:
        found.senders, found.size, found.transfers = [1], 1_000, 1_000
        found.alone, found.accounts, found.rounds = 10, 40, 1
    return found


def main(given: Sequence[str]) -> int:
    """Measure, print, write."""
    asked = arguments(given)
    results: list[Found] = []
    for network in asked.networks:
        for _ in range(asked.rounds):
            results.extend(measure(network, asked))
    out = Console(width=None if sys.stdout.isatty() else 130)
    out.print(rates_table(results, asked))
    for (network, senders, signed), runs in by_run(results).items():
        kind = f"{NAMES[network]}, {senders} senders, signed by {signed}"
        out.print(stages_table(kind, [one.dvp for one in runs]))
    if asked.json:
        asked.json.write_text(json.dumps({"figures": figures(results)}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchFailed as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)
