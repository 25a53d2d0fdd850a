"""What deployment files tell a machine to do exists: steps, commands, settings, files."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from pathlib import Path

import pytest
import typer

from amanat.cli.root import app
from amanat.configuration import read_file
from amanat.settings import VARIABLES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
# Words that would put a secret where every user of the machine reads it.
SECRET_WORDS = re.compile(r"--(token|password|pin|secret|key-?phrase)|AMANAT_TOKEN|:[^/@\s]+@")


def unit(path: Path) -> dict[str, list[str]]:
    """The settings of a unit: each name with all its values."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found[name].append(value)
    return found


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, with its variables filled in."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert found is not None
    lines = [line.strip() for line in found[1].splitlines()]
    npm = 'PATH="/opt/amanat/.venv/bin:$PATH" npm'
    return [
        line.replace("$(NPM)", npm).replace("$(BIN)", ".venv/bin")
        for line in lines
        if not line.startswith("touch")
    ]


def test_the_image_is_built_by_the_steps_of_the_makefile() -> None:
    steps = re.findall(r"^RUN (.*(?:pip|npm).*)$", CONTAINERFILE, re.MULTILINE)
    assert set(steps) == {*recipe(".venv/.platform"), *recipe("node_modules/.installed")}
    # The sources come after what changes seldom, and are installed last.
    assert steps[-1] == recipe(".venv/.platform")[-1]


def test_the_image_is_built_from_files_that_are_there_and_not_ignored() -> None:
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert {"requirements.lock", "package-lock.json", "src"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists() or name in ignored] == []
    assert {".git", ".venv", "var"} <= set(ignored)


def test_the_image_does_not_run_as_root_and_names_its_settings() -> None:
    users = re.findall(r"^USER (\S+)", CONTAINERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    named = set(re.findall(r"AMANAT_\w+", CONTAINERFILE))
    assert named <= set(VARIABLES)


def commands() -> set[str]:
    """Every command that there is."""
    root = typer.main.get_command(app)
    found = set()
    for name, one in getattr(root, "commands", {}).items():
        found.add(name)
        found |= {f"{name} {inner}" for inner in getattr(one, "commands", {})}
    return found


@pytest.mark.parametrize(
    "path", [one for one in UNITS if one.suffix == ".service"], ids=lambda one: one.name
)
def test_units_run_commands_that_exist_and_name_settings_that_exist(path: Path) -> None:
    found = unit(path)
    for line in (*found["ExecStartPre"], *found["ExecStart"]):
        words = shlex.split(line)
        assert words[0] == "/opt/amanat/.venv/bin/amanat"
        named = [word for word in words[1:] if word[0] not in "-/"]
        assert " ".join(named) in commands()
        assert not SECRET_WORDS.search(line)
    for one in found["Environment"]:
        assert one.partition("=")[0] in VARIABLES
        assert not SECRET_WORDS.search(one)


@pytest.mark.parametrize(
    "path", [one for one in UNITS if one.suffix == ".service"], ids=lambda one: one.name
)
def test_units_are_closed_off(path: Path) -> None:
    found = unit(path)
    for name, value in (
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("UMask", "0077"),
        ("StateDirectoryMode", "0700"),
        ("User", "amanat-gate" if path.stem == "amanat-gate" else "amanat"),
    ):
        assert found[name] == [value], name


def test_the_server_tells_its_supervisor_what_the_unit_waits_for() -> None:
    """That it does is tested with a real socket in `tests/operating/test_served.py`."""
    found = unit(DEPLOY / "systemd" / "amanat.service")
    assert found["Type"] == ["notify"]
    assert int(found["WatchdogSec"][0]) >= 2 * 10


def test_the_firewall_lets_the_gates_user_alone_reach_the_node() -> None:
    found = unit(DEPLOY / "systemd" / "amanat-gate.service")
    rules = (DEPLOY / "nftables" / "amanat-gate.nft").read_text(encoding="utf-8")
    assert f'meta skuid != "{found["User"][0]}" reject' in rules


def test_the_timer_starts_a_unit_that_is_there() -> None:
    timers = [one for one in UNITS if one.suffix == ".timer"]
    assert timers
    assert all(one.with_suffix(".service") in UNITS for one in timers)


def test_the_configuration_that_is_shown_is_valid() -> None:
    found = read_file(DEPLOY / "amanat.toml")
    assert found.network.chain_id == 4242
    assert "AMANAT_DATABASE" in found.variables()


def test_a_secret_on_a_command_line_would_be_found() -> None:
    assert SECRET_WORDS.search("amanat serve --password x")
    assert SECRET_WORDS.search("AMANAT_DATABASE=postgresql+pg8000://amanat:word@db/amanat")
