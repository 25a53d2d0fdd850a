"""Three of five validators are down on a coupon's day: it is paid, by ledger and RTGS, and once.

151 holders are three chunks.  The ledger pays the first; it is asked for the second and loses its
quorum before a block has it; the third is listed, paid by the RTGS and recorded afterwards.  All is
done as operators do it: a server that runs throughout, and the command line against it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sql
from tests.e2e.coupon_world import (
    ACTIVE,
    COUPONS,
    KEPT_BY_BANK_B,
    CouponWorld,
    clients_numbered,
    coupon_of,
    net_paisa,
    rounded,
)
from tests.network.test_outages import kill
from tests.programme.world import CODE

from amanat.access.tokens import issue_token
from amanat.app import Application
from amanat.cli.pilots import application_of, prepare
from amanat.ledger.tables import order
from amanat.ledger.typed_data import CHUNK
from amanat.network.home import Home
from amanat.network.status import wait_ready
from amanat.network.supervisor import release
from amanat.servicing.commands import PayChunk
from amanat.servicing.payment_files import NAMESPACE

pytestmark = pytest.mark.network

HOLDERS = 151
DOWN = ("ministry", "secp", "depository")
"""The one that is asked first, and two more."""
PEOPLE = tuple(
    f"{one}_{role}" for one in ("central_bank", "ministry") for role in ("officer", "approver")
)
# The example IBAN of the ISO 13616 registry for Pakistan, and plain account numbers.
ACCOUNTS = """institution,name,bic,account
payer,Ministry of Finance,SBPPPKKA,PK36SCBL0000001123456702
tax,Revenue,SBPPPKKA,000123
bank_a,Bank A,AAAAPKKA,77-1
bank_b,Bank B,BBBBPKKA,77-2
"""


@dataclass(frozen=True, slots=True)
class Counter:
    """The people at their command lines, against a server that runs."""

    url: str
    tokens: dict[str, str]
    folder: Path

    def run(self, person: str, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of one person."""
        program = "from amanat.cli import main; main()"
        where = ("--url", self.url, "--programme", CODE, "--json")
        return subprocess.run(
            [sys.executable, "-c", program, *words, *where],
            env=bare_environment() | {"AMANAT_TOKEN": self.tokens[person]},
            cwd=self.folder, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def get(self, person: str, *words: str) -> Any:
        """The answer of a command that must succeed."""
        done = self.run(person, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def refused(self, person: str, *words: str) -> str:
        """What a command that must be refused is told."""
        done = self.run(person, *words)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout + done.stderr

    def done(self, person: str, *words: str) -> Any:
        """A proposal, and everybody's approval of it."""
        answer = self.get(person, *words)
        while answer["state"] == "proposed":
            approver = f"{answer['awaits'][0]}_approver"
            answer = self.get(approver, "approve", answer["proposal"], "--yes")
        return answer

    def payment(self, payment: str) -> dict[str, Any]:
        """The payment as the central bank sees it."""
        found: dict[str, Any] = self.get(
            "central_bank_officer", "view", "payment", f"payment={payment}"
        )
        return found

    def wait_for(self, payment: str, **wanted: Any) -> float:
        """Seconds until the payment says so."""
        began = time.monotonic()
        while any(self.payment(payment)[name] != one for name, one in wanted.items()):
            assert time.monotonic() - began < 600, self.payment(payment)
            time.sleep(0.5)
        return time.monotonic() - began


def bare_environment() -> dict[str, str]:
    """The variables of this machine without those of an installation."""
    kept = {name: one for name, one in os.environ.items() if not name.startswith("AMANAT_")}
    return kept | {"AMANAT_LIGHT_KEYS": "1"}


@contextmanager
def served(data: Path, folder: Path) -> Iterator[str]:
    """The address of `amanat serve` on an installation."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = "from amanat.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--data", str(data), "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=bare_environment(), stdout=log, stderr=log)
    try:
        limit = time.monotonic() + 120
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                told = (folder / "server.log").read_text()
                assert process.poll() is None, told
                assert time.monotonic() < limit, told
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.fixture
def everybody_up(validators: Home) -> Iterator[Home]:
    yield validators
    release(validators)
    wait_ready(validators)


def bank_b_net_paisa() -> int:
    """What the bank that is an active taxpayer gets of the coupon on its own nominal."""
    gross = coupon_of(KEPT_BY_BANK_B)
    return gross - rounded(Decimal(gross) * ACTIVE / 100)


def rtgs_settles(message: Path) -> tuple[str, dict[str, int]]:
    """What the RTGS makes of a pain.001: its confirmations, and the paisa of each transfer."""
    paid = {}
    for one in ET.parse(message).getroot().iter(f"{{{NAMESPACE}}}CdtTrfTxInf"):
        name = one.findtext(f"{{{NAMESPACE}}}PmtId/{{{NAMESPACE}}}EndToEndId")
        amount = one.findtext(f"{{{NAMESPACE}}}Amt/{{{NAMESPACE}}}InstdAmt")
        assert name is not None
        assert amount is not None
        assert name not in paid
        paid[name] = int(Decimal(amount) * 100)
    rows = [f"{name},ACSC,R-{number}" for number, name in enumerate(paid)]
    return "\n".join(["end_to_end_id,status,reference", *rows]) + "\n", paid


def chunk_sent(application: Application) -> bool:
    """Whether a chunk is on its way to the ledger and not in a final block."""
    waiting = sql.select(order.c.id).where(order.c.kind == "pay_chunk", order.c.state == "sent")
    with application.store.reading() as connection:
        return connection.execute(waiting).first() is not None


def prepared(application: Application) -> tuple[CouponWorld, str, dict[str, str]]:
    """The coupon funded, its first chunk paid, and everybody's token."""
    world = CouponWorld(application, clients_numbered(HOLDERS - 1)).prepare()
    payment = world.fund_coupon(COUPONS[0], COUPONS[0])
    world.do("central_bank", PayChunk(payment=payment, chunk=0), pump=True)
    month = timedelta(days=30)
    with application.engine.begin() as connection:
        tokens = {
            one: issue_token(connection, CODE, one, application.store.clock(), month)
            for one in PEOPLE
        }
    return world, payment, tokens


def test_a_coupon_is_paid_while_three_of_five_are_down(everybody_up: Home, tmp_path: Path) -> None:
    home, data = everybody_up, tmp_path / "data"
    prepare(data, resume=False)
    with application_of(data, home.folder) as application:
        world, payment, tokens = prepared(application)
        accounts = world.world.accounts
        due = net_paisa(world.clients) | {accounts["bank_b.own"]: bank_b_net_paisa()}
    officer = "central_bank_officer"
    reader = Application(application.settings)  # only looks into the database
    with served(data, tmp_path) as url:
        counter = Counter(url, tokens, tmp_path)
        kill(home, DOWN)
        counter.get(officer, "act", "PayChunk", f"payment={payment}", "chunk=1")
        limit = time.monotonic() + 120
        while not chunk_sent(reader):
            assert time.monotonic() < limit
            time.sleep(0.2)
        transfers = pay_by_rtgs(counter, payment, tmp_path)
        assert chunk_sent(reader)  # nothing became final meanwhile
        began = time.monotonic()
        release(home)
        confirm(counter, payment, tmp_path)
        counter.wait_for(payment, state="complete")
        print(
            f"{len(transfers)} transfers by the RTGS with three of five down; all is paid and"
            f" recorded {time.monotonic() - began:.1f} s after they are started again"
        )
        nobody_is_paid_again(counter, payment)
        shown = counter.payment(payment)
    reader.stop()
    with Application(application.settings) as again:
        again.pump(300)
        assert wrong(again, shown, transfers, due, accounts) == []


def pay_by_rtgs(counter: Counter, payment: str, folder: Path) -> dict[str, int]:
    """The list, its file, and what the RTGS settled of it: paisa by transfer."""
    officer, about = "central_bank_officer", f"payment={payment}"
    listed = counter.done(officer, "act", "ListOutside", about, "reason=three of five are down")
    assert listed["result"]["lines"] == HOLDERS - 2 * CHUNK
    (folder / "accounts.csv").write_text(ACCOUNTS)
    made = counter.get(
        officer, "contingency", "list", payment, "--accounts", "accounts.csv", "--output", "out"
    )
    message = next(one for one in made["files"] if one.endswith(".xml"))
    confirmations, transfers = rtgs_settles(folder / message)
    assert sum(transfers.values()) == made["net_paisa"] + made["tax_paisa"]
    (folder / "confirmed.csv").write_text(confirmations)
    (folder / "partly.csv").write_text("\n".join(confirmations.splitlines()[:-1]) + "\n")
    # What is listed is not asked of the ledger, nor recorded before all of it is settled.
    asked = counter.get(officer, "act", "PayChunk", about, "chunk=2")
    assert asked["result"]["chunks"] == 0
    counter.refused(officer, "contingency", "confirm", payment, "partly.csv")
    return transfers


def confirm(counter: Counter, payment: str, folder: Path) -> None:
    """Propose to record what the RTGS confirmed; the issuer and the agent sign it."""
    answer = None
    limit = time.monotonic() + 300
    while answer is None:  # the server may find no node for a moment, and says 3: try again
        done = counter.run(
            "central_bank_officer", "contingency", "confirm", payment, str(folder / "confirmed.csv")
        )
        assert done.returncode in (0, 3), done.stdout + done.stderr
        assert time.monotonic() < limit
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    while answer["state"] == "proposed":
        approver = f"{answer['awaits'][0]}_approver"
        answer = counter.get(approver, "approve", answer["proposal"], "--yes")


def nobody_is_paid_again(counter: Counter, payment: str) -> None:
    """Every way of paying the same once more is refused or without effect."""
    officer, about = "central_bank_officer", f"payment={payment}"
    for chunk in range(3):
        counter.get(officer, "act", "PayChunk", about, f"chunk={chunk}")
    counter.refused(officer, "act", "ListOutside", about, "reason=again")
    counter.refused(officer, "contingency", "confirm", payment, "confirmed.csv")
    counter.wait_for(payment, state="complete")


def wrong(
    application: Application,
    shown: dict[str, Any],
    transfers: dict[str, int],
    due: dict[str, int],
    accounts: dict[str, str],
) -> list[str]:
    """Who was not paid exactly once what was due, by contract and RTGS; what `fsck` finds."""
    told = [] if len(shown["lines"]) == HOLDERS else [f"{len(shown['lines'])} lines"]
    cash = application.gateway(CODE)
    by_rtgs = {
        int(name.rpartition("-")[2]): paisa
        for name, paisa in transfers.items()
        if not name.endswith("-tax")
    }
    for line in shown["lines"]:
        client = line["account"]
        outside = by_rtgs.get(line["position"], 0)
        paid = int(cash.call("Cash", "balanceOf", client)), outside
        wanted = (0, due[client]) if line["position"] >= 2 * CHUNK else (due[client], 0)
        if paid != wanted:
            told.append(f"{client}: {paid} is paid by ledger and RTGS, not {wanted}")
    taxed = sum(one["tax_paisa"] for one in shown["lines"] if one["state"] != "outside")
    if (found := int(cash.call("Cash", "balanceOf", accounts["ministry.tax"]))) != taxed:
        told.append(f"the tax account has {found}, not {taxed}")
    gross = sum(transfers.values())
    if (found := int(cash.call("Cash", "balanceOf", accounts["ministry.treasury"]))) != gross:
        told.append(f"the treasury has {found}, not the {gross} that the RTGS paid")
    return told + [str(one) for one in application.ledger.check()]
