"""A share is opened by any one keeper's key, in a keystore or a device, and by nobody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pkcs11
import pytest

from amanat.auctions.custody import disclose, enclose, keepers_of
from amanat.core.errors import Corrupt
from amanat.ledger.devices import read_devices
from amanat.ledger.hsm import DeviceUnavailable, open_device
from amanat.ledger.keyring import KeyRing
from amanat.ledger.keystore import SCRYPT_LIGHT, Keystore
from amanat.ledger.signers import KeyNotHeld

from ..ledger.softhsm import tokens_in

SECRET, BOUND = bytes(range(32)), b"tender T-1 of ministry"


def ring_in(folder: Path, devices: str = "") -> KeyRing:
    (folder / "devices.toml").write_text(devices)
    keystore = Keystore(folder / "keys", scrypt=SCRYPT_LIGHT)
    return KeyRing(keystore, "password", read_devices(folder / "devices.toml"))


def test_each_keeper_opens_it_alone(tmp_path: Path) -> None:
    ring = ring_in(tmp_path)
    keepers = [ring.create("ministry", name) for name in ("officer", "approver", "deputy")]
    stranger = ring.create("bank", "officer")
    enclosed = enclose(SECRET, BOUND, keepers, ring)
    assert keepers_of(enclosed) == sorted(keepers)
    assert SECRET.hex() not in enclosed.decode()
    for lost in keepers[:2]:
        assert disclose(enclosed, BOUND, stranger, ring) == SECRET
        ring.destroy(lost)
    assert disclose(enclosed, BOUND, keepers[2], ring) == SECRET
    ring.destroy(keepers[2])
    with pytest.raises(KeyNotHeld):
        disclose(enclosed, BOUND, stranger, ring)
    with pytest.raises(KeyNotHeld):
        enclose(SECRET, BOUND, [], ring)
    with pytest.raises(KeyNotHeld):
        enclose(SECRET, BOUND, keepers[:1], ring)


def test_what_was_altered_or_bound_to_another_tender_does_not_open(tmp_path: Path) -> None:
    ring = ring_in(tmp_path)
    keeper = ring.create("ministry", "officer")
    enclosed = enclose(SECRET, BOUND, [keeper], ring)
    with pytest.raises(Corrupt):
        disclose(enclosed, b"tender T-2 of ministry", keeper, ring)
    content = json.loads(enclosed)
    envelope = content["envelopes"][keeper]
    last = "0" if envelope[-1] != "0" else "1"
    content["envelopes"][keeper] = envelope[:-1] + last
    with pytest.raises(Corrupt):
        disclose(json.dumps(content).encode(), BOUND, keeper, ring)
    # Another's envelope under one's own name is no use either.
    other = ring.create("ministry", "approver")
    swapped = json.loads(enclose(SECRET, BOUND, [other], ring))["envelopes"][other]
    content["envelopes"][keeper] = swapped
    with pytest.raises(Corrupt):
        disclose(json.dumps(content).encode(), BOUND, keeper, ring)


@pytest.mark.device
def test_a_key_in_a_device_keeps_a_share_too(tmp_path: Path) -> None:
    tokens = tokens_in(tmp_path / "hsm")
    tokens.initialise("keeper")
    terms = tokens.terms("keeper", "ministry/approver")
    ring = ring_in(tmp_path, terms)
    in_device, in_file = ring.create("ministry", "approver"), ring.create("ministry", "officer")
    assert ring.place(in_device) == "device keeper"
    enclosed = enclose(SECRET, BOUND, [in_device, in_file], ring)
    ring.destroy(in_file)
    assert disclose(enclosed, BOUND, in_file, ring) == SECRET
    # The device is pulled out: the share waits for it, and is not lost.
    open_device(read_devices(tmp_path / "devices.toml")[0]).close()
    tokens.pull_out()
    with pytest.raises((DeviceUnavailable, KeyNotHeld)):
        disclose(enclosed, BOUND, in_device, ring)
    tokens.put_back()
    assert disclose(enclosed, BOUND, in_device, ring) == SECRET
    pkcs11.lib(str(tokens.module)).finalize()
