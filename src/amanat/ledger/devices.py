"""Where the keys in PKCS#11 devices (hardware security modules) are, and who opens them.

`devices.toml` in the installation's folder, or the file that AMANAT_DEVICES names:

    [[device]]
    label = "amanat-operator"                      # of the token, given when it was initialised
    module = "/usr/lib/softhsm/libsofthsm2.so"     # the PKCS#11 library of its maker
    pin_file = "/run/credentials/amanat/operator"  # or pin_variable = "NAME", pin_prompt = true
    keeps = ["installation", "central_bank/approver"]

A key is named `institution/name`; `keeps` lists institutions, or single keys, whose keys are made
in this device instead of the keystore.  A PIN is never on a command line and never in this file.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amanat.core.errors import Invalid, Refusal, Refused

_PIN_SOURCES = ("pin_file", "pin_variable", "pin_prompt")
_FIELDS = {"label": str, "module": str, "keeps": list}


class DeviceTermsInvalid(Invalid):
    """A device is named with its label, module, keys and exactly one source of its PIN."""

    template = "{file}: device {device}: {reason}"


class PinNotGiven(Refusal):
    """The PIN of a device cannot be had from where the settings say."""

    template = "The PIN of device {device}: {reason}"


@dataclass(frozen=True, slots=True)
class DeviceTerms:
    """One device; `pin` asks for its PIN when it is first needed."""

    label: str
    module: Path
    keeps: tuple[str, ...]
    pin: Callable[[], str]

    def keeps_key(self, institution: str, name: str) -> bool:
        """Whether this key is, or is to be made, in the device."""
        return institution in self.keeps or f"{institution}/{name}" in self.keeps


def read_devices(
    path: Path, environment: Mapping[str, str] = os.environ
) -> tuple[DeviceTerms, ...]:
    """The devices in a file; none where there is no such file.

    Refuses every `DeviceTermsInvalid` at once.
    """
    if not path.exists():
        return ()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviceTermsInvalid(file=path.name, device="-", reason=str(error)) from error
    refused = Refused()
    found: list[DeviceTerms] = []
    listed = content.get("device", [])
    unknown = sorted(set(content) - {"device"})
    if unknown or not isinstance(listed, list):
        reason = f"unknown {', '.join(unknown)}" if unknown else "[[device]] is a list of tables"
        raise DeviceTermsInvalid(file=path.name, device="-", reason=reason)
    for at, one in enumerate(listed, 1):
        reasons = _faults(one)
        name = str(one.get("label", f"number {at}"))
        if name in {other.label for other in found}:
            reasons.append("there are two of this label")
        for reason in reasons:
            refused.add(DeviceTermsInvalid(file=path.name, device=name, reason=reason))
        if not reasons:
            pin = _pin_source(one, path.parent, environment)
            found.append(DeviceTerms(name, Path(one["module"]), tuple(one["keeps"]), pin))
    refused.raise_if_any()
    return tuple(found)


def _faults(one: Mapping[str, Any]) -> list[str]:
    reasons = [
        f"{name} is missing or not a {kind.__name__}"
        for name, kind in _FIELDS.items()
        if not isinstance(one.get(name), kind) or not one[name]
    ]
    reasons += [f"{name} is unknown" for name in sorted(set(one) - {*_FIELDS, *_PIN_SOURCES})]
    sources = [name for name in _PIN_SOURCES if one.get(name)]
    if len(sources) != 1:
        reasons.append(f"names one of {', '.join(_PIN_SOURCES)}")
    if not all(isinstance(key, str) for key in one.get("keeps", ())):
        reasons.append("keeps lists texts")
    return reasons


def _pin_source(
    one: Mapping[str, Any], folder: Path, environment: Mapping[str, str]
) -> Callable[[], str]:
    label = str(one["label"])
    if one.get("pin_file"):
        return lambda: _pin_of_file(folder / str(one["pin_file"]), label)
    if one.get("pin_variable"):
        return lambda: _pin_of_variable(str(one["pin_variable"]), environment, label)
    return lambda: _pin_of_person(label)


def _pin_of_file(path: Path, label: str) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise PinNotGiven(device=label, reason=f"{path} may be read by others than its owner")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise PinNotGiven(device=label, reason=str(error)) from error


def _pin_of_variable(name: str, environment: Mapping[str, str], label: str) -> str:
    if not environment.get(name):
        raise PinNotGiven(device=label, reason=f"the variable {name} is not set")
    return environment[name]


def _pin_of_person(label: str) -> str:
    if not sys.stdin.isatty():
        raise PinNotGiven(device=label, reason="nobody is here to be asked for it")
    return getpass.getpass(f"PIN of device {label}: ")


def device_of(devices: Sequence[DeviceTerms], institution: str, name: str) -> DeviceTerms | None:
    """The device in which a key belongs; None: the keystore.  A single key outranks its owner."""
    exact = f"{institution}/{name}"
    for one in devices:
        if exact in one.keeps:
            return one
    return next((one for one in devices if one.keeps_key(institution, name)), None)
