"""Settlement under load, for drills: a client that streams and repeats, a server that may die.

The client sends instructions that both accounts signed beforehand, a few to an act, and after each
act has what is due given to the ledger.  Every act has an idempotency key of its own and is sent
again, the same bytes under the same key, until it is answered: what was carried out, and its answer
lost, must not be carried out twice.  At the end each account must hold what the sums say.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BENCH = str(HERE.parents[1] / "bench")
ACCOUNTS = 8
PER_ACT = 5
GIVE_UP_AFTER_S = 300.0
LOST = (OSError, http.client.HTTPException)
"""What a client sees of a server that dies."""


class DrillFailed(AssertionError):
    """A drill's figures are not what they must be."""


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Driver:
    """A process that has the product imported and forks one life after the other."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder / "log"
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "load_driver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        )

    def run(self, do: str, **job: Any) -> int:
        """The answer to a job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, "log": str(self.log), **job}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def told(self, do: str, **job: Any) -> Any:
        """What a job wrote.  Raises `DrillFailed` with its last words where it failed."""
        out = self.folder / f"{do}.json"
        code = self.run(do, out=str(out), **job)
        if code:
            raise DrillFailed(f"{do} ended with {code}\n{self.words()}")
        return json.loads(out.read_text())

    def words(self) -> str:
        """What was said last."""
        return self.log.read_text(errors="replace")[-4_000:]

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


@dataclass
class Served:
    """An installation that is served, killed and served again."""

    driver: Driver
    folder: Path
    database: str
    port: int
    pid: int = 0
    serving: dict[str, Any] = field(default_factory=dict)

    def begin(self, **more: Any) -> float:
        """Serve it, and wait until it says that it is alive; after how many seconds it was."""
        began = time.monotonic()
        self.pid = self.driver.run(
            "serve", folder=str(self.folder), database=self.database, port=self.port, **more
        )
        while time.monotonic() - began < GIVE_UP_AFTER_S:
            with contextlib.suppress(*LOST):
                if ask(self.port, "GET", "/healthz", None)[0] == 200:
                    return time.monotonic() - began
            if not Path(f"/proc/{self.pid}").exists() or _is_dead(self.pid):
                raise DrillFailed(f"it ended as it began\n{self.driver.words()}")
            time.sleep(0.02)
        raise DrillFailed(f"it never was alive\n{self.driver.words()}")

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it with a signal, and wait until it is gone."""
        os.kill(self.pid, how)
        self.driver.run("reap", pid=self.pid)
        self.pid = 0


def _is_dead(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    return True


def ask(
    port: int, method: str, path: str, token: str | None, body: bytes | None = None, key: str = ""
) -> tuple[int, Any]:
    """Status and content of one request, in a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if key:
        headers["Idempotency-Key"] = key
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, json.loads(content)
    except ValueError:
        return answer.status, content.decode(errors="replace")


class Stream(threading.Thread):
    """The client: streams acts until told to stop, each again until it is answered."""

    def __init__(self, port: int, founding: Mapping[str, Any], seed: int) -> None:
        super().__init__(name="stream", daemon=True)
        sys.path.insert(0, BENCH)
        try:
            import founded
            import settlement
        finally:
            sys.path.remove(BENCH)
        self._bench = settlement
        self.programme = founded.PROGRAMME
        self._founded = founded.Founded(**founding["founded"])
        self._accounts = [
            founded.Account(address, bytes.fromhex(secret), bank)
            for address, secret, bank in founding["accounts"]
        ]
        self._numbers: dict[str, int] = {}
        self._draw = random.Random(seed)
        self.port = port
        self.sent: list[tuple[str, str, int, int]] = []
        self.repeated = 0
        self.refused: Counter[str] = Counter()
        self.failure: BaseException | None = None
        self._over = threading.Event()

    def run(self) -> None:
        """Stream."""
        try:
            while not self._over.is_set():
                drawn = self._bench.draw(self._accounts, PER_ACT, self._numbers, self._draw)
                body = json.dumps(
                    {"instructions": self._bench.sign_all(self._founded, drawn)}
                ).encode()
                self._insist("SubmitInstructions", body)
                self.sent += [
                    (giver.address, taker.address, nominal, paisa)
                    for giver, taker, _number, nominal, paisa in drawn
                ]
                self._insist("SettleDay", b"{}")
        except BaseException as error:
            self.failure = error

    def _insist(self, act: str, body: bytes) -> None:
        path = f"/v1/programmes/{self.programme}/acts/{act}"
        token, key = self._founded.submitter_token, secrets.token_hex(16)
        until = time.monotonic() + GIVE_UP_AFTER_S
        while time.monotonic() < until:
            try:
                status, content = ask(self.port, "POST", path, token, body, key)
            except LOST:
                self.repeated += 1
                time.sleep(0.02)
                continue
            if status == 200:
                return
            if status in (429, 500, 502, 503, 504):  # said to be tried again, or our own mistake
                self.refused[f"{status}"] += 1
                time.sleep(0.05)
                continue
            raise DrillFailed(f"{act}: {status} {content}")
        raise DrillFailed(f"{act} was not answered")

    def finish(self) -> None:
        """Let the act under way end.  Raises what went wrong."""
        self._over.set()
        self.join(GIVE_UP_AFTER_S)
        if self.failure is not None:
            raise self.failure
        if self.is_alive():
            raise DrillFailed("the client still waits for an answer")

    def expected(self, before: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
        """What each account must hold once all that was sent is settled, once."""
        after = Counter(before)
        for giver, taker, nominal, paisa in self.sent:
            after["bond", giver] -= nominal
            after["bond", taker] += nominal
            after["cash", giver] += paisa
            after["cash", taker] -= paisa
        return dict(after)


def settled(port: int, founding: Mapping[str, Any], programme: str) -> int:
    """How many instructions the served installation shows as settled; -1 while it does not say."""
    path = f"/v1/programmes/{programme}/views/settlement_totals"
    try:
        status, content = ask(port, "GET", path, founding["founded"]["auditor_token"])
    except LOST:
        return -1
    return sum(row["instructions"] for row in content["rows"]) if status == 200 else -1


def catch_up(served: Served, stream: Stream, founding: Mapping[str, Any], before: int) -> float:
    """Wait until what was sent by now and one act more is settled; after how many seconds.

    The served installation does it by itself, without being started again.
    """
    began, goal = time.monotonic(), before + len(stream.sent) + PER_ACT
    while (found := settled(served.port, founding, stream.programme)) < goal:
        if stream.failure is not None:
            raise stream.failure
        if time.monotonic() - began > GIVE_UP_AFTER_S:
            raise DrillFailed(f"{found} of {goal} are settled\n{served.driver.words()}")
        time.sleep(0.1)
    return time.monotonic() - began


def held(report: Mapping[str, Any], accounts: Sequence[str]) -> dict[tuple[str, str], int]:
    """Units of bond and cash by account, of a report of `check`."""
    return {
        (token, account): units for token, account, units in report["held"] if account in accounts
    }


@contextlib.contextmanager
def founded_installation(
    folder: Path, database: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[Served, dict[str, Any], dict[str, Any]]]:
    """A founded installation that is not served yet, its founding, and what all hold now."""
    driver = Driver(folder, environment)
    try:
        served = Served(driver, folder / "home", database, free_port())
        job = {"folder": str(served.folder), "database": database}
        founding = driver.told("found", accounts=ACCOUNTS, **job)
        yield served, founding, driver.told("check", **job)
    finally:
        if served.pid:
            served.end()
        driver.close()


def require_whole(
    served: Served, stream: Stream, founding: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any]:
    """Nothing is lost or doubled, and contracts, index and journal agree; the last report.

    The installation must not be served.
    """
    report: dict[str, Any] = served.driver.told(
        "check", folder=str(served.folder), database=served.database
    )
    addresses = [address for address, _, _ in founding["accounts"]]
    expected = stream.expected(held(before, addresses))
    found = held(report, addresses)
    settled = report["settled_on_chain"] - before["settled_on_chain"]
    open_states = set(report["states"]) - {"settled"}
    assert report["differences"] == [], report["differences"][:5]
    assert open_states == set(), report["states"]
    assert settled == len(stream.sent), f"{settled} of {len(stream.sent)}"
    assert report["settled_once"] == report["settled_on_chain"]
    assert found == expected
    return report
