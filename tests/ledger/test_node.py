"""The embedded node: installed from the lock, starts, persists, and dies with its application."""

from __future__ import annotations

import importlib.resources
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from amanat.ledger import node as node_module
from amanat.ledger.node import (
    ANVIL,
    EmbeddedNode,
    NodeBusy,
    NodeFailed,
    PartsMissing,
    find_anvil,
    install_parts,
)
from amanat.ledger.rpc import RpcClient
from amanat.ledger.sending import next_nonces, send_run
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction

from .conftest import ALICE, CHAIN_ID, WEI

ROOT = Path(__file__).parents[2]
FUNDED = {"0x" + "0f" * 20: WEI}


def test_the_packaged_list_of_parts_pins_the_same_node_as_the_project() -> None:
    parts = importlib.resources.files("amanat.ledger") / "parts"
    name = "@foundry-rs/anvil-linux-amd64"
    ours, lock = (json.loads((parts / f"package{end}.json").read_text()) for end in ("", "-lock"))
    root, root_lock = (
        json.loads((ROOT / f"package{end}.json").read_text()) for end in ("", "-lock")
    )
    assert ours["dependencies"] == {name: root["dependencies"][name]}
    entry = f"node_modules/{name}"
    assert lock["packages"][entry] == root_lock["packages"][entry]
    assert lock["packages"][entry]["integrity"].startswith("sha512-")


def test_an_installation_that_fails_is_refused_with_the_words_of_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty"))
    with pytest.raises(PartsMissing, match="npm ci failed"):
        install_parts(tmp_path / "parts")


def test_the_node_is_found_in_the_project_or_refused(tmp_path: Path) -> None:
    assert find_anvil(tmp_path) == ROOT / ANVIL
    (tmp_path / ANVIL).parent.mkdir(parents=True)
    (tmp_path / ANVIL).write_bytes(b"")
    assert find_anvil(tmp_path) == tmp_path / ANVIL


def test_an_installed_package_finds_the_node_beside_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No project holds the wheel: what `amanat ledger install` fetched is found, or named."""
    monkeypatch.setattr(node_module, "__file__", str(tmp_path / "lib/python/site/amanat/ledger/x"))
    monkeypatch.setattr(node_module, "PARTS_FOLDER", tmp_path / "share")
    with pytest.raises(PartsMissing, match="`amanat ledger install` fetches it"):
        find_anvil()
    (tmp_path / "share" / ANVIL).parent.mkdir(parents=True)
    (tmp_path / "share" / ANVIL).write_bytes(b"")
    assert find_anvil() == tmp_path / "share" / ANVIL


def test_it_starts_with_no_keys_of_its_own_and_funds_whom_it_is_told(tmp_path: Path) -> None:
    with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED) as node:
        rpc = RpcClient(node.urls, chain_id=CHAIN_ID)
        assert rpc.call("eth_accounts") == []
        assert int(rpc.call("eth_getBalance", next(iter(FUNDED)), "latest"), 16) == WEI
        # The first of the well-known development accounts.
        known = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
        assert rpc.call("eth_getBalance", known, "latest") == "0x0"
        head = rpc.call("eth_getBlockByNumber", "latest", False)
        assert abs(int(head["timestamp"], 16) - time.time()) < 30
        first = rpc.call("eth_getBlockByNumber", "0x1", False)["hash"]
    with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED) as node:
        again = RpcClient(node.urls).call("eth_getBlockByNumber", "0x1", False)["hash"]
    assert again == first


def test_a_second_application_does_not_get_the_same_folder(tmp_path: Path) -> None:
    with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED):
        second = EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED)
        second._lock_within_s = 0.2
        with pytest.raises(NodeBusy):
            second.start()


def test_a_program_that_is_no_node_fails_with_its_words(tmp_path: Path) -> None:
    fake = tmp_path / "anvil"
    fake.write_text("#!/bin/sh\necho no node here\nexit 3\n")
    fake.chmod(0o755)
    node = EmbeddedNode(tmp_path / "node", chain_id=1, funded={}, anvil=fake)
    with pytest.raises(NodeFailed, match="no node here"):
        node.start()


def test_the_node_dies_with_an_application_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from amanat.ledger.node import EmbeddedNode\n"
        f"node = EmbeddedNode(Path({str(tmp_path)!r}), chain_id=5, funded={{}})\n"
        "node.start()\n"
        "print(node.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    application = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert application.stdout is not None
    pid = int(application.stdout.readline())
    application.send_signal(signal.SIGKILL)
    application.wait()
    application.stdout.close()
    limit = time.monotonic() + 5
    while _runs(pid) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not _runs(pid)
    with EmbeddedNode(tmp_path, chain_id=5, funded={}) as node:
        assert RpcClient(node.urls, chain_id=5).block_number() == 1


def _transfer(node: EmbeddedNode, wallet: KeySigner, nonce: int) -> None:
    transfer = ChainTransaction(CHAIN_ID, nonce, ALICE, b"", 21_000, 10**9, 0)
    raw = wallet.sign_transaction(transfer).raw
    rpc = RpcClient(node.urls)
    sent = rpc.call("eth_sendRawTransaction", "0x" + raw.hex())
    limit = time.monotonic() + 10
    while rpc.call("eth_getTransactionReceipt", sent) is None:
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_it_never_starts_from_a_state_that_lacks_a_block_whose_effects_it_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Anvil writes such a state when it copies the blocks, mines, and then copies the accounts."""
    wallet = KeySigner.generate()
    state = tmp_path / "state.json"
    funded = {wallet.address: WEI}
    saved = []
    for nonce in range(2):
        with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=funded) as node:
            _transfer(node, wallet, nonce)
        saved.append(json.loads(state.read_text()))
    earlier, later = saved
    ahead = json.dumps(earlier | {"accounts": later["accounts"]})

    def started() -> tuple[int, int]:
        with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=funded) as node:
            rpc = RpcClient(node.urls)
            spent = rpc.call("eth_getTransactionCount", wallet.address, "latest")
            return rpc.block_number(), int(spent, 16)

    (tmp_path / "state.kept.json").unlink(missing_ok=True)
    assert started() == (3, 2)  # a consistent one is started from
    state.write_text(ahead)
    (tmp_path / "state.kept.json").write_text(json.dumps(earlier))
    assert started() == (2, 1)
    assert "is of 2 transactions and has 1" in caplog.text
    state.write_text(ahead)
    (tmp_path / "state.kept.json").write_text(ahead)
    assert started() == (1, 0)  # the genesis: everything is sent again


def test_a_node_that_died_just_before_the_stop_is_not_started_behind_its_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper has already seen the death and is about to start another one when `stop` comes."""
    node = EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED)
    node.start()
    about_to_start = threading.Event()
    sources = node._sources

    def held_up() -> Iterator[Callable[[], None]]:
        about_to_start.set()
        assert node._stopping.wait(10)
        yield from sources()

    monkeypatch.setattr(node, "_sources", held_up)
    before = (tmp_path / "state.json").read_bytes()
    pid = node.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert about_to_start.wait(10)
    node.stop()
    assert node.started == 1
    assert (tmp_path / "state.json").read_bytes() == before
    with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED) as another:
        assert RpcClient(another.urls).block_number() == 1


def test_a_stop_while_the_node_starts_leaves_its_state_alone(tmp_path: Path) -> None:
    """A start that was cut off is no reason to go back to an older state."""
    with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED) as node:
        rpc = RpcClient(node.urls)
        rpc.call("anvil_mine", "0x3")
    before = (tmp_path / "state.json").read_bytes()
    slow = tmp_path / "anvil"
    slow.write_text(f'#!/bin/sh\ntouch {tmp_path}/called\nsleep 30\nexec {ROOT / ANVIL} "$@"\n')
    slow.chmod(0o755)
    cut = EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=FUNDED, anvil=slow)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(cut.start)
        while not (tmp_path / "called").exists():
            time.sleep(0.01)
        cut.stop()
        with pytest.raises(NodeFailed, match="being stopped"):
            starting.result()
    assert (tmp_path / "state.json").read_bytes() == before
    assert not list(tmp_path.glob("state.torn-*"))


def test_a_node_whose_clock_is_behind_is_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Anvil keeps for good whatever passed between its two looks at the clock."""
    late = tmp_path / "anvil"
    late.write_text(
        "#!/bin/sh\n"
        f'if [ -e {tmp_path}/before ]; then exec {ROOT / ANVIL} "$@"; fi\n'
        f"touch {tmp_path}/before\n"
        f'exec {ROOT / ANVIL} "$@" --timestamp $(($(date +%s) - 7))\n'
    )
    late.chmod(0o755)
    with EmbeddedNode(tmp_path / "node", chain_id=CHAIN_ID, funded=FUNDED, anvil=late) as node:
        now = int(time.time())
        pending = RpcClient(node.urls).call("eth_getBlockByNumber", "pending", False)
        assert int(pending["timestamp"], 16) >= now
        assert node.started == 1
    assert "7 s behind" in caplog.text or "8 s behind" in caplog.text


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"


def test_what_several_senders_have_ready_is_mined_without_another_transaction(
    tmp_path: Path,
) -> None:
    """Four senders at once, run after run; anvil's own limit is 1,000 transactions to a block."""
    signers = [KeySigner.generate() for _ in range(4)]
    funded = {one.address: WEI for one in signers}
    length, runs = 500, 3
    own = {one.address: [_payment(one, at) for at in range(length * runs)] for one in signers}

    with EmbeddedNode(tmp_path, chain_id=CHAIN_ID, funded=funded) as node:
        rpc = RpcClient(node.urls, chain_id=CHAIN_ID)

        def mined(sender: str) -> int:
            limit = time.monotonic() + 20
            for first in range(0, length * runs, length):
                send_run(rpc, own[sender][first : first + length])
                while next_nonces(rpc, [sender])[sender] < first + length:
                    assert time.monotonic() < limit, rpc.call("txpool_status")
                    time.sleep(0.02)
            return next_nonces(rpc, [sender])[sender]

        with ThreadPoolExecutor(len(signers)) as pool:
            assert list(pool.map(mined, funded)) == [length * runs] * len(signers)


def _payment(signer: KeySigner, nonce: int) -> bytes:
    transaction = ChainTransaction(CHAIN_ID, nonce, ALICE, b"", 21_000, 10**9, 0)
    return signer.sign_transaction(transaction).raw
