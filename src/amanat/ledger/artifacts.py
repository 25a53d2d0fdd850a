"""The compiled contracts that travel in the package, each with its functions, events and errors.

There are two sets of code: for chains that run Cancun's instructions, and for those that stop at
London.  A Cancun chain runs both; which set an installation uses is a setting (`AMANAT_EVM`).
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from amanat.core.errors import NotFound
from amanat.ledger.abi import (
    CallNotEncodable,
    DeclaredError,
    EventDecoder,
    Function,
    decode_error,
    error_decoders,
)
from amanat.ledger.evms import CANCUN

_BLUEPRINT_PREAMBLE = bytes.fromhex("fe7100")  # ERC-5202, version 0, no data section
_NO_CONSTRUCTOR: Mapping[str, Any] = {"type": "constructor", "inputs": []}


@dataclass(frozen=True)
class Artifact:
    """One contract: `name`, its ABI, and the creation code that its constructor runs from."""

    name: str
    abi: list[dict[str, Any]]
    creation_code: bytes
    _functions: dict[tuple[str, int], Function] = field(default_factory=dict, repr=False)

    def function(self, name: str, argument_count: int) -> Function:
        """The function of that name and number of arguments; raises `CallNotEncodable`.

        Vyper declares a function with default arguments once for each number of them.
        """
        key = (name, argument_count)
        if key not in self._functions:
            named = [e for e in self.abi if e["type"] == "function" and e["name"] == name]
            fitting = [entry for entry in named if len(entry["inputs"]) == argument_count]
            if not fitting:
                counts = " or ".join(str(len(entry["inputs"])) for entry in named)
                reason = f"takes {counts} arguments" if named else "is not a function"
                raise CallNotEncodable(contract=self.name, function=name, reason=reason)
            self._functions[key] = Function(self.name, fitting[0])
        return self._functions[key]

    def function_at(self, selector: bytes) -> Function:
        """The function that a call's first four bytes name; raises `CallNotEncodable`."""
        for entry in self.abi:
            if entry["type"] == "function":
                function = self.function(entry["name"], len(entry["inputs"]))
                if function.selector == selector:
                    return function
        raise CallNotEncodable(
            contract=self.name, function="0x" + selector.hex(), reason="is not a function"
        )

    def creation(self, args: Iterable[Any]) -> bytes:
        """Creation code with the constructor's arguments; raises `CallNotEncodable`."""
        given = list(args)
        entries = [entry for entry in self.abi if entry["type"] == "constructor"]
        constructor = Function(self.name, entries[0] if entries else _NO_CONSTRUCTOR)
        return self.creation_code + constructor.encode_arguments(given)

    @cached_property
    def events(self) -> Mapping[str, EventDecoder]:
        """The contract's events by first topic."""
        decoders = [EventDecoder(entry) for entry in self.abi if entry["type"] == "event"]
        return {decoder.topic: decoder for decoder in decoders}

    @cached_property
    def integers(self) -> Mapping[str, frozenset[str]]:
        """For each event, the names of its arguments that are single integers."""
        return {
            entry["name"]: frozenset(
                one["name"]
                for one in entry["inputs"]
                if one["type"].startswith(("uint", "int")) and "[" not in one["type"]
            )
            for entry in self.abi
            if entry["type"] == "event"
        }


class Artifacts:
    """All contracts that this version knows, by name."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._named = {artifact.name: artifact for artifact in artifacts}
        self._errors = error_decoders(*(artifact.abi for artifact in self._named.values()))

    @classmethod
    def load(cls, evm: str = CANCUN) -> Artifacts:
        """Those compiled into this package, with the code for one EVM of `EVMS`."""
        folder = importlib.resources.files("amanat.ledger") / "artifacts"
        read = [one for text in _texts(folder) for one in _read(text)]
        if evm == CANCUN:
            return cls(read)
        codes: dict[str, bytes] = {}
        for content in map(json.loads, _texts(folder / evm)):
            code = _code(content["bytecode"])
            codes[content["contract"]] = code
            codes[f"{content['contract']}.blueprint"] = blueprint_of(code)
        return cls(replace(one, creation_code=codes[one.name]) for one in read)

    @classmethod
    def in_folder(cls, folder: Path) -> Artifacts:
        """Those of another folder, one JSON file each: `contract`, `abi`, `bytecode`."""
        texts = (path.read_text() for path in sorted(folder.glob("*.json")))
        return cls(artifact for text in texts for artifact in _read(text))

    def get(self, name: str) -> Artifact:
        """The contract of that name; raises `NotFound`."""
        if name not in self._named:
            raise NotFound(thing="contract", value=name)
        return self._named[name]

    def names(self) -> list[str]:
        """The names of all contracts."""
        return sorted(self._named)

    def error(self, revert: bytes) -> DeclaredError:
        """What a revert says, whichever contract declared it."""
        return decode_error(self._errors, revert)


def blueprint_of(creation_code: bytes) -> bytes:
    """The creation code of what others make copies of a contract from (ERC-5202)."""
    deployed = _BLUEPRINT_PREAMBLE + creation_code
    # The init code that deploys a blueprint: copy everything after these ten bytes, return it.
    prefix = b"\x61" + len(deployed).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3")
    return prefix + deployed


def _texts(folder: Traversable) -> Iterator[str]:
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json"):
            yield file.read_text()


def _read(text: str) -> Iterator[Artifact]:
    """The contract, and the code that others make copies of it from, as `NAME.blueprint`."""
    content = json.loads(text)
    name = str(content["contract"])
    yield Artifact(name, list(content["abi"]), _code(content["bytecode"]))
    if "blueprint" in content:
        yield Artifact(f"{name}.blueprint", [], _code(content["blueprint"]))


def _code(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
