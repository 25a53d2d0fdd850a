"""Time to restore after the loss of the whole machine, at three sizes.

    python bench/restore.py [--quick] [--sizes 1000 5000 20000] [--json FILE]

For each size an installation is founded, so many instructions are settled in it, and a backup is
taken.  Then its folder, with the database and the embedded node's state, is removed, as a lost
machine would be, and the backup is restored into an empty folder.  The clock runs from the command
until contracts, index and journal have been compared and the restored installation is started and
has nothing left to send.  The principles for financial market infrastructures (CPMI-IOSCO 2012,
principle 17, key consideration 6) allow two hours.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from amanat.app import Application
from amanat.keeping.backup import create
from amanat.keeping.restore import restore
from amanat.settings import Settings
from amanat.settlement.commands import PresignedInstruction, SettleDay, SubmitInstructions
from amanat.store.age import Lock, Opener
from founded import CLEARING_HOUSE, People, bank_accounts, found_and_fund
from settlement import BenchFailed, draw, sign_all

SEED = 20_210_304
ACCOUNTS, PER_ACT = 20, 500
PASSPHRASE = "only for this bench, of no other use"
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """One size: bytes of the backup, seconds to take it, to restore it, and to work again."""

    size: int
    bytes: int
    taken_s: float
    restored_s: float
    working_s: float


def settle(app: Application, size: int) -> None:
    """Found a programme and settle so many instructions in it."""
    accounts = bank_accounts(ACCOUNTS)
    founded = found_and_fund(app, accounts, lambda _: None)
    people, numbers, source = People(app), dict[str, int](), random.Random(SEED)
    for at in range(0, size, PER_ACT):
        drawn = draw(accounts, min(PER_ACT, size - at), numbers, source)
        signed = tuple(PresignedInstruction(**one) for one in sign_all(founded, drawn))
        people.act(CLEARING_HOUSE, SubmitInstructions(instructions=signed))
        people.act(CLEARING_HOUSE, SettleDay())
        app.pump(600)


def measure(size: int) -> Measured:
    """Found, back up, lose everything else, restore, and start again."""
    scratch = Path(tempfile.mkdtemp(prefix="amanat-restore-"))
    try:
        console.print(f"{size:,}: settling")
        home = Settings.at(scratch / "home", light_keys=True)
        with Application(home) as app:
            settle(app, size)
            began = time.perf_counter()
            backup = create(
                home, scratch / "backups.age", Lock(passphrase=PASSPHRASE), datetime.now(UTC)
            )
            taken = time.perf_counter() - began
        shutil.rmtree(scratch / "home")
        console.print(f"{size:,}: restoring")
        began = time.perf_counter()
        place = Settings.at(scratch / "restored", light_keys=True)
        found = restore(backup.file, place, Opener(passphrase=PASSPHRASE), lambda _: None)
        restored = time.perf_counter() - began
        with Application(place) as app:
            app.pump(600)
        working = time.perf_counter() - began
        if found.differences:
            raise BenchFailed(f"{len(found.differences)} differences: {found.differences[:3]}")
        return Measured(size, backup.file.stat().st_size, taken, restored, working)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def table_of(found: Sequence[Measured]) -> Table:
    """What was measured, for a person."""
    table = Table(
        title="The machine lost: from the command until it works again",
        caption="SQLite, one embedded node; contracts, index and journal compared",
    )
    for name in ("instructions", "backup MB", "taken s", "restored s", "works again s"):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            f"{one.size:,}", f"{one.bytes / 1e6:.1f}", f"{one.taken_s:.1f}",
            f"{one.restored_s:.1f}", f"{one.working_s:.1f}",
        )  # fmt: skip
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    parser.add_argument("--quick", action="store_true", help="200 and 400 instructions")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    found = [measure(size) for size in ([200, 400] if asked.quick else asked.sizes)]
    Console().print(table_of(found))
    if asked.json:
        figures = [
            {"key": key, "value": round(value, 2), "unit": "s", "size": one.size}
            for one in found
            for key, value in (("backup_s", one.taken_s), ("restore_s", one.working_s))
        ]
        asked.json.write_text(json.dumps({"figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
