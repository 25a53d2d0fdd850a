"""The gate before one node: whom it admits, what may be asked, which transactions go through.

    amanat network gate FOLDER

avalanchego 1.13.5 asks nobody who they are (`docs/decisions/0014-gate-before-each-node.md`), so a
small program stands before each validator.  It takes JSON-RPC for the ledger's chain from those
whose token it knows, lets only the methods of `METHODS` through, one by one in a batch, and looks
at every transaction: its sender must be on the chain's list of senders, and one that creates a
contract on the list of deployers.  Of everything else that a node answers it tells its health,
version and peers (`GET /status`), and nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import uvicorn

from amanat.core.errors import AmanatError, Refusal
from amanat.network.gate_settings import STATUS_PATH, GateSettings
from amanat.network.node_connections import NodeConnections, NodeLate, NodeSilent
from amanat.network.raw_transactions import Sent, TransactionUnreadable, read_sent
from amanat.network.sender_lists import ListsSilent, SenderLists
from amanat.network.tokens import Admission
from amanat.observing.logs import begin, note

SEND = "eth_sendRawTransaction"
METHODS = frozenset(
    {
        SEND,
        "eth_blockNumber",
        "eth_call",
        "eth_chainId",
        "eth_estimateGas",
        "eth_getBalance",
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getCode",
        "eth_getTransactionByHash",
        "eth_getTransactionCount",
        "eth_getTransactionReceipt",
        "eth_maxPriorityFeePerGas",
        "net_peerCount",
        "web3_clientVersion",
    }
)
"""What the application asks of a node; a test compares it with the code."""
BODY_BYTES_MAX = 4 << 20
CALLS_MAX = 1_000
"""As the nodes' own `batch-request-limit` (`amanat.network.founding.chain_config`)."""
_BODY_WITHIN_S = 20.0
_ANSWER_WITHIN_S = 30.0
_PARSE_ERROR, _INVALID, _NO_METHOD, _BAD_PARAMS, _REJECTED = -32700, -32600, -32601, -32602, -32003
_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_ID_LENGTH_MAX = 100
_TOLD_EVERY_S = 1.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = dict[str, Any]

log = logging.getLogger("amanat.network.gate")  # also where this module is the program


class GateInTheClear(Refusal):
    """A gate that other machines reach has a certificate: no token crosses a network readably."""

    template: ClassVar[str] = "The gate on {host} needs a certificate and its key."


class _Stop(Exception):
    """The whole request is answered with this status; `told` is for the one who asked."""

    def __init__(self, status: int, code: str, told: str, number: int = _INVALID) -> None:
        super().__init__(code)
        self.status, self.code, self.told, self.number = status, code, told, number
        self.read = status not in (401, 404, 405)


class Gate:
    """The ASGI application."""

    def __init__(self, settings: GateSettings, admission: Admission) -> None:
        self._settings = settings
        self._admission = admission
        self._told = _Told()
        # Of what a caller sent only the checked calls reach the node, never a header.
        self._node = NodeConnections(settings.node, _ANSWER_WITHIN_S)
        self._lists = SenderLists(self._ask_node)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        institution = None
        try:
            institution = self._institution(scope)
            status, content = 200, await self._answer(scope, receive, institution)
        except _Stop as stop:
            if not stop.read:
                await _drain(receive)
            self._told.refused(stop.code, institution)
            error = {"code": stop.number, "message": stop.told}
            status = stop.status
            content = _text({"jsonrpc": "2.0", "id": None, "error": error})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if status >= 400:
            headers.append((b"connection", b"close"))  # perhaps with a body that nobody reads
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._node.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _institution(self, scope: Scope) -> str:
        """Whose token the request bears, before anything else of it is read."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        found = self._admission.institution(token) if scheme.lower() == b"bearer" else None
        if found is None:
            raise _Stop(401, "not_admitted", "this node answers those whose token it knows")
        return found

    async def _answer(self, scope: Scope, receive: Receive, institution: str) -> bytes:
        path, method = scope["path"], scope["method"]
        if path == STATUS_PATH and method == "GET":
            return _text(await self._status())
        if path != self._settings.path:
            raise _Stop(404, "no_such_path", "the gate serves the ledger's chain alone")
        if method != "POST":
            raise _Stop(405, "not_post", "JSON-RPC comes by POST")
        body = await _body(scope, receive)
        return await self._rpc(_parsed(body), institution)

    async def _rpc(self, asked: Any, institution: str) -> bytes:
        """Check each call; forward those that may pass and put the refusals beside the answers."""
        calls = asked if isinstance(asked, list) else [asked]
        if not 1 <= len(calls) <= CALLS_MAX:
            raise _Stop(400, "batch_length", f"a batch has 1 to {CALLS_MAX} calls")
        checked = [_checked(one, self._settings.chain_id) for one in calls]
        try:
            judged = await self._judged(checked)
        except ListsSilent:
            raise _Stop(503, "lists_silent", "the node does not tell its lists") from None
        passing = [one.call for one in judged if one.refusal is None]
        refused = [one.refusal for one in judged if one.refusal is not None]
        for one in refused:
            self._told.refused(one.code, institution)
        if not isinstance(asked, list):
            return await self._forward(passing[0]) if passing else _text(refused[0].answer)
        if not passing:
            return _text([one.answer for one in refused])
        answered = await self._forward(passing)
        if not refused:
            return answered
        answers = json.loads(answered)
        if not isinstance(answers, list):  # the node refuses the batch as a whole
            return answered
        return _text([*answers, *(one.answer for one in refused)])

    async def _judged(self, checked: Sequence[_Checked]) -> list[_Checked]:
        """Refuse the transactions whose sender is not on the chain's lists."""
        sent = [one.sent for one in checked if one.sent is not None]
        if not sent:
            return list(checked)
        senders, deployers = await self._lists.of(sent)
        return [_listed(one, senders, deployers) for one in checked]

    async def _forward(self, calls: Any) -> bytes:
        return await self._post(self._settings.path, _text(calls))

    async def _ask_node(self, calls: Sequence[Answer]) -> Any:
        return json.loads(await self._forward(calls))

    async def _post(self, path: str, content: bytes) -> bytes:
        try:
            answer = await self._node.post(path, content)
        except NodeLate:
            raise _Stop(504, "node_late", "the node does not answer in time") from None
        except NodeSilent:
            raise _Stop(503, "node_silent", "the node does not answer") from None
        if answer.status != 200:
            raise _Stop(502, "node_refuses", f"the node answers with {answer.status}")
        return answer.body

    async def _status(self) -> dict[str, Any]:
        """Health, version and peers' node ids as the node tells them; raises as `_post`."""
        version, peers, healthy = await asyncio.gather(
            self._info("info.getNodeVersion"), self._info("info.peers"), self._healthy()
        )
        return {
            "version": str(version.get("version", "")),
            "peers": [str(one["nodeID"]) for one in peers.get("peers") or []],
            "healthy": healthy,
        }

    async def _info(self, method: str) -> Mapping[str, Any]:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
        found = json.loads(await self._post("/ext/info", _text(asked))).get("result")
        return found if isinstance(found, dict) else {}

    async def _healthy(self) -> bool:
        try:
            return bool(json.loads((await self._node.get("/ext/health")).body).get("healthy"))
        except (NodeSilent, NodeLate, ValueError):
            return False


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why one call is not let through: a word for the log, and the answer to it."""

    code: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Checked:
    """One call with nothing in it but what JSON-RPC knows; `sent` where it sends a transaction."""

    call: Answer
    sent: Sent | None = None
    refusal: _Refused | None = None

    def refuse(self, number: int, code: str, told: str) -> _Checked:
        """The same call, refused."""
        error = {"code": number, "message": told}
        answer = {"jsonrpc": "2.0", "id": self.call.get("id"), "error": error}
        return _Checked(self.call, self.sent, _Refused(code, answer))


def _listed(one: _Checked, senders: set[str], deployers: set[str]) -> _Checked:
    """Refuse a transaction whose sender may not send it."""
    if one.sent is None or one.sent.sender in senders:
        if one.sent is None or not one.sent.creates or one.sent.sender in deployers:
            return one
        told = f"{one.sent.sender} may not create contracts: the chain's list lacks it"
        return one.refuse(_REJECTED, "deployer_not_listed", told)
    told = f"cannot issue transaction from non-allow listed address: {one.sent.sender}"
    return one.refuse(_REJECTED, "sender_not_listed", told)


def _checked(one: Any, chain_id: int) -> _Checked:
    """One call of a request.

    It is made anew from the four members that JSON-RPC 2.0 knows: a node reads members whatever
    their letter case, so that a second `METHOD` would count for it.
    """
    if not isinstance(one, dict) or not _is_id(one.get("id")):
        return _Checked({}).refuse(_INVALID, "no_call", "a call is an object with an id")
    method, params = one.get("method"), one.get("params", [])
    call = {"jsonrpc": "2.0", "id": one["id"], "method": method, "params": params}
    if not isinstance(method, str) or not isinstance(params, list):
        return _Checked(call).refuse(
            _INVALID, "no_call", "a call has a method and a list of params"
        )
    if method not in METHODS:
        named = method if _METHOD.match(method) else "this method"
        return _Checked(call).refuse(_NO_METHOD, "method_closed", f"{named} is not let through")
    if method != SEND:
        return _Checked(call)
    if len(params) != 1:
        return _Checked(call).refuse(
            _BAD_PARAMS, "transaction_unreadable", "one transaction a call"
        )
    try:
        return _Checked(call, read_sent(params[0], chain_id))
    except TransactionUnreadable as error:
        return _Checked(call).refuse(_BAD_PARAMS, "transaction_unreadable", str(error))


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _ID_LENGTH_MAX
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


async def _body(scope: Scope, receive: Receive) -> bytes:
    """The body, never more of it than a request may have."""
    too_large = _Stop(413, "body_too_large", f"a request has at most {BODY_BYTES_MAX} bytes")
    for name, value in scope["headers"]:
        if name == b"content-encoding":
            raise _Stop(415, "body_encoded", "a body comes as it is")
        if name == b"content-length" and int(value) > BODY_BYTES_MAX:
            raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise _Stop(400, "gone", "the connection ended")
                part = event.get("body", b"")
                size += len(part)
                if size > BODY_BYTES_MAX:
                    raise too_large
                parts.append(part)
                if not event.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise _Stop(408, "body_late", "the body did not come in time") from None


async def _drain(receive: Receive) -> None:
    """Take and forget a body that is not wanted, so that who sent it hears the answer to it."""
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_BODY_WITHIN_S):
            while size <= BODY_BYTES_MAX:
                event = await receive()
                size += len(event.get("body", b""))
                if not event.get("more_body", False):
                    return


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _Stop(400, "no_json", "the body is not JSON", _PARSE_ERROR) from None


def _text(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


class _Told:
    """Tells of refusals in the log, of each kind at most once a second: strangers fill no disk."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str | None], float] = {}
        self._untold: dict[tuple[str, str | None], int] = {}

    def refused(self, code: str, institution: str | None) -> None:
        """Count a refusal, and tell of it and those before it if it is time."""
        kind = (code, institution)
        self._untold[kind] = self._untold.get(kind, 0) + 1
        now = time.monotonic()
        if now - self._last.get(kind, -_TOLD_EVERY_S) >= _TOLD_EVERY_S:
            self._last[kind] = now
            entries = self._untold.pop(kind)
            note(
                log, logging.WARNING, "refused", code=code, institution=institution, entries=entries
            )


def stand(folder: Path) -> None:
    """Keep the gate of the node in a folder until SIGTERM or SIGINT.

    Refuses `GateUnreadable`, `GateInTheClear`.
    """
    settings = GateSettings.of(folder)
    closed = settings.certificate is not None and settings.certificate_key is not None
    if not settings.host.startswith("127.") and settings.host != "::1" and not closed:
        raise GateInTheClear(host=settings.host)
    begin()
    note(log, logging.INFO, "the gate opens", institution=settings.institution, port=settings.port)
    uvicorn.run(
        Gate(settings, Admission(folder)),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
        server_header=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_keep_alive=75,  # longer than clients keep theirs, so that none is cut as it asks
        timeout_graceful_shutdown=5,
        limit_concurrency=1_000,
    )


def main() -> None:
    """Keep the gate of the folder that the command line names."""
    import sys

    try:
        stand(Path(sys.argv[1]))
    except AmanatError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
