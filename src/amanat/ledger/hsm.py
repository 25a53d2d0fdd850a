"""Keys in a PKCS#11 device: made in it, used in it, never outside it.

The device signs digests with ECDSA over secp256k1; what the chain wants beyond PKCS#11 is added
here: s in the lower half of the group (EIP-2), and which of the two points the signature recovers
to.  A device that was restarted, or pulled out and put back, is opened again with its PIN; a PIN
that it refused is never tried twice, for a device locks itself after a few.

PKCS#11 v3.0: https://docs.oasis-open.org/pkcs11/pkcs11-curr/v3.0/pkcs11-curr-v3.0.html, section
2.3 (elliptic curves: CKA_EC_POINT is a DER octet string, CKM_ECDSA gives r and s).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from coincurve import PublicKey

from amanat.core.errors import Corrupt, Refusal, Unavailable
from amanat.ledger.devices import DeviceTerms
from amanat.ledger.signers import KeyNotHeld
from amanat.ledger.wire import (
    ChainTransaction,
    SignatureInvalid,
    SignedTransaction,
    address_of_key,
)

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# 1.3.132.0.10 (SEC 2, secp256k1), in DER.
_SECP256K1 = bytes.fromhex("06052b8104000a")
# 1.2.840.10045.3.1.7 (SEC 2, secp256r1), in DER.
_P256 = bytes.fromhex("06082a8648ce3d030107")
# What a device says when it is not the one that it was: the session is gone, or the device is.
_GONE = (
    "SessionHandleInvalid",
    "SessionClosed",
    "UserNotLoggedIn",
    "KeyHandleInvalid",
    "ObjectHandleInvalid",
    "DeviceRemoved",
    "DeviceError",
    "TokenNotPresent",
    "TokenNotRecognised",
    "SlotIDInvalid",
    "NoSuchToken",
    "GeneralError",
    "FunctionFailed",
    "PKCS11Error",  # the library was finalised, for which there is no class
)
Answer = TypeVar("Answer")


class DeviceSupportMissing(Unavailable):
    """`pip install 'amanat[hsm]'` brings what speaks to a PKCS#11 device."""


class DeviceUnavailable(Unavailable):
    """The device does not answer, or is not there; what needs its keys waits."""


class PinRefused(Refusal):
    """The device refused this PIN; it is not tried again, since a device locks itself."""

    template = "Device {device} refused its PIN; give the right one and start again."


class KeyExportable(Refusal):
    """A key that the device could give away, or that was made elsewhere, is not used."""

    template = "The key {key} in device {device} {reason}."


class DeviceKeyExists(Refusal):
    """A key in a device is never overwritten."""

    template = "There is already a key {key} in device {device}."


def _library() -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise DeviceSupportMissing(
            "The settings name a device: pip install 'amanat[hsm]' brings what speaks to it"
        ) from error
    return pkcs11


# A module is one for the whole program: initialised without threads of its own (C_Initialize with
# NULL), so that one call at a time may be in it.
_locks: dict[Path, threading.RLock] = {}
_opened: dict[tuple[Path, str], Device] = {}
_opening = threading.Lock()


def open_device(terms: DeviceTerms) -> Device:
    """The device of these terms, one for the whole program: a PKCS#11 login holds for it all."""
    with _opening:
        key = (terms.module, terms.label)
        if key not in _opened or _opened[key].refused:
            _locks.setdefault(terms.module, threading.RLock())
            _opened[key] = Device(terms)
        return _opened[key]


class Device:
    """One PKCS#11 token: opened when it is first needed, and again when its session was lost."""

    def __init__(self, terms: DeviceTerms) -> None:
        self.terms = terms
        self.refused = False
        self._lock = _locks[terms.module]
        self._session: Any = None
        self._private: dict[str, Any] = {}

    @property
    def label(self) -> str:
        """The token's label."""
        return self.terms.label

    def addresses(self) -> dict[str, str]:
        """The address of each key by its name `institution/name`.

        Raises `DeviceUnavailable`, `DeviceSupportMissing`, `PinRefused`.
        """
        return {name: address_of_key(key) for name, key in self.public_keys().items()}

    def public_keys(self) -> dict[str, PublicKey]:
        """The public key of each key by its name."""
        pkcs11 = _library()

        def read(session: Any) -> dict[str, PublicKey]:
            wanted = {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
                pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC,
                pkcs11.Attribute.EC_PARAMS: _SECP256K1,
            }
            return {
                one.label: _point(one[pkcs11.Attribute.EC_POINT])
                for one in _objects(session, wanted)
            }

        return self._asked(read)

    def create(self, name: str) -> DeviceSigner:
        """Make a key in the device that it never gives away.  Refuses `DeviceKeyExists`."""
        pkcs11 = _library()
        known = self.public_keys()
        if name in known:
            raise DeviceKeyExists(key=name, device=self.label)
        attribute = pkcs11.Attribute
        kept = {attribute.SENSITIVE: True, attribute.EXTRACTABLE: False, attribute.PRIVATE: True}

        def make(session: Any) -> None:
            session.create_domain_parameters(
                pkcs11.KeyType.EC, {attribute.EC_PARAMS: _SECP256K1}, local=True
            ).generate_keypair(
                id=name.encode(),
                label=name,
                store=True,
                capabilities=pkcs11.MechanismFlag.SIGN
                | pkcs11.MechanismFlag.VERIFY
                | pkcs11.MechanismFlag.DERIVE,
                private_template=kept,
            )

        self._asked(make)
        return self.signer(name)

    def signer(self, name: str) -> DeviceSigner:
        """The signer of a key.  Refuses, in order: `KeyNotHeld`, `KeyExportable`."""
        public = self.public_keys().get(name)
        if public is None:
            raise KeyNotHeld(holder=name)
        self._asked(lambda session: self._key(session, name))
        return DeviceSigner(self, name, public)

    def create_p256(self, name: str) -> bytes:
        """Make a P-256 key in the device; its point, 65 bytes.  Refuses `DeviceKeyExists`."""
        pkcs11 = _library()
        if self.find_p256(name) is not None:
            raise DeviceKeyExists(key=name, device=self.label)
        attribute = pkcs11.Attribute
        kept = {attribute.SENSITIVE: True, attribute.EXTRACTABLE: False, attribute.PRIVATE: True}

        def make(session: Any) -> None:
            session.create_domain_parameters(
                pkcs11.KeyType.EC, {attribute.EC_PARAMS: _P256}, local=True
            ).generate_keypair(
                id=name.encode(),
                label=name,
                store=True,
                capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
                private_template=kept,
            )

        self._asked(make)
        point = self.find_p256(name)
        if point is None:
            raise KeyNotHeld(holder=name)
        return point

    def find_p256(self, name: str) -> bytes | None:
        """The point of a P-256 key that the device keeps to itself; None where it has none.

        Refuses `KeyExportable`.
        """
        pkcs11 = _library()
        attribute = pkcs11.Attribute
        wanted = {
            attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
            attribute.KEY_TYPE: pkcs11.KeyType.EC,
            attribute.EC_PARAMS: _P256,
            attribute.LABEL: name,
        }

        def read(session: Any) -> bytes | None:
            found = _objects(session, wanted)
            if not found:
                return None
            self._key(session, name)
            return _unwrapped(found[0][attribute.EC_POINT])

        return self._asked(read)

    def destroy(self, name: str) -> None:
        """Destroy a key for good.  Refuses `KeyNotHeld`."""
        pkcs11 = _library()

        def end(session: Any) -> int:
            found = _objects(session, {pkcs11.Attribute.LABEL: name})
            for one in found:
                one.destroy()
            return len(found)

        if not self._asked(end):
            raise KeyNotHeld(holder=name)
        self._private.pop(name, None)

    def sign(self, name: str, digest: bytes) -> bytes:
        """64 bytes r, s as the device made them."""
        mechanism = _library().Mechanism.ECDSA
        signature: bytes = self._asked(
            lambda session: self._key(session, name).sign(digest, mechanism=mechanism)
        )
        return signature

    def agree(self, name: str, other: bytes) -> bytes:
        """The x coordinate (32 bytes) of the point that this key and another's point agree on.

        `other` is an uncompressed point of 65 bytes.
        """
        pkcs11 = _library()
        attribute = pkcs11.Attribute

        def derive(session: Any) -> bytes:
            secret = self._key(session, name).derive_key(
                pkcs11.KeyType.GENERIC_SECRET,
                256,
                mechanism=pkcs11.Mechanism.ECDH1_DERIVE,
                mechanism_param=(pkcs11.KDF.NULL, None, other),
                template={attribute.SENSITIVE: False, attribute.EXTRACTABLE: True},
            )
            value: bytes = secret[attribute.VALUE]
            secret.destroy()
            return value

        return self._asked(derive)

    def close(self) -> None:
        """Leave the device; it is opened again when it is next needed."""
        with self._lock:
            session, self._session = self._session, None
            self._private.clear()
            if session is not None:
                self._quietly(session.close)

    # -- sessions -------------------------------------------------------------------------------

    def _asked(self, question: Callable[[Any], Answer]) -> Answer:
        """What the device answers; where its session was lost, it is opened and asked once more."""
        pkcs11 = _library()
        with self._lock:
            for attempt in range(3):
                try:
                    return question(self._opened())
                except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinExpired) as error:
                    self.refused = True
                    raise PinRefused(device=self.label) from error
                except pkcs11.PKCS11Error as error:
                    if type(error).__name__ not in _GONE or attempt == 2:
                        raise DeviceUnavailable(f"Device {self.label}: {_said(error)}") from error
                    self.close()
                    if attempt:
                        self._restart_module()
        raise AssertionError("unreachable")

    def _opened(self) -> Any:
        pkcs11 = _library()
        if self.refused:
            raise PinRefused(device=self.label)
        if self._session is None:
            library = pkcs11.lib(str(self.terms.module))
            token = library.get_token(token_label=self.label)
            self._session = token.open(rw=True, user_pin=self.terms.pin())
        return self._session

    def _restart_module(self) -> None:
        """Have the module look for its tokens anew; other devices of it are opened again later."""
        for (module, _label), device in list(_opened.items()):
            if module == self.terms.module:
                device.close()
        pkcs11, path = _library(), str(self.terms.module)
        self._quietly(lambda: pkcs11.lib(path).finalize())
        self._quietly(lambda: pkcs11.lib(path))  # which initialises it

    def _quietly(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except _library().PKCS11Error:
            return  # what is gone cannot be closed

    def _key(self, session: Any, name: str) -> Any:
        """The private key of this name, once it is sure that the device keeps it to itself."""
        if name not in self._private:
            pkcs11 = _library()
            attribute = pkcs11.Attribute
            wanted = {attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, attribute.LABEL: name}
            found = _objects(session, wanted)
            if len(found) != 1:
                raise KeyNotHeld(holder=name)
            for sign, must, reason in (
                (attribute.EXTRACTABLE, False, "can be taken out of it"),
                (attribute.SENSITIVE, True, "can be read in it"),
                (attribute.LOCAL, True, "was not made in it"),
            ):
                if found[0][sign] is not must:
                    raise KeyExportable(key=name, device=self.label, reason=reason)
            self._private[name] = found[0]
        return self._private[name]


class DeviceSigner:
    """Signs with a key in a device; see `amanat.ledger.signers.Signer`."""

    def __init__(self, device: Device, name: str, public: PublicKey) -> None:
        self._device = device
        self._name = name
        self._public = public
        self._address = address_of_key(public)

    @property
    def address(self) -> str:
        """The address of the key."""
        return self._address

    @property
    def public_key(self) -> bytes:
        """The key's point, uncompressed: 65 bytes."""
        point: bytes = self._public.format(compressed=False)
        return point

    def sign_digest(self, digest: bytes) -> bytes:
        """See `Signer.sign_digest`.  Raises `DeviceUnavailable`, `PinRefused`."""
        if len(digest) != 32:
            raise SignatureInvalid(reason=f"a digest has 32 bytes, not {len(digest)}")
        raw = self._device.sign(self._name, digest)
        r, s = raw[:32], int.from_bytes(raw[32:], "big")
        if len(raw) != 64 or not 0 < s < _ORDER:
            raise Corrupt(f"Device {self._device.label} gave no ECDSA signature over secp256k1")
        lower = min(s, _ORDER - s).to_bytes(32, "big")
        for parity in (0, 1):
            if self._recovers(r + lower, parity, digest):
                return r + lower + bytes((27 + parity,))
        raise Corrupt(f"Device {self._device.label} signed with another key than {self._name}")

    def _recovers(self, signature: bytes, parity: int, digest: bytes) -> bool:
        try:
            found = PublicKey.from_signature_and_message(
                signature + bytes((parity,)), digest, hasher=None
            )
        except Exception:  # coincurve raises bare Exception where there is no such point
            return False
        return bool(found.format() == self._public.format())

    def agree(self, other: bytes) -> bytes:
        """See `amanat.ledger.keyring.KeyRing.agree`."""
        return self._device.agree(self._name, other)

    def sign_transaction(self, transaction: ChainTransaction) -> SignedTransaction:
        """See `Signer.sign_transaction`."""
        return transaction.signed(self.sign_digest(transaction.digest()))

    def __repr__(self) -> str:
        return f"DeviceSigner({self._address} in {self._device.label})"


def _objects(session: Any, wanted: dict[Any, Any]) -> list[Any]:
    """The objects with these attributes; a session that was lost is noticed before the search.

    A search that fails at its start cannot be ended by python-pkcs11, which then says so on stderr.
    """
    session.generate_random(64)
    return list(session.get_objects(wanted))


def _point(value: bytes) -> PublicKey:
    """A public key from CKA_EC_POINT, which some devices give without its DER wrapping."""
    return PublicKey(_unwrapped(value))


def _unwrapped(value: bytes) -> bytes:
    return value[2:] if len(value) == 67 and value[:2] == b"\x04\x41" else value


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
