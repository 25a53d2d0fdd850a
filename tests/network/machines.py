"""Each validator on a machine of its own: a network namespace, wired to a bridge by a veth pair.

A machine has two wires.  By the first, `peers`, validators speak to each other; cutting the network
puts the wires of each part on a bridge of their own, so that packets between parts are lost in
silence, as where a cable is cut.  By the second, point to point with the host, the drill asks the
node; no machine forwards packets, so it leads to no other.

Needs Linux, root, and `ip` of iproute2.  Where the kernel refuses, the drill says so and fails.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from amanat.network.home import Home, Parts

_STOP_WITHIN_S = 60.0
_PR_SET_PDEATHSIG = 1


class NamespacesRefused(Exception):
    """This machine gives no network namespaces: the drill has proved nothing."""


def _ip(*words: str) -> None:
    """Run one command of iproute2; raises `NamespacesRefused` with its words."""
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NamespacesRefused("there is no `ip` (iproute2) on this machine") from None
    if done.returncode != 0:
        raise NamespacesRefused(f"`ip {' '.join(words)}`: {done.stderr.strip()}")


@dataclass(slots=True)
class Machine:
    """One validator's machine: its namespace, the addresses of both wires, and its node."""

    institution: str
    namespace: str
    wire: str
    peers_address: str
    door_address: str
    host_address: str
    child: subprocess.Popen[bytes] | None = None


class Machines:
    """The machines of a network that was founded and is down; they end with the context."""

    def __init__(self, home: Home, parts: Parts) -> None:
        self.home = home
        self._parts = parts
        self._tag = secrets.token_hex(2)
        founded = home.founded()
        self._blockchain, self.chain_id = founded.blockchain_id, founded.chain_id
        self._nodes = {one.institution: one for one in founded.nodes}
        # Private addresses that are drawn, so that two runs on one host do not meet.
        net, door = (f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}" for _ in "ab")
        self.machines = {
            one.institution: Machine(
                one.institution,
                f"am{self._tag}n{at}",
                f"am{self._tag}p{at}",
                f"{net}.{at + 1}",
                f"{door}.{4 * at + 2}",
                f"{door}.{4 * at + 1}",
            )
            for at, one in enumerate(founded.nodes)
        }
        self._bridges: list[str] = []

    def __enter__(self) -> Self:
        try:
            for at, machine in enumerate(self.machines.values()):
                self._make(machine, at)
            self.heal()
        except NamespacesRefused as refused:
            self._remove()
            raise NamespacesRefused(
                f"{refused}.  This drill parts validators by Linux network namespaces with veth"
                " pairs and a bridge; without them nothing is proved.  It runs as root on a kernel"
                " that has them."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(self.machines)
        self._remove()

    # -- wires ----------------------------------------------------------------------------------

    def _make(self, machine: Machine, at: int) -> None:
        space, door = machine.namespace, f"am{self._tag}d{at}"
        _ip("netns", "add", space)
        _ip("link", "add", machine.wire, "type", "veth", "peer", "name", "peers", "netns", space)
        _ip("link", "add", door, "type", "veth", "peer", "name", "door", "netns", space)
        _ip("addr", "add", f"{machine.host_address}/30", "dev", door)
        inside = ("netns", "exec", space, "ip")
        _ip(*inside, "addr", "add", f"{machine.peers_address}/24", "dev", "peers")
        _ip(*inside, "addr", "add", f"{machine.door_address}/30", "dev", "door")
        for name in ("lo", "peers", "door"):
            _ip(*inside, "link", "set", name, "up")
        for name in (machine.wire, door):
            _ip("link", "set", name, "up")

    def cut(self, *parts: Sequence[str]) -> None:
        """Leave wires between the machines of each part, and none between parts."""
        for at, part in enumerate(parts):
            bridge = f"am{self._tag}b{at}"
            if bridge not in self._bridges:
                _ip("link", "add", bridge, "type", "bridge", "stp_state", "0")
                _ip("link", "set", bridge, "up")
                self._bridges.append(bridge)
            for name in part:
                _ip("link", "set", self.machines[name].wire, "master", bridge)

    def heal(self) -> None:
        """Put every wire on one bridge again."""
        self.cut(tuple(self.machines))

    def _remove(self) -> None:
        """Take away what was made, whatever of it there is; a pair ends with its namespace."""
        for machine in self.machines.values():
            with suppress(NamespacesRefused):
                _ip("netns", "del", machine.namespace)
        for bridge in self._bridges:
            with suppress(NamespacesRefused):
                _ip("link", "del", bridge)
        self._bridges.clear()

    # -- nodes ----------------------------------------------------------------------------------

    def urls(self) -> dict[str, str]:
        """The JSON-RPC URL of each institution's node, by the wire to the host."""
        return {
            name: f"http://{machine.door_address}:{self._nodes[name].http_port}"
            f"/ext/bc/{self._blockchain}/rpc"
            for name, machine in self.machines.items()
        }

    def move_in(self) -> None:
        """Write each node's addresses into its `config.json`, as where it moves to a machine."""
        for name, machine in self.machines.items():
            path = self.home.node_folder(name) / "config.json"
            flags = json.loads(path.read_text(encoding="utf-8"))
            others = [one for one in self._nodes if one != name]
            flags["http-host"] = machine.door_address
            flags["staking-host"] = flags["public-ip"] = machine.peers_address
            flags["bootstrap-ids"] = ",".join(self._nodes[one].node_id for one in others)
            flags["bootstrap-ips"] = ",".join(
                f"{self.machines[one].peers_address}:{self._nodes[one].staking_port}"
                for one in others
            )
            path.write_text(json.dumps(flags, indent=2), encoding="utf-8")

    def start(self, names: Iterable[str]) -> None:
        """Start the nodes of these machines; from the main thread, with whose end they end."""
        parent = os.getpid()
        prctl = ctypes.CDLL(None, use_errno=True).prctl

        def end_with_parent() -> None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        for name in names:
            machine, folder = self.machines[name], self.home.node_folder(name)
            inside = ["ip", "netns", "exec", machine.namespace]
            with (folder / "node.log").open("ab") as output:
                machine.child = subprocess.Popen(
                    [*inside, str(self._parts.node), "--config-file", str(folder / "config.json")],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "HOME": str(folder)},
                    preexec_fn=end_with_parent,
                    start_new_session=True,
                )

    def stop(self, names: Iterable[str]) -> None:
        """Stop the nodes of these machines, by force those that do not end in time."""
        running = [machine for name in names if (machine := self.machines[name]).child is not None]
        for machine in running:
            assert machine.child is not None
            machine.child.terminate()
        limit = time.monotonic() + _STOP_WITHIN_S
        for machine in running:
            assert machine.child is not None
            try:
                machine.child.wait(max(0.1, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                machine.child.kill()
                machine.child.wait()
            machine.child = None
