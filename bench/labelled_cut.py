"""Cuts the labelled set for the pilot of three exchanges; the same set gives the same bytes.

    python -m bench.labelled_cut SET.parquet FOLDER

The set is one of AMLGentex (`bench.labelled` says its columns).  Chosen are five middle-sized
patterns of each typology, the accounts that deal with them, and a sample of what these do
otherwise.  Persons, identity cards and bank accounts are made up by a generator with a fixed seed.
"""

from __future__ import annotations

import csv
import hashlib
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

SEED = 2026
FIRST = date(2026, 8, 12)
OPENED, BORN = date(2026, 7, 1), date(1960, 1, 1)
PAISA_PER_UNIT = 28_000
EXCHANGES = {"bank_a": "invented_alpha", "bank_b": "invented_beta", "bank_c": "invented_gamma"}
TYPOLOGIES = {
    1: "fan_out", 2: "fan_in", 3: "cycle", 4: "bipartite", 5: "stack", 7: "scatter_gather",
    8: "gather_scatter",
}  # fmt: skip
EACH, SMALLEST, LARGEST = 5, 3, 24
WITHOUT_MESSAGE = 20
TRANSFERS, INNER, BIG, AROUND = 3_950, 1_900, 40, 220
GIVEN = [
    "Arvash",     "Belqan",     "Chamdar",     "Dilzar",     "Elsham",     "Farzun",
    "Gulvash",     "Hamreen",     "Ishkar",     "Jalvan",     "Kamzar",     "Larosh",
    "Mehvan",     "Nargol",     "Ozmar",     "Parvish",     "Qandol",     "Rusham",     "Sorvan",
    "Tolmir",     "Ushkan",     "Varzeb",     "Wamiq",     "Yarzul",     "Zolfan",     "Amrosh",
    "Bakhmar",     "Darvish",     "Ezgul",     "Firvan",
]  # fmt: skip
FAMILY = [
    "Invandar",     "Namzada",     "Farzinama",     "Misalwal",     "Khayali",
    "Tasvirwal",     "Qissagar",     "Dastanzai",     "Afsanwal",     "Rahgumzai",     "Sarabzai",
    "Naqshbar",     "Khwabzada",     "Andazwal",     "Gumnamzai",     "Shablonzai",
    "Pindarwal",     "Tamseelzai",     "Wahmzada",     "Ramzwal",
]  # fmt: skip
DISTRICTS = ("Lahore", "Faisalabad", "Multan", "Rawalpindi", "Peshawar", "Quetta")
HEADS = {
    "transfers": "# Movements of rupees, each once: from account to account, or from (to) a bank"
    " outside, which is the\n# customer's own account there.  Cut from a generated set (README.md);"
    " no label stands here.\n",
    "labelled": "# Which transfers the generator made as part of a pattern of laundering.  No"
    " exchange reports this, and\n# nothing but the replay's last table reads it.\n",
    "persons": "# Invented people: names of invented parts, numbers of identity cards that are"
    " well-formed and made up.\n",
    "customers": "# Who has which account at which exchange, and the bank account behind it.  A"
    " person may have several.\n",
}
COLUMNS = {
    "transfers": "transfer day time sender receiver amount_pkr cash travel_rule",
    "labelled": "transfer typology pattern",
    "persons": "person name father_name born gender cnic district address telephone",
    "customers": "account exchange person opened iban",
}


class Moved(NamedTuple):
    """A row of the set; accounts below 0 are outside."""

    number: int
    step: int
    type: str
    amount: float
    sender: int
    receiver: int
    sender_bank: str
    receiver_bank: str
    laundering: int
    pattern: int
    typology: int

    @property
    def second(self) -> int:
        """A second between eight and twenty o'clock."""
        digest = hashlib.sha256(f"{self.number}".encode()).digest()
        return 8 * 3600 + int.from_bytes(digest[:4], "big") % (12 * 3600)


@dataclass(frozen=True, slots=True)
class Cut:
    """What was chosen, in the order of time, of which accounts; `core` is those of patterns."""

    moved: tuple[Moved, ...]
    core: frozenset[int]
    banks: dict[int, str]

    @property
    def used(self) -> list[int]:
        """Every account with a transfer."""
        return sorted({one for row in self.moved for one in row[4:6] if one >= 0})

    def message_of(self, row: Moved, number: int) -> str:
        """The travel-rule message of a transfer between exchanges; of one in twenty there is none.

        Which these are follows from the time alone, so that it tells nothing of patterns.
        """
        if min(row.sender, row.receiver) < 0 or row.second % WITHOUT_MESSAGE == 0:
            return ""
        return f"m{number:05d}" if self.banks[row.sender] != self.banks[row.receiver] else ""

    def codes(self) -> dict[int, str]:
        """How the pilot calls each account."""
        used = enumerate(self.used, 1)
        return {one: f"{self.banks[one][-1]}{number:04d}" for number, one in used}


def cut_of(rows: Sequence[Moved], rng: random.Random) -> Cut:
    """Choose patterns, accounts and a sample of what these do otherwise."""
    patterns: dict[tuple[int, int], list[Moved]] = defaultdict(list)
    for row in rows:
        if row.laundering:
            patterns[(row.typology, row.pattern)].append(row)
    chosen: list[tuple[int, int]] = []
    for typology in TYPOLOGIES:
        sized = [
            one
            for one in sorted(key for key in patterns if key[0] == typology)
            if SMALLEST <= len(patterns[one]) <= LARGEST
        ]
        rng.shuffle(sized)
        chosen += sized[:EACH]
    core = {one for key in chosen for row in patterns[key] for one in row[4:6]}
    usual = [one for one in rows if not one.laundering]
    inside = [one for one in usual if one.sender >= 0 and one.receiver >= 0]
    near: dict[int, int] = defaultdict(int)
    for row in inside:
        if (row.sender in core) != (row.receiver in core):
            near[row.receiver if row.sender in core else row.sender] += 1
    accounts = core | set(sorted(near, key=lambda one: (-near[one], one))[:AROUND])
    ours = {row for key in chosen for row in patterns[key]}
    inner = [one for one in inside if one.sender in accounts and one.receiver in accounts]
    if len(inner) > INNER:
        inner = rng.sample(inner, INNER)
    outside = [
        one
        for one in usual
        if (one.sender in accounts and one.receiver < 0)
        or (one.receiver in accounts and one.sender < 0)
    ]
    sampled = _sampled(outside, TRANSFERS - len(ours) - len(inner), rng)
    moved = sorted([*ours, *inner, *sampled], key=lambda one: (one.step, one.second, one.number))
    banks = {one.sender: one.sender_bank for one in rows if one.sender >= 0}
    banks |= {one.receiver: one.receiver_bank for one in rows if one.receiver >= 0}
    return Cut(tuple(moved), frozenset(core), banks)


def _sampled(outside: Sequence[Moved], left: int, rng: random.Random) -> list[Moved]:
    """Of what came from and went to banks: some large ones, a quarter that came, the rest."""
    rest = [one for one in outside if one.amount * 280 < 1_500_000]
    came = [one for one in rest if one.sender < 0]
    went = [one for one in rest if one.sender >= 0]
    big = rng.sample([one for one in outside if one.amount * 280 >= 1_500_000], BIG)
    came = rng.sample(came, min(len(came), left // 4))
    went = rng.sample(went, min(len(went), left - len(big) - len(came)))
    return [*big, *came, *went]


def _moved_rows(cut: Cut) -> tuple[list[list[Any]], list[list[Any]]]:
    """The rows of transfers and of labels."""
    codes = cut.codes()
    transfers, labelled = [], []
    for number, row in enumerate(cut.moved, 1):
        at, paisa = row.second, max(round(row.amount * PAISA_PER_UNIT), 1)
        reference = f"t{number:05d}"
        transfers.append(
            [
                reference,
                FIRST + timedelta(days=row.step),
                f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}",
                codes.get(row.sender, "bank"),
                codes.get(row.receiver, "bank"),
                f"{paisa // 100}.{paisa % 100:02d}",
                "true" if row.type == "CASH" else "false",
                cut.message_of(row, number),
            ]
        )
        if row.laundering:
            labelled.append([reference, TYPOLOGIES[row.typology], f"p{row.pattern}"])
    return transfers, labelled


def _people(cut: Cut, rng: random.Random) -> tuple[list[list[Any]], list[list[Any]]]:
    """The rows of persons and customers; fourteen persons have accounts at two exchanges."""
    pairs = [(given, family) for given in GIVEN for family in FAMILY]
    rng.shuffle(pairs)
    codes, used = cut.codes(), cut.used
    others: dict[str, list[int]] = defaultdict(list)
    for one in used:
        if one not in cut.core:
            others[cut.banks[one]].append(one)
    first, second, third = (others[bank] for bank in EXCHANGES)
    twins = [*zip(first[:8], second[:8], strict=True)]
    twins += zip(second[8:14], third[8:14], strict=True)
    same = {other: one for one, other in twins}
    persons: list[list[Any]] = []
    holder: dict[int, str] = {}
    for one in used:
        if one in same:
            continue
        number = len(persons) + 1
        given, family = pairs[number - 1]
        father, holder[one] = rng.choice(GIVEN), f"p{number:04d}"
        born = BORN + timedelta(days=rng.randrange(15_000))
        persons.append(
            [
                holder[one], f"{given} {family}", f"{father} {family}", born, rng.choice("MF"),
                _card(rng), rng.choice(DISTRICTS), f"House {number}, Invented Street",
                f"0092300{number:07d}",
            ]
        )  # fmt: skip
    holder |= {other: holder[one] for other, one in same.items()}
    customers = []
    for one in used:
        opened = OPENED + timedelta(days=rng.randrange(35))
        exchange, iban = EXCHANGES[cut.banks[one]], _iban(int(codes[one][1:]))
        customers.append([codes[one], exchange, holder[one], opened, iban])
    return persons, customers


def _card(rng: random.Random) -> str:
    first, rest = rng.choice("1234567"), rng.randrange(1000, 9999)
    return f"{first}{rest}-{rng.randrange(1_000_000, 9_999_999)}-{rng.randrange(1, 9)}"


def _iban(number: int) -> str:
    body = f"INVT{number:016d}"
    digits = "".join(str(int(one, 36)) for one in f"{body}PK00")
    return f"PK{98 - int(digits) % 97:02d}{body}"


def write(source: Path, folder: Path) -> None:
    """Write the pilot's four tables that come of the set."""
    rows = duckdb.execute(
        "SELECT row_number() OVER () AS number, step, type, amount, nameOrig, nameDest, bankOrig,"
        " bankDest, isSAR, patternID, modelType FROM read_parquet(?)",
        [str(source)],
    ).fetchall()
    rng = random.Random(SEED)
    cut = cut_of([Moved(*one) for one in rows], rng)
    transfers, labelled = _moved_rows(cut)
    persons, customers = _people(cut, rng)
    _table(folder, "transfers", transfers)
    _table(folder, "labelled", labelled)
    _table(folder, "persons", persons)
    _table(folder, "customers", customers)


def _table(folder: Path, name: str, rows: Iterable[Sequence[Any]]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(HEADS[name])
        written = csv.writer(file, lineterminator="\n")
        written.writerow(COLUMNS[name].split())
        written.writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
