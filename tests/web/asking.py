"""Everything that one participant can ask of another: of every view, by every act, at every page.

A view's queries are made from the names of its fields, an act's from `attempts`; what is declared
tomorrow under a name that is not known here fails the test until it is said how to ask for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.web.planting import REASON, REFERENCE, VICTIM, World, own_account

from amanat.access.acts import VIEWS, ActKind, ViewKind
from amanat.access.tables import access_token, person, proposal
from amanat.auctions import tables as auctions
from amanat.participants.tables import account
from amanat.register import tables as register
from amanat.servicing import tables as servicing
from amanat.settlement import tables as settlement

UNKNOWN_ADDRESS = "0x" + "d1" * 20
UNKNOWN_ID = "01890000-0000-7000-8000-00000000dead"
UNKNOWN_DIGEST = "0d" * 32
UNKNOWN_CODE = "nobody_at_all"
KNOWN_LATER = {"limit", "cursor"}


@dataclass(frozen=True)
class Things:
    """What the victim has, by the name of the field that asks for it."""

    values: dict[str, list[Any]]

    @classmethod
    def of(cls, world: World) -> Things:
        """The victim's accounts, trades, proposals; every security, tender and payment."""
        mine = [row.address for row in world.rows(account) if row.participant == VICTIM]
        trades = [
            row.id
            for row in world.rows(settlement.instruction)
            if VICTIM in (row.deliverer_institution, row.receiver_institution)
        ]
        subjects = [f"instruction:{trades[-1]}", f"register:{mine[0]}", f"participants:{VICTIM}"]
        proposals = [row for row in world.rows(proposal) if row.institution == VICTIM]
        kinds = ["InstructionMatched", "ConfidentialLedgerEventSeen", "SettleBatchDone"]
        last = world.app.ledger.indexer.height()
        return cls(
            {
                "accepted": [UNKNOWN_ID],
                "account": mine,
                "after": [],  # pages of lists are in other tests
                "alert": ["0d" * 16],
                "scenario": ["velocity"],
                "run": ["0" * 36],
                "ended": ["true"],
                "offset": [0],
                "age_days_min": [1],
                "mine": ["true"],
                "short": ["true"],
                "exceeded": ["true"],
                "activity": ["client_order"],
                "done": [0],
                "amount": [100],
                "currency": ["PKR"],
                "until": ["2022-03-16"],
                "agreement": ["AGR-2026-0001"],
                "as_of": ["2022-03-16"],
                "category": ["exchange"],
                "case": ["CAS-2026-0001"],
                "officer": [f"{VICTIM}_trader"],
                "hops": [2],
                "report": ["RPT-2026-0001"],
                "complaint": ["CMP-2026-0001"],
                "day": ["2022-03-16"],
                "days": [400],
                "exchange": [VICTIM],
                "freeze": ["FRZ-GX4TQ2AB"],
                "person": ["1"],
                "case_number": ["CAS-2026-0001"],
                "refused": [UNKNOWN_ID],
                "record": ["parties"],
                "in_force": ["true"],
                "hit": [UNKNOWN_ID],
                "list": ["un"],
                "party": [VICTIM],
                "file": ["NOC-2026-0001"],
                "open": ["true", "false"],
                "overdue": ["true"],
                "provider": [VICTIM],
                "q": [VICTIM],
                "rulebook": ["general"],
                "stage": ["received"],
                "start": [],
                "status": ["licensed"],
                "version": [1],
                "words": [VICTIM],
                "asset": ["pk_debt", UNKNOWN_CODE],
                "before": [],  # lists are followed to their end
                "block": [last, last - 3],
                "calendar": [],
                "first_day": ["2020-01-01"],
                "full": ["true"],
                "id": [row.entry for row in proposals[:3]],
                "instruction": trades,
                "institution": [VICTIM],
                "isin": sorted({row.isin for row in world.rows(settlement.instruction)}),
                "kind": [*kinds, "own", "client"],
                "last_day": ["2030-01-01"],
                "limit": [],
                "log": ["public", "confidential"],
                "on": ["2021-03-04", "2022-03-16"],
                "participant": [VICTIM],
                "participant_class": ["bank"],
                "payment": [row.id for row in world.rows(servicing.payment)],
                "purpose": ["account", "approve"],
                "proposal": [row.id for row in proposals[-4:]],
                "since": ["2020-01-01"],
                "state": ["open", "settled", "failed", "alleged", "awarded"],
                "subject": subjects,
                "tender": [row.code for row in world.rows(auctions.tender)],
                "within_days": [3_000],
            }
        )

    def queries(self, kind: ViewKind) -> Iterator[dict[str, Any]]:
        """A view's queries: what it must be given in every combination, then one thing more."""
        names = kind.query.model_fields
        unknown = set(names) - set(self.values)
        assert not unknown, f"say in Things what a stranger asks the view {kind.name} for {unknown}"
        required = [name for name, one in names.items() if one.is_required()]
        bases = [
            dict(zip(required, chosen, strict=True))
            for chosen in itertools.product(*(self.values[name] for name in required))
        ]
        yield from bases
        for name in set(names) - set(required):
            for value in self.values[name]:
                yield bases[0] | {name: value}

    def all_queries(self) -> Iterator[tuple[ViewKind, dict[str, Any]]]:
        """Every view with each of its queries."""
        for _name, kind in sorted(VIEWS.items()):
            for fields in self.queries(kind):
                yield kind, fields


@dataclass(frozen=True)
class Attempt:
    """An act that names another's thing, and the same act with one that there is not.

    `says` tells why the two may be answered differently; without it they must be answered alike.
    """

    act: str
    fields: dict[str, Any]
    unknown: dict[str, Any]
    says: str = ""


COUNTERPARTY = "who trades names the other side's account, which that side has told them"
ENROLLED = "an address is enrolled once, and whoever enrols it must be told"
OWN_TOKEN = "every token is another, and its owner's alone"
OWN_MAIL = "where to write to oneself is taken as it is given, and names nobody else"
OWN_CODES = "codes of people are drawn from one list, and whoever chooses one must be told"


def attempts(world: World, reader: str) -> list[Attempt]:
    """Every act that participants may propose, naming what is the victim's."""
    day = world.app.programme_facts(world.programme)["business_date"]
    return [
        *_trading(world, reader, day),
        *_holding(world, reader, day),
        *_bidding(world, reader),
        *_people(world),
        *_frozen(),
    ]


def _frozen() -> Iterator[Attempt]:
    """Orders to freeze of which nobody here knows: a number is answered as any other."""
    theirs, none = {"freeze": "FRZ-GX4TQ2AB"}, {"freeze": "FRZ-GX4TQ2AC"}
    stopped = {"accounts": 1, "value": 1, "currency": "PKR"}
    paid = {"amount": 1, "currency": "PKR", "reference": "a receipt"}
    for act, more in (("AcknowledgeFreeze", stopped), ("DrawExpenses", paid)):
        yield Attempt(act, theirs | more, none | more)
    yield Attempt("AcknowledgeRelease", theirs, none)


def _trading(world: World, reader: str, day: str) -> Iterator[Attempt]:
    theirs, mine = own_account(world, VICTIM), own_account(world, reader)
    rows = world.rows(settlement.instruction)
    isin = rows[0].isin
    terms = {
        "isin": isin, "nominal": 1_000_000, "consideration_paisa": 100, "trade_date": day,
        "first_day": day, "last_day": day,
    }  # fmt: skip
    sides = {"deliverer": theirs, "receiver": mine}
    for side in ("deliver", "receive"):
        for swapped in (False, True):
            pair = dict(zip(sides, reversed(sides.values()), strict=True)) if swapped else sides
            own = pair["deliverer" if side == "deliver" else "receiver"] == mine
            strange = {k: UNKNOWN_ADDRESS if v == theirs else v for k, v in pair.items()}
            yield Attempt(
                "Instruct",
                terms | pair | {"side": side},
                terms | strange | {"side": side},
                COUNTERPARTY if own else "",
            )
    for row in rows:
        parties = (row.deliverer_institution, row.receiver_institution)
        if VICTIM in parties and reader not in parties:
            for act in ("ConfirmInstruction", "CancelInstruction"):
                reason = {"reason": "to see"} if act == "CancelInstruction" else {}
                yield Attempt(
                    act,
                    {"instruction": row.id} | reason,
                    {"instruction": UNKNOWN_ID} | reason,
                )
    yield Attempt(
        "TakeNumbers", {"deliverer": theirs, "count": 1}, {"deliverer": UNKNOWN_ADDRESS, "count": 1}
    )
    trade = {k: v for k, v in terms.items() if k not in ("first_day", "last_day")}
    cycle = {"first_day": day, "last_day": day}
    yield Attempt(
        "NetCycle",
        cycle | {"trades": [trade | {"deliverer": theirs, "receiver": mine}]},
        cycle | {"trades": [trade | {"deliverer": UNKNOWN_ADDRESS, "receiver": mine}]},
        COUNTERPARTY,
    )
    signed = terms | {
        "number": 0,
        "deliverer_signature": "00" * 65,
        "receiver_signature": "00" * 65,
    }
    signed |= {"receiver": mine}
    yield Attempt(
        "SubmitInstructions",
        {"instructions": [signed | {"deliverer": theirs}]},
        {"instructions": [signed | {"deliverer": UNKNOWN_ADDRESS}]},
        COUNTERPARTY,
    )
    sealed = {"first": mine, "second": theirs, "first_signature": "00" * 65}
    sealed |= {"second_signature": "00" * 65}
    listed = terms | {"number": 0, "receiver": mine}
    yield Attempt(
        "SubmitLists",
        {"lists": [sealed | {"instructions": [listed | {"deliverer": theirs}]}]},
        {
            "lists": [
                sealed
                | {"second": UNKNOWN_ADDRESS}
                | {"instructions": [listed | {"deliverer": UNKNOWN_ADDRESS}]}
            ]
        },
        COUNTERPARTY,
    )
    for row in world.rows(settlement.claim):
        found = next(one for one in rows if one.id == row.instruction)
        if reader not in (found.deliverer_institution, found.receiver_institution):
            yield Attempt(
                "SettleClaim",
                {"trade": row.instruction, "payment": row.payment},
                {"trade": UNKNOWN_ID, "payment": row.payment},
            )


def _holding(world: World, reader: str, day: str) -> Iterator[Attempt]:
    theirs, mine = own_account(world, VICTIM), own_account(world, reader)
    client = own_account(world, VICTIM, "client")
    isin = world.rows(settlement.instruction)[0].isin
    pledge = {"isin": isin, "nominal": 100_000, "last_day": day, "reason": "to see"}
    yield Attempt(
        "PlaceHold",
        pledge | {"account": theirs, "beneficiary": mine},
        pledge | {"account": UNKNOWN_ADDRESS, "beneficiary": mine},
    )
    yield Attempt(
        "PlaceHold",
        pledge | {"account": mine, "beneficiary": theirs},
        pledge | {"account": mine, "beneficiary": UNKNOWN_ADDRESS},
        COUNTERPARTY,
    )
    for row in world.rows(register.pledge):
        yield Attempt("ReleaseHold", {"hold": row.digest}, {"hold": UNKNOWN_DIGEST})
    status = {
        "holder_class": "company", "active_taxpayer": True, "valid_from": day,
        "tax_residency": "PK", "source": "to see",
    }  # fmt: skip
    for address in (theirs, client):
        named, strange = status | {"address": address}, status | {"address": UNKNOWN_ADDRESS}
        yield Attempt("RecordTaxStatus", named, strange)
        yield Attempt("RecordTaxStatuses", {"statuses": [named]}, {"statuses": [strange]})
    new = {"kind": "own", "label": "mine", "holder_class": "bank", "tax_residency": "PK"}
    for whose in (VICTIM, reader):
        yield Attempt(
            "EnrolAccounts",
            {"participant": whose, "accounts": [new | {"address": _checksummed(theirs)}]},
            {"participant": whose, "accounts": [new | {"address": _checksummed(UNKNOWN_ADDRESS)}]},
            ENROLLED if whose == reader else "",
        )


def _checksummed(address: str) -> str:
    from eth_utils.address import to_checksum_address

    return to_checksum_address(address)


def _bidding(world: World, reader: str) -> Iterator[Attempt]:
    theirs, client = own_account(world, VICTIM), own_account(world, VICTIM, "client")
    del reader
    for tender in (row.code for row in world.rows(auctions.tender)):
        sheet = {"tender": tender, "ciphertext": "ab" * 200, "salt": "0a" * 32}
        named, strange = sheet | {"account": theirs}, sheet | {"account": UNKNOWN_ADDRESS}
        for act in ("SubmitBid", "SubmitNonCompetitiveBid", "DeliverSheet"):
            yield Attempt(act, named, strange)
        bid = next(one.id for one in world.rows(auctions.sealed_bid) if one.participant == VICTIM)
        yield Attempt("ReviseBid", named | {"bid": bid}, strange | {"bid": UNKNOWN_ID})
        yield Attempt(
            "WithdrawBid", {"tender": tender, "bid": bid}, {"tender": tender, "bid": UNKNOWN_ID}
        )
        yield Attempt(
            "NameInvestor",
            {"tender": tender, "account": client},
            {"tender": tender, "account": UNKNOWN_ADDRESS},
        )


def _people(world: World) -> Iterator[Attempt]:
    row = next(one for one in world.rows(person) if one.institution == VICTIM)
    token = next(one.id for one in world.rows(access_token) if one.person == row.code)
    key, reason = str(row.address), {"reason": "to see"}
    more: dict[str, dict[str, Any]] = {
        "GiveKey": {"address": _checksummed("0x" + "e2" * 20)},
        "RotateKey": {"address": _checksummed("0x" + "e3" * 20)} | reason,
        "RetirePerson": reason,
        "GiveToken": {"label": "to see"},
        "InvitePerson": {},
        "LiftLockout": reason,
        "LinkIdentity": {"issuer": "https://login.example", "subject": "to see"},
        "UnlinkIdentity": {"issuer": "https://login.example"},
        "WithdrawAccess": reason,
    }
    for act, fields in more.items():
        yield Attempt(act, fields | {"person": row.code}, fields | {"person": UNKNOWN_CODE})
    yield Attempt(
        "ExtendKey",
        {"key": key, "expires_on": "2027-06-01"},
        {"key": UNKNOWN_ADDRESS, "expires_on": "2027-06-01"},
    )
    kept = {"purpose": "backup", "holder": "to_see", "place": "here", "expires_on": "2027-06-01"}
    yield Attempt(
        "EnterKey",
        kept | {"key": _checksummed(key)},
        kept | {"key": _checksummed("0x" + "e4" * 20)},
        ENROLLED,
    )
    yield Attempt("EndKey", {"key": key} | reason, {"key": UNKNOWN_ADDRESS} | reason)
    entered = {"name": "To see", "role": "officer"}
    yield Attempt(
        "EnterPerson",
        entered | {"institution": VICTIM, "person": row.code},
        entered | {"institution": VICTIM, "person": UNKNOWN_CODE},
        OWN_CODES,
    )
    yield Attempt("RotateToken", {"token": token}, {"token": UNKNOWN_ID})
    yield Attempt("RevokeToken", {"token": token} | reason, {"token": UNKNOWN_ID} | reason)
    yield Attempt("RemovePasskey", {"passkey": token}, {"passkey": UNKNOWN_ID})
    yield Attempt("IssueToken", {"label": REFERENCE}, {"label": REASON}, OWN_TOKEN)
    mail = {"address": "one@mail.example"}, {"address": "other@mail.example"}
    yield Attempt("SetMailAddress", *mail, OWN_MAIL)


def open_to_participants(kind: ActKind) -> bool:
    """Whether a participant may propose an act at all."""
    return kind.personal or bool(kind.capacities & {"participant", "primary_dealer"})
