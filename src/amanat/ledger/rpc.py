"""A JSON-RPC client for one network with several nodes: pooled, batched, with failover.

Where the nodes ask who is there, each request bears the token of a file (`NodeToken`).  Reads and
writes go to the first node that is healthy.  A node that does not answer rests for a
while and the next one is asked; a signed transaction has one hash wherever it is sent, so writes
may be repeated at another node as safely as reads.

```
AmanatError
├── Unavailable
│   ├── NodeUnavailable     no node of the list answers
│   └── TokenUnreadable     the file of the nodes' token cannot be read, or others may read it
├── Corrupt
│   └── WrongChain          a node answers for another chain than the one configured
├── RpcFault                a node answered with a JSON-RPC error
│   └── CallReverted        the error is a revert; `data` holds what the contract said
```
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from amanat.core.errors import AmanatError, Corrupt, Unavailable

Call = tuple[str, Sequence[Any]]

# A batch is cut when it holds this many calls or this many bytes: nodes limit request bodies.
BATCH_CALLS_MAX = 200
BATCH_BYTES_MAX = 1_500_000

METHOD_NOT_FOUND = -32601


class NodeUnavailable(Unavailable):
    """No node of the list answers; every one's reason is in the message."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        told = "; ".join(f"{without_secrets(url)}: {why}" for url, why in reasons.items())
        super().__init__(f"No node answers ({told or 'none is configured'}).")


class TokenUnreadable(Unavailable):
    """The file of the nodes' token; what it holds is never told."""


class WrongChain(Corrupt):
    """A node of the list belongs to another chain; nothing may be sent to it."""

    def __init__(self, url: str, expected: int, found: int) -> None:
        self.url, self.expected, self.found = url, expected, found
        super().__init__(f"{without_secrets(url)} is on chain {found}, not on chain {expected}.")


class RpcFault(AmanatError):
    """A node answered, with an error (JSON-RPC 2.0, section 5.1)."""

    def __init__(self, method: str, number: int, text: str, data: Any = None) -> None:
        self.method, self.number, self.text, self.data = method, number, text, data
        super().__init__(f"{method}: {text} ({number})")


class CallReverted(RpcFault):
    """A contract said no; `revert` is what it returned, empty where it gave no reason."""

    @property
    def revert(self) -> bytes:
        """The bytes that the contract reverted with: four of selector, then the fields."""
        found = self.data.get("data") if isinstance(self.data, Mapping) else self.data
        if isinstance(found, str) and found.startswith("0x"):
            return bytes.fromhex(found[2:])
        return b""


def without_secrets(url: str) -> str:
    """A node's URL as people and alarms may see it: without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fault_of(method: str, error: Mapping[str, Any]) -> RpcFault:
    """The typed form of a JSON-RPC error object."""
    number, text = int(error.get("code", 0)), str(error.get("message", ""))
    reverted = number == 3 or "revert" in text.lower()
    kind = CallReverted if reverted else RpcFault
    return kind(method, number, text, error.get("data"))


class NodeToken:
    """The bearer token that nodes are shown, read from a file whose first line it is.

    Whoever rotates it writes the file anew: it is read again when a node refuses what it held.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._held = ""

    @classmethod
    def of(cls, file: Path | None) -> NodeToken | None:
        """The token in a file that is set, None where none is."""
        return cls(file) if file else None

    def header(self) -> dict[str, str]:
        """The header that bears it; raises `TokenUnreadable`."""
        if not self._held:
            self._held = self._read()
        return {"authorization": f"Bearer {self._held}"}

    def renewed(self, refused: dict[str, str]) -> dict[str, str] | None:
        """What the file bears now instead of a header that was refused; None if the same."""
        self._held = self._read()
        found = self.header()
        return found if found != refused else None

    def _read(self) -> str:
        try:
            if self.file.stat().st_mode & 0o007:
                raise TokenUnreadable(f"{self.file}: others may read it; set its mode to 600.")
            lines = self.file.read_text(encoding="ascii").split("\n")
        except (OSError, ValueError) as error:
            raise TokenUnreadable(f"{self.file}: {type(error).__name__}") from None
        token = lines[0].strip()
        if not token.isprintable() or not token or " " in token:
            raise TokenUnreadable(f"{self.file}: its first line is no token.")
        return token


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """What one node says of itself: its height, or why it gave none."""

    url: str
    height: int | None
    error: str | None


@dataclass(slots=True)
class _Node:
    url: str
    rests_until: float = 0.0
    failing: bool = False
    chain_checked: bool = False
    reason: str = ""


class RpcClient:
    """Asks the nodes of one network; safe to share between threads.

    `urls` may be a function, for a node whose port can change when it is restarted.  With
    `chain_id` every node is asked once for its chain before it is used.  `token` goes to every node
    of the list and nowhere else: redirections are not followed.
    """

    def __init__(
        self,
        urls: Sequence[str] | Callable[[], Sequence[str]],
        *,
        chain_id: int | None = None,
        timeout_s: float = 20.0,
        rest_s: float = 2.0,
        connections_max: int = 16,
        headers: Mapping[str, str] | None = None,
        token: NodeToken | None = None,
    ) -> None:
        self._token = token
        self._urls = urls if callable(urls) else lambda: urls
        self.chain_id = chain_id
        self._rest_s = rest_s
        self._nodes: dict[str, _Node] = {}
        self._answered = threading.local()
        self._numbers = itertools.count(1)
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 3.0)),
            limits=httpx.Limits(
                max_connections=connections_max, max_keepalive_connections=connections_max
            ),
            headers={"content-type": "application/json", **(headers or {})},
            trust_env=False,
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call.

        Raises `RpcFault` (`CallReverted`) as the node answered, `NodeUnavailable` if none did.
        """
        answer = self.batch([(method, params)])[0]
        if isinstance(answer, RpcFault):
            raise answer
        return answer

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The results in the order of the calls; a call that failed has its `RpcFault` there.

        Calls of one batch are not atomic, and nodes may work on them at the same time.
        Raises `NodeUnavailable`.
        """
        results: list[Any] = []
        for part in _parts(calls):
            results.extend(self._ask(part))
        return results

    def count(self) -> int:
        """How many nodes the list has."""
        return len(self._current_nodes())

    def block_number(self) -> int:
        """The height of the first healthy node."""
        return int(self.call("eth_blockNumber"), 16)

    def health(self) -> list[NodeHealth]:
        """Ask every node for its height, whether or not it rests."""
        report = []
        for node in self._current_nodes():
            try:
                self._check_chain(node)
                answer = self._post(node, [("eth_blockNumber", ())])[0]
            except (httpx.HTTPError, ValueError, WrongChain) as error:
                report.append(NodeHealth(node.url, None, str(error) or type(error).__name__))
                continue
            if isinstance(answer, RpcFault):
                report.append(NodeHealth(node.url, None, str(answer)))
            else:
                report.append(NodeHealth(node.url, int(answer, 16), None))
        return report

    def ask_each(self, calls: Sequence[Call]) -> dict[str, list[Any] | str]:
        """What every node says to the same calls, by URL; else why it does not.

        One that did not answer a moment ago is not asked; one that was set aside is.  Calls must
        fit into one batch.
        """
        report: dict[str, list[Any] | str] = {}
        for node in self._current_nodes():
            if node.failing and node.rests_until > time.monotonic():
                report[node.url] = node.reason or "rests"
                continue
            try:
                self._check_chain(node)
                report[node.url] = self._post(node, calls)
            except (httpx.HTTPError, ValueError) as error:
                report[node.url] = self._rest(node, error)
        return report

    def tell_each(self, calls: Sequence[Call]) -> None:
        """Put calls to every node, whatever each says to them."""
        for part in _parts(calls):
            self.ask_each(part)

    def set_aside(self, reason: str, *, url: str | None = None, for_s: float | None = None) -> bool:
        """Let a node rest, by default the one that answered this thread last.

        Whether another node is there to be asked; the only node of a list never rests.
        """
        nodes = self._current_nodes()
        chosen = url or self.answered_last()
        if len(nodes) > 1:
            for node in nodes:
                if node.url == chosen:
                    node.reason, node.failing = reason, False
                    node.rests_until = time.monotonic() + (for_s or self._rest_s)
        return any(node.rests_until <= time.monotonic() for node in nodes if node.url != chosen)

    def answered_last(self) -> str | None:
        """The URL of the node that answered this thread last."""
        return getattr(self._answered, "url", None)

    def forget_rests(self) -> None:
        """Ask every node again at once, for instance after one was restarted."""
        for node in self._nodes.values():
            node.rests_until = 0.0

    def _current_nodes(self) -> list[_Node]:
        return [self._nodes.setdefault(url, _Node(url)) for url in self._urls()]

    def _ask(self, calls: Sequence[Call]) -> list[Any]:
        nodes = self._current_nodes()
        now = time.monotonic()
        ready = [node for node in nodes if node.rests_until <= now]
        # If all of them rest, asking again is better than giving up unasked.
        for node in ready or nodes:
            try:
                self._check_chain(node)
                answers = self._post(node, calls)
            except (httpx.HTTPError, ValueError) as error:
                self._rest(node, error)
                continue
            self._answered.url = node.url
            return answers
        raise NodeUnavailable({node.url: node.reason or "rests" for node in nodes})

    def _rest(self, node: _Node, error: Exception) -> str:
        node.reason, node.failing = str(error) or type(error).__name__, True
        node.rests_until = time.monotonic() + self._rest_s
        return node.reason

    def _check_chain(self, node: _Node) -> None:
        if self.chain_id is None or node.chain_checked:
            return
        found = self._post(node, [("eth_chainId", ())])[0]
        if isinstance(found, RpcFault):
            raise ValueError(str(found))
        if int(found, 16) != self.chain_id:
            raise WrongChain(node.url, self.chain_id, int(found, 16))
        node.chain_checked = True

    def _post(self, node: _Node, calls: Sequence[Call]) -> list[Any]:
        first = next(self._numbers) * BATCH_CALLS_MAX * 2
        body = [
            {"jsonrpc": "2.0", "id": first + at, "method": method, "params": list(params)}
            for at, (method, params) in enumerate(calls)
        ]
        content = json.dumps(body if len(body) > 1 else body[0], separators=(",", ":"))
        response = self._bearing(node.url, content)
        if response.status_code in (401, 403):
            raise ValueError(f"does not admit us (HTTP {response.status_code})")
        if response.status_code >= 400:
            raise ValueError(f"HTTP {response.status_code}")
        answers = json.loads(response.content)
        if isinstance(answers, dict):
            answers = [answers]
        return _ordered(calls, answers, first)

    def _bearing(self, url: str, content: str) -> httpx.Response:
        """Post with the token, and once more where it was rotated meanwhile."""
        if self._token is None:
            return self._http.post(url, content=content)
        header = self._token.header()
        response = self._http.post(url, content=content, headers=header)
        if response.status_code == 401 and (renewed := self._token.renewed(header)):
            response = self._http.post(url, content=content, headers=renewed)
        return response


def _ordered(calls: Sequence[Call], answers: list[dict[str, Any]], first: int) -> list[Any]:
    """Answers in the order of the calls (a node may answer a batch in any order)."""
    if len(answers) == 1 and len(calls) > 1 and "error" in answers[0]:
        raise ValueError(str(answers[0]["error"].get("message", "batch refused")))
    results: list[Any] = [None] * len(calls)
    missing = set(range(len(calls)))
    for answer in answers:
        at = int(answer["id"]) - first
        if at not in missing:
            raise ValueError("an answer that was not asked for")
        missing.discard(at)
        error = answer.get("error")
        results[at] = fault_of(calls[at][0], error) if error else answer.get("result")
    if missing:
        raise ValueError(f"{len(missing)} answers of {len(calls)} are missing")
    return results


def _parts(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    start = size = 0
    for at, (_, params) in enumerate(calls):
        weight = 100 + sum(len(one) if isinstance(one, str) else 200 for one in params)
        full = at - start >= BATCH_CALLS_MAX or size + weight > BATCH_BYTES_MAX
        if full and at > start:
            yield calls[start:at]
            start, size = at, 0
        size += weight
    if start < len(calls):
        yield calls[start:]
