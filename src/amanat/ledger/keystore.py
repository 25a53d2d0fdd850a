"""Encrypted keys on disk: one folder for each institution, one file for each key.

Files are Web3 Secret Storage, version 3 (scrypt, AES-128-CTR), as geth and wallets write them, with
mode 0600 in folders of mode 0700.  The password is never stored.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from amanat.core.errors import Invalid, Refusal
from amanat.ledger.secret_storage import seal, unseal
from amanat.ledger.signers import KeyNotHeld, KeySigner

# scrypt work factors of the standard, and of keys that guard nothing (tests, simulations).
SCRYPT_STANDARD = 1 << 18
SCRYPT_LIGHT = 1 << 12
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


class KeyNameInvalid(Invalid):
    """Names of institutions and keys become names of files."""

    template = "{value} is not a name of small letters, digits, - and _."


class PasswordWrong(Refusal):
    """The password does not open this key file, or the file was altered."""

    template = "The password does not open the key {name}."


class KeyExists(Refusal):
    """A key file is never overwritten."""

    template = "There is already a key {name}."


class Keystore:
    """The keys in one folder; `scrypt` is the work factor for keys that are written."""

    def __init__(self, folder: Path, *, scrypt: int = SCRYPT_STANDARD) -> None:
        self.folder = folder
        self.scrypt = scrypt

    def create(self, institution: str, name: str, password: str) -> KeySigner:
        """A fresh key, encrypted and stored; raises `KeyExists`, `KeyNameInvalid`."""
        signer = KeySigner.generate()
        self.store(institution, name, password, signer)
        return signer

    def store(self, institution: str, name: str, password: str, signer: KeySigner) -> Path:
        """Encrypt an existing key; raises `KeyExists`, `KeyNameInvalid`."""
        path = self._path(institution, name)
        for folder in (self.folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sealed = seal(signer.secret, signer.address, password, self.scrypt)
        content = json.dumps(sealed).encode()
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(fresh, path)  # fails if the name is taken: a key is never overwritten
        except FileExistsError:
            raise KeyExists(name=f"{institution}/{name}") from None
        finally:
            fresh.unlink(missing_ok=True)
        return path

    def open(self, institution: str, name: str, password: str) -> KeySigner:
        """The signer of a stored key; raises `KeyNotHeld`, `PasswordWrong`."""
        sealed = self._read(institution, name)
        try:
            return KeySigner(unseal(sealed, password))
        except (ValueError, KeyError, TypeError) as error:
            raise PasswordWrong(name=f"{institution}/{name}") from error

    def address(self, institution: str, name: str) -> str:
        """The address of a stored key, without opening it; raises `KeyNotHeld`."""
        return "0x" + str(self._read(institution, name)["address"]).removeprefix("0x").lower()

    def names(self, institution: str) -> list[str]:
        """The names of an institution's keys."""
        folder = self._path(institution, "any").parent
        return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []

    def institutions(self) -> list[str]:
        """The institutions that have a folder here."""
        if not self.folder.is_dir():
            return []
        return sorted(one.name for one in self.folder.iterdir() if one.is_dir())

    def destroy(self, institution: str, name: str) -> None:
        """Destroy a key file for good; raises `KeyNotHeld`, `KeyNameInvalid`."""
        try:
            self._path(institution, name).unlink()
        except FileNotFoundError:
            raise KeyNotHeld(holder=f"{institution}/{name}") from None

    def require_name(self, institution: str, name: str) -> None:
        """Refuse `KeyNameInvalid` for what cannot name a key, here or in a device."""
        self._path(institution, name)

    def _read(self, institution: str, name: str) -> dict[str, Any]:
        try:
            content = json.loads(self._path(institution, name).read_text())
        except FileNotFoundError:
            raise KeyNotHeld(holder=f"{institution}/{name}") from None
        except ValueError as error:
            raise PasswordWrong(name=f"{institution}/{name}") from error
        if not isinstance(content, dict) or "address" not in content:
            raise PasswordWrong(name=f"{institution}/{name}")
        return content

    def _path(self, institution: str, name: str) -> Path:
        for value in (institution, name):
            if not _NAME.match(value):
                raise KeyNameInvalid(value=value[:60])
        return self.folder / institution / f"{name}.json"
