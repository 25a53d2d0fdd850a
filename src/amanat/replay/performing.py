"""Performs acts as the people of a pilot: one proposes, others approve, and nothing twice.

Everything goes through the desk, as it does from the API: a replay has no authority of its own.
Each act carries a key; an act that was submitted under its key before is not composed again, but
answered with what became of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sql

from amanat.access.actors import Actor, load_actor
from amanat.access.acts import ACTS
from amanat.access.desk import parse
from amanat.access.tables import idempotency, proposal, requirement
from amanat.app import Application
from amanat.core.errors import AmanatError, Unavailable
from amanat.ledger.orders import read_orders
from amanat.replay.model import Pilot

MEANS = "replay"
MAY_COME_LATE = frozenset(
    {"announce_tender", "admit_tender_bidders", "commit_tender_bid", "extend_tender"}
)
"""Orders that block time may refuse: a replay was interrupted, or the ledger took its time."""
NETWORK_WINDOW_SECONDS_MIN = 12
"""While a validator of a network is down, a block may take some seconds."""
TRIES_MAX = 5
"""How often an act is tried while the node is unavailable or behind the index."""


class ReplayStopped(AmanatError):
    """A replay cannot go on: nobody can approve, or the ledger refused what should succeed."""

    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class Former:
    """What was submitted under a key: its result, or the proposal that carries it."""

    result: dict[str, Any] | None
    proposal: str | None


class Performer:
    """Acts as the people of one pilot in one application."""

    def __init__(
        self, application: Application, pilot: Pilot, sender_list: str | None = None
    ) -> None:
        self.application = application
        self.sender_list = sender_list
        self.pilot = pilot
        self.programme = pilot.programme.code
        self._actors: dict[str, Actor] = {}
        self._addresses: dict[str, str] = {}
        self.waited_seconds = 0.0

    @property
    def bidding_window_seconds(self) -> int:
        """How long a tender takes bids: as the folder says, on a network rather longer."""
        said = self.pilot.programme.bidding_window_seconds
        embedded = self.application.node is not None
        return said if embedded else max(said, NETWORK_WINDOW_SECONDS_MIN)

    # -- who ------------------------------------------------------------------------------------

    def person_address(self, institution: str, person: str) -> str:
        """The address of a person's key, which is made when it is first asked for."""
        return self.application.keys.create(institution, person)

    def account(self, code: str) -> str:
        """The address of an account of the pilot; its key is made when it is first asked for."""
        if code not in self._addresses:
            participant = self.pilot.accounts[code].participant
            self._addresses[code] = self.application.keys.create(participant, f"account-{code}")
        return self._addresses[code]

    def account_names(self) -> dict[str, str]:
        """The code of every account by its address."""
        return {self.account(code): code for code in self.pilot.accounts}

    def account_of_kind(self, kind: str) -> str:
        """The address of the one account of a kind."""
        found = next(one for one in self.pilot.accounts.values() if one.kind == kind)
        return self.account(found.code)

    def actor(self, person: str) -> Actor:
        """A person of the pilot, authenticated."""
        if person not in self._actors:
            with self.application.store.reading() as connection:
                self._actors[person] = load_actor(connection, self.programme, person, MEANS)
        return self._actors[person]

    def forget_actors(self) -> None:
        """Look people up anew: what their institution may do has changed."""
        self._actors.clear()

    def institution_for(self, act: str) -> str:
        """The first institution of the folder that may submit an act."""
        wanted = ACTS[act].capacities
        for one in self.pilot.institutions.values():
            if self.actor(one.proposes).capacities & wanted:
                return one.code
        raise ReplayStopped(f"no institution of the pilot may {act}")

    # -- acts -----------------------------------------------------------------------------------

    def perform(
        self,
        key: str,
        act: str,
        fields: dict[str, Any],
        *,
        institution: str | None = None,
        proposer: str | None = None,
    ) -> dict[str, Any]:
        """Propose an act and have it approved until it is carried out; its result.

        `proposer` is the person who proposes for the institution, where it is not the usual one.
        What is unavailable for a moment, such as a node that is being brought back, is waited for.
        Refuses whatever the act refuses; raises `ReplayStopped` when nobody can approve it.
        """
        who = institution or self.institution_for(act)
        for left in reversed(range(TRIES_MAX)):
            try:
                return self._perform(key, act, fields, who, proposer)
            except Unavailable:
                # Whatever the try recorded is found again under its key.
                if not left:
                    raise
                self.application.pump()
        raise AssertionError("the last try returned or raised")

    def _perform(
        self, key: str, act: str, fields: dict[str, Any], who: str, person: str | None
    ) -> dict[str, Any]:
        former = self.former(key, who)
        if former is None:
            command = parse(ACTS[act].command, fields)
            proposer = self.actor(person or self.pilot.institutions[who].proposes)
            outcome = self.application.desk.submit(proposer, command, key=key)
            former = Former(outcome.result, outcome.proposal)
        if former.proposal is None:
            return former.result or {}
        return self._approve(act, former.proposal)

    def former(self, key: str, institution: str) -> Former | None:
        """What was submitted under a key before, by this run or one that was killed."""
        with self.application.store.reading() as connection:
            stored = connection.execute(
                sql.select(idempotency.c.outcome).where(
                    idempotency.c.programme == self.programme,
                    idempotency.c.institution == institution,
                    idempotency.c.key == key,
                )
            ).scalar_one_or_none()
        if stored is None:
            return None
        outcome = json.loads(stored)
        return Former(outcome["result"], outcome["proposal"])

    def _approve(self, act: str, identifier: str) -> dict[str, Any]:
        """Give every approval that is still missing."""
        while True:
            with self.application.store.reading() as connection:
                row = connection.execute(
                    sql.select(proposal).where(proposal.c.id == identifier)
                ).one()
                needs = connection.execute(
                    sql.select(requirement)
                    .where(requirement.c.proposal == identifier)
                    .order_by(requirement.c.position)
                ).all()
            if row.state == "carried_out":
                return dict(json.loads(row.result)) if row.result else {}
            open_needs = [need for need in needs if need.met_at is None]
            if row.state != "open" or not open_needs:
                raise ReplayStopped(f"{act} {identifier} is {row.state} and not carried out")
            spoken = {need.person for need in needs if need.person} | {row.person}
            # Others first: an act is carried out by the institution that asked for it.
            open_needs.sort(key=lambda need: need.institution == row.institution)
            code = open_needs[0].institution
            approvers = [one for one in self.pilot.institutions[code].approves if one not in spoken]
            if not approvers:
                raise ReplayStopped(f"{act} {identifier}: nobody is left at {code} to approve it")
            self.application.desk.approve(self.actor(approvers[0]), identifier)

    # -- the ledger -----------------------------------------------------------------------------

    def pump(self) -> None:
        """Let the ledger work until nothing is open; raises `ReplayStopped` on a refused order.

        Instructions that fail inside a batch are no refused orders: they are tried again.  A bid
        or an announcement that comes too late, after an interruption, is for the auction to take
        up (`acting.auctioning.bid`).
        """
        self.application.pump()
        with self.application.store.reading() as connection:
            refused = [
                one
                for one in read_orders(connection, states=("refused",), programme=self.programme)
                if one.kind not in MAY_COME_LATE
            ]
        if refused:
            reason = (refused[0].refusal or {}).get("message", "no reason given")
            raise ReplayStopped(f"the ledger refused {refused[0].kind}: {reason}")
