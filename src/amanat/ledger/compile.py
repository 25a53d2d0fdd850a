"""Compiles the contracts into the artifacts that travel in the wheel.

Running needs no compiler: `artifact(name)` reads what `python -m amanat.ledger.compile` wrote.
The compiler is vyper 0.4.3 exactly, and a test proves that artifacts and sources match.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypedDict

from amanat.core.errors import Corrupt
from amanat.ledger import refusals

COMPILER = "0.4.3"
CONTRACTS = (
    "Directory",
    "BusinessDay",
    "Eligibility",
    "Programme",
    "Security",
    "Cash",
    "Orders",
    "Settlement",
    "Payments",
    "Tender",
)
_HERE = Path(__file__).parent
SOURCES = _HERE / "contracts"
ARTIFACTS = _HERE / "artifacts"
_BLUEPRINT_PREAMBLE = bytes.fromhex("fe7100")  # ERC-5202, version 0, no data section


class Artifact(TypedDict):
    """One compiled contract; byte strings are 0x-prefixed hexadecimal."""

    contract: str
    compiler: str
    source_sha256: str
    abi: list[dict[str, Any]]
    bytecode: str
    runtime: str
    blueprint: str


@cache
def artifact(name: str) -> Artifact:
    """The artifact of contract `name`, as it is in the package; `Corrupt` when it is not."""
    path = ARTIFACTS / f"{name}.json"
    if not path.is_file():
        raise Corrupt(f"the artifact {path.name} is missing from the package")
    loaded: Artifact = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def source_digest() -> str:
    """SHA-256 over the names and bytes of all sources, in the order of their names."""
    digest = sha256()
    for path in sorted(SOURCES.glob("*.vy")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def compile_contract(name: str) -> Artifact:
    """Compile one contract of `CONTRACTS` with vyper; `Corrupt` when vyper is another version."""
    import vyper  # type: ignore[import-untyped]
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import (  # type: ignore[import-untyped]
        FilesystemInputBundle,
    )

    if not vyper.__version__.startswith(COMPILER):
        raise Corrupt(f"the contracts are written for vyper {COMPILER}, not {vyper.__version__}")
    bundle = FilesystemInputBundle([SOURCES])
    output = compile_from_file_input(
        bundle.load_file(f"{name}.vy"),
        input_bundle=bundle,
        output_formats=["abi", "bytecode", "bytecode_runtime"],
    )
    initcode = bytes.fromhex(output["bytecode"].removeprefix("0x"))
    deployed = _BLUEPRINT_PREAMBLE + initcode
    # The init code that deploys a blueprint: copy everything after these ten bytes, return it.
    prefix = b"\x61" + len(deployed).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3")
    return {
        "contract": name,
        "compiler": f"vyper {COMPILER}",
        "source_sha256": source_digest(),
        "abi": [*output["abi"], *refusals.ABI],
        "bytecode": output["bytecode"],
        "runtime": output["bytecode_runtime"],
        "blueprint": "0x" + (prefix + deployed).hex(),
    }


def dump(compiled: Artifact) -> str:
    """The artifact as the text that is stored: sorted keys, one line for each entry of the ABI."""
    abi = ",\n".join("  " + json.dumps(entry, sort_keys=True) for entry in compiled["abi"])
    rest = {key: value for key, value in compiled.items() if key != "abi"}
    fields = json.dumps(rest, sort_keys=True, indent=1)
    return fields[:-2] + ',\n "abi": [\n' + abi + "\n ]\n}\n"


def main() -> None:
    """Generate `refusals.vy`, then compile every contract and write its artifact."""
    (SOURCES / "refusals.vy").write_text(refusals.vyper_module(), encoding="utf-8")
    ARTIFACTS.mkdir(exist_ok=True)
    for name in CONTRACTS:
        compiled = compile_contract(name)
        (ARTIFACTS / f"{name}.json").write_text(dump(compiled), encoding="utf-8")
        runtime_bytes = (len(compiled["runtime"]) - 2) // 2
        print(f"{name:12} {runtime_bytes:6} bytes")


if __name__ == "__main__":
    main()
