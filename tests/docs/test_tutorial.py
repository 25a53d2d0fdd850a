"""The tutorial does what it says: each of its commands runs, and shows the lines it promises.

In a fenced `console` block a line that begins with `$ ` is a command; the lines below it must
stand in its output in that order, `...` being lines and `…` words that are left out.  A `text`
block shows more of the last output.  Flags of a block: `exit=N` (of its last command), `serve`
(stays running), `stop` (ends that first), `eventually` (asked again until it is so).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from amanat.cli.root import app

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "pilot.md"
SERVER = "http://127.0.0.1:8000"
_BLOCK = re.compile(r"^```(console|text)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FRAME = re.compile(r"[│┃━─┏┓┗┛┡┩┌┐└┘├┤┼┴┬╇╈┳┻═]+")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DEADLINE_SECONDS = 60.0


def plain(text: str) -> list[str]:
    """The lines of an output without the frames of tables and with single spaces."""
    lines = (" ".join(_FRAME.sub(" ", line).split()) for line in text.splitlines())
    return [line for line in lines if line]


def promised(expected: list[str], output: str) -> str | None:
    """The first expected line that does not stand in the output after those before it."""
    lines = iter(plain(output))
    for wanted in (line for line in plain("\n".join(expected)) if line != "..."):
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in wanted.split("…")))
        if not any(pattern.search(line) for line in lines):
            return wanted
    return None


@dataclass
class Shell:
    """A folder and an environment in which commands of the tutorial follow each other.

    `amanat` runs in this process, which has it loaded already; everything else runs in bash.
    """

    folder: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    output: str = ""
    proposal: str = ""
    server: subprocess.Popen[bytes] | None = None

    def run(self, command: str) -> int:
        """Run a command and keep what it printed; its exit code."""
        words = command.split()
        if words[0] == "export":
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = self._expanded(value)
            return 0
        if words[0] == "unset":
            for name in words[1:]:
                self.environment.pop(name, None)
            return 0
        if words[0] == "amanat":
            return self._amanat(shlex.split(self._expanded(command))[1:])
        done = subprocess.run(
            ["bash", "-ec", command], cwd=self.folder, capture_output=True, text=True, check=False
        )
        self.output = done.stdout + done.stderr
        return done.returncode

    def _expanded(self, text: str) -> str:
        inner = re.fullmatch(r"\$\(amanat (.*)\)", text)
        if inner:
            assert self._amanat(shlex.split(inner[1])) == 0, self.output
            return self.output.strip()
        if text.endswith("…"):  # the id that was printed
            return self.proposal
        text = text.replace(SERVER, f"http://127.0.0.1:{self.port}")
        for name, value in self.environment.items():
            text = text.replace(f"${name}", value)
        return text

    def _amanat(self, words: list[str]) -> int:
        done = CliRunner().invoke(app, words, env=dict(self.environment))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        self.output = done.stdout + done.stderr
        found = re.search(rf"proposal\W+({_ID.pattern})", self.output)
        self.proposal = found[1] if found else self.proposal
        return done.exit_code

    def serve(self, command: str) -> None:
        """Start the server on a port of its own and wait until it answers."""
        words = [sys.executable, "-c", "from amanat.cli import main; main()"]
        words += [*shlex.split(command)[1:], "--port", str(self.port)]
        self.server = subprocess.Popen(words, cwd=self.folder, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < ends:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz").raise_for_status()
                return
            except httpx.HTTPError:
                assert self.server.poll() is None, "the server ended"
                time.sleep(0.1)
        raise AssertionError("the server does not answer")

    def stop(self) -> None:
        """End the server, as Ctrl-C does."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(timeout=30)
            self.server = None


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A folder with the pilots and nothing of the machine's own settings."""
    for name in [name for name in os.environ if name.startswith("AMANAT_")]:
        monkeypatch.delenv(name)
    shutil.copytree(ROOT / "pilots", tmp_path / "pilots")
    monkeypatch.chdir(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    opened = Shell(tmp_path, port)
    yield opened
    opened.stop()


def commands(body: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that are promised below it."""
    command, expected = "", list[str]()
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line.removeprefix("$ "), []
        else:
            expected.append(line)
    yield command, expected


def perform(shell: Shell, flags: str, body: str) -> None:
    """Run a block's commands and hold each against its lines."""
    if "stop" in flags:
        shell.stop()
    steps = list(commands(body))
    exits = re.search(r"exit=(\d+)", flags)
    ends = time.monotonic() + (_DEADLINE_SECONDS if "eventually" in flags else 0)
    for place, (command, expected) in enumerate(steps, 1):
        wanted = int(exits[1]) if exits and place == len(steps) else 0
        while True:
            code = shell.run(command)
            missing = promised(expected, shell.output)
            if missing is None or time.monotonic() >= ends:
                break
            time.sleep(0.2)
        assert code == wanted, f"{command}\n{shell.output}"
        assert missing is None, f"{command}\nlacks: {missing}\n{shell.output}"


def test_every_command_does_what_the_tutorial_says(shell: Shell) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    blocks = _BLOCK.findall(text)
    assert len(blocks) > 15
    for kind, flags, body in blocks:
        if kind == "text":
            assert promised(body.splitlines(), shell.output) is None, body
        elif "serve" in flags:
            shell.serve(body.removeprefix("$ ").strip())
            for address in re.findall(r"<(http://[^>]+)>", text):
                address = address.replace(SERVER, f"http://127.0.0.1:{shell.port}")
                assert httpx.get(address).status_code == 200, address
        else:
            perform(shell, flags, body)
    assert not (shell.folder / "var" / "pilots" / "broken").exists()
    recompute(shell)


def recompute(shell: Shell) -> None:
    """The auditor's guide, on what the tutorial leaves behind: its commands, then its program."""
    text = (ROOT / "docs" / "how-to" / "auditor.md").read_text(encoding="utf-8")
    shell.environment["AMANAT_DATA"] = "var/pilots/my-pilot"
    asked = re.findall(r"^(amanat view .*) > (\w+\.json)$", text, re.MULTILINE)
    assert len(asked) == 3
    for command, file in asked:
        assert shell.run(command) == 0, shell.output
        (shell.folder / file).write_text(shell.output, encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert program is not None
    done = subprocess.run(
        [sys.executable, "-c", program[1]],
        cwd=shell.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" accepted ") == 11 + 3


def test_a_line_that_is_not_there_is_missed() -> None:
    output = "┃ a ┃ 1 ┃\n┃ b ┃ 2 ┃\n"
    assert promised(["│ a │ 1 │", "...", "b …"], output) is None
    assert promised(["b 2", "a 1"], output) == "a 1"
    assert promised(["c"], output) == "c"
