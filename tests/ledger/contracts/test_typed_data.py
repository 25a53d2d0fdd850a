"""Digests equal those of eth_account's generic EIP-712 encoder; signatures recover."""

from __future__ import annotations

from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.errors import Invalid
from amanat.ledger import typed_data as td

_BYTES20 = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
_STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "uint256": st.integers(0, 2**256 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "address": _BYTES20,
    "bytes32": st.binary(min_size=32, max_size=32),
    "bool": st.booleans(),
    "string": st.text(max_size=35),
}


def _strategy(kind: str, member: td.Struct | None = None) -> st.SearchStrategy[Any]:
    if member is not None and kind == f"{member.name}[]":
        fields = st.tuples(*(_strategy(one) for _, one in member.fields))
        return st.lists(fields, max_size=5)
    if kind.endswith("[]"):
        return st.lists(_STRATEGIES[kind.removesuffix("[]")], max_size=5)
    return _STRATEGIES[kind]


@given(st.data())
def test_every_struct_hashes_like_eth_account(data: st.DataObject) -> None:
    struct = data.draw(st.sampled_from(td.STRUCTS))
    values = [data.draw(_strategy(kind, struct.member)) for _, kind in struct.fields]
    domain = td.Domain(86_092, "0x" + "ab" * 20)
    message = encode_typed_data(
        domain_data=domain.fields(),
        message_types=struct.types(),
        message_data=struct.message(*values),
    )
    assert domain.separator == message.header
    assert struct.hash(*values) == message.body
    signed = Account.sign_message(message, keccak(b"key"))
    signature = td.sign(domain.digest(message.body), PrivateKey(keccak(b"key")))
    assert signature == bytes(signed.signature)


def test_recover_gives_the_signer_and_refuses_the_rest() -> None:
    key = PrivateKey(keccak(b"key"))
    digest = keccak(b"digest")
    signature = td.sign(digest, key)
    assert td.recover(digest, signature) == td.address_of(key.public_key)
    assert td.recover(keccak(b"another"), signature) != td.address_of(key.public_key)
    for broken in (b"", signature[:64], signature[:64] + b"\x00", b"\xff" * 64 + b"\x1b"):
        with pytest.raises(Invalid):
            td.recover(digest, broken)


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(Invalid):
        td.HOLD_RELEASE.hash(b"\0" * 31)
    with pytest.raises(Invalid):
        td.NUMBER_BURN.hash("0x12", 1, "0x12")
    with pytest.raises(ValueError, match="argument"):
        td.DAY_ADVANCE.hash(1, 2)
    with pytest.raises(Invalid):
        td.pack_batch([])
    with pytest.raises(Invalid):
        td.pack_cycle(b"\0" * 32, [], 1, 1, [])


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=200))
def test_entitlement_tree_sums_and_chunks(grosses: list[int]) -> None:
    items = [
        td.Entitlement(i, "0x" + f"{i:040x}", 0, gross, gross // 5)
        for i, gross in enumerate(grosses)
    ]
    tree = td.EntitlementTree(items)
    assert tree.total == sum(grosses)
    assert sum(len(tree.chunk(i)[0]) for i in range(tree.chunks)) == len(items)
    if len(items) > 1:
        moved = [items[0]] + [
            td.Entitlement(i.index, i.holder, 1, i.gross, i.tax) for i in items[1:]
        ]
        assert td.EntitlementTree(moved).root != tree.root


def test_entitlements_must_be_in_order() -> None:
    with pytest.raises(Invalid):
        td.EntitlementTree([])
    with pytest.raises(Invalid):
        td.EntitlementTree([td.Entitlement(1, "0x" + "11" * 20, 0, 1, 0)])
