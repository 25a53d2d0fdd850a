"""An auction finished by sealed letters while no node answers, and recorded when one is back.

The bids are those that the State Bank of Pakistan published of the 3-year PIB auction of 3 March
2021; the sheet of the opened letters, and later that of the ledger, are the published one.
"""

from __future__ import annotations

import csv
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.auctions.acts_world import ISIN, MILLION, Auctions
from tests.auctions.conftest import PIB_BIDS
from tests.programme.world import World, found_world

from amanat.access.acts import Command
from amanat.access.desk import Outcome
from amanat.app import Application
from amanat.auctions.commands import AwardTender, CloseTender, FixCutOff, OpenBids, ReleaseShare
from amanat.settings import Settings

CODE = "pib"
DEALERS = ("bank_a", "bank_b")
CUT_OFF = "94.9435"
DUE_S = 40
Run = Callable[..., Any]


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """The installation with its own node, as long as no command uses it."""
    with Application(Settings.at(folder, light_keys=True)) as app:
        app.pump()
        yield World(app)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with an announced tender, for a target of the whole published sheet."""
    data = tmp_path / "installation"
    monkeypatch.setenv("AMANAT_DATA", str(data))
    with Application(Settings.at(data, light_keys=True)) as app:
        auctions = Auctions(found_world(app)).prepare()
        auctions.announce(CODE, target=11_601, due_s=DUE_S, non_competitive=None)
    return data


@pytest.fixture
def run(line: Any, folder: Path) -> Run:
    """A command by a person, with --json; its document, or its refusal."""
    del folder
    tokens: dict[str, str] = {}

    def command(person: str, *words: str, refused: bool = False) -> Any:
        if person not in tokens:
            tokens[person] = line("token", "issue", person, "--bare").stdout.strip()
        result = line(*words, "--json", token=tokens[person])
        assert result.exit_code == int(refused), result.output + result.stderr
        return json.loads(result.stdout)

    return command


def write(name: str, shown: Any) -> str:
    Path(name).write_text(json.dumps(shown), encoding="utf-8")
    return name


def envelopes(run: Run, line: Any, tender: str) -> list[dict[str, str]]:
    """Each dealer seals half of the published bids; what the reception writes down."""
    rows = []
    for place, dealer in enumerate(DEALERS):
        mine = write(
            f"{dealer}.mine.json", run(f"{dealer}_officer", "view", "my_bids", "tender=pib")
        )
        with Path(f"{dealer}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("nominal", "price"))
            writer.writerows((face * MILLION, price) for face, price, _ in PIB_BIDS[place::2])
        words = ("seal", tender, "--bids", f"{dealer}.csv", "--mine", mine)
        line.json(*words, "--output", f"{dealer}.json")
        inside = json.loads(Path(f"{dealer}.opening.json").read_text())
        rows.append(
            {
                "number": str(inside["number"]),
                "account": inside["account"],
                "commitment": inside["letter_commitment"],
                "received_at": datetime.now(UTC).replace(microsecond=0).isoformat(),
                "letter": "cd" * 32,
                "non_competitive": "no",
            }
        )
    return rows


def received(rows: list[dict[str, str]], **changes: str) -> str:
    """The reception's list; `changes` to its last row."""
    with Path("received.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows[:-1], rows[-1] | changes])
    return "received.csv"


def test_an_auction_is_finished_by_letters_and_recorded_when_a_node_is_back(
    line: Any, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # bound and never listening: no node
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AMANAT_NODES", f"http://127.0.0.1:{taken.getsockname()[1]}")
        due = finish_by_letters(line, run)
    monkeypatch.delenv("AMANAT_NODES")
    record_on_the_ledger(run, folder, due)


def finish_by_letters(line: Any, run: Run) -> datetime:
    """From the envelopes to the published sheet, with no node; when bids were due."""
    shown = run("bank_a_officer", "view", "tender", f"tender={CODE}")
    tender = write("tender.json", shown)
    security = write("security.json", run("bank_a_officer", "view", "security", f"isin={ISIN}"))
    rows = envelopes(run, line, tender)
    for changes, reason in (
        ({"received_at": shown["bids_due"]}, "it came at"),
        ({"commitment": "ab"}, "commitment: a digest is 64 hexadecimal digits"),
        ({"commitment": rows[0]["commitment"]}, "stands twice"),
    ):
        refused = line("letters", "register", tender, received(rows, **changes))
        assert (refused.exit_code, reason in refused.stderr) == (1, True), refused.stderr
    made = line.json("letters", "register", tender, received(rows))
    assert made["letters"] == 2

    for institution in ("ministry", "central_bank"):
        found = ("contingency", "certificate", institution, f"{institution}/approver")
        line.json(*found, "--output", f"{institution}.pem")
    trusted = ("--certificate", "ministry.pem", "--certificate", "central_bank.pem")
    files = ("letters.json", *(f"{dealer}.opening.json" for dealer in DEALERS))
    shown_files = ("--tender", tender, "--security", security)
    opening = ("letters", "open", *files, *trusted, *shown_files)

    def sign(institution: str) -> None:
        words = ("letters", "sign", "letters.json", "--yes")
        run(f"{institution}_approver", *words, "--certificate", f"{institution}.pem")

    sign("central_bank")
    alone = line(*opening, "--cut-off", CUT_OFF)  # one institution opens nothing
    assert (alone.exit_code, "signers_missing" in alone.stderr) == (1, True)
    sign("ministry")
    found = line.json(*opening, "--cut-off", CUT_OFF)
    assert (found["opened"], found["void"]) == (2, [])
    is_the_published_sheet(json.loads(Path("letters-sheet.json").read_text())["sheet"])
    refuses_what_is_not_of_the_register(line, opening)
    return datetime.fromisoformat(shown["bids_due"])


def is_the_published_sheet(sheet: dict[str, Any]) -> None:
    """The figures as printed, PKR million."""
    assert sheet["total"]["face_value"] == "11601.000"
    assert sheet["total"]["realised_value"] == "11032.285"
    assert sheet["total"]["accrued_interest"] == "26.919"
    assert sheet["average_yield"] == "9.2665"
    yields = sorted(row["yield_pct"] for row in sheet["rows"])
    assert yields == sorted(percent for _, _, percent in PIB_BIDS)


def refuses_what_is_not_of_the_register(line: Any, opening: tuple[str, ...]) -> None:
    """A letter that is written with knowledge of the bids is in no register."""
    sound = json.loads(Path("bank_b.opening.json").read_text())
    register = Path("letters.json").read_bytes()
    Path("bank_b.opening.json").write_text(json.dumps(sound | {"letter_commitment": "ef" * 32}))
    refused = line(*opening, "--cut-off", CUT_OFF, "--output", "other.json")
    assert (refused.exit_code, "letter_stray" in refused.stderr) == (1, True)
    # Another form under the same envelope voids that letter, and no other.
    better = sound["form"].replace('"95.6574"', '"96.6574"')
    Path("bank_b.opening.json").write_text(json.dumps(sound | {"form": better}))
    void = line.json(*opening, "--cut-off", CUT_OFF, "--output", "other.json")["void"]
    assert [one["reason"] for one in void] == ["altered"]
    Path("bank_b.opening.json").write_text(json.dumps(sound))
    # A register that was written anew is not the one that was signed.
    Path("letters.json").write_bytes(register.replace(b"cdcd", b"abab", 1))
    refused = line(*opening, "--cut-off", CUT_OFF, "--output", "other.json")
    assert (refused.exit_code, "file_signature_invalid" in refused.stderr) == (1, True)
    Path("letters.json").write_bytes(register)


def record_on_the_ledger(run: Run, folder: Path, due: datetime) -> None:
    """The same letters, in the same order; the ledger's sheet is that of the letters."""
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()) + 1)
    clerk = "central_bank_officer"
    entered = run(clerk, "letters", "enter", "letters.json", "--reason", "no node answered")
    assert [one["awaits"] for one in entered] == [["central_bank", "ministry"]] * 2
    with opened(folder) as world:
        approve(world, entered)
        world.do("central_bank", CloseTender(tender=CODE))
        for institution in ("ministry", "central_bank"):
            world.do(institution, ReleaseShare(tender=CODE))
    openings = [f"{dealer}.opening.json" for dealer in DEALERS]
    delivered = run(clerk, "letters", "deliver", "letters.json", *openings)
    with opened(folder) as world:
        approve(world, delivered)
        found = world.do("central_bank", OpenBids(tender=CODE)).result
        assert found is not None
        assert (found["bids"], found["opened"], found["void"]) == (14, "2", "0")
        decide(world, FixCutOff(tender=CODE, cut_off=CUT_OFF), AwardTender(tender=CODE))
        assert world.app.ledger.check() == []
    same = run(clerk, "letters", "compare", "letters-sheet.json")
    assert (same["state"], same["same"]) == ("awarded", True)
    is_the_published_sheet(run(clerk, "view", "tender", f"tender={CODE}")["sheet"])
    sheet = json.loads(Path("letters-sheet.json").read_text())
    sheet["sheet"]["total"]["face_value"] = "11602.000"
    write("other-sheet.json", sheet)
    refused = run(clerk, "letters", "compare", "other-sheet.json", refused=True)
    assert refused["code"] == "sheets_differ"
    again = run(clerk, "letters", "enter", "letters.json", "--reason", "no node answered")
    assert [one["proposal"] for one in again] == [one["proposal"] for one in entered]


def approve(world: World, proposed: list[dict[str, Any]]) -> None:
    """Everyone who must approves, one letter after the other."""
    for one in proposed:
        outcome = Outcome("", "proposed", one["proposal"], None, tuple(one["awaits"]))
        for institution in one["awaits"]:
            outcome = world.approve(institution, outcome)
        assert outcome.state == "carried_out"
        world.app.pump()


def decide(world: World, by_ministry: Command, by_central_bank: Command) -> None:
    world.do("ministry", by_ministry)
    world.do("central_bank", by_central_bank)
