"""The firewall's rule beside a node: of one machine's programs the gate's user alone reaches it.

On a machine of its own: two network namespaces wired to each other.  Needs Linux, root, `ip` and
`nft`; where the kernel refuses, the test says so and fails.
"""

from __future__ import annotations

import pwd
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.network
RULES = Path("deploy/nftables/amanat-gate.nft")
# Whom every Linux has: it stands in for the gate's user, whom only an installation makes.
GATE_USER = "nobody"
PORT = 9650
INSIDE, OUTSIDE = "10.199.7.1", "10.199.7.2"
LISTEN = f"""
import socket
with socket.create_server(("0.0.0.0", {PORT})) as server:
    print("listening", flush=True)
    while True:
        server.accept()[0].close()
"""
ASK = """
import os, socket, sys
user, address, port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
os.setuid(user)
asking = socket.socket()
asking.settimeout(2)
try:
    asking.connect((address, port))
    print("answered")
except TimeoutError:
    print("silence")
except ConnectionRefusedError:
    print("refused")
"""


def run(*words: str, text: str | None = None) -> str:
    """One command's output; its own words where it fails."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"
    return done.stdout.strip()


def asked(space: str, user: str, address: str) -> str:
    """What a program of this user in this namespace hears from the node's port."""
    number = str(pwd.getpwnam(user).pw_uid)
    return run("ip", "netns", "exec", space, sys.executable, "-c", ASK, number, address, str(PORT))


@pytest.fixture
def spaces() -> Iterator[tuple[str, str]]:
    """The node's machine with something that listens as the node would, and another machine."""
    tag = secrets.token_hex(2)
    node, other = f"amf{tag}n", f"amf{tag}o"
    listener = None
    try:
        for space in (node, other):
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
        wire = ("type", "veth", "peer", "name", "wire", "netns", other)
        run("ip", "-n", node, "link", "add", "wire", *wire)
        for space, address in ((node, INSIDE), (other, OUTSIDE)):
            run("ip", "-n", space, "addr", "add", f"{address}/30", "dev", "wire")
            run("ip", "-n", space, "link", "set", "wire", "up")
        listener = subprocess.Popen(
            ["ip", "netns", "exec", node, sys.executable, "-c", LISTEN],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listener.stdout is not None
        assert listener.stdout.readline().strip() == "listening"
        yield node, other
    finally:
        if listener is not None:
            listener.kill()
            listener.wait()
        for space in (node, other):
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def test_only_the_gates_user_reaches_the_node(spaces: tuple[str, str]) -> None:
    node, other = spaces
    before = [asked(node, "root", "127.0.0.1"), asked(other, "root", INSIDE)]
    rules = RULES.read_text(encoding="utf-8").replace('"amanat-gate"', f'"{GATE_USER}"')
    assert f'meta skuid != "{GATE_USER}"' in rules
    run("ip", "netns", "exec", node, "nft", "-f", "-", text=rules)
    assert before == ["answered", "answered"]
    assert asked(node, GATE_USER, "127.0.0.1") == "answered"
    assert asked(node, "root", "127.0.0.1") == "refused"
    assert asked(node, "daemon", "127.0.0.1") == "refused"
    assert asked(node, "root", INSIDE) == "refused"
    # From another machine nobody, whoever asks: packets are dropped in silence.
    assert asked(other, GATE_USER, INSIDE) == "silence"
    assert asked(other, "root", INSIDE) == "silence"
