"""A small programme in a folder of its own, and the command line over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from amanat.app import Application
from amanat.cli.root import app
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, steps_of
from amanat.replay.runner import replay
from amanat.settings import Settings

PILOTS = Path(__file__).parents[2] / "pilots"
VARIABLES = ("AMANAT_DATA", "AMANAT_URL", "AMANAT_TOKEN", "AMANAT_PROGRAMME", "AMANAT_DATABASE")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine: no variables, an empty working folder, wide output."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@dataclass(frozen=True)
class Line:
    """The command line as a person uses it."""

    runner: CliRunner

    def __call__(self, *words: str, typed: str = "", token: str = "") -> Result:
        """Run a command; `typed` is what the person types, `token` stands in the environment."""
        env = {"AMANAT_TOKEN": token} if token else {}
        return self.runner.invoke(app, list(words), input=typed, env=env)

    def json(self, *words: str, token: str = "") -> Any:
        """Run a command with --json, which must succeed; its document."""
        result = self(*words, "--json", token=token)
        assert result.exit_code == 0, result.output + result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def line() -> Line:
    """The command line."""
    return Line(CliRunner())


@pytest.fixture(scope="session")
def bond_folder() -> Path:
    """The shipped pilot with a bond."""
    return next(
        one
        for one in sorted(PILOTS.iterdir())
        if (one / "instruments.toml").exists()
        and 'kind = "bond"' in (one / "instruments.toml").read_text(encoding="utf-8")
    )


@pytest.fixture(scope="session")
def founded(bond_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation in which a programme is founded and everybody admitted."""
    pilot = load_pilot(bond_folder)
    data = tmp_path_factory.mktemp("installation")
    until = 1 + next(
        place for place, one in enumerate(steps_of(pilot)) if one.kind is Kind.REGISTER_ASSETS
    )
    with Application(Settings.at(data, light_keys=True)) as application:
        replay(application, pilot, until=until)
    return data


@pytest.fixture
def token(line: Line, founded: Path) -> Callable[[str], str]:
    """A token for a person of that programme, issued on the command line."""

    def issue(person: str) -> str:
        return str(line.json("token", "issue", person, "--data", str(founded))["token"])

    return issue
