"""Keeps the nodes of a network on this machine up: one process, apart from every command.

    python -m amanat.network.supervisor HOME

It starts each node and its gate, starts again what ends, and ends with all of them on SIGTERM.  A
node whose folder holds the file `held` is stopped with its gate and stays down until it is gone.

A node that goes on without the ledger's chain is started anew.  avalanchego gives a chain's program
5 s to answer (`DefaultHandshakeTimeout`), which a busy machine may not keep, tries once, and from
then on says in its health that it "failed to create chain" (seen with 1.13.5).

Where each institution has a machine of its own, its init system does the same for its one node.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from amanat.core.errors import AmanatError, Refusal, Unavailable
from amanat.network.home import Home, Node, Parts, find_parts

_PAUSE_S = 0.2
_STOP_WITHIN_S = 45.0
_REST_S_MAX = 10.0
_STEADY_AFTER_S = 60.0
_ASK_EVERY_S = 5.0
_ASK_WITHIN_S = 1.0
_NO_CHAIN = "failed to create chain"
_PR_SET_PDEATHSIG = 1
# As much as the chain's program lets its heap grow between two collections: `network/plugin`.
_HEAP_GROWTH = "400"
HELD = "held"
_NOTHING: dict[str, Any] = {"pid": None, "nodes": {}, "gates": {}}


class NetworkRunning(Refusal):
    """One process keeps a network's nodes up."""

    template = "The network in {folder} is up already."


class NetworkNotStopped(Unavailable):
    """The nodes did not end within the time that they were given."""


@dataclass(slots=True)
class _Kept:
    """One program as the supervisor sees it; times are of the monotonic clock, in seconds."""

    kind: str
    institution: str
    command: tuple[str, ...]
    output: Path
    child: subprocess.Popen[bytes] | None = None
    started: int = 0
    started_at: float = 0.0
    rests_until: float = 0.0
    rest_s: float = 0.5
    stopping_since: float | None = None
    url: str | None = None
    asked_at: float = 0.0


class Supervisor:
    """Runs until it is told to stop."""

    def __init__(self, home: Home, parts: Parts) -> None:
        self.home = home
        nodes = home.founded().nodes
        self._kept = [_node(home, parts, one) for one in nodes] + [
            _gate(home, one) for one in nodes
        ]
        self._stop = False
        self._told: str = ""

    def run(self) -> None:
        """Keep the nodes up until SIGTERM or SIGINT; raises `NetworkRunning`."""
        lock = _lock(self.home)
        if lock is None:
            raise NetworkRunning(folder=self.home.folder)
        with lock:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._ask_to_stop)
            try:
                while not self._stop or any(one.child for one in self._kept):
                    for one in self._kept:
                        self._look_after(one)
                        self._look_for_chain(one)
                    self._tell()
                    time.sleep(_PAUSE_S)
            finally:
                _state_file(self.home).unlink(missing_ok=True)

    def _ask_to_stop(self, *_: object) -> None:
        self._stop = True

    def _look_after(self, one: _Kept) -> None:
        now = time.monotonic()
        held = self._stop or (self.home.node_folder(one.institution) / HELD).exists()
        if one.child is not None and one.child.poll() is not None:
            self._note_end(one, now)
        if one.child is None and not held and one.rests_until <= now:
            self._start(one, now)
        elif one.child is not None and one.stopping_since is not None:
            # Also when it was released meanwhile: what was told to stop serves no more.
            if now - one.stopping_since > _STOP_WITHIN_S:
                one.child.kill()
        elif one.child is not None and held:
            one.stopping_since = now
            one.child.terminate()

    def _look_for_chain(self, one: _Kept) -> None:
        now = time.monotonic()
        runs = one.child is not None and one.stopping_since is None
        if one.url is None or not runs or now - one.asked_at < _ASK_EVERY_S:
            return
        one.asked_at = now
        if _lacks_chain(one.url) and one.child is not None:
            print(f"{one.kind} of {one.institution} has no chain; starting it anew", flush=True)
            one.stopping_since = now
            one.child.terminate()

    def _note_end(self, one: _Kept, now: float) -> None:
        assert one.child is not None
        ended = f"{one.kind} of {one.institution} ended with {one.child.returncode}"
        print(ended, flush=True)
        steady = now - one.started_at > _STEADY_AFTER_S
        one.rest_s = 0.5 if steady else min(one.rest_s * 2, _REST_S_MAX)
        one.rests_until = now + one.rest_s
        one.child, one.stopping_since = None, None

    def _start(self, one: _Kept, now: float) -> None:
        folder = self.home.node_folder(one.institution)
        with one.output.open("ab") as output:
            one.child = subprocess.Popen(
                one.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(folder), "GOGC": _HEAP_GROWTH},
                preexec_fn=_die_with_parent(os.getpid()),
                start_new_session=True,
            )
        one.started += 1
        one.started_at = now
        print(f"{one.kind} of {one.institution} started as {one.child.pid}", flush=True)

    def _tell(self) -> None:
        state: dict[str, Any] = {"pid": os.getpid(), "nodes": {}, "gates": {}}
        for one in self._kept:
            pid = one.child.pid if one.child else None
            state[f"{one.kind}s"][one.institution] = {"pid": pid, "started": one.started}
        text = json.dumps(state)
        if text != self._told:
            fresh = _state_file(self.home).with_suffix(".fresh")
            fresh.write_text(text)
            fresh.replace(_state_file(self.home))
            self._told = text


def _node(home: Home, parts: Parts, node: Node) -> _Kept:
    folder = home.node_folder(node.institution)
    command = (str(parts.node), "--config-file", str(folder / "config.json"))
    return _Kept("node", node.institution, command, folder / "node.log", url=node.own_url)


def _lacks_chain(url: str) -> bool:
    """Whether a node says that it could not create a chain; not where it says nothing."""
    try:
        told = httpx.get(f"{url}/ext/health", timeout=_ASK_WITHIN_S, trust_env=False).json()
        checks = told["checks"].values()
        return any(_NO_CHAIN in str(one.get("error", "")) for one in checks)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _gate(home: Home, node: Node) -> _Kept:
    folder = home.node_folder(node.institution)
    command = (sys.executable, "-m", "amanat.network.gate", str(folder))
    return _Kept("gate", node.institution, command, folder / "gate.log")


def _state_file(home: Home) -> Path:
    return home.folder / "supervisor.json"


def _lock(home: Home) -> IO[bytes] | None:
    file = (home.folder / "supervisor.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Runs in the child: the kernel ends it when its parent ends, even by SIGKILL."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


# -- asked by commands ----------------------------------------------------------------------------


def is_up(home: Home) -> bool:
    """Whether a supervisor keeps this network's nodes up."""
    if not home.folder.is_dir():
        return False
    lock = _lock(home)
    if lock is None:
        return True
    lock.close()
    return False


def running(home: Home) -> dict[str, Any]:
    """The supervisor's own account: its process id, those of nodes and gates, how often started."""
    try:
        found: dict[str, Any] = json.loads(_state_file(home).read_text())
    except (FileNotFoundError, ValueError):
        return dict(_NOTHING)
    return found if is_up(home) else dict(_NOTHING)


def bring_up(home: Home) -> None:
    """Start the supervisor, detached from this process; nothing where there is one already."""
    home.founded()
    find_parts()
    if is_up(home):
        return
    with (home.folder / "supervisor.log").open("ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "amanat.network.supervisor", str(home.folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def take_down(home: Home) -> None:
    """Stop every node and the supervisor; raises `NetworkNotStopped`."""
    home.founded()
    pid = running(home)["pid"]
    limit = time.monotonic() + _STOP_WITHIN_S + 15
    while is_up(home):
        if pid is None:
            pid = running(home)["pid"]
        else:
            os.kill(pid, signal.SIGTERM)
        if time.monotonic() > limit:
            raise NetworkNotStopped(f"process {pid} keeps the network in {home.folder} up.")
        time.sleep(_PAUSE_S)


def hold(home: Home, institution: str) -> None:
    """Stop one node and keep it down, for its maintenance; raises `NetworkNotStopped`."""
    (home.node_folder(institution) / HELD).touch()
    limit = time.monotonic() + _STOP_WITHIN_S + 15
    while running(home)["nodes"].get(institution, {}).get("pid") is not None:
        if time.monotonic() > limit:
            raise NetworkNotStopped(f"the node of {institution} does not stop.")
        time.sleep(_PAUSE_S)


def release(home: Home, institution: str | None = None) -> None:
    """Let a node that was held start again, or all of them."""
    names = [institution] if institution else [one.institution for one in home.founded().nodes]
    for name in names:
        (home.node_folder(name) / HELD).unlink(missing_ok=True)


def main() -> None:
    """Run the supervisor of the folder that the command line names."""
    try:
        Supervisor(Home(Path(sys.argv[1])), find_parts()).run()
    except AmanatError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
