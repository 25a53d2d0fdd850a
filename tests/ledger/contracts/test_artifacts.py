"""The artifacts in the package are those of the sources in the package."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from amanat.core.errors import Corrupt
from amanat.ledger import compile as compiler
from amanat.ledger import refusals, typed_data

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", compiler.CONTRACTS)
def test_artifact_matches_its_source(name: str) -> None:
    fresh = compiler.dump(compiler.compile_contract(name))
    assert (compiler.ARTIFACTS / f"{name}.json").read_text() == fresh


def test_an_unknown_artifact_is_refused() -> None:
    with pytest.raises(Corrupt):
        compiler.artifact("Nothing")


def test_every_source_pins_compiler_and_evm() -> None:
    for path in compiler.SOURCES.glob("*.vy"):
        assert path.read_text().startswith(
            "# pragma version 0.4.3\n# pragma evm-version cancun\n"
        ), path.name


def test_generated_refusals_are_current() -> None:
    assert (compiler.SOURCES / "refusals.vy").read_text() == refusals.vyper_module()


def test_every_declared_refusal_is_used_and_nothing_else_reverts() -> None:
    sources = {p.name: p.read_text() for p in compiler.SOURCES.glob("*.vy")}
    del sources["refusals.vy"]
    text = "\n".join(sources.values())
    used = set(re.findall(r"refusals\._(\w+)\(", text))
    declared = {error.snake for error in refusals.ERRORS}
    assert declared - used == set()
    assert used - declared == set()
    assert not re.search(r"^\s*(assert |raise\b|raw_revert)", text, re.MULTILINE)


def test_reference_page_is_current() -> None:
    page = (ROOT / "docs/reference/contracts.md").read_text()
    generated = page.partition(compiler.REFERENCE_MARK)[2]
    assert generated.strip() == compiler.reference_tables().strip()


def test_typed_data_is_that_of_the_sources() -> None:
    pattern = re.compile(r'_TYPE: constant\(bytes32\) = keccak256\("([^"]+)"\)')
    found = {m for p in compiler.SOURCES.glob("*.vy") for m in pattern.findall(p.read_text())}
    found = {one for one in found if not one.startswith("EIP712Domain")}
    assert {struct.type_string for struct in typed_data.STRUCTS} == found


def test_contracts_fit_the_size_limit() -> None:
    """EIP-170: at most 24,576 bytes of runtime code."""
    for name in compiler.CONTRACTS:
        assert len(compiler.artifact(name)["runtime"]) // 2 - 1 <= 24_576


def test_errors_have_distinct_selectors_and_standard_ones_are_known() -> None:
    assert len(refusals.BY_SELECTOR) == len(refusals.ERRORS)
    # Selectors from ERC-6093.
    assert refusals.BY_NAME["ERC20InsufficientBalance"].selector.hex() == "e450d38c"
    assert refusals.BY_NAME["ERC20InsufficientAllowance"].selector.hex() == "fb8f41b2"


def test_decode_explains_and_never_hides() -> None:
    data = bytes.fromhex("e450d38c") + b"\0" * 12 + b"\x11" * 20 + (5).to_bytes(32, "big")
    refusal = refusals.decode(data + (7).to_bytes(32, "big"))
    assert refusal.name == "ERC20InsufficientBalance"
    assert refusal.message == f"0x{'11' * 20} holds 5 and needs 7."
    assert refusals.decode(b"").name == "Undeclared"
    assert json.dumps(refusals.ABI)
