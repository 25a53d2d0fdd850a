"""P-256 keys, for what is signed outside the chain: in files beside the keystore, or in a device.

Wallets and PDF readers verify ES256 (P-256) and not the curve of the chain.  A key is named
`institution/name`; `devices.toml` says, as for the other keys, whether a device keeps it.  A file
is Web3 Secret Storage around the key's 32 bytes, in a folder of its own: no tool that looks for
the chain's keys finds it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from amanat.ledger.devices import DeviceTerms, device_of
from amanat.ledger.keystore import KeyExists, KeyNameInvalid, PasswordWrong
from amanat.ledger.secret_storage import seal, unseal
from amanat.ledger.signers import KeyNotHeld

if TYPE_CHECKING:
    from amanat.ledger.hsm import Device

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_HALF = 32


class FileP256Signer:
    """Signs with a key in memory; its text never shows the key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key's public half."""
        return self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        """64 bytes r, s over SHA-256 of the message (RFC 7518, 3.4)."""
        r, s = utils.decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


class DeviceP256Signer:
    """Signs with a key in a device."""

    def __init__(self, device: Device, name: str, point: bytes) -> None:
        self._device, self._name = device, name
        self._public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key's public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """64 bytes r, s over SHA-256 of the message.  Raises `DeviceUnavailable`, `PinRefused`."""
        digest = Hash(SHA256())
        digest.update(message)
        return self._device.sign(self._name, digest.finalize())


class P256Keys:
    """The P-256 keys that this server may use."""

    def __init__(
        self, folder: Path, password: str, scrypt: int, devices: Sequence[DeviceTerms] = ()
    ) -> None:
        self._folder, self._password, self._scrypt = folder, password, scrypt
        self._devices = tuple(devices)
        self._open: dict[tuple[str, str], FileP256Signer | DeviceP256Signer] = {}

    def create(self, institution: str, name: str) -> FileP256Signer | DeviceP256Signer:
        """A fresh key in its place.

        Refuses `KeyNameInvalid`, `KeyExists`; raises `DeviceUnavailable`, `PinRefused`.
        """
        path = self._path(institution, name)
        device = device_of(self._devices, institution, name)
        if device is not None:
            from amanat.ledger.hsm import open_device

            opened, label = open_device(device), f"{institution}/{name}"
            made: FileP256Signer | DeviceP256Signer = DeviceP256Signer(
                opened, label, opened.create_p256(label)
            )
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            self._write(path, key.private_numbers().private_value)
            made = FileP256Signer(key)
        self._open[institution, name] = made
        return made

    def signer(self, institution: str, name: str) -> FileP256Signer | DeviceP256Signer:
        """The signer of a key.

        Refuses `KeyNotHeld`, `PasswordWrong`; raises `DeviceUnavailable`, `PinRefused`.
        """
        if (institution, name) not in self._open:
            self._open[institution, name] = self._opened(institution, name)
        return self._open[institution, name]

    def place(self, institution: str, name: str) -> str:
        """Where a key is, or would be made: `keystore` or `device LABEL`."""
        device = device_of(self._devices, institution, name)
        return "keystore" if device is None else f"device {device.label}"

    def _opened(self, institution: str, name: str) -> FileP256Signer | DeviceP256Signer:
        label = f"{institution}/{name}"
        device = device_of(self._devices, institution, name)
        if device is not None:
            from amanat.ledger.hsm import open_device

            opened = open_device(device)
            point = opened.find_p256(label)
            if point is None:
                raise KeyNotHeld(holder=label)
            return DeviceP256Signer(opened, label, point)
        try:
            sealed = json.loads(self._path(institution, name).read_text())
            secret = unseal(sealed, self._password)
        except FileNotFoundError:
            raise KeyNotHeld(holder=label) from None
        except (ValueError, KeyError, TypeError) as error:
            raise PasswordWrong(name=label) from error
        return FileP256Signer(ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1()))

    def _write(self, path: Path, secret: int) -> None:
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sealed = seal(secret.to_bytes(_HALF, "big"), "", self._password, self._scrypt)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(json.dumps(sealed | {"curve": "P-256"}))
                file.flush()
                os.fsync(file.fileno())
            os.link(fresh, path)  # fails if the name is taken: a key is never overwritten
        except FileExistsError:
            raise KeyExists(name=f"{path.parent.name}/{path.stem}") from None
        finally:
            fresh.unlink(missing_ok=True)

    def _path(self, institution: str, name: str) -> Path:
        for value in (institution, name):
            if not _NAME.match(value):
                raise KeyNameInvalid(value=value[:60])
        return self._folder / institution / f"{name}.json"
