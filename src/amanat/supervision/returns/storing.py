"""Makes the stored rows of transactions from what was checked: pseudonyms for whoever they name.

Written while the check goes on, in a place of its own; it counts only once the return is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from amanat.jurisdictions.returns import ReturnsPack
from amanat.supervision.identities.model import Document
from amanat.supervision.identities.pseudonyms import Pseudonym, Pseudonyms
from amanat.supervision.identities.vault import CONTACT, Said
from amanat.supervision.returns.manifest import ID_SUM_MODULUS
from amanat.supervision.returns.movements import KEEPERS, Movements, paisa_of
from amanat.supervision.returns.registers import Places, Registers, number_plain
from amanat.supervision.returns.specification import BANK, CHAIN, OWN
from amanat.supervision.returns.stated import KINDS, Stated
from amanat.supervision.returns.sums import sum_of
from amanat.supervision.returns.values import Mask, Rows, mask_of
from amanat.supervision.transactions import TRANSACTIONS

_EPOCH_DAY = 719_163  # of 1970-01-01 among the days of the common era, as `date.toordinal` counts
_REPEATED = ("exchange", "kind", "from_exchange", "from_country", "to_exchange", "to_country",
             "asset", "network")  # fmt: skip
_OWN, _BANK, _CHAIN = (KEEPERS[one] for one in (OWN, BANK, CHAIN))


def pseudonym_of(pseudonyms: Pseudonyms, kind: str, country: str, number: str) -> Pseudonym:
    """The pseudonym of a person by a document, its number as it may be written."""
    return pseudonyms.person(kind, country, number_plain(number))


def said_of(pseudonyms: Pseudonyms, rows: Rows) -> Iterable[Said]:
    """What rows of parties say, one by one."""
    columns = {name: rows.columns[name].to_pylist() for name in rows.columns}
    for at in range(len(rows)):
        row = {name: values[at] for name, values in columns.items()}
        kind, country = row["document_type"], row["document_country"]
        number = number_plain(row["document_number"])
        yield Said(
            pseudonym=pseudonyms.person(kind, country, number),
            kind=row["kind"],
            reference=row["party"],
            name=row["name"],
            name_latin=row["name_latin"],
            father_name=row["father_name"],
            born=None if row["born"] is None else row["born"].isoformat(),
            document=Document(kind, country, number),
            contact=tuple((one, row[one]) for one in CONTACT if row[one] is not None),
            nationality=row["nationality"],
            residence=row["residence"],
            exposed=row["politically_exposed"],
        )


@dataclass(slots=True)
class _Side:
    """One side of a batch of transactions, as it is stored."""

    party: pa.Array
    account: pa.Array
    exchange: pa.Array
    country: pa.Array


@dataclass(slots=True)
class Storing:
    """Writes transactions to `path` as they are checked; a `Sink` of the check."""

    pseudonyms: Pseudonyms
    pack: ReturnsPack
    path: Path
    rows: int = 0
    id_sum: int = 0
    persons: list[int] = field(default_factory=list)
    accounts_of_return: list[int] = field(default_factory=list)
    _countries: list[str | None] = field(default_factory=list)
    _writer: Any = None
    _stated: Stated | None = None
    _seen: Registers | None = None
    _held: tuple[Places, Places, pa.Array] | None = None
    _folding: pa.Array | None = None

    def begin(self, stated: Stated, seen: Registers) -> None:
        """As `Sink.begin`."""
        self._stated, self._seen = stated, seen
        self._folding = pa.array([one.code for one in self.pack.networks if one.fold], pa.string())

    def parties(self, rows: Rows, places: list[int]) -> None:
        """The pseudonyms of persons, in the order of their places; nothing is kept of them."""
        kinds, countries, numbers, homes = (
            rows.columns[name].to_pylist()
            for name in ("document_type", "document_country", "document_number", "residence")
        )
        for at, place in enumerate(places):
            if place < 0:
                continue
            assert place == len(self.persons)
            stands = (kinds[at], countries[at], numbers[at])
            # What is not written as it must be is among the errors: nothing of it will be kept.
            sound = None not in stands
            person = pseudonym_of(self.pseudonyms, *stands).number if sound else 0
            self.persons.append(person)
            self._countries.append(homes[at])

    def accounts(self, rows: Rows, places: list[int]) -> None:
        """The pseudonyms of accounts, in the order of their places."""
        assert self._stated is not None
        numbers = rows.columns["account"].to_pylist()
        fresh = [one for one, place in zip(numbers, places, strict=True) if place >= 0]
        self.accounts_of_return += self.pseudonyms.accounts(self._stated.exchange, fresh)

    def transactions(self, rows: Rows, moved: Movements) -> None:
        """Write a batch."""
        assert self._stated is not None
        if self._held is None:
            self._held = self._holders()
        sender = self._side(rows, moved, "from")
        receiver = self._side(rows, moved, "to")
        first = self._stated.first_day.toordinal() - _EPOCH_DAY
        days = (first + moved.day).astype(np.int32)
        columns = {
            "id": pa.array(moved.ids),
            "exchange": pa.repeat(self._stated.exchange, len(rows)),
            "reference": rows.texts("reference"),
            "day": pa.array(days).view(pa.date32()),
            "at": rows.columns["at"],
            "kind": pa.array(KINDS).take(pa.array(moved.kinds)),
            "from_party": sender.party,
            "from_account": sender.account,
            "from_exchange": sender.exchange,
            "from_country": sender.country,
            "to_party": receiver.party,
            "to_account": receiver.account,
            "to_exchange": receiver.exchange,
            "to_country": receiver.country,
            "asset": rows.texts("asset"),
            "quantity": rows.columns["quantity"],
            "value": pa.array(paisa_of(rows.columns["value"])),
            "cash": rows.columns["cash"],
            "network": rows.texts("network"),
            "transaction_hash": rows.texts("transaction_hash"),
            "address": self._address(rows, moved),
            "hosted": rows.columns["hosted"],
            "travel_rule": self._told(rows),
        }
        self.write(pa.RecordBatch.from_arrays([columns[one] for one in TRANSACTIONS.names],
                                              schema=TRANSACTIONS))  # fmt: skip

    def _told(self, rows: Rows) -> pa.Array:
        """The travel-rule message of each row, if the other provider did not reject it."""
        assert self._seen is not None
        named = rows.texts("travel_rule")
        if not self._seen.rejected:
            return named
        none = pc.is_in(named, pa.array(self._seen.rejected, pa.string()))
        return pc.if_else(none, pa.scalar(None, pa.string()), named)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write stored rows, and count them."""
        if self._writer is None:
            self._writer = parquet.ParquetWriter(
                self.path, TRANSACTIONS, compression="zstd", compression_level=1,
                use_dictionary=list(_REPEATED),
            )  # fmt: skip
        self._writer.write_batch(batch)
        self.rows += batch.num_rows
        ids = batch.column(0).to_numpy()
        self.id_sum = (self.id_sum + sum_of(ids)) % ID_SUM_MODULUS

    def close(self) -> None:
        """End the file; without any row it is a file without rows."""
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self.path, TRANSACTIONS)
        self._writer.close()

    # -- sides --------------------------------------------------------------------------------

    def _holders(self) -> tuple[Places, Places, pa.Array]:
        """Of each account of the return: its pseudonym, its person's, and the person's country."""
        assert self._seen is not None
        persons = np.array(self.persons, dtype=np.int64)
        holders = np.array(self._seen.holders, dtype=np.int64)
        countries = pa.array(self._countries, pa.string())
        accounts = np.array(self.accounts_of_return, dtype=np.int64)
        return accounts, persons[holders], countries.take(pa.array(holders))

    def _side(self, rows: Rows, moved: Movements, side: str) -> _Side:
        assert self._held is not None
        assert self._stated is not None
        keepers = moved.from_keeper if side == "from" else moved.to_keeper
        places = moved.from_account if side == "from" else moved.to_account
        accounts, persons, countries = self._held
        own = keepers == _OWN
        inside = pa.array(own)
        at = np.where(own, places, 0)
        found = accounts[at] if len(accounts) else np.zeros(len(rows), dtype=np.int64)
        party = persons[at] if len(persons) else found
        if not own.all():
            outside = np.flatnonzero(~own)
            found = found.copy()
            found[outside] = self._outside(rows, side, ~own)
        named = rows.texts(f"{side}_keeper")
        abroad = pa.array(keepers == len(KEEPERS))
        nobody = pa.scalar(None, pa.string())
        elsewhere = pc.if_else(abroad, named, nobody)
        homes = countries.take(pa.array(at)) if len(countries) else pa.nulls(len(rows), pa.string())
        return _Side(
            party=pa.array(party, mask=~own),
            account=pa.array(found),
            exchange=pc.if_else(inside, pa.scalar(self._stated.exchange), elsewhere),
            country=pc.if_else(inside, homes, rows.texts(f"{side}_country")),
        )

    def _outside(self, rows: Rows, side: str, away: Mask) -> Places:
        """Pseudonyms of accounts that others keep: each distinct one is made once."""
        chosen = pa.array(away)
        names = [
            column.filter(chosen).dictionary_encode()
            for column in (
                rows.texts(f"{side}_keeper"),
                pc.fill_null(rows.texts("network"), ""),
                rows.texts(f"{side}_account"),
            )
        ]
        keeper, network, account = (
            one.indices.to_numpy(zero_copy_only=False).astype(np.int64) for one in names
        )
        keeper_names, networks, numbers = (one.dictionary.to_pylist() for one in names)
        groups = keeper * len(networks) + network
        distinct, inverse = np.unique(groups * len(numbers) + account, return_inverse=True)
        made = np.empty(len(distinct), dtype=np.int64)
        of_group = distinct // len(numbers)
        for group in np.unique(of_group).tolist():
            first, end = np.searchsorted(of_group, (group, group + 1))
            kept, chain = divmod(group, len(networks))
            chosen_numbers = [numbers[one] for one in (distinct[first:end] % len(numbers)).tolist()]
            made[first:end] = self._of(keeper_names[kept], networks[chain], chosen_numbers)
        return made[inverse]

    def _of(self, keeper: str, network: str, numbers: list[str]) -> list[int]:
        """Pseudonyms of accounts of one keeper."""
        if keeper == BANK:
            return self.pseudonyms.bank_accounts(numbers)
        if keeper == CHAIN:
            known = self.pack.network(network)
            folds = known is not None and known.fold
            folded = [one.lower() for one in numbers] if folds else numbers
            return self.pseudonyms.addresses(network, folded)
        return self.pseudonyms.accounts(keeper, numbers)

    def _address(self, rows: Rows, moved: Movements) -> pa.Array:
        """The outside address on the chain; small where capitals mean nothing."""
        nobody = pa.scalar(None, pa.string())
        found = pc.if_else(
            pa.array(moved.from_keeper == _CHAIN),
            rows.texts("from_account"),
            pc.if_else(pa.array(moved.to_keeper == _CHAIN), rows.texts("to_account"), nobody),
        )
        folds = pa.array(mask_of(pc.is_in(rows.texts("network"), self._folding)))
        return pc.if_else(folds, pc.utf8_lower(found), found)
