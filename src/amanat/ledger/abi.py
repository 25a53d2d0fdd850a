"""Encodes calls and decodes what contracts return, log and refuse, from a contract's ABI.

Events are decoded thousands a second, so those of static types (all of Amanat's, nearly) have a
decoder made once from the ABI; others go through `eth_abi`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError, EncodingError

from amanat.core.errors import Invalid
from amanat.ledger.wire import keccak

Abi = Sequence[Mapping[str, Any]]


class CallNotEncodable(Invalid):
    """The function does not exist, or its arguments do not fit what the contract declares."""

    template = "{contract}.{function}: {reason}"


def type_of(parameter: Mapping[str, Any]) -> str:
    """The canonical type of an ABI parameter, with tuples written out."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(one) for one in parameter["components"])
    return f"({inner}){kind[5:]}"


def _signature(entry: Mapping[str, Any]) -> str:
    return f"{entry['name']}({','.join(type_of(one) for one in entry['inputs'])})"


def plain(value: Any) -> Any:
    """A decoded value without byte strings: bytes become `0x…`, tuples lists."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return value


def _fitting(parameter: Mapping[str, Any], value: Any) -> Any:
    """`value` as eth_abi wants it: structs as tuples in order, hexadecimal text as bytes."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        element = dict(parameter) | {"type": kind[: kind.rindex("[")]}
        return [_fitting(element, one) for one in value]
    if kind == "tuple":
        members = parameter["components"]
        if isinstance(value, Mapping):
            extra = set(value) - {one["name"] for one in members}
            if extra:
                raise ValueError(f"{sorted(extra)} are not members of the struct")
            value = [value[one["name"]] for one in members]
        if len(value) != len(members):
            raise ValueError(f"{len(value)} members, not {len(members)}")
        return tuple(_fitting(one, part) for one, part in zip(members, value, strict=True))
    if kind.startswith("bytes") and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return value


@dataclass(frozen=True)
class Function:
    """One function of a contract, ready to encode its calls."""

    contract: str
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.entry["name"])

    @cached_property
    def _types(self) -> list[str]:
        return [type_of(one) for one in self.entry["inputs"]]

    @cached_property
    def selector(self) -> bytes:
        """The first four bytes of a call."""
        return keccak(_signature(self.entry).encode())[:4]

    def encode(self, args: Sequence[Any]) -> bytes:
        """Selector and arguments; raises `CallNotEncodable`."""
        return self.selector + self.encode_arguments(args)

    def encode_arguments(self, args: Sequence[Any]) -> bytes:
        """The arguments alone, as a constructor takes them; raises `CallNotEncodable`."""
        inputs = self.entry["inputs"]
        if len(args) != len(inputs):
            raise self._refuse(f"{len(args)} arguments, not {len(inputs)}")
        try:
            fitting = [_fitting(one, value) for one, value in zip(inputs, args, strict=True)]
            return abi_encode(self._types, fitting)
        except (EncodingError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._refuse(str(error)) from error

    def decode_call(self, call_bytes: bytes) -> list[Any]:
        """The arguments of an encoded call, in plain form."""
        return [plain(one) for one in abi_decode(self._types, call_bytes[4:])]

    def decode_result(self, returned: bytes) -> Any:
        """What the function returned: one value, a list of several, or None."""
        outputs = self.entry.get("outputs") or []
        values = [plain(one) for one in abi_decode([type_of(o) for o in outputs], returned)]
        if not values:
            return None
        return values[0] if len(values) == 1 else values

    def _refuse(self, reason: str) -> CallNotEncodable:
        return CallNotEncodable(
            contract=self.contract, function=self.entry.get("name", "constructor"), reason=reason
        )


_Read = Callable[[str], Any]


def _read_address(word: str) -> str:
    return "0x" + word[24:]


def _read_unsigned(word: str) -> int:
    return int(word, 16)


def _read_signed(word: str) -> int:
    value = int(word, 16)
    return value - (1 << 256) if value >> 255 else value


def _read_bool(word: str) -> bool:
    return int(word, 16) != 0


def _reader(kind: str) -> _Read | None:
    """Reads one 32-byte word (64 hexadecimal digits) of a static type; None for others."""
    if kind == "address":
        return _read_address
    if kind == "bool":
        return _read_bool
    if kind.startswith("uint") and "[" not in kind:
        return _read_unsigned
    if kind.startswith("int") and "[" not in kind:
        return _read_signed
    if kind.startswith("bytes") and kind[5:].isdigit():
        digits = int(kind[5:]) * 2
        return lambda word: "0x" + word[:digits]
    return None


class EventDecoder:
    """Decodes the logs of one event into named arguments, in plain form."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name = str(entry["name"])
        self.topic = "0x" + keccak(_signature(entry).encode()).hex()
        inputs = entry["inputs"]
        self.names = [str(one["name"]) for one in inputs]
        self._indexed = [one for one in inputs if one["indexed"]]
        self._rest = [one for one in inputs if not one["indexed"]]
        readers = [_reader(str(one["type"])) for one in inputs]
        self._static = all(readers)
        # For each argument in declared order: its reader, and the word's place in topics or body.
        self._plan: list[tuple[str, Any, int]] = []
        topic, word = 1, 0
        for one, reader in zip(inputs, readers, strict=True):
            self._plan.append((str(one["name"]), reader, -topic if one["indexed"] else word))
            topic, word = (topic + 1, word) if one["indexed"] else (topic, word + 64)

    def decode(self, topics: Sequence[str], body: str) -> dict[str, Any]:
        """The arguments by name, in declared order; `body` is hexadecimal with `0x`."""
        if not self._static:
            return self._decode_dynamic(topics, body)
        words = body[2:]
        return {
            name: read(topics[-at][2:] if at < 0 else words[at : at + 64])
            for name, read, at in self._plan
        }

    def _decode_dynamic(self, topics: Sequence[str], body: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one, topic in zip(self._indexed, topics[1:], strict=True):
            reader = _reader(str(one["type"]))
            # An indexed value of dynamic type is only its hash (Solidity ABI, "Events").
            found[one["name"]] = reader(topic[2:]) if reader else topic
        values = abi_decode([type_of(one) for one in self._rest], bytes.fromhex(body[2:]))
        for one, value in zip(self._rest, values, strict=True):
            found[one["name"]] = plain(value)
        return {name: found[name] for name in self.names}


@dataclass(frozen=True, slots=True)
class DeclaredError:
    """A revert as the contract declares it: its name and its fields by name."""

    name: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.fields.items())
        return f"{self.name}({told})"


_STANDARD_ERRORS: Abi = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


def error_decoders(*abis: Abi) -> dict[bytes, Mapping[str, Any]]:
    """The declared errors of several ABIs, and Solidity's own two, by selector."""
    entries = [one for abi in (*abis, _STANDARD_ERRORS) for one in abi if one["type"] == "error"]
    return {keccak(_signature(one).encode())[:4]: one for one in entries}


def decode_error(decoders: Mapping[bytes, Mapping[str, Any]], revert: bytes) -> DeclaredError:
    """The declared error in what a call reverted with.

    A revert without any bytes is `Reverted()`; one that nobody declares is
    `UndeclaredError(content)`.
    """
    if not revert:
        return DeclaredError("Reverted", {})
    entry = decoders.get(revert[:4])
    if entry is None:
        return DeclaredError("UndeclaredError", {"content": "0x" + revert.hex()})
    try:
        values = abi_decode([type_of(one) for one in entry["inputs"]], revert[4:])
    except DecodingError:
        return DeclaredError("UndeclaredError", {"content": "0x" + revert.hex()})
    names = [one["name"] or f"field_{at}" for at, one in enumerate(entry["inputs"])]
    fields = {name: plain(value) for name, value in zip(names, values, strict=True)}
    return DeclaredError(str(entry["name"]), fields)
