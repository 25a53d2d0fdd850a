"""Connections from a gate to its node: HTTP/1.1 with no more work than a question to a node needs.

A gate stands in the way of every request, and a client for the whole of HTTP takes it twice the
processor time that everything else takes (`bench/gate.py`).  The node is one program on this
machine, asked in one form; what comes from strangers is read by uvicorn, never here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from amanat.core.errors import Unavailable

_CONNECTIONS_MAX = 64
_CONNECT_WITHIN_S = 3.0
_IDLE_S_MAX = 60.0
_HEAD_BYTES_MAX = 65_536


class NodeSilent(Unavailable):
    """The node does not take the connection, or ends it before it answered."""


class NodeLate(Unavailable):
    """The node took a question and does not answer in time."""


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    idle_since: float = 0.0

    def is_fit(self) -> bool:
        """Whether it can be asked again; one that the node closed meanwhile cannot."""
        idle = time.monotonic() - self.idle_since
        return not self.reader.at_eof() and not self.writer.is_closing() and idle < _IDLE_S_MAX


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """Status and body of an answer."""

    status: int
    body: bytes


class NodeConnections:
    """Keeps connections to one node open and asks by them; for one event loop."""

    def __init__(self, node: str, answer_within_s: float = 30.0) -> None:
        parts = urlsplit(node)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._named = parts.netloc
        self._within_s = answer_within_s
        self._idle: list[_Connection] = []
        self._free = asyncio.Semaphore(_CONNECTIONS_MAX)

    async def get(self, path: str) -> NodeAnswer:
        """Ask for a path; raises `NodeSilent`, `NodeLate`."""
        return await self._ask(f"GET {path} HTTP/1.1\r\nhost: {self._named}\r\n\r\n".encode())

    async def post(self, path: str, content: bytes) -> NodeAnswer:
        """Send JSON to a path; raises `NodeSilent`, `NodeLate`."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self._named}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        return await self._ask(head.encode() + content)

    async def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().writer.close()

    async def _ask(self, request: bytes) -> NodeAnswer:
        async with self._free:
            try:
                async with asyncio.timeout(self._within_s):
                    # One that was kept may end as it is asked.  What is asked may be asked twice:
                    # questions, and transactions whose bytes are the same.
                    while kept := self._kept():
                        with contextlib.suppress(OSError, EOFError, ValueError):
                            return await self._exchange(kept, request)
                    return await self._exchange(await self._connected(), request)
            except TimeoutError:
                raise NodeLate("the node does not answer in time.") from None
            except (OSError, EOFError, ValueError) as error:
                raise NodeSilent(f"the node does not answer: {type(error).__name__}.") from None

    def _kept(self) -> _Connection | None:
        while self._idle:
            found = self._idle.pop()
            if found.is_fit():
                return found
            found.writer.close()
        return None

    async def _connected(self) -> _Connection:
        opening = asyncio.open_connection(self._host, self._port, limit=_HEAD_BYTES_MAX)
        try:
            return _Connection(*await asyncio.wait_for(opening, _CONNECT_WITHIN_S))
        except TimeoutError:
            raise ConnectionError from None

    async def _exchange(self, connection: _Connection, request: bytes) -> NodeAnswer:
        keep = False
        try:
            connection.writer.write(request)
            await connection.writer.drain()
            answer, keep = await _answer(connection.reader)
            return answer
        finally:
            if keep:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
            else:
                connection.writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[NodeAnswer, bool]:
    """One answer (RFC 9112), and whether the connection serves on.

    Raises `ValueError`, `EOFError` where it is none.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise ValueError("an answer's head is too long") from None
    first, *lines = head[:-4].split(b"\r\n")
    version, number, *_ = first.split(b" ", 2)
    if version != b"HTTP/1.1" or not number.isdigit():
        raise ValueError("no answer of HTTP/1.1")
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip().lower()
    if fields.get(b"transfer-encoding") == b"chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(fields[b"content-length"]))
    return NodeAnswer(int(number), body), fields.get(b"connection") != b"close"


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        parts.append((await reader.readexactly(size + 2))[:-2])
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers, which nobody sends
    return b"".join(parts)
