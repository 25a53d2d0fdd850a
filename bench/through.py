"""A labelled file once through every room of supervision, in one installation, and what it takes.

    python bench/through.py [FILE] [--quick] [--days 10,34,100] [--keep FOLDER] [--json FILE]

    returns -> intake -> screening -> monitoring -> learned score -> cases -> reports to the FIU

The three exchanges of pilots/exchanges-2026 are licensed by its own acts; then the file, split by
its banks (bench/through_made.py), goes through the product's functions and acts as everybody calls
them: returns are written as the specification says and taken in, everybody is screened, all
scenarios run with their proof of coverage, a model is trained, kept, put live and orders the queue,
findings are grouped into cases, one case goes to the FIU, exchanges report an STR and the CTRs of a
day through the gate.  Counts that must agree are compared, and the bench ends with 1 where they do
not.  Views are asked for as their desk asks; `fsck` compares what lies on the disk with the
database.  Each size is a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from amanat.app import Application
    from amanat.replay.performing import Performer
    from through_made import Made

DAYS = (10, 34, 100)
QUICK = (10,)
PILOT = Path(__file__).parent.parent / "pilots" / "exchanges-2026"
SUPERVISOR, FIU = "pvara", "fmu"
MEMORY = "2GB"
ASKED = 15
"""How often a view is asked for; its median is told."""
CTR_MAX = 60
"""So many CTRs are reported in each run; the time of one is told."""
told = Console(stderr=True)
Answer = dict[str, Any]


def reference() -> Path:
    """The labelled file of the reference data."""
    folder = os.environ.get("AMANAT_REFERENCE_DATA")
    if folder is None:
        raise SystemExit("give a labelled file, or set AMANAT_REFERENCE_DATA")
    return next((Path(folder) / "aml").glob("*.parquet"))


class Through:
    """One file through one installation; what each room took and counted."""

    def __init__(self, application: Application, performer: Performer, made: Made) -> None:
        self.application, self.performer, self.made = application, performer, made
        self.folder: Path = application.settings.data_dir
        self.rooms: list[Answer] = []
        self.counts: dict[str, int] = {}
        self.views: dict[str, float] = {}
        self._began = time.perf_counter()

    # -- telling ------------------------------------------------------------------------------

    @contextmanager
    def room(self, name: str, unit: str) -> Iterator[Answer]:
        """Measure a room; what goes through it is written into `n`."""
        self._say(f"{name} …")
        said: Answer = {"room": name, "unit": unit, "n": 0}
        before, began = processor_s(), time.perf_counter()
        yield said
        said["seconds"] = time.perf_counter() - began
        said["cpu_s"] = processor_s() - before
        said["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.rooms.append(said)
        self._say(f"{name}: {said['n']:,} {unit} in {said['seconds']:.1f} s")

    def _say(self, what: str) -> None:
        told.print(f"{time.perf_counter() - self._began:7.1f} s  {what}", highlight=False)

    def act(self, key: str, name: str, who: str, **fields: Any) -> Answer:
        """Perform an act, with every approval that it needs."""
        return self.performer.perform(key, name, fields, institution=who)

    def see(self, who: str, name: str, **asked: Any) -> Any:
        """What a view shows the officer of an institution."""
        actor = self.performer.actor(f"{who}_officer")
        return self.application.desk.view(actor, self.performer.programme, name, asked)

    # -- rooms --------------------------------------------------------------------------------

    def returns(self) -> None:
        """Write every return, and have it taken in by its exchange."""
        from through_made import EXCHANGES

        intake, written, rows = self.application.intake, 0.0, 0
        with self.room("intake", "rows") as said:
            for number, first, last in self.made.periods():
                for exchange in EXCHANGES.values():
                    actor = self.performer.actor(f"{exchange}_officer")
                    with tempfile.TemporaryDirectory() as sent, intake.incoming() as place:
                        began = time.perf_counter()
                        rows += self.made.write(Path(sent), exchange, number, (first, last))
                        written += time.perf_counter() - began
                        for one in Path(sent).iterdir():
                            place.put(one)
                        receipt = intake.take(actor, place)
                    said["n"] += receipt["rows"]
                    self._say(f"  {exchange}, return {number}: {receipt['rows']:,} rows")
        said["seconds"] -= written
        self.counts["rows in"], self.counts["rows accepted"] = rows, said["n"]
        self.rooms.insert(-1, {
            "room": "writing returns", "unit": "rows", "n": rows, "seconds": written,
            "cpu_s": written, "peak_mib": said["peak_mib"],
        })  # fmt: skip

    def vault(self) -> None:
        """Let the persons of every return into the vault of identities."""
        settling, programme = self.application.intake.settling, self.performer.programme
        with self.room("vault", "returns") as said:
            for one in settling.unsettled(programme):
                settling.settle(one)
                said["n"] += 1

    def screening(self) -> None:
        """Take in a list, screen until nobody waits, confirm matches and freeze what they have."""
        from amanat.supervision.screening.tables import screened

        with self.room("screening", "parties") as said:
            content = base64.b64encode(self.made.listed()).decode()
            done = self.act(
                "list", "TakeInList", SUPERVISOR, list="nacta", dated_on=self._today().isoformat(),
                content=content,
            )  # fmt: skip
            while done["parties_behind"]:
                left = done["parties_behind"]
                done = self.act(f"screen/{left}", "Rescreen", SUPERVISOR, customers_max=2_000)
                self._say(f"  {done['parties_behind']:,} parties left")
                if done["parties_behind"] >= left:
                    raise SystemExit("screening does not get on")
            said["n"] = self._count(screened)
        with self.room("freezing", "orders") as said:
            said["n"] = self._freeze()

    def _freeze(self) -> int:
        """Freeze what listed customers have; how many orders exchanges were given."""
        from through_made import cnic_of

        orders = 0
        pseudonyms = self.application.intake.vault.pseudonyms
        for place, customer in enumerate(self.made.listed_customers):
            number = cnic_of(self.made.person_of(customer)).replace("-", "")
            party = str(pseudonyms.person("cnic", "PK", number).number)
            hits = self.see(SUPERVISOR, "screening_hits", party=party, state="open")
            hit = (hits["rows"] if isinstance(hits, dict) else hits)[0]["hit"]
            until = (self._today() + timedelta(90)).isoformat()
            reason = "Made: name, father's name and number of the identity card agree."
            decided = {"hit": hit, "reason": reason, "until": until}
            self.act(f"confirm/{place}", "ConfirmHit", SUPERVISOR, **decided)
            self.act(
                f"freeze/{place}", "OrderFreeze", SUPERVISOR, **decided, basis="ata",
                authority="Made: an order", order_hash="11" * 32,
            )  # fmt: skip
            orders += 1
        return orders

    def monitoring(self) -> None:
        """All scenarios over all days, with the proof that they saw every row."""
        from amanat.jurisdictions.supervision import load_supervision
        from amanat.supervision.monitoring.engines import DuckEngine
        from amanat.supervision.monitoring.running import Running, plan_run
        from through_made import FIRST_DAY

        store, programme = self.application.store, self.performer.programme
        with self.room("monitoring", "rows") as said:
            with store.reading() as connection:
                days = (FIRST_DAY, self.made.last_day)
                plan = plan_run(connection, programme, load_supervision("pk"), self.folder, *days)
            engine = DuckEngine(self.folder / "supervision" / "spill", MEMORY)
            try:
                done = Running(store, engine, plan, self._today(), self._step).carry_out()
            finally:
                engine.close()
            said["n"] = done.transactions
        self.counts["rows covered"] = done.transactions
        self.counts["alerts"] = done.alerts

    def _step(self, days: str, scenario: str) -> None:
        self._say(f"  {days}  {scenario}")

    def scoring(self) -> None:
        """Train on the first part of the days, put the model live, score every alert."""
        from amanat.store.journal import Provenance
        from amanat.supervision.detection.comparing import trained
        from amanat.supervision.detection.model import Split
        from amanat.supervision.detection.ordering import score_alerts
        from amanat.supervision.detection.records import keep_model
        from through_made import FIRST_DAY

        store, programme = self.application.store, self.performer.programme
        stored = sorted((self.folder / "supervision" / "transactions").glob("*/*.parquet"))
        labels = self.folder / "labels.parquet"
        self.made.labels(stored, labels)
        days = self.made.days
        split = Split(
            FIRST_DAY + timedelta(days * 60 // 100), FIRST_DAY + timedelta(days * 75 // 100)
        )
        with (
            self.room("training", "rows") as said,
            tempfile.TemporaryDirectory(dir=self.folder) as place,
        ):
            training = trained(stored, labels, split, Path(place))
            said["n"] = self.counts["rows in"]
        by = Provenance(
            programme, "installation", "operator", "operator", "detection", self._today()
        )
        with store.work(by) as uow:
            keep_model(uow, programme, training.model)
            uow.commit()
        digest = training.model.digest
        self.act("live", "PutModelLive", SUPERVISOR, digest=digest, reason="Made: for the bench")
        with self.room("learned score", "alerts") as said:
            done = score_alerts(store, self.folder, programme, self._today(), self._today())
            said["n"] = done.alerts

    def grouping(self) -> None:
        """Group findings until none is left."""
        with self.room("cases", "findings") as said:
            for turn in range(10_000):
                done = self.act(f"group/{turn}", "GroupFindings", SUPERVISOR)
                said["n"] += done["findings"]
                self._say(f"  {said['n']:,} findings, {len(done['opened']):,} cases opened")
                if not done["findings"]:
                    break

    def referring(self) -> None:
        """The most urgent case goes to the FIU, which asks an exchange."""
        with self.room("referral", "cases") as said:
            head = self.see(SUPERVISOR, "cases", limit=1)[0]["case"]
            grounds = "Made: the learned score and the graph agree."
            officer = f"{SUPERVISOR}_officer"
            self.act("assign", "AssignCase", SUPERVISOR, case=head, officer=officer)
            sent = self.act("refer", "ReferCase", SUPERVISOR, case=head, grounds=grounds)
            got = self.act("receive", "ReceiveReferral", FIU, referral=sent["referral"])
            self.act(
                "ask", "RequestInformation", FIU, case=got["case"], asked="invented_alpha",
                question="Made: where does the money come from?",
            )  # fmt: skip
            said["n"] = 1

    def reporting(self) -> None:
        """An STR of each exchange, and CTRs of its last days, through the gate into files."""
        from through_made import EXCHANGES, FIRST_DAY
        from through_reports import Reports

        reports = Reports(self.made, self.act, self.see)
        with self.room("STR", "reports") as said:
            for exchange in EXCHANGES.values():
                reports.suspect(exchange)
                said["n"] += 1
        days = {"first_day": FIRST_DAY.isoformat(), "last_day": self.made.last_day.isoformat()}
        with self.room("CTR due", "customers and days") as said:
            due = {one: self.see(one, "ctr_due", **days) for one in EXCHANGES.values()}
            said["n"] = sum(map(len, due.values()))
        with self.room("CTR", "reports") as said:
            for exchange, rows in due.items():
                for row in rows[: CTR_MAX // len(due)]:
                    reports.currency(exchange, row)
                    said["n"] += 1
        with self.room("batch", "reports") as said:
            for exchange in EXCHANGES.values():
                day = self._today().isoformat()
                done = self.act(f"batch/{exchange}", "ReadBatch", exchange, day=day)
                said["n"] += done["reports"]

    # -- what must agree, and what must be quick ----------------------------------------------

    def compare(self) -> None:
        """Counts from the database and the files, beside those that the rooms told."""
        import pyarrow.parquet as parquet

        from amanat.supervision.cases.tables import case, case_finding, case_transaction
        from amanat.supervision.detection.tables import alert_score
        from amanat.supervision.monitoring.tables import alert

        stored = (self.folder / "supervision" / "transactions").glob("*/*.parquet")
        self.counts["rows stored"] = sum(parquet.read_metadata(one).num_rows for one in stored)
        of_desk = (case_finding.c.kind == "alert", case_finding.c.desk == SUPERVISOR)
        self.counts["alerts stored"] = self._count(alert)
        self.counts["alerts in cases"] = self._count(case_finding, *of_desk)
        self.counts["alerts judged"] = self._count(alert_score)
        self.counts["cases"] = self._count(case, case.c.desk == SUPERVISOR)
        self.counts["rows in cases"] = self._count(case_transaction)

    def unequal(self) -> list[str]:
        """Counts that do not agree, in words."""
        same = (
            ("rows in", "rows accepted", "rows stored", "rows covered"),
            ("alerts", "alerts stored", "alerts in cases", "alerts judged"),
        )
        return [
            ", ".join(f"{name} {self.counts[name]:,}" for name in names)
            for names in same
            if len({self.counts[name] for name in names}) > 1
        ]

    def ask(self) -> None:
        """How long each view takes, the median of several times, in milliseconds."""
        first, last = self.made.periods().__next__()[1], self.made.last_day
        days = {"first_day": first.isoformat(), "last_day": last.isoformat()}
        head = self.see(SUPERVISOR, "cases", limit=1)[0]["case"]
        wide = max(self.see(SUPERVISOR, "cases", limit=100), key=lambda one: one["findings"])
        asked: dict[str, Callable[[], Any]] = {
            "cases": partial(self.see, SUPERVISOR, "cases"),
            "case": partial(self.see, SUPERVISOR, "case", case=head),
            "case of most findings": partial(self.see, SUPERVISOR, "case", case=wide["case"]),
            "case_network": partial(self.see, SUPERVISOR, "case_network", case=head),
            "case_statistics": partial(self.see, SUPERVISOR, "case_statistics"),
            "alert_queue": partial(self.see, SUPERVISOR, "alert_queue"),
            "monitoring_alerts": partial(self.see, SUPERVISOR, "monitoring_alerts"),
            "market_overview": partial(self.see, SUPERVISOR, "market_overview", **days),
            "screening_hits": partial(self.see, SUPERVISOR, "screening_hits"),
            "ctr_due": partial(self.see, "invented_alpha", "ctr_due", **days),
            "reports": partial(self.see, FIU, "reports"),
        }
        with self.room("views", "views") as said:
            for name, view in asked.items():
                times = []
                for _ in range(ASKED):
                    began = time.perf_counter()
                    view()
                    times.append((time.perf_counter() - began) * 1_000)
                self.views[name] = statistics.median(times)
                self._say(f"  {name}: {times[0]:.0f} ms first, {self.views[name]:.0f} ms then")
            said["n"] = len(asked)

    def check(self) -> None:
        """Everything that `amanat fsck` compares."""
        with self.room("fsck", "differences") as said:
            found = self.application.check()
            said["n"] = len(found)
            for one in found[:5]:
                self._say(f"  {one}")
        self.counts["differences"] = said["n"]

    def _count(self, table: Any, *where: Any) -> int:
        """Rows of a table."""
        import sqlalchemy as sql

        query = sql.select(sql.func.count()).select_from(table).where(*where)
        with self.application.store.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def _today(self) -> date:
        with self.application.store.reading() as connection:
            return self.application.business_date(connection, self.performer.programme)


def processor_s() -> float:
    """Processor seconds of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def licensed(application: Application) -> Performer:
    """The pilot's programme with its exchanges licensed, on the day after the last return's end."""
    from amanat.replay.loading import load_pilot
    from amanat.replay.performing import Performer
    from amanat.replay.runner import known_and_to_come, replay, today_of

    pilot = load_pilot(PILOT)
    assert pilot.supervision is not None
    pilot = replace(pilot, supervision=replace(pilot.supervision, events=()))
    steps, _ = known_and_to_come(pilot, today_of(pilot))
    replay(application, pilot, until=len(steps) - 1)
    return Performer(application, pilot)


def one_size(source: Path, folder: Path, days: int) -> Answer:
    """The first days of a file through every room."""
    from amanat.app import Application
    from amanat.settings import Settings
    from through_made import Made

    with Application(Settings.at(folder, light_keys=True)) as application:
        told.print(f"{days} days: founding and licensing …")
        performer = licensed(application)
        made = Made(source, days)
        through = Through(application, performer, made)
        for room in (
            through.returns, through.vault, through.screening, through.monitoring, through.scoring,
            through.grouping, through.referring, through.reporting, through.compare, through.ask,
            through.check,
        ):  # fmt: skip
            room()
        return {
            "days": days,
            "transfers": made.transfers,
            "rows": through.counts["rows in"],
            "rooms": through.rooms,
            "counts": through.counts,
            "unequal": through.unequal(),
            "views": through.views,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "load": os.getloadavg()[0],
        }


def in_process(source: Path, folder: Path, days: int) -> Answer:
    """`one_size` in a process of its own."""
    place, answer = folder / f"days-{days}", folder / f"days-{days}.json"
    command = [sys.executable, __file__, str(source), "--one", str(days)]
    subprocess.run([*command, "--folder", str(place), "--json", str(answer)], check=True)
    found: Answer = json.loads(answer.read_text(encoding="utf-8"))
    return found


def show(found: Sequence[Answer]) -> None:
    """A line per room and size, then views, counts, and how seconds grow."""
    console = Console()
    for one in found:
        table = Table(
            title=f"{one['days']} days: {one['transfers']:,} transfers, {one['rows']:,} rows, peak"
            f" {one['peak_mib']:,.0f} MiB, load {one['load']:.1f}",
            title_justify="left",
        )
        for name in ("room", "", "seconds", "cpu s", "a second", "peak MiB"):
            table.add_column(name, justify="left" if name in ("room", "") else "right")
        for room in one["rooms"]:
            rate = room["n"] / room["seconds"] if room["seconds"] else 0
            table.add_row(
                room["room"], f"{room['n']:,} {room['unit']}", f"{room['seconds']:.1f}",
                f"{room['cpu_s']:.1f}", f"{rate:,.0f}", f"{room['peak_mib']:,.0f}",
            )  # fmt: skip
        console.print(table)
        console.print("counts: " + ", ".join(f"{k} {v:,}" for k, v in one["counts"].items()))
        console.print("views, ms: " + ", ".join(f"{k} {v:.0f}" for k, v in one["views"].items()))
        for text in one["unequal"]:
            console.print(f"DIFFERENT: {text}", style="bold")
    if len(found) > 1:
        for text in slopes(found[0], found[-1]):
            console.print(text)


def slopes(first: Answer, last: Answer) -> Iterator[str]:
    """How each room's seconds grow with what goes through it, as an exponent."""
    before = {one["room"]: one for one in first["rooms"]}
    for room in last["rooms"]:
        small = before[room["room"]]
        if small["n"] and room["n"] > 1.5 * small["n"] and small["seconds"] > 0.05:
            power = math.log(room["seconds"] / small["seconds"]) / math.log(room["n"] / small["n"])
            yield f"  {room['room']}: seconds grow with {room['unit']} to the power of {power:.2f}"


def figures_of(found: Sequence[Answer]) -> list[Answer]:
    """As benches write them."""
    figures: list[Answer] = []
    for one in found:
        size = one["rows"]
        for room in one["rooms"]:
            name = room["room"].replace(" ", "_").lower()
            figures.append(
                {"key": f"through_{name}_s", "value": room["seconds"], "unit": "s", "size": size}
            )
        for name, value in one["views"].items():
            key = f"view_{name.replace(' ', '_')}_ms"
            figures.append({"key": key, "value": value, "unit": "ms", "size": size})
        figures.append(
            {"key": "through_peak_mib", "value": one["peak_mib"], "unit": "MiB", "size": size}
        )
    return figures


def differ(found: Sequence[Answer]) -> bool:
    """Whether counts that must agree do not, or `fsck` found something."""
    return any(one["unequal"] or one["counts"]["differences"] for one in found)


def measure(source: Path, days: Sequence[int], folder: Path | None) -> list[Answer]:
    """Every size in turn; what lies in `folder` is kept."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return [in_process(source, folder, one) for one in days]
    with tempfile.TemporaryDirectory(prefix="amanat-bench-") as made:
        return [in_process(source, Path(made), one) for one in days]


def main() -> None:
    """Measure, print, and end with 1 where counts do not agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="labelled transactions, Parquet")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--days", default=",".join(map(str, DAYS)))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the installations here")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    source = chosen.file or reference()
    if chosen.one:
        answer = one_size(source, chosen.folder, chosen.one)
        chosen.json.write_text(json.dumps(answer), encoding="utf-8")
        return
    days = QUICK if chosen.quick else tuple(int(one) for one in chosen.days.split(","))
    found = measure(source, days, chosen.keep)
    show(found)
    if chosen.json:
        text = json.dumps({"figures": figures_of(found)}, indent=1)
        chosen.json.write_text(text, encoding="utf-8")
    if differ(found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
