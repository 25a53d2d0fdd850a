"""What transactions refer to: parties, accounts, messages, balances; and the rules of these."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amanat.jurisdictions.returns import ReturnsPack
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.specification import QUANTITY_DIGITS, QUANTITY_PLACES
from amanat.supervision.returns.stated import Stated
from amanat.supervision.returns.values import Mask, Rows, mask_of

QUANTITY = pa.decimal128(QUANTITY_DIGITS, QUANTITY_PLACES)
_PARTIALS_MAX = 1 << 21
_EARLIEST = date(1800, 1, 1)
"""Nobody who has an account was born, and hardly a company incorporated, before."""
_ALL_THE_SAME = "^(" + "|".join(f"{one}+" for one in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") + ")$"
_CARDS = pa.array(["cnic", "nicop", "poc"])
_NO_SERIAL = "^[0-9]{5}0{7}[0-9]$"
"""An identity card of a district and of nobody: whoever bore it would be one person everywhere."""
_SEPARATORS = re.compile(r"[ .\-/]")
Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(slots=True)
class Registers:
    """What a return has said so far; memory goes with its accounts, not with its transactions."""

    parties: dict[str, int] = field(default_factory=dict)
    owners: list[tuple[int, str, int]] = field(default_factory=list)
    """Row, the party that is owned, and its owner's place."""
    accounts: dict[str, int] = field(default_factory=dict)
    holders: list[int] = field(default_factory=list)
    """Of each account, the place of its party; -1: not known."""
    messages: dict[str, int] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    """Of messages, those that the other provider rejected: they told it nothing."""


def number_plain(number: str) -> str:
    """A document's number without what is written between its digits, in capitals."""
    return _SEPARATORS.sub("", number).upper()


def _enter(rows: Rows, name: str, known: dict[str, int]) -> tuple[list[int], Mask]:
    """Enter keys that are new, in their order; which rows bring one that is known."""
    places: list[int] = []
    twice = np.zeros(len(rows), dtype=np.bool_)
    for at, key in enumerate(rows.texts(name).to_pylist()):
        if key is None:
            places.append(-1)
        elif key in known:
            twice[at] = True
            places.append(-1)
        else:
            known[key] = len(known)
            places.append(known[key])
    rows.note("unique", name, twice)
    return places, twice


def _implausible(rows: Rows, name: str, stated: Stated) -> Mask:
    """Days after the period, or so long ago that they stand for no day."""
    days = rows.columns[name]
    late = mask_of(pc.greater(days, pa.scalar(stated.last_day)))
    return late | mask_of(pc.less(days, pa.scalar(_EARLIEST)))


def enter_parties(rows: Rows, seen: Registers, stated: Stated, pack: ReturnsPack) -> list[int]:
    """The rules of parties; the place of each row's party, -1 of what is not entered."""
    places, _ = _enter(rows, "party", seen.parties)
    types, numbers = rows.texts("document_type"), rows.texts("document_number")
    wrong = np.zeros(len(rows), dtype=np.bool_)
    for form in pack.documents:
        own = mask_of(pc.equal(types, form.type))
        fits = mask_of(pc.match_substring_regex(pc.utf8_upper(numbers), form.pattern))
        wrong |= own & ~fits
    wrong &= pc.is_valid(numbers).to_numpy(zero_copy_only=False)
    rows.note("document_form", "document_number", wrong)
    digits = pc.replace_substring_regex(numbers, r"[ .\-/]", "")
    listed = mask_of(pc.is_in(digits, pa.array(sorted(pack.placeholders))))
    same = mask_of(pc.match_substring_regex(pc.utf8_upper(digits), _ALL_THE_SAME))
    cards = mask_of(pc.is_in(types, _CARDS))
    none = cards & mask_of(pc.match_substring_regex(digits, _NO_SERIAL))
    rows.note("document_placeholder", "document_number", (listed | same | none) & ~wrong)
    rows.note("day_plausible", "born", _implausible(rows, "born", stated))
    for at, owned in enumerate(rows.texts("owner_of").to_pylist()):
        if owned is not None:
            seen.owners.append((int(rows.numbers[at]), owned, places[at]))
    return places


def enter_accounts(rows: Rows, seen: Registers, stated: Stated) -> list[int]:
    """The rules of accounts; the place of each row's account, -1 of what is not entered."""
    places, _ = _enter(rows, "account", seen.accounts)
    holders = [
        -1 if one is None else seen.parties.get(one, -1) for one in rows.texts("party").to_pylist()
    ]
    unknown = np.array(holders, dtype=np.int64) < 0
    rows.note("party_known", "party", unknown & mask_of(pc.is_valid(rows.columns["party"])))
    rows.note("day_plausible", "opened", _implausible(rows, "opened", stated))
    seen.holders.extend(holder for holder, place in zip(holders, places, strict=True) if place >= 0)
    return places


def enter_messages(rows: Rows, seen: Registers) -> None:
    """The rules of travel-rule messages."""
    _enter(rows, "reference", seen.messages)
    rejected = rows.texts("reference").filter(pc.equal(rows.texts("state"), "rejected"))
    seen.rejected += rejected.drop_null().to_pylist()


# -- balances -------------------------------------------------------------------------------------


class Moved:
    """What came to and went from each account of each asset, summed as it is read."""

    def __init__(self, assets: int) -> None:
        self._assets = assets
        self._partials: list[pa.Table] = []
        self._rows = 0

    def add(self, accounts: Places, assets: Places, quantity: pa.Array) -> None:
        """Signed quantities; rows whose account or asset is not known are passed over."""
        keep = (accounts >= 0) & (assets >= 0) & mask_of(pc.is_valid(quantity))
        if not keep.any():
            return
        keys = accounts[keep] * self._assets + assets[keep]
        table = pa.table({"key": keys, "moved": quantity.filter(pa.array(keep))})
        summed = _summed(table)
        self._partials.append(summed)
        self._rows += summed.num_rows
        if self._rows > _PARTIALS_MAX:
            self._partials = [_summed(pa.concat_tables(self._partials))]
            # What cannot be summed any further is no reason to try again with every batch.
            self._rows = self._partials[0].num_rows // 2

    def total(self) -> tuple[Places, pa.Array]:
        """Keys in their order, and what moved of each."""
        if not self._partials:
            return np.zeros(0, dtype=np.int64), pa.array([], QUANTITY)
        table = _summed(pa.concat_tables(self._partials)).sort_by("key").combine_chunks()
        self._partials = []
        moved = table.column("moved").combine_chunks()
        return table.column("key").to_numpy(), moved


def _summed(table: pa.Table) -> pa.Table:
    found = table.group_by("key").aggregate([("moved", "sum")])
    return pa.table({"key": found.column("key"), "moved": found.column("moved_sum").cast(QUANTITY)})


class Balances:
    """The rules of balances: they roll from what moved, and none is left out."""

    def __init__(self, seen: Registers, moved: Moved, assets: dict[str, int]) -> None:
        self._accounts, self._assets = seen.accounts, assets
        self._keys, self._moved = moved.total()
        self._met = np.zeros(len(self._keys), dtype=np.bool_)
        self._listed: list[Places] = []

    def check(self, rows: Rows, *, rolls: bool) -> None:
        """Some rows of balances; `rolls`: all of the period's transactions are in the return."""
        accounts, assets = rows.texts("account"), rows.texts("asset")
        own = places_of(accounts, self._accounts)
        kinds = places_of(assets, self._assets)
        rows.note("account_known", "account", (own < 0) & mask_of(pc.is_valid(accounts)))
        rows.note("asset_known", "asset", (kinds < 0) & mask_of(pc.is_valid(assets)))
        sound = (own >= 0) & (kinds >= 0)
        keys = np.where(sound, own * len(self._assets) + kinds, -1)
        self._listed.append(np.column_stack((keys[sound], rows.numbers[sound])))
        if not rolls:
            return
        at = np.searchsorted(self._keys, keys)
        at[at == len(self._keys)] = 0
        hit = sound & (self._keys[at] == keys) if len(self._keys) else np.zeros_like(sound)
        self._met[at[hit]] = True
        nothing = pa.scalar(0, QUANTITY)
        moved = pc.if_else(
            pa.array(hit),
            self._moved.take(pa.array(at)) if len(self._keys) else nothing,
            nothing,
        )
        wide = pa.decimal256(50, QUANTITY_PLACES)
        opening, closing = rows.columns["opening"], rows.columns["closing"]
        ought = pc.add(opening.cast(wide), moved.cast(wide))
        rows.note("balance", "closing", sound & mask_of(pc.not_equal(ought, closing.cast(wide))))

    def finish(self, findings: Findings, file: str, *, complete: bool) -> None:
        """What is there twice, and what moved and has no balance."""
        if self._listed:
            listed = np.concatenate(self._listed)
            listed = listed[np.lexsort((listed[:, 1], listed[:, 0]))]
            again = np.flatnonzero(listed[1:, 0] == listed[:-1, 0]) + 1
            first = [(int(listed[at, 1]), f"as row {listed[at - 1, 1]}") for at in again[:20]]
            if len(again):
                findings.add_many(file, "unique", "account", first, len(again))
        missing = np.flatnonzero(~self._met)
        if not complete or not len(missing):
            return
        names, assets = list(self._accounts), list(self._assets)
        told = []
        for at in missing[:20]:
            account, asset = divmod(int(self._keys[at]), len(assets))
            told.append((None, f"{names[account]} {assets[asset]}"))
        findings.add_many(file, "balance_missing", None, told, len(missing))


def places_of(texts: pa.Array, known: dict[str, int]) -> Places:
    """The place of each text among the known ones, -1 of others; each text is looked up once."""
    encoded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    found = np.array(
        [known.get(one, -1) for one in encoded.dictionary.to_pylist()] or [-1], dtype=np.int64
    )
    indices = encoded.indices
    here = pc.is_valid(indices).to_numpy(zero_copy_only=False)
    places = found[pc.fill_null(indices, 0).to_numpy(zero_copy_only=False)]
    return np.where(here, places, -1)
