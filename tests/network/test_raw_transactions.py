"""Senders and creations read from signed bytes, against eth-account, which others wrote."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import rlp
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.errors import Invalid
from amanat.network.raw_transactions import BYTES_MAX, TransactionUnreadable, read_sent

CHAIN_ID = 781_948
TARGET = "0x" + "11" * 20
KEY = "0x" + "46" * 32
LEGACY: dict[str, Any] = {"gasPrice": 7}
ACCESS: dict[str, Any] = {
    "type": 1,
    "gasPrice": 7,
    "accessList": [{"address": TARGET, "storageKeys": ["0x" + "00" * 32, "0x" + "ff" * 32]}],
}
FEES: dict[str, Any] = {"type": 2, "maxFeePerGas": 7, "maxPriorityFeePerGas": 1}


def signed(kind: dict[str, Any], key: str = KEY, **more: Any) -> str:
    fields: dict[str, Any] = {
        "nonce": 0,
        "gas": 21_000,
        "to": TARGET,
        "value": 1,
        "data": "0x",
        "chainId": CHAIN_ID,
        **kind,
        **more,
    }
    if fields["to"] is None:
        fields["to"] = ""
    return "0x" + bytes(Account.sign_transaction(fields, key).raw_transaction).hex()


@pytest.mark.parametrize("kind", [LEGACY, ACCESS, FEES], ids=["legacy", "2930", "1559"])
@pytest.mark.parametrize("call_bytes", [b"", b"\x00", b"\x7f", b"\x80" * 55, b"\x01" * 70_000])
def test_the_sender_and_a_creation_are_found(kind: dict[str, Any], call_bytes: bytes) -> None:
    key = "0x" + secrets.token_hex(32)
    sender = Account.from_key(key).address.lower()
    content = {"data": "0x" + call_bytes.hex(), "gas": 20_000_000, "nonce": 300}
    called = read_sent(signed(kind, key, **content), CHAIN_ID)
    assert (called.sender, called.creates) == (sender, False)
    created = read_sent(signed(kind, key, to=None, **content), CHAIN_ID)
    assert (created.sender, created.creates) == (sender, True)


@pytest.mark.parametrize("kind", [LEGACY, ACCESS, FEES], ids=["legacy", "2930", "1559"])
def test_a_transaction_for_another_chain_is_refused(kind: dict[str, Any]) -> None:
    with pytest.raises(TransactionUnreadable, match="for chain 1, not"):
        read_sent(signed(kind, chainId=1), CHAIN_ID)


def test_a_transaction_of_no_chain_is_refused() -> None:
    """As before EIP-155, when a signature served on every chain."""
    fields = rlp.decode(bytes.fromhex(signed(LEGACY)[2:]))
    raw = rlp.encode([*fields[:6], b"\x1b", *fields[7:]])
    with pytest.raises(TransactionUnreadable, match="names no chain"):
        read_sent("0x" + raw.hex(), CHAIN_ID)


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "0x",
        "02f8",
        "0x0",
        "0xzz",
        "0x02 f8",
        "0x03c0",
        "0x04c0",
        "0x02",
        "0xc0",
        "0x02c0",
        "0x" + "00" * (BYTES_MAX + 1),
    ],
)
def test_what_is_no_transaction_is_refused(text: object) -> None:
    with pytest.raises(TransactionUnreadable):
        read_sent(text, CHAIN_ID)


def with_field(at: int, content: Any) -> str:
    """A fee-market transaction with one field replaced."""
    fields = rlp.decode(bytes.fromhex(signed(FEES)[4:]))
    fields = [content if place == at else one for place, one in enumerate(fields)]
    return "0x02" + rlp.encode(fields).hex()


@pytest.mark.parametrize(
    "text",
    [
        with_field(5, b"\xa1" * 19),  # an address too short
        with_field(5, []),  # a list where the address stands
        with_field(5, b"\0"),
        with_field(0, b"\0\x0b\xee\x7c"),  # a number with a zero before it
        with_field(9, b"\x02"),  # a parity beyond 1
        with_field(10, b"\x01" * 33),  # r longer than a word
        with_field(11, b"\xff" * 32),  # s in the upper half: another hash for the same call
        signed(FEES) + "00",  # a byte after it
        "0x02f86b" + signed(FEES)[8:][:-2],  # a byte too few
    ],
)
def test_another_form_of_a_transaction_is_refused(text: str) -> None:
    with pytest.raises(TransactionUnreadable):
        read_sent(text, CHAIN_ID)


WHOLE = bytes.fromhex(signed(FEES, to=None, data="0x" + "60" * 60)[2:])


@given(at=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_bytes_that_were_changed_are_read_as_others_read_them_or_refused(
    at: int, value: int
) -> None:
    changed = WHOLE[:at] + bytes((value,)) + WHOLE[at + 1 :]
    try:
        found = read_sent("0x" + changed.hex(), CHAIN_ID)
    except Invalid:
        return
    fields = rlp.decode(changed[1:], strict=True)
    assert found.creates is (fields[5] == b"")
    assert found.sender == Account.recover_transaction("0x" + changed.hex()).lower()
