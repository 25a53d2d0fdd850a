"""Keys in a real PKCS#11 device (SoftHSM2): made in it, never outside it, back after a restart."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from coincurve import PublicKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_account import Account
from eth_account.messages import encode_typed_data

from amanat.ledger.devices import DeviceTerms, read_devices
from amanat.ledger.hsm import (
    DeviceKeyExists,
    DeviceSigner,
    DeviceUnavailable,
    KeyExportable,
    PinRefused,
    open_device,
)
from amanat.ledger.keyring import KeyRing
from amanat.ledger.keystore import SCRYPT_LIGHT, KeyNameInvalid, Keystore
from amanat.ledger.p256_keys import P256Keys
from amanat.ledger.signers import (
    KeyNotHeld,
    KeySigner,
    Signer,
    read_request,
    read_signature,
    sign_request,
    signing_request,
    typed_data_digest,
)
from amanat.ledger.wire import ChainTransaction, SignatureInvalid, recover, split_signature

from .softhsm import PIN, Tokens, tokens_in
from .test_signers import TYPED

pytestmark = pytest.mark.device

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Tokens]:
    """Two tokens of which one is the central bank's."""
    made = tokens_in(tmp_path / "hsm")
    made.initialise("central-bank")
    made.initialise("ministry")
    yield made
    pkcs11.lib(str(made.module)).finalize()


def terms_of(tokens: Tokens, label: str, *keeps: str) -> DeviceTerms:
    path = tokens.folder.parent / "devices.toml"
    path.write_text(tokens.terms(label, *keeps))
    return read_devices(path)[0]


def test_signatures_of_a_device_are_those_that_the_chain_takes(tokens: Tokens) -> None:
    signer: Signer = open_device(terms_of(tokens, "central-bank", "cb")).create("cb/approver")
    digest = typed_data_digest(TYPED)
    # SoftHSM draws its nonce at random, so that s lies in either half and both parities occur.
    signatures = [signer.sign_digest(digest) for _ in range(24)]
    assert {recover(digest, one) for one in signatures} == {signer.address}
    assert {one[64] for one in signatures} == {27, 28}
    assert len(set(signatures)) == 24
    assert all(split_signature(one)[1] <= HALF_ORDER for one in signatures)
    # Another implementation recovers the same address from the same typed data.
    found = Account.recover_message(encode_typed_data(full_message=TYPED), signature=signatures[0])
    assert found.lower() == signer.address
    with pytest.raises(SignatureInvalid):
        signer.sign_digest(b"too short")


def test_transactions_of_a_device_are_recovered_by_eth_account(tokens: Tokens) -> None:
    signer = open_device(terms_of(tokens, "central-bank", "cb")).create("cb/operator")
    for nonce in range(8):
        call = ChainTransaction(5, nonce, "0x" + "ab" * 20, b"\x01", 21_000, 10**9, 1)
        sent = signer.sign_transaction(call)
        assert Account.recover_transaction(sent.raw).lower() == signer.address


def test_a_request_is_signed_in_a_device_and_brought_back(tokens: Tokens) -> None:
    signer = open_device(terms_of(tokens, "central-bank", "cb")).create("cb/approver")
    request = read_request(
        json.dumps(signing_request(signer=signer.address, purpose="approve", typed_data=TYPED))
    )
    answer = json.dumps(sign_request(request, signer))
    assert recover(typed_data_digest(TYPED), read_signature(answer, request)) == signer.address


def raw_session(tokens: Tokens) -> Any:
    """A session beside Amanat's own, by whoever knows the PIN."""
    token = pkcs11.lib(str(tokens.module)).get_token(token_label="central-bank")
    try:
        return token.open(rw=True, user_pin=PIN)
    except pkcs11.UserAlreadyLoggedIn:
        return token.open(rw=True)


def test_a_key_cannot_be_taken_out_of_its_device(tokens: Tokens) -> None:
    device = open_device(terms_of(tokens, "central-bank", "cb"))
    device.create("cb/approver")
    session = raw_session(tokens)
    attribute = pkcs11.Attribute
    (private,) = session.get_objects({attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
    told = (attribute.SENSITIVE, attribute.EXTRACTABLE, attribute.LOCAL)
    assert [private[one] for one in told] == [True, False, True]
    assert private[attribute.ALWAYS_SENSITIVE]
    assert private[attribute.NEVER_EXTRACTABLE]
    with pytest.raises(pkcs11.AttributeSensitive):
        private[attribute.VALUE]
    wrapping = session.generate_key(pkcs11.KeyType.AES, 256)
    with pytest.raises(pkcs11.KeyUnextractable):
        wrapping.wrap_key(private, mechanism=pkcs11.Mechanism.AES_KEY_WRAP_PAD)
    with pytest.raises(pkcs11.AttributeReadOnly):
        private[attribute.EXTRACTABLE] = True
    secret = KeySigner.generate()
    assert not any(
        secret.address[2:].encode() in one.read_bytes()
        for one in tokens.folder.rglob("*")
        if one.is_file()
    )


def test_a_key_that_could_be_taken_out_is_not_used(tokens: Tokens) -> None:
    device = open_device(terms_of(tokens, "central-bank", "cb"))
    device.create("cb/first")
    session = raw_session(tokens)
    attribute = pkcs11.Attribute
    curve = {attribute.EC_PARAMS: bytes.fromhex("06052b8104000a")}
    session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(
        label="cb/loose",
        store=True,
        capabilities=pkcs11.MechanismFlag.SIGN,
        private_template={attribute.EXTRACTABLE: True, attribute.SENSITIVE: True},
    )
    assert "cb/loose" in device.addresses()
    with pytest.raises(KeyExportable, match="can be taken out"):
        device.signer("cb/loose")
    with pytest.raises(DeviceKeyExists):
        device.create("cb/first")
    with pytest.raises(KeyNotHeld):
        device.signer("cb/none")
    device.destroy("cb/first")
    with pytest.raises(KeyNotHeld):
        device.signer("cb/first")
    with pytest.raises(KeyNotHeld):
        device.destroy("cb/first")


def test_a_session_outlives_the_restart_of_its_device(tokens: Tokens) -> None:
    device = open_device(terms_of(tokens, "central-bank", "cb"))
    signer = device.create("cb/operator")
    digest = b"\x07" * 32
    # Its module was ended and begun anew behind our back: sessions and handles are void.
    pkcs11.lib(str(tokens.module)).reinitialize()
    assert recover(digest, signer.sign_digest(digest)) == signer.address
    tokens.pull_out()
    device.close()
    with pytest.raises(DeviceUnavailable, match="central-bank"):
        signer.sign_digest(digest)
    tokens.put_back()
    assert recover(digest, signer.sign_digest(digest)) == signer.address


def test_devices_of_one_module_are_opened_side_by_side(tokens: Tokens) -> None:
    first = open_device(terms_of(tokens, "central-bank", "cb"))
    second = open_device(terms_of(tokens, "ministry", "ministry"))
    assert open_device(terms_of(tokens, "ministry", "ministry")) is second
    one, two = first.create("cb/approver"), second.create("ministry/approver")
    pkcs11.lib(str(tokens.module)).reinitialize()
    for signer in (one, two, one):
        assert recover(b"\x01" * 32, signer.sign_digest(b"\x01" * 32)) == signer.address
    assert set(first.addresses()) == {"cb/approver"}


def test_a_refused_pin_is_not_tried_again(tokens: Tokens) -> None:
    asked = []

    def wrong() -> str:
        asked.append(1)
        return "not the PIN"

    tokens.initialise("guarded")
    terms = DeviceTerms("guarded", tokens.module, ("cb",), wrong)
    device = open_device(terms)
    for _ in range(5):
        with pytest.raises(PinRefused):
            device.addresses()
    assert len(asked) == 1
    right = open_device(terms_of(tokens, "guarded", "cb"))
    assert right.addresses() == {}
    absent = DeviceTerms("nowhere", tokens.module, ("cb",), lambda: PIN)
    with pytest.raises(DeviceUnavailable, match="nowhere"):
        open_device(absent).addresses()


def test_a_ring_keeps_each_key_where_the_settings_say(tokens: Tokens, tmp_path: Path) -> None:
    terms = terms_of(tokens, "central-bank", "central_bank", "installation/operator")
    keystore = Keystore(tmp_path / "keys", scrypt=SCRYPT_LIGHT)
    ring = KeyRing(keystore, "password", [terms])
    operator = ring.create("installation", "operator")
    approver = ring.create("central_bank", "approver")
    clerk = ring.create("ministry", "approver")
    assert [ring.place(one) for one in (operator, approver, clerk)] == [
        "device central-bank", "device central-bank", "keystore",
    ]  # fmt: skip
    assert ring.place("0x" + "12" * 20) == "elsewhere"
    assert keystore.names("central_bank") == []
    assert isinstance(ring.signer(operator), DeviceSigner)
    with pytest.raises(KeyNameInvalid):
        ring.create("central_bank", "no such/name")
    # Another run of the program finds the same keys.
    again = KeyRing(keystore, "password", [terms])
    assert again.create("central_bank", "approver") == approver
    assert again.name_of(clerk) == "ministry/approver"
    assert recover(b"\x01" * 32, again.sign("any", approver, b"\x01" * 32)) == approver
    # A secret that is agreed on from either side: a key in the device, a key in the keystore.
    theirs = PublicKey(ring.public_key(clerk)).format(compressed=False)
    assert again.agree(approver, theirs) == ring.agree(clerk, ring.public_key(approver))
    again.destroy(approver)
    again.destroy(clerk)
    for gone in (approver, clerk):
        with pytest.raises(KeyNotHeld):
            again.signer(gone)
        with pytest.raises(KeyNotHeld):
            again.destroy(gone)


def test_a_pin_is_never_on_a_command_line_nor_in_the_settings(tokens: Tokens) -> None:
    device = open_device(terms_of(tokens, "central-bank", "cb"))
    device.create("cb/approver")
    listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(os.getpid())],
                            check=True, capture_output=True, text=True).stdout  # fmt: skip
    assert PIN not in listed
    assert PIN not in (tokens.folder.parent / "devices.toml").read_text()
    assert PIN not in repr(device.terms)


def test_a_p256_key_signs_in_its_device_and_a_loose_one_is_not_used(
    tokens: Tokens, tmp_path: Path
) -> None:
    """What credentials are signed by: the same device, another curve."""
    terms = terms_of(tokens, "central-bank", "pvara")
    held = P256Keys(tmp_path / "credential-keys", "password", 1 << 12, [terms])
    signer = held.create("pvara", "credential-1")
    assert held.place("pvara", "credential-1") == "device central-bank"
    raw = signer.sign(b"a licence")
    made = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    signer.public_key.verify(made, b"a licence", ec.ECDSA(SHA256()))
    assert not (tmp_path / "credential-keys").exists()
    again = P256Keys(tmp_path / "credential-keys", "password", 1 << 12, [terms])
    assert again.signer("pvara", "credential-1").public_key == signer.public_key
    with pytest.raises(DeviceKeyExists):
        held.create("pvara", "credential-1")
    with pytest.raises(KeyNotHeld):
        again.signer("pvara", "credential-2")
    assert open_device(terms).addresses() == {}, "no tool takes it for a key of the chain"
    session = raw_session(tokens)
    attribute = pkcs11.Attribute
    curve = {attribute.EC_PARAMS: bytes.fromhex("06082a8648ce3d030107")}
    session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(
        label="pvara/credential-3",
        store=True,
        capabilities=pkcs11.MechanismFlag.SIGN,
        private_template={attribute.EXTRACTABLE: True, attribute.SENSITIVE: True},
    )
    with pytest.raises(KeyExportable, match="can be taken out"):
        again.signer("pvara", "credential-3")
