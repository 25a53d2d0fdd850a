"""The generated reference says what the code declares, and each variable that is read is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = (
    "acts.md",
    "views.md",
    "policies.md",
    "errors.md",
    "cli.md",
    "journal.md",
    "register.md",
    "settings.md",
)
NOT_OURS = {"AMANAT_REFERENCE_DATA"}  # read by tests alone


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as they are made now, in a process without what tests declare."""
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "amanat.cli.reference", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_page_is_fresh(generated: Path, name: str) -> None:
    stored = (REFERENCE / name).read_text(encoding="utf-8")
    assert stored == (generated / name).read_text(encoding="utf-8"), "run `make docs`"


def test_nothing_else_is_generated(generated: Path) -> None:
    assert {one.name for one in generated.iterdir()} == set(PAGES)


def test_every_act_says_who_approves_it() -> None:
    text = (REFERENCE / "acts.md").read_text(encoding="utf-8")
    acts = re.findall(r"^### (\w+)$", text, re.MULTILINE)
    approvals = re.findall(r"^- approves: (\w.*)$", text, re.MULTILINE)
    assert len(acts) == len(approvals) > 60


def test_every_error_says_its_rule() -> None:
    rows = (REFERENCE / "errors.md").read_text(encoding="utf-8").splitlines()
    silent = [row for row in rows if row.startswith("| `") and row.endswith("|  |")]
    assert silent == []


def test_every_variable_is_described() -> None:
    described = set(
        re.findall(r"^\| `(AMANAT_\w+)`", (REFERENCE / "settings.md").read_text(), re.MULTILINE)
    )
    read = {
        name
        for file in (ROOT / "src").rglob("*.py")
        for name in re.findall(r'"(AMANAT_\w+)"', file.read_text(encoding="utf-8"))
    }
    assert read - NOT_OURS == described


def test_wrong_usage_writes_nothing() -> None:
    command = [sys.executable, "-m", "amanat.cli.reference"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "usage" in done.stderr
