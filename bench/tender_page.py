"""How soon the page of a published tender begins to arrive, for readers of all kinds.

    python bench/tender_page.py [--sizes 14,100,500] [--looks 20] [--quick] [--json FILE]

A programme is founded, then tenders with so many bids each are sealed, opened and awarded by the
product's own functions and stored as their results are stored; the pages are then asked of a real
server.  The first look is the first that anybody takes after the server has started.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sql
import uvicorn
from rich.console import Console
from rich.table import Table

from amanat.app import Application
from amanat.auctions import tables
from amanat.auctions.acts_book import pricing_on, security_terms
from amanat.auctions.book import Commitment, Delivery, Window, open_book
from amanat.auctions.forms import write_form
from amanat.auctions.model import Award, CompetitiveBid, TenderTerms
from amanat.auctions.recompute import Published, commitments_head, decide, published_record
from amanat.auctions.records import decision_record, terms_record
from amanat.auctions.sealing import commitment, new_salt, new_share, seal
from amanat.auctions.showing import shown_of, stored
from amanat.core.canonical import canonical_bytes
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, steps_of
from amanat.replay.runner import replay
from amanat.settings import Settings
from amanat.web.server import create_app

PILOT = Path(__file__).parents[1] / "pilots" / "pib-3y-2021"
BIDS_PER_DEALER = 10
SIZES = (14, 100, 500)


@dataclass(frozen=True)
class Looks:
    """Milliseconds to the first byte of one page: the first look, and those after it."""

    size: int
    first_ms: float
    later_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """The middle of the later looks."""
        return statistics.median(self.later_ms)


def published(terms: TenderTerms, pricing: Any, bids: int) -> tuple[Published, Any]:
    """A result over so many sealed bids, and what it recomputes to; every second one succeeds."""
    inner, outer = new_share("ministry"), new_share("central_bank")
    commitments, deliveries = [], []
    for sequence, first in enumerate(range(0, bids, BIDS_PER_DEALER), 1):
        lines = [
            CompetitiveBid(
                sequence, place - first + 1, 100_000_000, price=Decimal(95) + Decimal(place) / 1000
            )
            for place in range(first, min(bids, first + BIDS_PER_DEALER))
        ]
        form = write_form(terms.tender, sequence, lines)
        sealed = seal(form, tender=terms.tender, number=sequence, inner=inner.key, outer=outer.key)
        salt = new_salt()
        digest = commitment(terms.tender, sequence, sealed, salt)
        commitments.append(
            Commitment(sequence, sequence, digest, Window.COMPETITIVE, False, False, False)
        )
        deliveries.append(Delivery(sequence, sealed, salt))
    keys, shares = (inner.key, outer.key), (inner, outer)
    decision = Award(amount=max(1, bids // 2) * 100_000_000)
    book = open_book(terms.tender, keys, shares, commitments, deliveries)
    found = decide(book, terms, decision, pricing)
    head = commitments_head(commitments)
    whole = Published(
        terms, decision, keys, shares, tuple(commitments), tuple(deliveries), head, found.root
    )
    return whole, found


def add_tender(app: Application, programme: str, code: str, bids: int) -> None:
    """Store an awarded tender with so many bids, as the acts and the indexer store one."""
    table = tables.tender
    with app.engine.begin() as connection:
        isin = connection.execute(
            sql.text("SELECT isin FROM security WHERE programme = :p ORDER BY isin"),
            {"p": programme},
        ).scalar_one()
        tender, settles = hashlib.sha256(code.encode()).digest(), date(2021, 3, 4)
        terms = TenderTerms(tender=tender, isin=isin, target=bids * 100_000_000)
        pricing = pricing_on(security_terms(connection, programme, isin), settles)
        whole, found = published(terms, pricing, bids)
        record = canonical_bytes(published_record(whole))
        rules = {k: v for k, v in terms_record(terms).items() if k != "target"}
        connection.execute(
            table.insert().values(
                programme=programme,
                code=code,
                chain_id=tender.hex(),
                isin=isin,
                state="awarded",
                target=terms.target,
                auction_date="2021-03-03",
                settlement_date=settles.isoformat(),
                last_settlement_date="2021-03-08",
                bids_due="2021-03-03T05:30:00+00:00",
                unpaid="cancel",
                ministry="ministry",
                central_bank="central_bank",
                rules=canonical_bytes(rules),
                terms_hash="00" * 32,
                announced_at="2021-03-02T05:30:00+00:00",
                commitments_head=whole.head.hex(),
                decision=canonical_bytes(decision_record(whole.decision)),
                decided_at="2021-03-03T06:00:00+00:00",
                result=record,
                result_digest=hashlib.sha256(record).hexdigest(),
                result_root=found.root.hex(),
                result_shown=stored(shown_of(found, "PKR")),
                awarded_at="2021-03-03T06:30:00+00:00",
            )
        )
        rows = [
            {
                "programme": programme,
                "tender": code,
                "sequence": one.sequence,
                "number": one.number,
                "commitment": one.digest.hex(),
                "window": one.window.value,
                "letter": False,
                "late": False,
                "withdrawn": False,
                "block": one.sequence,
                "block_time": "2021-03-03T05:00:00+00:00",
                "chain_transaction": "0x" + "00" * 32,
                "fate": "opened",
            }
            for one in whole.commitments
        ]
        connection.execute(tables.commitment.insert(), rows)


@contextmanager
def served(app: Application) -> Iterator[str]:
    """The address under which a started application is served."""
    config = uvicorn.Config(create_app(app), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def look(client: httpx.Client, path: str) -> float:
    """Milliseconds until the first byte of a page."""
    began = time.perf_counter()
    with client.stream("GET", path) as answer:
        arriving = answer.iter_raw()
        next(arriving)
        taken = (time.perf_counter() - began) * 1000
        for _ in arriving:
            pass
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")
    return taken


def measure(sizes: Sequence[int], looks: int) -> list[Looks]:
    """Found a programme, add the tenders, and look at the page of each."""
    pilot = load_pilot(PILOT)
    until = 1 + max(n for n, one in enumerate(steps_of(pilot)) if one.kind is Kind.REGISTER_ASSETS)
    authorised = next(
        n for n, one in enumerate(steps_of(pilot)) if n >= until and one.kind is Kind.AUTHORISE
    )
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Application(Settings.at(Path(folder), light_keys=True)) as app,
    ):
        replay(app, pilot, until=authorised + 1)
        programme = app.programmes()[0]["code"]
        for size in sizes:
            add_tender(app, programme, f"bench_{size}", size)
        with served(app) as address, httpx.Client(base_url=address, timeout=60) as client:
            time.sleep(3 + len(sizes))  # until what is published has been drawn
            client.get("/healthz")
            for size in sizes:
                path = f"/p/{programme}/v/tender?tender=bench_{size}"
                first = look(client, path)
                later = tuple(look(client, path) for _ in range(looks))
                found.append(Looks(size, first, later))
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="bids in a tender")
    parser.add_argument("--looks", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(words)
    sizes = [int(one) for one in given.sizes.split(",")]
    found = measure(sizes, 5 if given.quick else given.looks)
    table = Table(
        "bids", "first look ms", "median ms", "slowest ms", title="First byte of a tender"
    )
    for one in found:
        row = (one.first_ms, one.median_ms, max(one.later_ms))
        table.add_row(str(one.size), *(f"{value:.0f}" for value in row))
    Console().print(table)
    if given.json:
        figures = [
            {"key": key, "value": round(value, 1), "unit": "ms", "size": one.size}
            for one in found
            for key, value in (
                ("tender_page_first_look_ms", one.first_ms),
                ("tender_page_first_byte_ms", one.median_ms),
            )
        ]
        given.json.write_text(json.dumps({"figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
