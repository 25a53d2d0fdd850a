"""A world in which several participants have traded, with figures planted that can be searched for.

The pilot's installation is replayed on until a netted cycle, a claim, fails and two coupons lie
behind it; then people of two dealers trade, fail, pledge and allege, and an order holds part of a
holding.  `secrets_of` reads from the tables what each participant may keep to itself.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from tests.web.installation import PILOT, UNBOUND

from amanat.access import sessions
from amanat.access.actors import Actor, Role, add_institution, add_person, load_actor
from amanat.access.acts import ACTS
from amanat.access.desk import parse
from amanat.access.tables import access_token, institution, person, proposal, requirement
from amanat.access.tokens import authenticate, issue_token
from amanat.app import Application
from amanat.auctions import tables as auctions
from amanat.ledger.balances import balance_at
from amanat.participants.tables import account, tax_status
from amanat.register import tables as register
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, steps_of
from amanat.replay.runner import replay
from amanat.servicing import tables as servicing
from amanat.settings import Settings
from amanat.settlement import tables as settlement
from amanat.web.observed import route_of
from amanat.web.server import create_app
from amanat.web.visitors import COOKIE

VICTIM, BUYER = "dealer_2", "dealer_3"
NOMINAL, CONSIDERATION_PAISA = 13_700_000, 1_293_847_561
"""The planted trade: no other figure of the pilot is like these."""
FAILED_NOMINAL, FAILED_PAISA = 7_654_300_000, 712_345_678_911
ALLEGED_NOMINAL, ALLEGED_PAISA = 9_100_000, 867_530_912
HELD_NOMINAL, PLEDGED_NOMINAL = 4_300_000, 3_700_000
REASON, REFERENCE = "planted_reason_of_the_order", "planted-reference-7c1d"
PAPER = "5e" * 32
OPERATOR = "installation_operator"
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z0-9_-]{6,}")
_HEX = re.compile(r"[0-9a-f]{40,}")


@dataclass
class Visited:
    """ASGI application around the faces that notes which declared routes were reached."""

    faces: FastAPI
    routes: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self.faces(scope, receive, send)
        if scope["type"] == "http":
            route = scope["path"] if route_of(scope) == "unmatched" else route_of(scope)
            self.routes[scope["method"], route] += 1


@dataclass
class World:
    """An application with its faces in this process, and who may call them."""

    app: Application
    programme: str
    client: TestClient
    faces: Visited
    tokens: dict[str, str] = field(default_factory=dict)
    """By person; one officer and one approver of each participant, and the operator."""

    @property
    def api(self) -> str:
        """The path under which the programme's API stands."""
        return f"/v1/programmes/{self.programme}"

    @property
    def pages(self) -> str:
        """The path under which the programme's pages stand."""
        return f"/p/{self.programme}"

    def bearer(self, name: str | None) -> dict[str, str]:
        """The headers of a program that acts for a person, or for nobody."""
        return {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}

    def cookie(self, name: str | None) -> dict[str, str]:
        """The headers of a browser in which a person has just signed in, or nobody."""
        if name is None:
            return {}
        now, entrance = self.app.store.clock(), self.app.entrance
        with self.app.engine.begin() as connection:
            actor = authenticate(connection, self.tokens[name], now)
            secret = sessions.begin(connection, actor, now, entrance.rules.terms, browser="a test")
        return {"Cookie": f"{COOKIE}={secret[1]}"}

    def actor(self, name: str) -> Actor:
        """The person, as if they had signed in."""
        with self.app.store.reading() as connection:
            return load_actor(connection, self.programme, name, "test")

    def rows(self, table: sql.Table) -> list[Any]:
        """Every row of the programme in a table."""
        with self.app.store.reading() as connection:
            asked = sql.select(table).where(table.c.programme == self.programme)
            return list(connection.execute(asked))

    def participants(self) -> list[str]:
        """Those who bid, hold and trade for themselves and for clients."""
        return [
            row.code
            for row in self.rows(institution)
            if "participant" in row.capacities and "issuer" not in row.capacities
        ]


@contextmanager
def opened(built: Path, folder: Path) -> Iterator[World]:
    """A copy of the built installation in `folder`, traded in, with its faces in this process."""
    shutil.copytree(built, folder)
    settings = Settings.at(folder, light_keys=True)
    with Application(settings) as app:
        steps = steps_of(load_pilot(PILOT))
        cycle = next(n for n, step in enumerate(steps) if step.kind is Kind.NET)
        replay(app, load_pilot(PILOT), until=cycle + 2)  # and the settlement after it
    with opened_again(folder) as world:
        plant(world)
        yield world


@contextmanager
def opened_again(folder: Path) -> Iterator[World]:
    """An installation that was traded in, with its faces in this process."""
    app = Application(replace(Settings.at(folder, light_keys=True), sign_in=UNBOUND)).start()
    try:
        faces = Visited(create_app(app))
        client = TestClient(
            faces,
            base_url="http://127.0.0.1",
            client=("127.0.0.1", 40_000),
            raise_server_exceptions=False,
            follow_redirects=False,
        )
        world = World(app, app.programmes()[0]["code"], client, faces)
        _give_tokens(world)
        yield world
    finally:
        app.stop()


def _give_tokens(world: World) -> None:
    now, month = world.app.store.clock(), timedelta(days=30)
    known = {row.code for row in world.rows(person)}
    with world.app.engine.begin() as connection:
        if OPERATOR not in known:
            add_institution(
                connection,
                world.programme,
                "installation",
                number=0,
                name="Who runs the installation",
                capacities=["operator"],
            )
            add_person(
                connection,
                world.programme,
                OPERATOR,
                institution="installation",
                role=Role.OPERATOR,
                name="An operator",
            )
        for code in {*known, OPERATOR}:
            world.tokens[code] = issue_token(connection, world.programme, code, now, month)


# -- planting -------------------------------------------------------------------------------------


def act(world: World, proposer: str, name: str, **fields: Any) -> dict[str, Any]:
    """Propose an act and have everyone approve it whom it awaits; its result."""
    outcome = world.app.desk.submit(world.actor(proposer), parse(ACTS[name].command, fields))
    while outcome.state == "proposed":
        row = next(one for one in world.rows(proposal) if one.id == outcome.proposal)
        with world.app.store.reading() as connection:
            needs = connection.execute(
                sql.select(requirement).where(
                    requirement.c.proposal == row.id, requirement.c.met_at.is_(None)
                )
            ).all()
        spoken = {row.person}
        approver = next(
            one.code
            for one in world.rows(person)
            if one.institution == needs[0].institution
            and one.role == "approver"
            and one.code not in spoken
        )
        outcome = world.app.desk.approve(world.actor(approver), row.id)
    return outcome.result or {}


def own_account(world: World, code: str, kind: str = "own") -> str:
    """The address of a participant's account of a kind."""
    return str(
        next(r.address for r in world.rows(account) if (r.participant, r.kind) == (code, kind))
    )


def plant(world: World) -> None:
    """Trades, a fail, an allegation, a pledge and a hold, between the victim and the buyer."""
    day = world.app.programme_facts(world.programme)["business_date"]
    isin = next(row.isin for row in world.rows(settlement.instruction))
    victim, buyer = own_account(world, VICTIM), own_account(world, BUYER)
    terms = {
        "isin": isin,
        "deliverer": victim,
        "receiver": buyer,
        "trade_date": day,
        "first_day": day,
        "last_day": day,
    }
    for nominal, paid in ((NOMINAL, CONSIDERATION_PAISA), (FAILED_NOMINAL, FAILED_PAISA)):
        fields = terms | {"nominal": nominal, "consideration_paisa": paid, "reference": REFERENCE}
        alleged = act(world, f"{VICTIM}_trader", "Instruct", side="deliver", **fields)
        identifier = alleged["instruction"]
        act(world, f"{BUYER}_trader", "ConfirmInstruction", instruction=identifier)
    act(world, "central_bank_officer", "SettleDay")
    world.app.pump()
    alleged = terms | {"nominal": ALLEGED_NOMINAL, "consideration_paisa": ALLEGED_PAISA}
    act(world, f"{VICTIM}_trader", "Instruct", side="deliver", **alleged)
    pledge = {"isin": isin, "account": victim, "beneficiary": buyer, "last_day": day}
    pledge |= {"nominal": PLEDGED_NOMINAL, "reason": "planted words of the pledge"}
    act(world, f"{VICTIM}_trader", "PlaceHold", **pledge)
    hold = {"isin": isin, "account": victim, "nominal": HELD_NOMINAL}
    hold |= {"order_hash": PAPER, "reason": REASON}
    act(world, "secp_officer", "FreezeHolding", **hold)
    world.app.pump()


# -- what is searched for -------------------------------------------------------------------------


@dataclass
class Secrets:
    """What one participant may keep to itself; each secret with what it is."""

    texts: dict[str, str] = field(default_factory=dict)
    """Identifiers, addresses, names: in small letters, found as whole words."""
    phrases: dict[str, str] = field(default_factory=dict)
    """Words with spaces between them."""
    figures: dict[int, str] = field(default_factory=dict)
    """Minor units or units of face value, where they are unlike any other figure."""


def distinctive(figure: int) -> bool:
    """Whether a figure can be recognised: five digits that are not zeros at its end, or more."""
    return len(str(abs(figure)).rstrip("0")) >= 5 or figure in {
        NOMINAL,
        FAILED_NOMINAL,
        ALLEGED_NOMINAL,
        HELD_NOMINAL,
        PLEDGED_NOMINAL,
    }


def secrets_of(world: World) -> dict[str, Secrets]:
    """By participant what only it and whom it deals with may learn, from the tables."""
    found: dict[str, Secrets] = defaultdict(Secrets)
    owner = {row.address: row.participant for row in world.rows(account)}
    for row in world.rows(account):
        mine = found[row.participant]
        if row.kind not in ("own", "client"):
            continue  # the state's own stand on every payment
        mine.texts[row.address] = f"an account of {row.participant}"
        if row.holder:
            mine.phrases[row.holder.lower()] = f"the name of a client of {row.participant}"
        _add_holdings(world, mine, row)
    for row in world.rows(person):
        if row.institution in found:
            found[row.institution].texts[row.code] = f"a person of {row.institution}"
            if row.address:
                found[row.institution].texts[row.address.lower()] = "a person's key"
    for row in world.rows(tax_status):
        if row.certificate_number:
            found[owner[row.address]].texts[row.certificate_number.lower()] = "a tax certificate"
    for row in world.rows(access_token):
        who = next(one for one in world.rows(person) if one.code == row.person)
        if who.institution in found:
            found[who.institution].texts[row.id] = "a token"
    _add_trades(world, found)
    _add_register(world, found, owner)
    _add_rights(world, found, owner)
    return {code: found[code] for code in world.participants()}


def _add_holdings(world: World, mine: Secrets, row: Any) -> None:
    tokens = {"cash": world.app.gateway(world.programme).address("Cash")}
    from amanat.programme.tables import security

    tokens |= {one.isin: one.address for one in world.rows(security)}
    with world.app.store.reading() as connection:
        for name, token in tokens.items():
            units = balance_at(connection, token, row.address)
            if distinctive(units):
                mine.figures[units] = f"what {row.participant} has of {name}"


def _add_trades(world: World, found: Mapping[str, Secrets]) -> None:
    for row in world.rows(settlement.instruction):
        for code in {row.deliverer_institution, row.receiver_institution} & set(found):
            mine, name = found[code], f"{row.purpose} {row.id}"
            mine.texts[row.id] = f"the identifier of {name}"
            for text in (row.digest, row.reference, row.order_id, row.entry):
                if text and text != row.isin:
                    mine.texts[text.lower()] = f"of {name}"
            for figure in (row.nominal, row.consideration_paisa):
                if distinctive(figure) and row.purpose != "primary":
                    mine.figures[figure] = f"a figure of {name}"
    for row in world.rows(settlement.claim):
        trade = next(r for r in world.rows(settlement.instruction) if r.id == row.instruction)
        for code in (trade.deliverer_institution, trade.receiver_institution):
            found[code].figures[row.amount_paisa] = f"a claim of trade {trade.id}"
    for row in world.rows(settlement.cash_movement):
        if row.institution in found:
            # Amount and number of a movement are public; for whom it was made is not.
            found[row.institution].texts[row.rtgs_reference.lower()] = "a payment by RTGS"


def _add_register(world: World, found: Mapping[str, Secrets], owner: Mapping[str, str]) -> None:
    for row in world.rows(register.pledge):
        for code in (owner[row.account], owner[row.beneficiary]):
            found[code].texts[row.digest] = "a pledge"
            found[code].figures[row.nominal] = "the nominal of a pledge"
            found[code].phrases[str(row.reason).lower()] = "the reason of a pledge"
    for row in world.rows(register.hold):
        mine = found[owner[row.account]]
        mine.texts |= {row.id: "a hold", row.order_hash: "the paper of a hold"}
        mine.texts[row.reason.lower()] = "the reason of a hold"
        if row.nominal is not None:
            mine.figures[row.nominal] = "the nominal of a hold"


def _add_rights(world: World, found: Mapping[str, Secrets], owner: Mapping[str, str]) -> None:
    """What is owed to each by the issuer: allotments by identifier, payments by the line."""
    for row in world.rows(auctions.allotment):
        if row.participant in found:
            found[row.participant].texts[row.id] = "an allotment"
    for row in world.rows(auctions.sealed_bid):
        if row.participant in found:
            found[row.participant].texts[row.id] = "a sealed bid's identifier"
    for row in world.rows(servicing.entitlement):
        code = owner.get(row.account)
        for figure in (row.gross_paisa, row.net_paisa, row.tax_paisa):
            if code in found and distinctive(figure):
                found[code].figures[figure] = f"a payment to {code}"


def public_figures(world: World) -> set[int]:
    """Totals that everyone may know (design, 3 and 4), from the tables and not from any view.

    Payments by class and rate, whole payments, cash created, the days' trades where there are at
    least three, and the opened book.
    """
    found: set[int] = set()
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in world.rows(servicing.entitlement):
        for key in ((row.payment,), (row.payment, row.holder_class, row.tax_rate)):
            for place, name in enumerate(("gross_paisa", "tax_paisa", "net_paisa")):
                sums[key][place] += row._mapping[name]
    for three in sums.values():
        found |= set(three)
    days: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in world.rows(settlement.instruction):
        if row.state == "settled":
            days[row.settled_on, row.isin, row.purpose].append(row)
    for trades in days.values():
        if len(trades) >= 3:
            found.add(sum(one.nominal for one in trades))
            found.add(sum(one.consideration_paisa for one in trades))
    found |= {row.amount_paisa for row in world.rows(settlement.cash_movement)}
    for row in world.rows(auctions.allotment):
        found |= {row.nominal, row.realised_minor, row.accrued_minor}
        found.add(row.realised_minor + row.accrued_minor)
    return found


@dataclass
class Sought:
    """What one reader must not find, ready to be searched for in many answers."""

    words: dict[str, str]
    phrases: dict[str, str]
    numbers: dict[str, str]
    hexes: dict[str, str]

    def in_text(self, text: str) -> list[str]:
        """What of it stands in a text, in any of the forms in which we write it."""
        lower = text.lower()
        found = [self.words[one] for one in self.words.keys() & set(_WORD.findall(lower))]
        found += [what for phrase, what in self.phrases.items() if phrase in lower]
        numbers = {one.replace(",", "") for one in _FIGURE.findall(text)}
        found += [f"{self.numbers[one]} ({one})" for one in self.numbers.keys() & numbers]
        for run in set(_HEX.findall(lower)):
            found += [what for one, what in self.hexes.items() if one in run]
        return found


def sought(secrets: Iterable[Secrets], known: Secrets, public: set[int]) -> Sought:
    """All of `secrets` but what is `known` to the reader or public."""
    words: dict[str, str] = {}
    phrases: dict[str, str] = {}
    numbers: dict[str, str] = {}
    for one in secrets:
        words |= {t: w for t, w in one.texts.items() if t not in known.texts}
        heard = " / ".join(known.phrases)
        phrases |= {t: w for t, w in one.phrases.items() if t not in heard}
        for figure, what in one.figures.items():
            if figure not in known.figures and figure not in public and figure:
                numbers |= dict.fromkeys(forms_of(figure), what)
    hexes = {w.removeprefix("0x"): what for w, what in words.items() if w.startswith("0x")}
    return Sought(words, phrases, numbers, hexes)


def forms_of(figure: int) -> set[str]:
    """A figure as minor units, as major ones and in millions, as our pages and files write it."""
    major = f"{figure // 100}.{figure % 100:02d}"
    return {str(figure), major, f"{figure / 10**6:.3f}"}
