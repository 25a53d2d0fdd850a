"""Names screened in a second, and what is found: index and logic-v2, and logic-v2 exhaustively.

    python bench/screening.py [--quick] [--entries 700] [--names 6000] [--json FILE]

Names in common use (bench/screening_names.toml) are put together at random, so the lists are as
crowded as a list of one country is.  Half of the screened names are a listed one in another
spelling, order or script, shortened, with a typing mistake, with a word left out, joined, or with
tricks (invisible characters, letters of another script); the other half are strangers put together
from the same words.  `recall` is the share of the listed that a hit on their own entry finds;
`precision` the share of hits that are right.  Exhaustive logic-v2 compares every name with every
entry, in the same run, on a sample of the names; both are also measured on that sample alone.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from followthemoney import model
from nomenklatura.matching.logic_v2.model import LogicV2
from rich.console import Console
from rich.table import Table

from amanat.core.memory import uncollected
from amanat.supervision.screening.matching import Matcher
from amanat.supervision.screening.model import ListedSubject, ScreenedParty, Subject

CUTOFF = 0.7
Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A name to screen, what was done to it, and the entry that it is, if any."""

    name: str
    change: str
    entry: int | None


def _is_urdu(word: str) -> bool:
    return any("\u0600" <= letter <= "\u06ff" for letter in word)


class Words:
    """Puts names together, frequent words more often, as in life."""

    def __init__(self, seed: int) -> None:
        content = tomllib.loads(
            (Path(__file__).parent / "screening_names.toml").read_text(encoding="utf-8")
        )
        self.given: list[Row] = content["given"]
        self.family: list[Row] = content["family"]
        self.random = random.Random(seed)

    def pick(self) -> list[Row]:
        """Two or three given names and often a family's, as rows of spellings."""
        draw = self.random
        weights = [1 / (at + 3) for at in range(len(self.given))]
        count = draw.choice([1, 2, 2, 2, 3])
        rows: list[Row] = []
        while len(rows) < count:
            row = draw.choices(self.given, weights if len(rows) == 0 else None)[0]
            if row not in rows:
                rows.append(row)
        if count == 1 or draw.random() < 0.7:
            rows.append(draw.choice(self.family))
        return rows

    def spelled(self, rows: Sequence[Row], *, usual: bool = False) -> str:
        """These words in Latin letters."""
        return " ".join(
            row[0] if usual else self.random.choice([one for one in row if not _is_urdu(one)])
            for row in rows
        )

    def urdu(self, rows: Sequence[Row]) -> str:
        """These words in Urdu."""
        return " ".join(row[-1] for row in rows)


def _typo(draw: random.Random, name: str) -> str:
    at = draw.randrange(1, len(name) - 1)
    kind = draw.randrange(3)
    if kind == 0:
        return name[:at] + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:at] + draw.choice("aeinrst") + name[at + 1 :]


def _left_out(draw: random.Random, name: str) -> str:
    parts = name.split()
    if len(parts) > 2:
        del parts[draw.randrange(1, len(parts) - 1)]
    return " ".join(parts)


def _tricked(draw: random.Random, name: str) -> str:
    at = draw.randrange(1, len(name))
    name = name[:at] + draw.choice("\u200b\u200d\u2060\u202e\u200f") + name[at:]
    return name.replace("a", "\u0430", 2)


def _shortened(draw: random.Random, name: str) -> str:
    """Muhammad, Abdul and Ghulam as they are abbreviated; else a middle word's initial."""
    short = {"Muhammad": ("Mohd", "Md.", "M."), "Abdul": ("Ab.",), "Ghulam": ("Gh.",)}
    parts = name.split()
    at = next((at for at, one in enumerate(parts[:-1]) if one in short), None)
    if at is not None and len(parts) > 2:
        parts[at] = draw.choice(short[parts[at]])
    elif len(parts) > 2:
        parts[1] = f"{parts[1][0]}."
    return " ".join(parts)


def changes(words: Words) -> dict[str, Callable[[Sequence[Row]], str]]:
    """What is done to a listed name before it is screened."""
    draw = words.random

    def turned(rows: Sequence[Row]) -> str:
        return words.spelled([rows[-1], *rows[:-1]], usual=True)

    return {
        "as listed": lambda rows: words.spelled(rows, usual=True),
        "spelling": words.spelled,
        "order": turned,
        "typing mistake": lambda rows: _typo(draw, words.spelled(rows, usual=True)),
        "word left out": lambda rows: _left_out(draw, words.spelled(rows, usual=True)),
        "Urdu": words.urdu,
        "Urdu joined": lambda rows: words.urdu(rows).replace(" ", draw.choice(["", "\u200c"]), 1),
        "shortened": lambda rows: _shortened(draw, words.spelled(rows, usual=True)),
        "written together": lambda rows: "".join(words.spelled(rows, usual=True).split(" ", 1)),
        "tricks": lambda rows: _tricked(draw, words.spelled(rows, usual=True)),
        "father behind": lambda rows: (
            words.spelled(rows, usual=True) + " s/o " + words.spelled(words.pick())
        ),
    }


def make(entries: int, names: int, seed: int) -> tuple[list[ListedSubject], list[Asked]]:
    """A list of so many entries, and names to screen against it."""
    words = Words(seed)
    rows_of: list[list[Row]] = []
    known: set[str] = set()
    listed = []
    while len(listed) < entries:
        rows = words.pick()
        usual = words.spelled(rows, usual=True)
        if usual in known:
            continue
        known.add(usual)
        aliases = [words.spelled(rows)] if words.random.random() < 0.3 else []
        if words.random.random() < 0.1:
            aliases.append(words.urdu(rows))
        rows_of.append(rows)
        subject = ListedSubject(f"L{len(listed)}", Subject.PERSON, (usual, *aliases))
        listed.append(subject)
    done = changes(words)
    asked = []
    for at in range(names):
        if at % 2:
            asked.append(Asked(words.spelled(words.pick()), "stranger", None))
            continue
        entry = words.random.randrange(entries)
        change = list(done)[at // 2 % len(done)]
        asked.append(Asked(done[change](rows_of[entry]), change, entry))
    return listed, asked


# -- both ways ------------------------------------------------------------------------------------

_matcher: Matcher | None = None


def _prepare(listed: list[ListedSubject]) -> None:
    global _matcher
    _matcher = Matcher(listed, CUTOFF)


def _screen(batch: list[tuple[int, str]]) -> tuple[list[tuple[int, list[int]]], float]:
    """Hits of a batch, and processor seconds."""
    assert _matcher is not None
    start = time.process_time()
    found = []
    with uncollected():  # as a run of screening does
        for number, name in batch:
            party = ScreenedParty(str(number), Subject.PERSON, (name,))
            found.append((number, [hit.entry for hit in _matcher.screen(party)]))
    return found, time.process_time() - start


def ours(
    listed: list[ListedSubject], asked: Sequence[Asked], processes: int
) -> tuple[dict[int, list[int]], float, float]:
    """Hits per name, seconds, processor seconds; preparing the index is not counted.

    Filling its caches is.
    """
    numbered = [(at, one.name) for at, one in enumerate(asked)]
    if processes == 1:
        _prepare(listed)
        start = time.perf_counter()
        found, processor_s = _screen(numbered)
        return dict(found), time.perf_counter() - start, processor_s
    size = max(50, len(numbered) // (processes * 8))
    batches = [numbered[at : at + size] for at in range(0, len(numbered), size)]
    with ProcessPoolExecutor(processes, initializer=_prepare, initargs=(listed,)) as pool:
        list(pool.map(_screen, [[] for _ in range(processes * 4)]))
        start = time.perf_counter()
        done = list(pool.map(_screen, batches))
        seconds = time.perf_counter() - start
    hits = {number: entries for part, _ in done for number, entries in part}
    return hits, seconds, sum(spent for _, spent in done)


def exhaustive(
    listed: list[ListedSubject], asked: Sequence[Asked], numbers: Sequence[int]
) -> tuple[dict[int, list[int]], float]:
    """logic-v2 over every pair of these names and all entries, as the library is used plainly."""

    def person(identifier: str, names: Sequence[str]) -> Any:
        entity = model.make_entity("Person")
        entity.id = identifier
        for name in names:
            entity.add("name", name)
        return entity

    entities = [person(f"exhaustive-{len(listed)}-{one.reference}", one.names) for one in listed]
    config = LogicV2.default_config()
    found: dict[int, list[int]] = {}
    start = time.perf_counter()
    for number in numbers:
        query = person(f"asked-{len(listed)}-{number}", [asked[number].name])
        found[number] = [
            at
            for at, entity in enumerate(entities)
            if LogicV2.compare(query, entity, config).score >= CUTOFF
        ]
    return found, time.perf_counter() - start


def quality(asked: Sequence[Asked], found: dict[int, list[int]]) -> tuple[float, float]:
    """Recall and precision over the names that `found` has."""
    listed = [number for number in found if asked[number].entry is not None]
    right = sum(asked[number].entry in found[number] for number in listed)
    hits = sum(map(len, found.values()))
    return right / len(listed), right / hits if hits else 1.0


def by_change(asked: Sequence[Asked], found: dict[int, list[int]]) -> dict[str, float]:
    """Recall by what was done to the name."""
    groups: dict[str, list[bool]] = {}
    for number, hits in found.items():
        if asked[number].entry is not None:
            groups.setdefault(asked[number].change, []).append(asked[number].entry in hits)
    return {change: statistics.fmean(right) for change, right in groups.items()}


# -- report ---------------------------------------------------------------------------------------


def measure(
    entries: int, names: int, sample: int, processes: int, repeats: int, seed: int
) -> dict[str, Any]:
    """One size: speed of both, their recall and precision, and ours on the sample alone."""
    listed, asked = make(entries, names, seed)
    speeds, per_processor = [], []
    for _ in range(repeats):
        found, seconds, processor_s = ours(listed, asked, processes)
        speeds.append(names / seconds)
        per_processor.append(names / processor_s)
    # Odd and even numbers alternate between strangers and listed: a run of numbers has both.
    numbers = range(min(sample, names))
    theirs, seconds = exhaustive(listed, asked, numbers)
    recall, precision = quality(asked, found)
    same = {number: found[number] for number in numbers}
    return {
        "entries": entries,
        "names_per_s": statistics.median(speeds),
        "names_per_processor_s": statistics.median(per_processor),
        "spread": (min(speeds), max(speeds)),
        "recall": recall,
        "precision": precision,
        "sample": quality(asked, same),
        "peer_names_per_s": len(theirs) / seconds,
        "peer": quality(asked, theirs),
        "changes": by_change(asked, same),
        "peer_changes": by_change(asked, theirs),
    }


def show(console: Console, measured: list[dict[str, Any]], sample: int) -> None:
    """The tables that a person reads."""
    table = Table(title="Screening (cutoff 0.7)")
    for heading in ("entries", "names/s", "(spread)", "of one processor", "recall", "precision",
                    f"on {sample}: recall", "precision", "exhaustive: names/s", "recall",
                    "precision"):  # fmt: skip
        table.add_column(heading, justify="right")
    for one in measured:
        table.add_row(
            str(one["entries"]),
            f"{one['names_per_s']:,.0f}",
            f"{one['spread'][0]:,.0f} to {one['spread'][1]:,.0f}",
            f"{one['names_per_processor_s']:,.0f}",
            f"{one['recall']:.3f}", f"{one['precision']:.3f}",
            f"{one['sample'][0]:.3f}", f"{one['sample'][1]:.3f}",
            f"{one['peer_names_per_s']:,.1f}", f"{one['peer'][0]:.3f}", f"{one['peer'][1]:.3f}",
        )  # fmt: skip
    console.print(table)
    table = Table(title=f"Recall by what was done to the name, {measured[-1]['entries']} entries")
    for heading in ("change", "index and logic-v2", "exhaustive logic-v2"):
        table.add_column(heading, justify="right" if heading != "change" else "left")
    for change, value in measured[-1]["changes"].items():
        table.add_row(change, f"{value:.3f}", f"{measured[-1]['peer_changes'][change]:.3f}")
    console.print(table)


def main() -> None:
    """Measure at three sizes and print; the size of the bar is the last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, nargs="*", default=[100, 7_000, 700])
    parser.add_argument("--names", type=int, default=6_000)
    parser.add_argument("--sample", type=int, default=300, help="names for exhaustive logic-v2")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.entries, chosen.names, chosen.sample, chosen.repeats = [700], 2_000, 90, 1
    measured = []
    for entries in chosen.entries:
        # Exhaustively a name costs in proportion to the entries: a tenth of them at ten times.
        sample = chosen.sample if entries <= 1_000 else max(36, chosen.sample * 700 // entries)
        measured.append(
            measure(entries, chosen.names, sample, chosen.processes, chosen.repeats, chosen.seed)
        )
    show(Console(width=170), measured, chosen.sample)
    if chosen.json:
        figures = [
            {
                "key": key,
                "value": one[key],
                "unit": unit,
                "size": one["entries"],
            }
            | ({} if peer is None else {"peer": "exhaustive logic-v2", "peer_value": peer})
            for one in measured
            for key, unit, peer in (
                ("names_per_processor_s", "1/s", None),
                ("names_per_s", "1/s", one["peer_names_per_s"]),
                ("recall", "share", one["peer"][0]),
                ("precision", "share", one["peer"][1]),
            )
        ]
        chosen.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
