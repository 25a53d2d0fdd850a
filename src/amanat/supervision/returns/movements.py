"""The rules of transactions, over whole batches: each is a mask of the rows that break it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amanat.jurisdictions.returns import ReturnsPack
from amanat.supervision.returns.arrow import unscaled
from amanat.supervision.returns.registers import Moved, Places, Registers, places_of
from amanat.supervision.returns.specification import BANK, CHAIN, OWN, QUANTITY_PLACES
from amanat.supervision.returns.stated import KINDS, Stated
from amanat.supervision.returns.sums import sum_of
from amanat.supervision.returns.values import Mask, Rows, mask_of

_FIAT_IN, _FIAT_OUT, TRADE, _DEPOSIT, _WITHDRAWAL, _TRANSFER = range(6)
_OWN, _BANK, _CHAIN, _EXCHANGE = range(4)
KEEPERS = {OWN: _OWN, BANK: _BANK, CHAIN: _CHAIN}
_ALLOWED = {
    _FIAT_IN: ((_BANK, _OWN),),
    _FIAT_OUT: ((_OWN, _BANK),),
    TRADE: ((_OWN, _OWN), (_OWN, _EXCHANGE), (_EXCHANGE, _OWN)),
    _DEPOSIT: ((_CHAIN, _OWN),),
    _WITHDRAWAL: ((_OWN, _CHAIN),),
    _TRANSFER: ((_OWN, _OWN), (_OWN, _EXCHANGE), (_EXCHANGE, _OWN)),
}
_WIDE = pa.decimal256(20, 4)
_QUANTITY = pa.decimal256(38, QUANTITY_PLACES)
_ID_SHIFT = np.uint64(1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a return as instants: the beginning of each day, and the end of the last one."""

    first_day: date
    starts: Places
    now: int

    @classmethod
    def of(cls, stated: Stated, pack: ReturnsPack, now: datetime) -> Period:
        """Microseconds since 1970, UTC, by the calendar of the programme's zone."""
        days = (stated.last_day - stated.first_day).days + 2
        starts = [
            datetime.combine(stated.first_day + timedelta(days=one), time(), tzinfo=pack.zone)
            for one in range(days)
        ]
        return cls(
            stated.first_day,
            np.array([_micros(one) for one in starts], dtype=np.int64),
            _micros(now),
        )


def _micros(when: datetime) -> int:
    return (when.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Movements:
    """Transactions of a batch whose sides are resolved: what storing needs beside the columns.

    `day` counts from the period's first; accounts are places in `Registers.accounts`, -1 of those
    that others keep; keepers are codes of `KEEPERS`, 3 for another exchange; assets are places in
    `MovementRules.assets`, -1 of what is none.
    """

    ids: Places
    day: Places
    kinds: Places
    from_keeper: Places
    to_keeper: Places
    from_account: Places
    to_account: Places
    assets: Places


class MovementRules:
    """Looks at one batch after the other, and sums what is compared at the end."""

    def __init__(self, stated: Stated, pack: ReturnsPack, seen: Registers, period: Period) -> None:
        self._stated, self._pack, self._seen, self._period = stated, pack, seen, period
        self.assets = {pack.currency: 0} | {one.code: at for at, one in enumerate(pack.assets, 1)}
        # The currency comes first, and has no price.
        prices = [
            (Decimal(0), Decimal(0)),
            *((one.price_min, one.price_max) for one in pack.assets),
        ]
        self._least = pa.array([one for one, _ in prices], _WIDE)
        self._most = pa.array([one for _, one in prices], _WIDE)
        self._kinds = {name: at for at, name in enumerate(KINDS)}
        self._networks = {one.code: at for at, one in enumerate(pack.networks)}
        self._prefix = f"{stated.exchange}\x1f".encode()
        self.moved = Moved(len(self.assets))
        self.kind_rows = [0] * len(KINDS)
        self.kind_paisa = [0] * len(KINDS)

    def check(self, rows: Rows) -> Movements:
        """Every rule over a batch."""
        kinds = places_of(rows.columns["kind"], self._kinds)
        day = self._when(rows)
        senders, receivers = (self._keepers(rows, f"{side}_keeper") for side in ("from", "to"))
        payers = self._accounts(rows, "from_account", senders)
        payees = self._accounts(rows, "to_account", receivers)
        self._sides(rows, kinds, senders, receivers)
        self._chain(rows, kinds, senders, receivers)
        assets = self._amounts(rows, kinds)
        self._messages(rows)
        self._sum(rows, kinds)
        for keepers, places, sign in ((senders, payers, -1), (receivers, payees, 1)):
            own = np.where(keepers == _OWN, places, -1)
            quantity = rows.columns["quantity"]
            self.moved.add(own, assets, pc.negate(quantity) if sign < 0 else quantity)
        return Movements(self._ids(rows), day, kinds, senders, receivers, payers, payees, assets)

    # -- rules --------------------------------------------------------------------------------

    def _when(self, rows: Rows) -> Places:
        at = rows.columns["at"]
        here = pc.is_valid(at).to_numpy(zero_copy_only=False)
        micros = pc.fill_null(at.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        rows.note("not_future", "at", here & (micros > self._period.now))
        day: Places = np.searchsorted(self._period.starts, micros, side="right") - 1
        outside = (day < 0) | (day >= len(self._period.starts) - 1)
        rows.note("in_period", "at", here & outside & (micros <= self._period.now))
        return day

    def _keepers(self, rows: Rows, name: str) -> Places:
        column = rows.columns[name]
        found = places_of(column, KEEPERS)
        here = pc.is_valid(column).to_numpy(zero_copy_only=False)
        itself = mask_of(pc.equal(rows.texts(name), self._stated.exchange))
        return np.where(here & (found < 0) & ~itself, _EXCHANGE, found)

    def _accounts(self, rows: Rows, name: str, keepers: Places) -> Places:
        column = rows.columns[name]
        places = places_of(column, self._seen.accounts)
        here = pc.is_valid(column).to_numpy(zero_copy_only=False)
        rows.note("account_known", name, here & (keepers == _OWN) & (places < 0))
        return places

    def _sides(self, rows: Rows, kinds: Places, sender: Places, receiver: Places) -> None:
        stated = (kinds >= 0) & rows.given["from_keeper"] & rows.given["to_keeper"]
        fits = np.zeros(len(rows), dtype=np.bool_)
        for kind, pairs in _ALLOWED.items():
            for one, other in pairs:
                fits |= (kinds == kind) & (sender == one) & (receiver == other)
        rows.note("sides", "kind", stated & ~fits)

    def _chain(self, rows: Rows, kinds: Places, sender: Places, receiver: Places) -> None:
        on_chain = (kinds == _DEPOSIT) | (kinds == _WITHDRAWAL)
        networks = places_of(rows.columns["network"], self._networks)
        for name in ("network", "transaction_hash"):
            given = rows.given[name]
            rows.note("chain_fields", name, (kinds >= 0) & (on_chain != given))
        valid = mask_of(pc.is_valid(rows.columns["network"]))
        rows.note("network_known", "network", valid & (networks < 0))
        for at, network in enumerate(self._pack.networks):
            own = networks == at
            if not own.any():
                continue
            self._form(rows, "transaction_hash", "hash_form", network.hash, own)
            self._form(rows, "from_account", "address_form", network.address,
                       own & (sender == _CHAIN))  # fmt: skip
            self._form(rows, "to_account", "address_form", network.address,
                       own & (receiver == _CHAIN))  # fmt: skip

    def _form(self, rows: Rows, name: str, rule: str, pattern: str, own: Mask) -> None:
        """Where a text of these rows has not the form; only these are looked at."""
        if not own.any():
            return
        column = rows.texts(name)
        chosen = column.filter(pa.array(own))
        bad = mask_of(pc.invert(pc.match_substring_regex(chosen, pattern)))
        if bad.any():
            breach = np.zeros(len(rows), dtype=np.bool_)
            breach[np.flatnonzero(own)[bad]] = True
            rows.note(rule, name, breach)

    def _amounts(self, rows: Rows, kinds: Places) -> Places:
        assets = places_of(rows.columns["asset"], self.assets)
        here = mask_of(pc.is_valid(rows.columns["asset"]))
        rows.note("asset_known", "asset", here & (assets < 0))
        fiat = assets == 0
        money = (kinds == _FIAT_IN) | (kinds == _FIAT_OUT)
        chain = (kinds == _DEPOSIT) | (kinds == _WITHDRAWAL)
        rows.note("asset_kind", "asset", (assets >= 0) & ((money & ~fiat) | (chain & fiat)))
        cash = mask_of(rows.columns["cash"])
        rows.note("cash", "cash", cash & (assets >= 0) & ~fiat)
        rows.note("trade_named", "trade", (kinds == TRADE) & ~rows.given["trade"])
        quantity, value = rows.columns["quantity"], rows.columns["value"]
        low, high = unscaled(quantity)
        valid = mask_of(pc.is_valid(quantity))
        rows.note("positive", "quantity", valid & (low == 0) & (high == 0))
        if fiat.any():
            differ = mask_of(pc.not_equal(value.cast(quantity.type), quantity))
            rows.note("fiat_value", "value", fiat & differ)
        if (assets > 0).any():
            self._prices(rows, assets, quantity, value)
        return assets

    def _prices(self, rows: Rows, assets: Places, quantity: Any, value: Any) -> None:
        own = assets > 0
        chosen = pa.array(own)
        at = pa.array(assets[own])
        worth = value.filter(chosen).cast(_WIDE)
        units = quantity.filter(chosen).cast(_QUANTITY, safe=False)
        # Worth is rounded to paisa, so one paisa on either side is no fault of the price.
        paisa = pa.scalar(Decimal("0.01"), _WIDE)
        least = pc.multiply(self._least.take(at), units)
        most = pc.multiply(self._most.take(at), units)
        wide = least.type
        bad = mask_of(
            pc.or_(
                pc.less(pc.add(worth, paisa).cast(wide), least),
                pc.greater(pc.subtract(worth, paisa).cast(wide), most),
            )
        )
        if bad.any():
            breach = np.zeros(len(rows), dtype=np.bool_)
            breach[np.flatnonzero(own)[bad]] = True
            rows.note("price", "value", breach)

    def _messages(self, rows: Rows) -> None:
        column = rows.columns["travel_rule"]
        named = mask_of(pc.is_valid(column))
        if named.any():
            rows.note(
                "travel_rule_known",
                "travel_rule",
                named & (places_of(column, self._seen.messages) < 0),
            )

    # -- sums ---------------------------------------------------------------------------------

    def _sum(self, rows: Rows, kinds: Places) -> None:
        value = rows.columns["value"]
        paisa = paisa_of(value)
        for at in range(len(KINDS)):
            own = kinds == at
            self.kind_rows[at] += int(np.count_nonzero(own))
            self.kind_paisa[at] += sum_of(paisa[own])

    def _ids(self, rows: Rows) -> Places:
        """As `transaction_id`, of all rows at once; 0 of a row without a reference."""
        digest = hashlib.sha256
        prefix = self._prefix
        found = b"".join(
            [
                _NONE if one is None else digest(prefix + one).digest()[:8]
                for one in rows.texts("reference").cast(pa.binary()).to_pylist()
            ]
        )
        return (np.frombuffer(found, dtype=">u8").astype(np.uint64) >> _ID_SHIFT).astype(np.int64)


_NONE = bytes(8)


def paisa_of(value: Any) -> Places:
    """Decimals of two places as whole hundredths; 0 of none.  Up to 17 digits fit 63 bits."""
    low, _high = unscaled(value)
    here = pc.is_valid(value).to_numpy(zero_copy_only=False)
    return np.where(here, low.astype(np.int64), 0)


def control_totals(rules: MovementRules) -> Sequence[tuple[str, int, int]]:
    """Kind, rows and paisa of every kind that came."""
    return [
        (name, rules.kind_rows[at], rules.kind_paisa[at])
        for at, name in enumerate(KINDS)
        if rules.kind_rows[at]
    ]
