"""Who sent a signed transaction and whether it creates a contract, read from its bytes.

Legacy (EIP-155), EIP-2930 and EIP-1559 transactions, in the one strict form that nodes take: what a
node would read otherwise, or not at all, is refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from amanat.core.errors import Invalid
from amanat.ledger.wire import SignatureInvalid, keccak, recover

BYTES_MAX = 131_072
"""Nodes take no larger transaction (`txMaxSize` of geth's pool)."""
_LEGACY_FIELDS = 9
_TYPED: dict[int, tuple[int, int]] = {1: (11, 4), 2: (12, 5)}
"""By type: how many fields, and which of them names the contract called."""
_EIP155_OFFSET = 35
_WORD_BYTES = 32


class TransactionUnreadable(Invalid):
    """A signed transaction is the hexadecimal form of bytes that every node reads alike."""

    template: ClassVar[str] = "Not a transaction: {reason}."


@dataclass(frozen=True, slots=True)
class Sent:
    """The account that signed a transaction, and whether it creates a contract."""

    sender: str
    creates: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """One item of a list: its content, and its whole encoding (to sign over without a copy)."""

    content: bytes
    encoded: bytes
    is_list: bool


def read_sent(text: object, chain_id: int) -> Sent:
    """What `eth_sendRawTransaction` was given; raises `TransactionUnreadable`."""
    raw = _bytes(text)
    kind = raw[0]
    if kind >= 0xC0:
        return _legacy(_list(raw), chain_id)
    if kind not in _TYPED:
        raise TransactionUnreadable(reason=f"type {kind} is not taken")
    count, target = _TYPED[kind]
    fields = _list(raw[1:])
    if len(fields) != count:
        raise TransactionUnreadable(reason=f"{len(fields)} fields, not {count}")
    _require_chain(_number(fields[0]), chain_id)
    *unsigned, parity, r, s = fields
    digest = keccak(bytes((kind,)) + _joined(unsigned))
    return Sent(_signer(digest, _number(parity), r, s), _creates(fields[target]))


def _legacy(fields: Sequence[_Item], chain_id: int) -> Sent:
    if len(fields) != _LEGACY_FIELDS:
        raise TransactionUnreadable(reason=f"{len(fields)} fields, not {_LEGACY_FIELDS}")
    *unsigned, v, r, s = fields
    signed = _number(v)
    if signed < _EIP155_OFFSET:
        raise TransactionUnreadable(reason="it names no chain (EIP-155)")
    named, parity = divmod(signed - _EIP155_OFFSET, 2)
    _require_chain(named, chain_id)
    body = b"".join(one.encoded for one in unsigned) + _encoded(named) + b"\x80\x80"
    return Sent(_signer(keccak(_list_head(len(body)) + body), parity, r, s), _creates(fields[3]))


def _bytes(text: object) -> bytes:
    if not isinstance(text, str) or not text.startswith("0x"):
        raise TransactionUnreadable(reason="not text that begins with 0x")
    if not 2 < len(text) <= 2 + 2 * BYTES_MAX:
        raise TransactionUnreadable(reason=f"empty, or over {BYTES_MAX} bytes")
    try:
        raw = bytes.fromhex(text[2:])
    except ValueError:
        raw = b""
    if 2 * len(raw) != len(text) - 2:  # fromhex passes over blanks
        raise TransactionUnreadable(reason="not hexadecimal digits")
    return raw


def _require_chain(named: int, chain_id: int) -> None:
    if named != chain_id:
        raise TransactionUnreadable(reason=f"it is for chain {named}, not {chain_id}")


def _creates(target: _Item) -> bool:
    if target.is_list or len(target.content) not in (0, 20):
        raise TransactionUnreadable(reason="whom it calls is no address")
    return not target.content


def _signer(digest: bytes, parity: int, r: _Item, s: _Item) -> str:
    if parity not in (0, 1):
        raise TransactionUnreadable(reason="its signature has no parity of 0 or 1")
    ends = [_number(one).to_bytes(_WORD_BYTES, "big") for one in (r, s)]
    try:
        return recover(digest, b"".join(ends) + bytes((27 + parity,)))
    except SignatureInvalid as error:
        raise TransactionUnreadable(reason="its signature is none") from error


def _number(item: _Item) -> int:
    if item.is_list or len(item.content) > _WORD_BYTES or item.content[:1] == b"\0":
        raise TransactionUnreadable(reason="a number is not in its shortest form")
    return int.from_bytes(item.content, "big")


def _encoded(number: int) -> bytes:
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return content if len(content) == 1 and content[0] < 0x80 else _head(0x80, content) + content


def _head(offset: int, content: bytes) -> bytes:
    return bytes((offset + len(content),))  # numbers are shorter than 56 bytes


def _joined(items: Sequence[_Item]) -> bytes:
    body = b"".join(one.encoded for one in items)
    return _list_head(len(body)) + body


def _list_head(size: int) -> bytes:
    if size < 56:
        return bytes((0xC0 + size,))
    width = (size.bit_length() + 7) // 8
    return bytes((0xF7 + width,)) + size.to_bytes(width, "big")


def _list(raw: bytes) -> list[_Item]:
    """The items of the one list that `raw` is, without a byte before or after it."""
    start, end, is_list = _span(raw, 0)
    if not is_list or end != len(raw):
        raise TransactionUnreadable(reason="not one list")
    items = []
    at = start
    while at < end:
        inner, following, nested = _span(raw, at)
        if following > end:
            raise TransactionUnreadable(reason="an item is longer than its list")
        items.append(_Item(raw[inner:following], raw[at:following], nested))
        at = following
    return items


def _span(raw: bytes, at: int) -> tuple[int, int, bool]:
    """Where the content of the item at a place begins and ends, and whether it is a list.

    Only the shortest form of each length is taken, as nodes do (yellow paper, appendix B).
    """
    if at >= len(raw):
        raise TransactionUnreadable(reason="it ends too early")
    first = raw[at]
    if first < 0x80:
        return at, at + 1, False
    is_list = first >= 0xC0
    size = first - (0xC0 if is_list else 0x80)
    start = at + 1
    if size > 55:
        width = size - 55
        size = int.from_bytes(raw[start : start + width], "big")
        if size < 56 or raw[start] == 0:
            raise TransactionUnreadable(reason="a length is not in its shortest form")
        start += width
    end = start + size
    if end > len(raw):
        raise TransactionUnreadable(reason="it ends too early")
    if not is_list and size == 1 and raw[start] < 0x80:
        raise TransactionUnreadable(reason="a byte is not in its shortest form")
    return start, end, is_list
