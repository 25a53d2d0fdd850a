"""The keys that this server may use: in its keystore and in the devices of its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from amanat.core.errors import Unavailable
from amanat.ledger.devices import DeviceTerms, device_of
from amanat.ledger.keystore import Keystore
from amanat.ledger.p256_keys import P256Keys
from amanat.ledger.signers import KeyNotHeld, Signer
from amanat.ledger.wire import address_of

KEYSTORE = "keystore"
ELSEWHERE = "elsewhere"


@runtime_checkable
class Agreeing(Protocol):
    """A key that agrees on a secret with another's point, so that things are sealed to it."""

    @property
    def address(self) -> str:
        """The address of the key."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """See `amanat.ledger.signers.Signer.sign_digest`."""
        ...

    @property
    def public_key(self) -> bytes:
        """The key's point, uncompressed: 65 bytes."""
        ...

    def agree(self, other: bytes) -> bytes:
        """The x coordinate (32 bytes) of the point that this key and another's agree on."""
        ...


class KeyRing:
    """Keys by name `institution/name` and by address, opened when they first sign."""

    def __init__(
        self, keystore: Keystore, password: str, devices: Sequence[DeviceTerms] = ()
    ) -> None:
        self.keystore = keystore
        self.devices = tuple(devices)
        self.p256 = P256Keys(
            keystore.folder.with_name("credential-keys"), password, keystore.scrypt, self.devices
        )
        self._password = password
        self._where: dict[str, tuple[str, str, DeviceTerms | None]] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._open: dict[str, Signer] = {}

    def create(self, institution: str, name: str) -> str:
        """The address of this key, made if it is not there yet: in its device, or the keystore.

        Raises `DeviceUnavailable`, `PinRefused`, `KeyNameInvalid`.
        """
        found = self.find(institution, name)
        if found is not None:
            return found
        device = device_of(self.devices, institution, name)
        if device is None:
            signer: Signer = self.keystore.create(institution, name, self._password)
        else:
            from amanat.ledger.hsm import open_device

            self.keystore.require_name(institution, name)
            signer = open_device(device).create(f"{institution}/{name}")
        self._note(signer.address, institution, name, device)
        self._open[signer.address] = signer
        return signer.address

    def find(self, institution: str, name: str) -> str | None:
        """The address of the key of this name; None where there is none here."""
        if (institution, name) in self._named:
            return self._named[institution, name]
        device = device_of(self.devices, institution, name)
        if device is not None:
            self._look_in(device)
            return self._named.get((institution, name))
        try:
            address = self.keystore.address(institution, name)
        except KeyNotHeld:
            return None
        self._note(address, institution, name, None)
        return address

    def signer(self, address: str) -> Signer:
        """The signer of an address.  Raises `KeyNotHeld`, `DeviceUnavailable`, `PinRefused`."""
        address = address_of(address)
        if address not in self._open:
            institution, name, device = self._place(address)
            if device is None:
                self._open[address] = self.keystore.open(institution, name, self._password)
            else:
                from amanat.ledger.hsm import open_device

                self._open[address] = open_device(device).signer(f"{institution}/{name}")
        return self._open[address]

    def sign(self, programme: str, address: str, signed_digest: bytes) -> bytes:
        """See `amanat.access.desk.KeyRing`; keys belong to institutions, not to programmes."""
        del programme
        return self.signer(address).sign_digest(signed_digest)

    def point_signer(self, address: str) -> Agreeing:
        """The signer of an address together with its point, for files; raises as `signer`."""
        return self._agreeing(address)

    def public_key(self, address: str) -> bytes:
        """The point of a key here, uncompressed: 65 bytes.  Raises `KeyNotHeld`."""
        return self._agreeing(address).public_key

    def agree(self, address: str, other: bytes) -> bytes:
        """32 bytes that a key here and the point `other` agree on.  Raises `KeyNotHeld`."""
        return self._agreeing(address).agree(other)

    def place(self, address: str) -> str:
        """Where a key lives: `keystore`, `device LABEL`, or `elsewhere`."""
        try:
            device = self._place(address_of(address))[2]
        except KeyNotHeld:
            return ELSEWHERE
        return KEYSTORE if device is None else f"device {device.label}"

    def name_of(self, address: str) -> str:
        """The name `institution/name` of a key here.  Raises `KeyNotHeld`."""
        institution, name, _device = self._place(address_of(address))
        return f"{institution}/{name}"

    def destroy(self, address: str) -> None:
        """Destroy a key for good, as one does with a retired one.  Raises `KeyNotHeld`."""
        address = address_of(address)
        institution, name, device = self._place(address)
        if device is None:
            self.keystore.destroy(institution, name)
        else:
            from amanat.ledger.hsm import open_device

            open_device(device).destroy(f"{institution}/{name}")
        del self._where[address]
        self._named.pop((institution, name), None)
        self._open.pop(address, None)

    def _agreeing(self, address: str) -> Agreeing:
        signer = self.signer(address)
        if not isinstance(signer, Agreeing):
            raise KeyNotHeld(holder=address)
        return signer

    def _place(self, address: str) -> tuple[str, str, DeviceTerms | None]:
        if address not in self._where:
            self._look(address)
        if address not in self._where:
            raise KeyNotHeld(holder=address)
        return self._where[address]

    def _look(self, address: str) -> None:
        """Look for a key; a device that is away matters only where the key is in no other place."""
        folder = self.keystore.folder
        for owner in sorted(folder.iterdir()) if folder.is_dir() else ():
            for name in self.keystore.names(owner.name):
                self._note(self.keystore.address(owner.name, name), owner.name, name, None)
        away: Unavailable | None = None
        for device in self.devices if address not in self._where else ():
            try:
                self._look_in(device)
            except Unavailable as error:
                away = error
        if away is not None and address not in self._where:
            raise away

    def _look_in(self, device: DeviceTerms) -> None:
        from amanat.ledger.hsm import open_device

        for key, address in open_device(device).addresses().items():
            institution, _, name = key.partition("/")
            self._note(address, institution, name, device)

    def _note(self, address: str, institution: str, name: str, device: DeviceTerms | None) -> None:
        self._where[address] = (institution, name, device)
        self._named[institution, name] = address
