"""Keys, signatures, transactions and offline signing, against eth-account and the standards."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from amanat.ledger.keystore import (
    SCRYPT_LIGHT,
    KeyExists,
    KeyNameInvalid,
    Keystore,
    PasswordWrong,
)
from amanat.ledger.secret_storage import unseal
from amanat.ledger.signers import (
    KeyNotHeld,
    KeySigner,
    RequestInvalid,
    Signers,
    read_request,
    read_signature,
    sign_request,
    signing_request,
    typed_data_digest,
)
from amanat.ledger.wire import (
    AddressInvalid,
    ChainTransaction,
    SignatureInvalid,
    address_of,
    created_address,
    raw_from_node,
    recover,
    rlp,
)

KEY = KeySigner(bytes.fromhex("46" * 32))
TYPED: dict[str, Any] = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "chainId", "type": "uint256"},
        ],
        "Move": [{"name": "to", "type": "address"}, {"name": "units", "type": "uint256"}],
    },
    "primaryType": "Move",
    "domain": {"name": "Amanat", "chainId": 5},
    "message": {"to": "0x" + "11" * 20, "units": 7},
}


@given(
    nonce=st.integers(0, 2**40),
    gas=st.integers(21_000, 2**40),
    max_fee=st.integers(0, 2**60),
    tip=st.integers(0, 2**30),
    content=st.binary(max_size=300),
    creates=st.booleans(),
)
def test_transactions_are_those_of_eth_account(
    nonce: int, gas: int, max_fee: int, tip: int, content: bytes, creates: bool
) -> None:
    target = None if creates else "0x" + "ab" * 20
    ours = KEY.sign_transaction(ChainTransaction(5, nonce, target, content, gas, max_fee, tip))
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": 5,
        "nonce": nonce,
        "to": b"" if target is None else bytes.fromhex(target[2:]),
        "value": 0,
        "data": content,
        "gas": gas,
        "maxFeePerGas": max_fee,
        "maxPriorityFeePerGas": tip,
    }
    theirs = Account.sign_transaction(fields, KEY.secret)
    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.hash == "0x" + bytes(theirs.hash).hex()


def test_rlp_of_the_yellow_paper() -> None:
    # Examples of the Ethereum documentation, "Recursive-length prefix serialization".
    assert rlp(b"dog") == b"\x83dog"
    assert rlp([b"cat", b"dog"]) == b"\xc8\x83cat\x83dog"
    assert rlp([[], [[]], [[], [[]]]]) == bytes.fromhex("c7c0c1c0c3c0c1c0")
    assert rlp(1024) == b"\x82\x04\x00"
    assert rlp(0) == b"\x80"
    text = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit"
    assert rlp(text) == b"\xb8\x38" + text


def test_addresses_of_keys_and_creations() -> None:
    assert KEY.address == Account.from_key(KEY.secret).address.lower()
    # The example of the Ethereum documentation for contract addresses.
    sender = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    assert created_address(sender, 0) == "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"
    assert created_address(sender, 1) == "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8"
    with pytest.raises(AddressInvalid):
        address_of("0x12")


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_observed_transactions_are_rebuilt_from_what_a_node_tells(kind: int) -> None:
    fees: dict[str, int] = {"gasPrice": 7}
    if kind == 2:
        fees = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 1}
    access = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "01" * 32]}]
    fields: dict[str, Any] = {
        "chainId": 5, "nonce": 3, "to": "0x" + "11" * 20, "value": 4, "data": b"\x01",
        "gas": 50_000,
        **fees,
    }  # fmt: skip
    if kind:
        fields |= {"type": kind, "accessList": access}
    signed = Account.sign_transaction(fields, KEY.secret)
    told = {
        "type": hex(kind), "hash": "0x" + bytes(signed.hash).hex(), "chainId": "0x5",
        "nonce": "0x3",
        "to": fields["to"], "value": "0x4", "input": "0x01", "gas": hex(50_000),
        "v": hex(signed.v), "r": hex(signed.r), "s": hex(signed.s),
        **{name: hex(value) for name, value in fees.items()},
    }  # fmt: skip
    if kind:
        told["accessList"] = access
    assert raw_from_node(told) == bytes(signed.raw_transaction)
    with pytest.raises(SignatureInvalid):
        raw_from_node(told | {"value": "0x5"})


def test_typed_data_is_digested_and_signed_as_eth_account_does() -> None:
    message = encode_typed_data(full_message=TYPED)
    theirs = Account.sign_message(message, KEY.secret)
    digest = typed_data_digest(TYPED)
    assert KEY.sign_digest(digest) == bytes(theirs.signature)
    assert recover(digest, KEY.sign_digest(digest)) == KEY.address


def test_a_signature_that_could_have_a_twin_is_refused() -> None:
    digest = b"\x01" * 32
    signature = KEY.sign_digest(digest)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    s = int.from_bytes(signature[32:64], "big")
    twin = signature[:32] + (order - s).to_bytes(32, "big") + bytes((55 - signature[64],))
    with pytest.raises(SignatureInvalid, match="upper half"):
        recover(digest, twin)
    for broken in (signature[:-1], signature[:64] + b"\x00"):
        with pytest.raises(SignatureInvalid):
            recover(digest, broken)


def test_signing_away_from_the_server() -> None:
    text = json.dumps(signing_request(signer=KEY.address, purpose="move", typed_data=TYPED))
    request = read_request(text)
    answer = json.dumps(sign_request(request, KEY))
    assert recover(typed_data_digest(TYPED), read_signature(answer, request)) == KEY.address
    other = KeySigner.generate()
    with pytest.raises(KeyNotHeld):
        sign_request(request, other)
    forged = json.loads(answer) | {"signature": "0x" + other.sign_digest(b"\0" * 32).hex()}
    with pytest.raises(RequestInvalid):
        read_signature(json.dumps(forged), request)


def test_a_request_whose_digest_is_not_that_of_what_it_shows_is_refused() -> None:
    request = signing_request(signer=KEY.address, purpose="move", typed_data=TYPED)
    altered = request | {"typed_data": TYPED | {"message": {"to": "0x" + "11" * 20, "units": 8}}}
    with pytest.raises(RequestInvalid, match="not the digest"):
        read_request(json.dumps(altered))
    for broken in ("no JSON", "{}", json.dumps(request | {"digest": "0x12", "typed_data": None})):
        with pytest.raises(RequestInvalid):
            read_request(broken)


def test_keys_are_encrypted_private_and_never_overwritten(tmp_path: Path) -> None:
    store = Keystore(tmp_path / "keys", scrypt=SCRYPT_LIGHT)
    signer = store.create("ministry", "first", "the password")
    path = tmp_path / "keys" / "ministry" / "first.json"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
    assert signer.secret.hex() not in path.read_text()
    assert signer.secret.hex() not in repr(signer)
    assert store.open("ministry", "first", "the password").secret == signer.secret
    # The standard's form: any wallet that reads version 3 opens it.
    assert bytes(Account.decrypt(path.read_text(), "the password")) == signer.secret
    assert store.address("ministry", "first") == signer.address
    assert store.names("ministry") == ["first"]
    with pytest.raises(PasswordWrong):
        store.open("ministry", "first", "another")
    with pytest.raises(KeyExists):
        store.create("ministry", "first", "the password")
    for content in ("", "[]", "{}"):
        path.write_text(content)
        with pytest.raises(PasswordWrong):
            store.address("ministry", "first")
    with pytest.raises(KeyNotHeld):
        store.open("ministry", "second", "the password")
    with pytest.raises(KeyNameInvalid):
        store.create("../ministry", "first", "x")


# The test vectors of the standard: https://ethereum.org, "Web3 secret storage definition".
VECTOR_PASSWORD = "testpassword"
VECTOR_SECRET = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
VECTORS = [
    {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32,
            "n": 262144,
            "r": 1,
            "p": 8,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    },
]


@pytest.mark.parametrize("crypto", VECTORS, ids=["pbkdf2", "scrypt"])
def test_key_files_of_the_standard_are_opened(crypto: dict[str, Any]) -> None:
    content = {"version": 3, "crypto": crypto}
    assert unseal(content, VECTOR_PASSWORD).hex() == VECTOR_SECRET
    with pytest.raises(ValueError, match="password"):
        unseal(content, "another")
    for wrong in ({"version": 4}, {"crypto": crypto | {"kdf": "plain"}}):
        with pytest.raises(ValueError, match=r"version 3|not known"):
            unseal(content | wrong, VECTOR_PASSWORD)
    short = crypto | {"kdfparams": crypto["kdfparams"] | {"dklen": 16}}
    with pytest.raises(ValueError, match="too few"):
        unseal(content | {"crypto": short}, VECTOR_PASSWORD)


def test_key_files_of_another_wallet_are_opened() -> None:
    written = Account.encrypt(KEY.secret, "the password", kdf="scrypt", iterations=SCRYPT_LIGHT)
    assert unseal(written, "the password") == KEY.secret


def test_signers_are_found_by_name_and_address() -> None:
    signers = Signers({"operator": KEY})
    assert signers.get("operator") is KEY
    assert signers.at(KEY.address.upper().replace("0X", "0x")) is KEY
    assert signers.holds(KEY.address)
    with pytest.raises(KeyNotHeld):
        signers.get("ministry")
    with pytest.raises(KeyNotHeld):
        signers.at("0x" + "11" * 20)
