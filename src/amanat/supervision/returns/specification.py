"""The return: what an exchange reports to the authority, record by record and column by column.

The one source of it.  The JSON Schemas, the dictionary of columns, the examples, the Arrow schemas
and the checks are made from these values, so that none of them says anything else.  Section 48 of
the Virtual Assets Act 2026 asks for a secure channel and leaves its content open: this is one.

    manifest.json                    who reports which days, what the files hold, control totals
    parties.csv|ndjson|parquet       persons, kept apart from everything else
    accounts.…                       whose account is which
    transactions.…                   every movement of value, one row each; a trade has two
    travel_rule.…                    messages about originators and beneficiaries
    balances.…                       what each account held at the beginning and at the end
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NAME = "amanat-return"
VERSION = "1.0"
MANIFEST = "manifest.json"
FORMATS = ("csv", "ndjson", "parquet")
MONEY_DIGITS, MONEY_PLACES = 17, 2
QUANTITY_DIGITS, QUANTITY_PLACES = 38, 18


class Form(StrEnum):
    """How a value is written; see `FORMS`."""

    REFERENCE = "reference"
    TEXT = "text"
    CODE = "code"
    COUNTRY = "country"
    DAY = "day"
    INSTANT = "instant"
    MONEY = "money"
    QUANTITY = "quantity"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Written:
    """A form in words and as a pattern (RE2 and JSON Schema read it alike) for CSV and NDJSON."""

    words: str
    pattern: str | None


FORMS: Mapping[Form, Written] = {
    Form.REFERENCE: Written(
        "1 to 64 ASCII letters, digits and . _ : / -, the first a letter or digit",
        "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$",
    ),
    Form.TEXT: Written(
        "Unicode text in any script, without control characters and line breaks, not beginning"
        " with = + - @",
        None,
    ),
    Form.CODE: Written("one of the listed words", None),
    Form.COUNTRY: Written("ISO 3166-1 alpha-2, capitals", "^[A-Z]{2}$"),
    Form.DAY: Written("YYYY-MM-DD", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    Form.INSTANT: Written(
        "UTC as YYYY-MM-DDTHH:MM:SSZ, with up to six places of a second",
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$",
    ),
    Form.MONEY: Written(
        "rupees with at most two places after the point, never paisa; up to 15 digits before it",
        r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$",
    ),
    Form.QUANTITY: Written(
        "units of the asset, up to 20 digits before the point and 18 after it",
        r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$",
    ),
    Form.FLAG: Written("true or false", "^(true|false)$"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it says, how it is written, whether every row has it.

    `wanted` ones may be absent where the exchange does not know, which lowers its data quality;
    `personal` ones go to the vault of identities alone and are never quoted in what is kept of a
    refusal.
    """

    name: str
    form: Form
    says: str
    required: bool = True
    wanted: bool = False
    personal: bool = False
    words: tuple[str, ...] = ()
    longest: int = 64

    @property
    def pattern(self) -> str | None:
        """How a value is written, as a pattern; None where words or rules say it."""
        if self.form is Form.REFERENCE:
            return f"^[A-Za-z0-9][A-Za-z0-9._:/-]{{0,{self.longest - 1}}}$"
        return FORMS[self.form].pattern


@dataclass(frozen=True, slots=True)
class Record:
    """One kind of record: the files of its name, its columns, what no two rows have in common."""

    name: str
    says: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...]
    required: bool = True

    def columns_of(self, *forms: Form) -> tuple[Column, ...]:
        """The columns of these forms, in their order."""
        return tuple(one for one in self.columns if one.form in forms)

    def column(self, name: str) -> Column:
        """A column by its name; raises `KeyError`."""
        return next(one for one in self.columns if one.name == name)


OWN, BANK, CHAIN = "own", "bank", "chain"
"""Who keeps an account: the reporting exchange, a bank, nobody but a chain; else an exchange."""

PARTIES = Record(
    "parties",
    "Persons who hold or held the accounts of this return, and the beneficial owners of those that"
    " are no natural persons. Stored encrypted and apart; nothing else in a return says who is"
    " who.",
    (
        Column("party", Form.REFERENCE, "The exchange's own number of the person."),
        Column("kind", Form.CODE, "Natural or legal person.", words=("natural", "legal")),
        Column("name", Form.TEXT, "Full name in the script of the document.", personal=True,
               longest=200),
        Column("name_latin", Form.TEXT, "The same in Latin letters, as the document has it.",
               required=False, wanted=True, personal=True, longest=200),
        Column("father_name", Form.TEXT, "Father's (or husband's) name of a natural person.",
               required=False, wanted=True, personal=True, longest=200),
        Column("born", Form.DAY, "Day of birth, or of incorporation.", required=False,
               wanted=True, personal=True),
        Column("document_type", Form.CODE, "What identifies the person.",
               words=("cnic", "nicop", "poc", "passport", "registration", "tax_number")),
        Column("document_country", Form.COUNTRY, "Who issued it."),
        Column("document_number", Form.TEXT, "Its number: a CNIC with or without its dashes.",
               personal=True, longest=40),
        Column("nationality", Form.COUNTRY, "Of a natural person; of a legal one its seat.",
               required=False, wanted=True),
        Column("residence", Form.COUNTRY, "Where the person lives, or has its seat."),
        Column("telephone", Form.TEXT, "With the country's code: 00… or digits.", required=False,
               personal=True, longest=40),
        Column("mail", Form.TEXT, "Address of electronic mail.", required=False, personal=True,
               longest=200),
        Column("address", Form.TEXT, "Street and town.", required=False, wanted=True,
               personal=True, longest=300),
        Column("district", Form.TEXT, "District, as the list of the FMU spells it.",
               required=False, personal=True, longest=80),
        Column("politically_exposed", Form.FLAG, "Whether the exchange found the person to be so."),
        Column("owner_of", Form.REFERENCE, "The party of which this person is a beneficial owner.",
               required=False),
    ),
    ("party",),
)  # fmt: skip

ACCOUNTS = Record(
    "accounts",
    "Every account that moved in the period or held anything at its end.",
    (
        Column("account", Form.REFERENCE, "The account's number at the exchange."),
        Column("party", Form.REFERENCE, "Who holds it: a row of parties."),
        Column("kind", Form.CODE, "A customer's, the exchange's own, or one for many customers.",
               words=("customer", "house", "omnibus")),
        Column("opened", Form.DAY, "When it was opened."),
        Column("state", Form.CODE, "At the end of the period.",
               words=("active", "dormant", "frozen", "closed")),
    ),
    ("account",),
)  # fmt: skip

TRANSACTIONS = Record(
    "transactions",
    "Every movement of value of the period: from one account to another, once. A trade is two rows"
    " with one `trade`: the asset one way, its price the other. Money that comes from or goes to a"
    " bank, and assets that come or go on a chain, have the outside account on that side.",
    (
        Column("reference", Form.REFERENCE,
               "The exchange's own, of this row alone, in this return and all others."),
        Column("at", Form.INSTANT, "When it was carried out."),
        Column("kind", Form.CODE, "What moved value.",
               words=("fiat_in", "fiat_out", "trade", "deposit", "withdrawal", "transfer")),
        Column("from_keeper", Form.REFERENCE,
               "Who keeps the account on this side: own, bank, chain, or the code of another"
               " exchange."),
        Column("from_account", Form.REFERENCE,
               "Its number there: own as in accounts, bank as IBAN, chain as the address.",
               longest=90),
        Column("from_country", Form.COUNTRY, "Country of an outside person or bank.",
               required=False),
        Column("to_keeper", Form.REFERENCE, "As from_keeper, of the side that receives."),
        Column("to_account", Form.REFERENCE, "As from_account.", longest=90),
        Column("to_country", Form.COUNTRY, "As from_country.", required=False),
        Column("asset", Form.REFERENCE, "PKR, or an asset of the published list."),
        Column("quantity", Form.QUANTITY, "How many units moved."),
        Column("value", Form.MONEY, "What they were worth at that time; of rupees the same."),
        Column("cash", Form.FLAG, "Whether the money was notes and coin."),
        Column("trade", Form.REFERENCE, "Of a trade: what its two rows have in common.",
               required=False),
        Column("network", Form.REFERENCE, "The chain, of deposit and withdrawal.",
               required=False),
        Column("transaction_hash", Form.REFERENCE, "Of deposit and withdrawal: the transaction on"
               " that chain.", required=False, longest=90),
        Column("hosted", Form.FLAG, "Whether a provider keeps the outside address.",
               required=False, wanted=True),
        Column("travel_rule", Form.REFERENCE, "The message about it: a row of travel_rule.",
               required=False),
    ),
    ("reference",),
)  # fmt: skip

TRAVEL_RULE = Record(
    "travel_rule",
    "Messages of the travel rule (section 47) about transactions of this return: that they were"
    " sent or received, never what names they carry.",
    (
        Column("reference", Form.REFERENCE, "The exchange's own, of this message alone."),
        Column("direction", Form.CODE, "From the exchange's side.", words=("sent", "received")),
        Column("protocol", Form.CODE, "How it went.", words=("trisa", "trp", "other")),
        Column("standard", Form.CODE, "Edition of the message.",
               words=("ivms101-2020", "ivms101-2023", "other")),
        Column("counterparty", Form.TEXT, "Name or LEI of the other provider.", longest=200),
        Column("counterparty_country", Form.COUNTRY, "Where it is.", required=False, wanted=True),
        Column("at", Form.INSTANT, "When it was sent or received."),
        Column("state", Form.CODE, "What became of it.", words=("accepted", "rejected", "pending")),
    ),
    ("reference",),
    required=False,
)  # fmt: skip

BALANCES = Record(
    "balances",
    "What each account held of each asset when the period began and when it ended: opening, plus"
    " what came, less what went, is closing. Every account and asset that moved has a row.",
    (
        Column("account", Form.REFERENCE, "A row of accounts."),
        Column("asset", Form.REFERENCE, "As in transactions."),
        Column("opening", Form.QUANTITY, "Before the period's first transaction."),
        Column("closing", Form.QUANTITY, "After its last one."),
    ),
    ("account", "asset"),
)

RECORDS: Mapping[str, Record] = {
    one.name: one for one in (PARTIES, ACCOUNTS, TRANSACTIONS, TRAVEL_RULE, BALANCES)
}
"""In the order in which they are read: what is referred to comes before what refers to it."""

PERSONAL = frozenset(
    (record.name, column.name)
    for record in RECORDS.values()
    for column in record.columns
    if column.personal
)

RULES: Mapping[str, str] = {
    # of the manifest and of files
    "manifest_readable": "manifest.json is there and is JSON with the fields that its schema asks",
    "manifest_field": "a field of the manifest is as its schema says",
    "version_known": "the specification and its version are those of this edition",
    "period_ended": "a period ends on or after its first day, and is over before it is reported",
    "period_length": "a period has at most as many days as the authority set",
    "file_listed": "every file beside the manifest is one that it lists, and those are there",
    "file_unpacked": "a packed return holds plain files in one folder, within the limits",
    "digest": "a file's SHA-256 is the one that the manifest states",
    "file_empty": "a file has at least its header, or its schema",
    "file_readable": "a file is whole, and of the format that its name says",
    "inflates_too_far": "a file does not unpack to many times what it has (a bomb)",
    "encoding": "a text is UTF-8",
    "byte_order_mark": "a text file does not begin with a byte order mark",
    "nul": "a text file holds no NUL bytes",
    "column_missing": "every required column is there",
    "column_unknown": "no column is there but those of the specification",
    "column_twice": "no column is there twice",
    "column_type": "a column of Parquet has the type that the specification gives",
    "row_shape": "a row has a value for each column of the header, or is one JSON object",
    # of values
    "required": "a required value is there",
    "form": "a value is written in its column's form",
    "ascii_digits": "numbers and days are written with the digits 0 to 9",
    "words": "a code is one of the listed words",
    "country_known": "a country is one of ISO 3166-1, or XK, which banks use for Kosovo",
    "length": "a text is at most as long as its column allows",
    "plain_text": "a text has no control characters, line breaks or marks that reorder it",
    "formula": "a text does not begin as a formula of a spreadsheet does (= + - @)",
    "not_negative": "no amount is negative",
    "positive": "what moved is more than nothing",
    # of rows
    "unique": "no two rows have the same key",
    "party_known": "an account's holder, and what a person owns, is a row of parties",
    "account_known": "an account that the exchange keeps is a row of accounts",
    "travel_rule_known": "a travel-rule message that is named is a row of travel_rule",
    "document_form": "a document's number has its type's form",
    "document_placeholder": "a document's number is not one that stands for none",
    "day_plausible": (
        "a day of birth, incorporation or opening is not before 1800, nor later than the period"
    ),
    "in_period": "a transaction is of the period",
    "not_future": "nothing happened in the future",
    "sides": "the two sides of a transaction are kept where its kind says",
    "chain_fields": "deposits and withdrawals have network and hash, all others have neither",
    "hash_form": "a transaction's hash has its network's form",
    "address_form": "an address has its network's form",
    "network_known": "a network is of the published list",
    "asset_known": "an asset is of the published list",
    "asset_kind": "fiat money moves by fiat_in and fiat_out, the rest by deposit and withdrawal",
    "cash": "only fiat money is cash",
    "trade_named": "a trade has its number",
    "trade_rows": "a trade has two rows, of two assets: one goes each way",
    "fiat_value": "the value of rupees is their quantity: both are in rupees, never in paisa",
    "price": "value divided by quantity lies within the asset's plausible prices, in rupees",
    "balance": "opening, plus what came, less what went, is closing",
    "balance_missing": "every account and asset that moved has a row of balances",
    "total_rows": "a file has as many rows as the manifest states",
    "total_unit": "a total is stated in rupees and in paisa, and these are a hundred times those",
    "total_value": "values sum to what the manifest states, of all rows and of each kind",
    # of the return among others
    "exchange": "the return is of the exchange that sends it",
    "sequence": "a return has the number after the last one that was accepted",
    "period_follows": "a period begins on the day after the last one's end",
    "overlap": "no transaction was reported before, in a return that is in force",
    "corrected_known": "a correction names a return of the same exchange that is in force",
    "corrected_rows": "a correction of rows names rows that the return has",
}
"""Each rule by its name; an error names the rule that it breaks."""
