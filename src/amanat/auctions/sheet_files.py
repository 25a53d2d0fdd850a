"""A sheet of bids made where the dealer is: from the tender as published, without any network.

What `view tender` shows is all that it takes: the rules, both institutions' public keys, and the
domain in which the dealer's key signs.  The sealed sheet goes to `SubmitBid`; the opening stays
with the dealer, who proves with it what was bid.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.auctions.acts_bids import compose_sheet
from amanat.auctions.acts_chain import NOTHING, commitment_to_sign
from amanat.auctions.acts_rules import TenderState
from amanat.auctions.forms import write_form
from amanat.auctions.model import Bid, CompetitiveBid, TenderTerms
from amanat.auctions.records import RecordUnreadable, read_terms
from amanat.auctions.sealing import TenderKey, commitment
from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Message, Word
from amanat.ledger.typed_data import Domain
from amanat.participants.signing import ToSign

OPENING_SCHEMA = "amanat.bid-opening/1"


class TenderFileUnreadable(Invalid):
    """The file is what the view `tender` shows of an announced tender."""

    template: ClassVar[str] = "This is no announced tender as its view shows it: {reason}."


class TenderNotOpen(Refusal):
    """Bids are sealed for a tender that takes them."""

    template: ClassVar[str] = "Tender {tender} is {state}: it takes no bids."


class KindsMixed(Invalid):
    """Competitive bids and those for investors stand on sheets of their own."""

    template: ClassVar[str] = "A sheet holds bids with a price or for investors, not both."


@dataclass(frozen=True, slots=True)
class Offer:
    """A tender as a dealer needs it to bid; `keys` are (inner, outer)."""

    code: str
    terms: TenderTerms
    keys: tuple[TenderKey, TenderKey]
    domain: Domain


@dataclass(frozen=True, slots=True)
class SealedBids:
    """A sealed sheet: what is submitted, what the key signs, and what stays with the dealer."""

    act: str
    fields: Mapping[str, str]
    commitment: bytes
    to_sign: ToSign
    opening: Mapping[str, Any]


def read_offer(text: str) -> Offer:
    """The offer in what `view tender` answered.

    Refuses, in order: `TenderFileUnreadable`, `TenderNotOpen`.
    """
    try:
        shown = json.loads(text)
        code, state = str(shown["tender"]), str(shown["state"])
        if shown["rules"] is None:
            raise TenderFileUnreadable(
                reason=Message("{tender} is {state}, without rules", tender=code, state=Word(state))
            )
        terms = read_terms(shown["rules"] | {"target": str(shown["target"])})
        by_layer = {one["layer"]: one for one in shown["sealing_keys"]}
        inner, outer = (
            TenderKey(str(one["institution"]), bytes.fromhex(one["public_key"]))
            for one in (by_layer["inner"], by_layer["outer"])
        )
        stated = shown["signing_domain"]
        domain = Domain(int(stated["chainId"]), str(stated["verifyingContract"]))
        same = terms.tender.hex() == shown["chain_id"] and domain.fields() == stated
    except RecordUnreadable as error:
        raise TenderFileUnreadable(reason=error.message.rstrip(".")) from error
    except (ValueError, KeyError, TypeError) as error:
        reason = Message("{kind} at {place}", kind=type(error).__name__, place=str(error))
        raise TenderFileUnreadable(reason=reason) from error
    if not same:
        raise TenderFileUnreadable(reason="its parts are of different tenders")
    if state != TenderState.OPEN:
        raise TenderNotOpen(tender=code, state=state)
    return Offer(code, terms, (inner, outer), domain)


def seal_bids(
    offer: Offer,
    number: int,
    account: str,
    bids: Sequence[Bid],
    *,
    revises: tuple[str, str] | None = None,
) -> SealedBids:
    """Seal a dealer's bids under its number; `revises` is (id, commitment) of a former sheet.

    Refuses `KindsMixed`, and as `compose_sheet`: every breach of the rulebook at once,
    `FormTooLong`, `KeyInvalid`.
    """
    competitive = {isinstance(one, CompetitiveBid) for one in bids}
    if len(competitive) > 1:
        raise KindsMixed()
    sealed, salt = compose_sheet(offer.terms, number, bids, offer.keys)
    tender = offer.terms.tender
    promised = commitment(tender, number, sealed, salt)
    replaces = bytes.fromhex(revises[1]) if revises else NOTHING
    fields = {
        "tender": offer.code,
        "account": account,
        "ciphertext": sealed.hex(),
        "salt": salt.hex(),
    }
    act = "SubmitBid" if competitive == {True} else "SubmitNonCompetitiveBid"
    if revises:
        act, fields = "ReviseBid", fields | {"bid": revises[0]}
    form = write_form(tender, number, bids)
    opening = {
        "schema": OPENING_SCHEMA,
        "tender": offer.code,
        "chain_id": tender.hex(),
        "number": number,
        "account": account,
        "form": form.decode(),
        "salt": salt.hex(),
        "sealed_digest": hashlib.sha256(sealed).hexdigest(),
        "commitment": promised.hex(),
        "letter_commitment": commitment(tender, number, form, salt).hex(),
    }
    signing = commitment_to_sign(
        offer.domain, int.from_bytes(tender, "big"), number, promised, replaces
    )
    return SealedBids(act, fields, promised, signing, opening)
