"""The second set of code: of the same sources, for chains that stop at the London EVM."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from amanat.core.errors import Corrupt
from amanat.ledger import compile as compiler
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.compile import OldArtifact
from amanat.ledger.evms import CANCUN, LONDON

ROOT = Path(__file__).parents[3]
FOLDER = compiler.ARTIFACTS / LONDON


def stored(name: str) -> OldArtifact:
    loaded: OldArtifact = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def test_the_set_is_whole_and_of_the_same_sources() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(compiler.CONTRACTS)
    for name in compiler.CONTRACTS:
        assert stored(name)["source_sha256"] == compiler.source_digest(), name
        assert stored(name)["evm"] == LONDON


# The one that differs by more than its pragma, and one that does not.
@pytest.mark.parametrize("name", ["Security", "BusinessDay"])
def test_artifact_matches_its_source(name: str) -> None:
    fresh = compiler.dump_old(compiler.compile_for_london(name))
    assert (FOLDER / f"{name}.json").read_text() == fresh


def test_a_source_that_no_longer_says_what_is_replaced_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(compiler.SOURCES, tmp_path / "contracts")
    monkeypatch.setattr(compiler, "SOURCES", tmp_path / "contracts")
    holding = tmp_path / "contracts" / "holding.vy"
    with compiler.sources_for_london() as folder:
        text = (folder / "holding.vy").read_text()
    assert "transient" not in text
    assert text.count("governed._require_caller(codes.SETTLEMENT)") == (
        holding.read_text().count("governed._require_caller(codes.SETTLEMENT)")
    )
    holding.write_text(holding.read_text().replace("_trusted = msg.sender", "_trusted=msg.sender"))
    with pytest.raises(Corrupt, match="holding"), compiler.sources_for_london():
        pass


def test_contracts_fit_the_size_limit() -> None:
    """EIP-170: at most 24,576 bytes of code, a blueprint's included."""
    for name in compiler.CONTRACTS:
        assert stored(name)["runtime_bytes"] <= 24_576
    blueprint = Artifacts.load(LONDON).get("Security.blueprint").creation_code
    assert len(blueprint) - 10 <= 24_576


def test_both_sets_have_the_same_functions_and_other_code() -> None:
    new, old = Artifacts.load(CANCUN), Artifacts.load(LONDON)
    assert new.names() == old.names()
    for name in compiler.CONTRACTS:
        assert new.get(name).abi == old.get(name).abi
        assert new.get(name).creation_code != old.get(name).creation_code
        blueprint = old.get(f"{name}.blueprint").creation_code
        assert blueprint.endswith(old.get(name).creation_code)


def with_the_code_for_london(folder: Path) -> Path:
    """Artifacts as the tests of the contracts read them, with the code for London."""
    for name in compiler.CONTRACTS:
        whole = json.loads((compiler.ARTIFACTS / f"{name}.json").read_text())
        old = Artifacts.load(LONDON)
        whole["bytecode"] = "0x" + old.get(name).creation_code.hex()
        whole["blueprint"] = "0x" + old.get(f"{name}.blueprint").creation_code.hex()
        (folder / f"{name}.json").write_text(json.dumps(whole))
    return folder


@pytest.mark.parametrize("tests", ["test_settlement.py", "attacks/test_settlement_attacks.py"])
def test_the_code_for_london_settles_and_refuses_the_same(tests: str, tmp_path: Path) -> None:
    """These tests of the contracts again: settling is where the two sets differ in text."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(Path(__file__).parent / tests)],
        cwd=ROOT,
        env=os.environ | {"AMANAT_TEST_ARTIFACTS": str(with_the_code_for_london(tmp_path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:]
