"""The supervisor of nodes on one machine: what ends is started again, what hangs is ended."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from amanat.network import supervisor as supervisor_module
from amanat.network.home import Founded, Home, Node, Parts
from amanat.network.supervisor import HELD, Supervisor

FOUNDED = Founded(
    chain_id=781_948,
    network_id=78_194,
    subnet_id="subnet",
    blockchain_id="chain",
    coin_for_senders=1_000,
    administrators={"ministry": "0x" + "11" * 20},
    nodes=(Node("ministry", "Ministry of Finance", "NodeID-1", 1, 2, 3),),
)


class _Watched:
    """The supervisor of one program in a node's place, gone through round by round."""

    def __init__(self, folder: Path, script: str) -> None:
        self.home = Home(folder)
        self.home.keep(FOUNDED)
        node_folder = self.home.node_folder("ministry")
        node_folder.mkdir(parents=True)
        self.held = node_folder / HELD
        program = folder / "node"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.supervisor = Supervisor(self.home, Parts(program, folder, folder))
        # A gate belongs to each node; this is about the node alone.
        self.one = self.supervisor._kept[0]
        self.ready = node_folder / "ready"

    @property
    def pid(self) -> int | None:
        return self.one.child.pid if self.one.child else None

    def until(self, holds: Callable[[], bool]) -> None:
        limit = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < limit, "it stays as it is"
            self.supervisor._look_after(self.one)
            time.sleep(0.01)


@pytest.fixture
def stubborn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Watched]:
    """A program that does not end when it is asked to."""
    monkeypatch.setattr(supervisor_module, "_STOP_WITHIN_S", 0.3)
    watched = _Watched(tmp_path, "trap '' TERM; touch \"$HOME/ready\"; exec sleep 60")
    watched.until(watched.ready.exists)
    yield watched
    if watched.one.child is not None:
        watched.one.child.kill()
        watched.one.child.wait(10)


def test_a_node_that_is_held_and_does_not_stop_is_killed_and_stays_down(stubborn: _Watched) -> None:
    stubborn.held.touch()
    stubborn.until(lambda: stubborn.pid is None)
    time.sleep(0.1)
    stubborn.supervisor._look_after(stubborn.one)
    assert stubborn.pid is None
    assert stubborn.one.started == 1


def test_a_node_that_was_told_to_stop_and_hangs_starts_again_when_it_is_released(
    stubborn: _Watched,
) -> None:
    first = stubborn.pid
    stubborn.held.touch()
    stubborn.until(lambda: stubborn.one.stopping_since is not None)
    stubborn.held.unlink()
    stubborn.until(lambda: stubborn.pid not in (None, first))
    assert stubborn.one.started == 2
    assert stubborn.one.stopping_since is None


@pytest.fixture
def health() -> Iterator[tuple[str, dict[str, str]]]:
    """Where a node tells its health as avalanchego does, with 503, and the error of its check."""
    told = {"error": "not yet run"}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps({"checks": {"chain": told}, "healthy": False}).encode()
            self.send_response(503)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_node_without_its_chain_is_told_to_stop_and_one_that_is_late_is_not(
    stubborn: _Watched, health: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "_ASK_EVERY_S", 0.0)
    stubborn.supervisor._look_for_chain(stubborn.one)  # a node that answers nothing
    stubborn.one.url, told = health
    stubborn.supervisor._look_for_chain(stubborn.one)
    assert stubborn.one.stopping_since is None
    first = stubborn.pid
    told["error"] = "failed to create chain on subnet 2r8S: handshake failed: vm process not found"
    stubborn.supervisor._look_for_chain(stubborn.one)
    assert stubborn.one.stopping_since is not None
    stubborn.until(lambda: stubborn.pid not in (None, first))
