"""One transaction as it is stored and monitored: one row per movement of value, in Parquet.

    returns (specification, checked, accepted) -> these rows -> monitoring, decisions, detection

A row says that value moved from one side to the other: a customer's deposit of rupees, a trade
(two rows: the asset one way, its price the other), a withdrawal to an address.  Persons and
accounts are keyed pseudonyms of 63 bits, made by the authority at intake: the same person has the
same number at every exchange, and nobody finds the person from it without the vault of
identities.  Money is an integer in the minor unit of the programme's currency; a quantity of an
asset is a decimal.  Rows lie in one file per accepted return, with a row in the manifest that says
how many there are and the sum of their ids.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import pyarrow as pa

QUANTITY_DIGITS, QUANTITY_PLACES = 38, 18
_ID_BITS = 63


class Kind(StrEnum):
    """What moved value."""

    FIAT_IN = "fiat_in"
    """Money of a bank account came to the customer's account."""
    FIAT_OUT = "fiat_out"
    """Money of the customer's account went to a bank account."""
    TRADE = "trade"
    """One leg of a customer's trade."""
    DEPOSIT = "deposit"
    """An asset came on a chain from an address."""
    WITHDRAWAL = "withdrawal"
    """An asset went on a chain to an address."""
    TRANSFER = "transfer"
    """From one customer to another, in the books of an exchange or between exchanges."""


FIAT_KINDS = frozenset({Kind.FIAT_IN, Kind.FIAT_OUT})

TRANSACTIONS = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),  # transaction_id(exchange, reference)
        pa.field("exchange", pa.string(), nullable=False),  # code of the reporting institution
        pa.field("reference", pa.string(), nullable=False),  # the exchange's own, unique there
        pa.field("day", pa.date32(), nullable=False),  # of `at` in the programme's zone
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # a Kind
        pa.field("from_party", pa.int64()),  # pseudonym of the person; null: not identified
        pa.field("from_account", pa.int64(), nullable=False),  # pseudonym of account or address
        pa.field("from_exchange", pa.string()),  # who keeps that account; null: outside
        pa.field("from_country", pa.string()),  # ISO 3166 alpha-2 of the person; null: unknown
        pa.field("to_party", pa.int64()),
        pa.field("to_account", pa.int64(), nullable=False),
        pa.field("to_exchange", pa.string()),
        pa.field("to_country", pa.string()),
        pa.field("asset", pa.string(), nullable=False),  # "PKR", "BTC", …
        pa.field("quantity", pa.decimal128(QUANTITY_DIGITS, QUANTITY_PLACES), nullable=False),
        pa.field("value", pa.int64(), nullable=False),  # in minor units of the currency, at `at`
        pa.field("cash", pa.bool_(), nullable=False),  # notes and coin
        pa.field("network", pa.string()),  # of the chain, for deposit and withdrawal
        pa.field("transaction_hash", pa.string()),
        pa.field("address", pa.string()),  # the outside address on the chain
        pa.field("hosted", pa.bool_()),  # whether a provider keeps that address; null: unknown
        pa.field("travel_rule", pa.string()),  # the message, unless it was rejected
    ]
)
"""Columns, in their order.  A consumer names the ones it reads; none is ever reinterpreted."""


def transaction_id(exchange: str, reference: str) -> int:
    """The id of a row, 0 to 2^63 - 1: the first 63 bits of SHA-256 over exchange and reference.

    Sums of ids (modulo 2^128) prove that nothing was left out, whatever the order.
    """
    digest = hashlib.sha256(f"{exchange}\x1f{reference}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _ID_BITS)
