"""Several nodes, nodes that fail, fees, keys that are elsewhere, and alarms."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from amanat.ledger import tables
from amanat.ledger.dispatching import DispatchTimes
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.orders import OrderRequest
from amanat.ledger.refusals import ContractRefusal
from amanat.ledger.rpc import CallReverted, NodeUnavailable, RpcClient, RpcFault, WrongChain
from amanat.ledger.signers import KeySigner, Signers
from amanat.ledger.things import Things

from .conftest import ALICE, CHAIN_ID, PROGRAMME, MakeWorld, World


class Forwarder:
    """A second way to a node, which can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while block := source.recv(65_536):
                sink.sendall(block)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()

    def cut(self) -> None:
        """Refuse new connections and break those that are open."""
        # shutdown wakes the thread that waits in accept; close alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def ways(node: EmbeddedNode) -> Iterator[list[Forwarder]]:
    """Two ways to one node."""
    made = [Forwarder(int(node.url.rsplit(":", 1)[1])) for _ in range(2)]
    yield made
    for one in made:
        with contextlib.suppress(OSError):
            one.cut()


def test_reads_and_writes_go_on_at_the_second_node(
    make_world: MakeWorld, ways: list[Forwarder]
) -> None:
    world = make_world([one.url for one in ways])
    world.create_token()
    with world.work() as uow:
        ids = uow.orders.request_many(
            [
                OrderRequest("mint", PROGRAMME, "Token", "mint", [ALICE, 1], gas=100_000)
                for _ in range(120)
            ]
        )
        uow.commit()
    world.ledger.dispatcher.times = DispatchTimes(in_flight_max=50)
    world.ledger.dispatcher.step()
    ways[0].cut()
    world.ledger.pump()
    assert {world.look(one).state for one in ids} == {"done"}
    health = world.ledger.rpc.health()
    assert [one.height is not None for one in health] == [False, True]
    assert health[0].error


def test_without_any_node_orders_stay_and_go_on_later(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls)
    world.create_token()
    node.stop()
    order_id = world.order("mint", ALICE, 5)
    with pytest.raises(NodeUnavailable):
        world.ledger.dispatcher.step()
    node.start()
    world.ledger.rpc.forget_rests()
    world.ledger.pump()
    assert world.look(order_id).state == "done"


def test_a_node_of_another_chain_is_never_used(node: EmbeddedNode) -> None:
    client = RpcClient(node.urls, chain_id=1)
    with pytest.raises(WrongChain):
        client.block_number()
    assert RpcClient(node.urls, chain_id=CHAIN_ID).block_number() >= 1


def test_faults_are_typed(world: World) -> None:
    rpc = world.ledger.rpc
    with pytest.raises(RpcFault) as refused:
        rpc.call("eth_noSuchMethod")
    assert refused.value.number == -32601
    token = world.create_token()
    call_bytes = world.ledger.gateway(PROGRAMME).encode("Token", "burn", ALICE, 1)
    answers = rpc.batch(
        [
            ("eth_call", ({"to": token, "data": "0x" + call_bytes.hex()}, "latest")),
            ("eth_chainId", ()),
        ]
    )
    assert isinstance(answers[0], CallReverted)
    assert answers[1] == hex(CHAIN_ID)
    with pytest.raises(ContractRefusal) as declared:
        world.ledger.gateway(PROGRAMME).call("Token", "burn", ALICE, 1)
    assert declared.value.name == "ERC20InsufficientBalance"
    assert declared.value.arguments["needed"] == 1


def test_a_stuck_order_gets_a_further_attempt_with_the_same_nonce_and_call(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls, times=DispatchTimes(look_again_s=0.05, replace_after_s=0.05))
    world.create_token()
    rpc = world.ledger.rpc
    rpc.call("evm_setAutomine", False)
    order_id = world.order("mint", ALICE, 5, gas=100_000)
    limit = time.monotonic() + 10
    attempts = world.rows(tables.attempt, tables.attempt.c.order_id == order_id)
    while len(attempts) < 2 and time.monotonic() < limit:
        world.ledger.dispatcher.step()
        time.sleep(0.02)
        attempts = world.rows(tables.attempt, tables.attempt.c.order_id == order_id)
    world.ledger.dispatcher.times = DispatchTimes()
    world.ledger.dispatcher.step()
    rpc.call("evm_setAutomine", True)
    rpc.call("evm_mine")
    world.ledger.pump()
    attempts = world.rows(tables.attempt, tables.attempt.c.order_id == order_id)
    assert len(attempts) >= 2
    assert len({row.nonce for row in attempts}) == 1
    assert int(attempts[-1].max_fee) > int(attempts[0].max_fee)
    order = world.look(order_id)
    assert (order.state, order.tx_hash) == ("done", attempts[-1].tx_hash)
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 5
    assert world.ledger.check() == []


def test_an_order_that_does_not_complete_raises_one_alarm_which_its_end_settles(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls, times=DispatchTimes(look_again_s=0.0, overdue_after_s=0.0))
    world.create_token()
    world.ledger.rpc.call("evm_setAutomine", False)
    order_id = world.order("mint", ALICE, 5, gas=100_000)
    for _ in range(3):
        world.ledger.dispatcher.step()
        time.sleep(0.01)
    alarms = world.rows(tables.alarm, tables.alarm.c.subject == order_id)
    assert [(row.kind, row.settled_at) for row in alarms] == [("order_overdue", None)]
    world.ledger.dispatcher.times = DispatchTimes()
    world.ledger.rpc.call("evm_setAutomine", True)
    world.ledger.rpc.call("evm_mine")
    world.ledger.pump()
    alarms = world.rows(tables.alarm, tables.alarm.c.subject == order_id)
    assert [row.settled_at is not None for row in alarms] == [True]


def test_an_order_whose_key_is_elsewhere_waits_with_an_alarm(
    make_world: MakeWorld, node: EmbeddedNode, operator: KeySigner
) -> None:
    signers = Signers({"operator": operator})
    world = make_world(node.urls, signers=signers)
    world.create_token()
    order_id = world.order("mint", ALICE, 5, sender="second", gas=100_000)
    world.ledger.dispatcher.step()
    assert world.look(order_id).state == "requested"
    assert [row.kind for row in world.rows(tables.alarm)] == ["key_not_held"]
    key = KeySigner.generate()
    signers.add("second", key)
    world.ledger.rpc.call("anvil_setBalance", key.address, hex(10**20))
    world.ledger.pump()
    order = world.look(order_id)
    assert (order.state, order.sender_address, order.nonce) == ("done", key.address, 0)


def test_one_signers_full_queue_does_not_hold_up_another(
    make_world: MakeWorld, node: EmbeddedNode, operator: KeySigner, wallet: KeySigner
) -> None:
    times = DispatchTimes(in_flight_max=20)
    world = make_world(
        node.urls, times=times, signers=Signers({"operator": operator, "second": wallet})
    )
    world.create_token()
    world.ledger.rpc.call("evm_setAutomine", False)
    receives = Things(brings=[f"account:{ALICE}"])
    many = [world.order("mint", ALICE, 1, gas=100_000, things=receives) for _ in range(30)]
    other = world.order("mint", ALICE, 1, sender="second", gas=100_000, things=receives)
    for _ in range(3):
        world.ledger.dispatcher.step()
    states = [world.look(one).state for one in many]
    assert states == ["sent"] * 20 + ["requested"] * 10
    assert world.look(other).state == "sent"
    world.ledger.rpc.call("evm_setAutomine", True)
    world.ledger.rpc.call("evm_mine")
    world.ledger.pump()
    assert {world.look(one).state for one in [*many, other]} == {"done"}
