"""Several nodes that do not say the same: who is believed, who is told of, when all stops."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from amanat.ledger import tables
from amanat.ledger.agreement import Agreement, compare_nodes
from amanat.ledger.checked_node import NodeBehindIndex
from amanat.ledger.follower import BlockNotServed
from amanat.ledger.indexer import IndexerStopped
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import RpcClient, without_secrets
from amanat.ledger.service import LedgerNotSettled
from amanat.ledger.wire import keccak
from amanat.settings import SettingInvalid, Settings

from .conftest import ALICE, CHAIN_ID, PROGRAMME, MakeWorld


class Mirror:
    """A way to a node that can lag behind it, show other blocks from a height on, or be cut off."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.cut_off_at: int | None = None
        self.makes_blocks_alone = False
        self._kept: set[str] = set()
        self.height_max: int | None = None
        self.withholds = False
        self.lies_from: int | None = None
        mirror = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                single = isinstance(asked, dict)
                answers = [mirror.answer(one) for one in ([asked] if single else asked)]
                content = json.dumps(answers[0] if single else answers).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What this way says to one call."""
        if self.cut_off_at is not None and (kept := self._alone(asked)) is not None:
            return {"jsonrpc": "2.0", "id": asked["id"], **kept}
        if asked["method"] == "eth_getBlockByNumber":
            asked = self._lagging(asked)
            if asked["params"][0] is None:
                return {"jsonrpc": "2.0", "id": asked["id"], **self._untold()}
        answer: dict[str, Any] = httpx.post(self._target, json=asked).json()
        if asked["method"] == "eth_getBlockByNumber" and answer.get("result"):
            self._lie(answer["result"])
        return answer

    def _alone(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """As a node that reaches no other: it takes what it is sent, and no block ever has it.

        Where it makes blocks of it that nobody votes for, it says of what is in them that it knows
        no such transaction, and that its number is spent (seen with Subnet-EVM 0.7.9).
        """
        first: Any = asked["params"][0] if asked["params"] else None
        if asked["method"] == "eth_sendRawTransaction":
            name = "0x" + keccak(bytes.fromhex(first[2:])).hex()
            if name in self._kept and self.makes_blocks_alone:
                spent = {"code": -32000, "message": "nonce too low: next nonce 1, tx nonce 0"}
                return {"error": spent}
            self._kept.add(name)
            return {"result": name}
        if asked["method"] == "eth_getTransactionByHash" and first in self._kept:
            found = {"hash": first, "blockNumber": None}
            return {"result": None if self.makes_blocks_alone else found}
        return (
            {"result": hex(self.cut_off_at or 0)} if asked["method"] == "eth_blockNumber" else None
        )

    def _lagging(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.height_max is None:
            return asked
        which, full = asked["params"]
        if which == "latest":
            which = hex(self.height_max)
        elif int(which, 16) > self.height_max:
            which = None
        return {**asked, "params": [which, full]}

    def _untold(self) -> dict[str, Any]:
        """What it says of a height above its own.

        Subnet-EVM 0.7.9 does not say None where it has the block and waits for the others' votes.
        """
        fault = {"code": -32000, "message": "cannot query unfinalized data"}
        return {"error": fault} if self.withholds else {"result": None}

    def _lie(self, block: dict[str, Any]) -> None:
        if self.lies_from is None:
            return
        number = int(block["number"], 16)
        if number >= self.lies_from:
            block["hash"] = _another(block["hash"])
        if number > self.lies_from:
            block["parentHash"] = _another(block["parentHash"])

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _another(block_hash: str) -> str:
    return f"0x{15 - int(block_hash[2], 16):x}{block_hash[3:]}"


@pytest.fixture
def mirrors(node: EmbeddedNode) -> Iterator[list[Mirror]]:
    """Three ways to one node."""
    with ExitStack() as stack:
        made = [Mirror(node.url) for _ in range(3)]
        for one in made:
            stack.callback(one.close)
        yield made


def urls(mirrors: list[Mirror]) -> list[str]:
    return [one.url for one in mirrors]


def open_alarms(world: Any) -> list[tuple[str, str]]:
    return [
        (row.kind, row.subject)
        for row in world.rows(tables.alarm, tables.alarm.c.settled_at.is_(None))
    ]


@pytest.mark.parametrize("liar", [0, 1, 2])
def test_one_node_of_three_that_lies_is_told_of_and_not_believed(
    make_world: MakeWorld, mirrors: list[Mirror], liar: int
) -> None:
    world = make_world(urls(mirrors), forgets=False)
    world.create_token()
    mirrors[liar].lies_from = world.ledger.indexer.height() + 1
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    assert open_alarms(world) == [("nodes_disagree", f"node:{CHAIN_ID}:{mirrors[liar].url}")]
    honest = compare_nodes(RpcClient([mirrors[liar - 1].url]), world.ledger.indexer.height())
    assert world.rows(tables.cursor)[0].block_hash == honest.majority
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 5
    # It agrees again: the alarm is settled.
    mirrors[liar].lies_from = None
    world.ledger.rpc.forget_rests()
    world.order("mint", ALICE, 1)
    world.ledger.pump()
    assert open_alarms(world) == []


def test_two_nodes_that_contradict_each_other_stop_the_indexer(
    make_world: MakeWorld, mirrors: list[Mirror]
) -> None:
    world = make_world(urls(mirrors[:2]), forgets=False)
    world.create_token()
    height = world.ledger.indexer.height()
    mirrors[1].lies_from = height + 1
    order = world.order("mint", ALICE, 5)
    with pytest.raises(IndexerStopped, match="divided"):
        world.ledger.pump()
    assert world.ledger.indexer.height() == height
    assert world.look(order).state == "sent"
    (alarm,) = world.rows(tables.alarm)
    assert alarm.kind == "nodes_disagree"
    assert all(one.url in alarm.detail for one in mirrors[:2])
    with pytest.raises(NodeBehindIndex, match="stopped"):
        world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE)
    # A person has looked and mended the node.
    mirrors[1].lies_from = None
    world.ledger.indexer.resume()
    world.ledger.pump()
    assert world.look(order).state == "done"


def test_a_node_that_lost_a_final_block_is_no_reorganisation_while_others_have_it(
    make_world: MakeWorld, mirrors: list[Mirror]
) -> None:
    world = make_world(urls(mirrors), forgets=False)
    world.create_token()
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    mirrors[0].lies_from = world.ledger.indexer.height()
    world.ledger.indexer.step()
    assert open_alarms(world) == [("nodes_disagree", f"node:{CHAIN_ID}:{mirrors[0].url}")]
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 10


def test_a_final_block_that_all_nodes_replaced_stops_the_indexer(
    make_world: MakeWorld, mirrors: list[Mirror]
) -> None:
    world = make_world(urls(mirrors), forgets=False)
    world.create_token()
    for one in mirrors:
        one.lies_from = world.ledger.indexer.height()
    with pytest.raises(IndexerStopped, match="below its finality"):
        world.ledger.indexer.step()
    assert open_alarms(world) == [("reorganisation", f"chain:{CHAIN_ID}")]


@pytest.mark.parametrize("withholds", [False, True])
def test_a_node_that_stands_still_is_passed_over(
    make_world: MakeWorld, mirrors: list[Mirror], withholds: bool
) -> None:
    mirrors[0].withholds = withholds
    world = make_world(urls(mirrors), forgets=False)
    world.create_token()
    mirrors[0].height_max = world.ledger.indexer.height()
    world.order("mint", ALICE, 5)
    world.ledger.pump()  # by itself it notices that the first one stands still
    world.ledger.rpc.forget_rests()
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 5
    world.ledger.rpc.forget_rests()
    with pytest.raises(BlockNotServed):
        world.ledger.indexer.step()
    world.ledger.indexer.step()  # the second one is asked
    assert open_alarms(world) == []


@pytest.mark.parametrize("makes_blocks", [False, True])
def test_what_a_node_that_is_cut_off_keeps_to_itself_is_given_to_the_others(
    make_world: MakeWorld, mirrors: list[Mirror], makes_blocks: bool
) -> None:
    mirrors[0].makes_blocks_alone = makes_blocks
    world = make_world(urls(mirrors), forgets=False)
    world.create_token()
    height = world.ledger.indexer.height()
    mirrors[0].height_max = mirrors[0].cut_off_at = height
    world.order("mint", ALICE, 5)
    world.ledger.rpc.forget_rests()  # the first one is asked first
    world.ledger.pump()
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 5
    assert open_alarms(world) == []


def test_nothing_takes_effect_before_enough_nodes_have_it(
    make_world: MakeWorld, mirrors: list[Mirror]
) -> None:
    world = make_world(urls(mirrors), forgets=False, agree_min=2)
    world.create_token()
    height = world.ledger.indexer.height()
    for one in mirrors[1:]:
        one.height_max = height
    order = world.order("mint", ALICE, 5)
    world.ledger.dispatcher.step()
    with pytest.raises(LedgerNotSettled, match="2 nodes must have the same block"):
        world.ledger.pump(timeout_s=0.5)
    assert world.look(order).state == "sent"
    mirrors[1].height_max = None
    world.ledger.pump()
    assert world.look(order).state == "done"


def test_who_has_a_majority() -> None:
    assert Agreement(7, {"a": "0x1", "b": "0x1", "c": "0x2"}, {}).majority == "0x1"
    assert Agreement(7, {"a": "0x1", "b": "0x1", "c": "0x2"}, {}).dissenters() == {"c": "0x2"}
    assert Agreement(7, {"a": "0x1", "b": "0x2"}, {"c": "lags"}).majority is None
    assert Agreement(7, {}, {"a": "lags"}).majority is None


def test_a_url_is_told_without_what_it_keeps_secret() -> None:
    told = without_secrets("https://user:word@node.example:9650/ext/bc/x/rpc?token=1")
    assert told == "https://node.example:9650/ext/bc/x/rpc"


def test_how_many_must_agree_is_a_setting_within_the_list() -> None:
    nodes = "http://127.0.0.1:1,http://127.0.0.1:2"
    assert Settings.from_environment({"AMANAT_NODES": nodes}).nodes_agree == 1
    asked = {"AMANAT_NODES": nodes, "AMANAT_NODES_AGREE": "2"}
    assert Settings.from_environment(asked).nodes_agree == 2
    for wrong in ("0", "3", "two", "۲"):
        with pytest.raises(SettingInvalid, match="AMANAT_NODES_AGREE"):
            Settings.from_environment({**asked, "AMANAT_NODES_AGREE": wrong})
