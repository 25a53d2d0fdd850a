"""Compares what is written three times: in the contracts, in the index, and in the journal.

Every difference is reported; nothing is repaired.  The index must equal, for each token and each
account, what the contract answers at the index's height and what the journal's entries come to;
and every event must have exactly one journal entry, every completed order its transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.ledger import tables
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.follower import Follower
from amanat.ledger.reconciliation import UNKNOWN_ORDER
from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.ledger.typed_data import CONTRACT_NUMBERS
from amanat.ledger.units import bare, with_units
from amanat.ledger.wire import ZERO_ADDRESS, keccak
from amanat.store.uow import Store

Progress = Callable[[str, int, int], None]

_BALANCE_OF = keccak(b"balanceOf(address)")[:4].hex()
_TOTAL_SUPPLY = keccak(b"totalSupply()")[:4].hex()
_CONTRACT_AT = keccak(b"contract_at(uint256)")[:4].hex()
_SENDER_LIST = keccak(b"sender_list()")[:4].hex()
_MAY_SEND = keccak(b"may_send(address)")[:4].hex()
_READ_ALLOW_LIST = keccak(b"readAllowList(address)")[:4].hex()
_PART = 2_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Two records of one fact that disagree; `thing` says of what, the others what each holds."""

    law: str
    thing: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.law}: {self.thing}: expected {self.expected}, found {self.found}"


def check_ledger(
    store: Store,
    rpc: RpcClient,
    artifacts: Artifacts,
    *,
    chain_id: int,
    progress: Progress | None = None,
) -> list[Difference]:
    """Every difference between contracts, index and journal; empty where all is well.

    `progress` is called with (what, done, of how many).  Raises `NodeUnavailable`.
    """
    told = progress or (lambda _what, _done, _all: None)
    with store.reading() as connection:
        cursor = connection.execute(
            sql.select(tables.cursor).where(tables.cursor.c.chain_id == chain_id)
        ).one_or_none()
        if cursor is None:
            return []
        check = _Check(connection, rpc, artifacts, chain_id, cursor, told)
        found: list[Difference] = []
        for law in _LAWS:
            found.extend(law(check))
        return found


@dataclass(frozen=True, slots=True)
class _Check:
    connection: Connection
    rpc: RpcClient
    artifacts: Artifacts
    chain_id: int
    cursor: Any
    progress: Progress


def _anchored(check: _Check) -> Iterator[Difference]:
    """The node has the block that was indexed last."""
    known = Follower(check.rpc, "latest").hashes([check.cursor.block_number])
    found = known[check.cursor.block_number]
    if found != check.cursor.block_hash:
        yield Difference(
            "anchored",
            f"block {check.cursor.block_number}",
            check.cursor.block_hash,
            str(found),
        )


def _contracts_hold_what_the_index_says(check: _Check) -> Iterator[Difference]:
    """`balanceOf` of every account and `totalSupply` of every token, at the index's height."""
    table = tables.holding
    rows = list(check.connection.execute(sql.select(table)))
    calls = []
    for row in rows:
        if row.account == ZERO_ADDRESS:
            content = {"to": row.token, "data": f"0x{_TOTAL_SUPPLY}"}
        else:
            word = row.account[2:].rjust(64, "0")
            content = {"to": row.token, "data": f"0x{_BALANCE_OF}{word}"}
        calls.append(("eth_call", (content, hex(check.cursor.block_number))))
    for start in range(0, len(calls), _PART):
        answers = check.rpc.batch(calls[start : start + _PART])
        for row, answer in zip(rows[start : start + _PART], answers, strict=True):
            units = -row.units if row.account == ZERO_ADDRESS else row.units
            refused = isinstance(answer, RpcFault) or answer == "0x"
            found = str(answer) if refused else str(int(answer, 16))
            if found != str(units):
                thing = f"token {row.token}, account {row.account}"
                yield Difference("contract = index", thing, str(units), found)
        check.progress("balances in contracts", min(start + _PART, len(calls)), len(calls))


def _directory_names_what_is_in_use(check: _Check) -> Iterator[Difference]:
    """Each programme's Directory names the contracts that the index has as in use.

    Nothing is asked of a programme whose founding is not through: its Directory names nobody yet.
    """
    table = tables.contract
    rows = check.connection.execute(
        sql.select(table).where(table.c.replaced.is_(False), table.c.label == "")
    ).all()
    places = {(row.programme, row.kind): row.address for row in rows}
    founded = set(
        check.connection.execute(
            sql.select(tables.event.c.programme).where(
                tables.event.c.contract == "Directory", tables.event.c.name == "Founded"
            )
        ).scalars()
    )
    wanted = [
        (programme, kind, number)
        for programme in sorted(founded)
        for kind, number in CONTRACT_NUMBERS.items()
    ]
    calls = [
        (places[programme, "Directory"], _CONTRACT_AT + f"{number:064x}")
        for programme, _, number in wanted
    ]
    for (programme, kind, _), answer in zip(wanted, _ask(check, calls), strict=True):
        expected, found = places.get((programme, kind)), f"0x{answer:040x}"
        if found != expected:
            yield Difference(
                "contract in use = Directory", f"{kind} of {programme}", str(expected), found
            )


def _chain_lists_agree(check: _Check) -> Iterator[Difference]:
    """Where the chain keeps a list of who may send, it names the accounts that `Eligibility` says.

    Of every account that was ever opened; an account of several programmes is named while one of
    them says so.
    """
    keeper = tables.contract.alias("keeper")
    opened = check.connection.execute(
        sql.select(keeper.c.address, tables.event.c.arguments)
        .join(keeper, keeper.c.programme == tables.event.c.programme)
        .where(keeper.c.kind == "Eligibility", keeper.c.label == "")
        .where(keeper.c.replaced.is_(False))
        .where(tables.event.c.contract == "Eligibility", tables.event.c.name == "AccountOpened")
        .order_by(tables.event.c.position)
    ).all()
    keepers = sorted({row.address for row in opened})
    lists = dict(zip(keepers, _ask(check, [(one, _SENDER_LIST) for one in keepers]), strict=True))
    accounts = [
        (row.address, json.loads(row.arguments)["account"]) for row in opened if lists[row.address]
    ]
    said = _ask(check, [(keeper, _MAY_SEND + _word(account)) for keeper, account in accounts])
    places = [f"0x{lists[keeper]:040x}" for keeper, _ in accounts]
    asked = [
        (place, _READ_ALLOW_LIST + _word(account))
        for place, (_, account) in zip(places, accounts, strict=True)
    ]
    named = _ask(check, asked)
    wanted: dict[str, int] = {}
    found: dict[str, int] = {}
    for (_, account), may_send, role in zip(accounts, said, named, strict=True):
        wanted[account] = max(wanted.get(account, 0), may_send)
        found[account] = min(role, 1)
    for account, may_send in wanted.items():
        if found[account] != may_send:
            yield Difference(
                "chain's list = Eligibility", account, str(may_send), str(found[account])
            )


def _word(account: str) -> str:
    return account[2:].rjust(64, "0")


def _ask(check: _Check, calls: Sequence[tuple[str, str]]) -> list[int]:
    """The first word that each contract answers at the index's height; -1 where it refuses."""
    at = hex(check.cursor.block_number)
    answers = check.rpc.batch(
        [("eth_call", ({"to": to, "data": f"0x{content}"}, at)) for to, content in calls]
    )
    return [-1 if isinstance(one, RpcFault) else int(one, 16) for one in answers]


def _index_sums_up(check: _Check) -> Iterator[Difference]:
    """Each balance is the sum of its changes, each change follows the one before, all sum to 0."""
    change = tables.balance_change
    sums = check.connection.execute(
        sql.select(
            change.c.token, change.c.account, sql.func.sum(change.c.change).label("units")
        ).group_by(change.c.token, change.c.account)
    )
    added = {(row.token, row.account): int(row.units) for row in sums}
    yield from _unlike_holdings(check, "holding = sum of changes", added)
    totals: dict[str, int] = {}
    for (token, _), units in added.items():
        totals[token] = totals.get(token, 0) + units
    for token, total in sorted(totals.items()):
        if total:
            yield Difference("accounts sum to zero", f"token {token}", "0", str(total))


def _journal_replays_to_the_index(check: _Check) -> Iterator[Difference]:
    """Each event has the one journal entry that says the same, and they replay to the holdings."""
    from amanat.store.tables import journal_entry

    event = tables.event
    count = int(
        check.connection.execute(sql.select(sql.func.count()).select_from(event)).scalar_one()
    )
    units: dict[tuple[str, str], int] = {}
    done = 0
    query = (
        sql.select(event, journal_entry.c.entry)
        .outerjoin(journal_entry, journal_entry.c.id == event.c.entry_id)
        .order_by(event.c.position)
    )
    expected_position = None
    for row in check.connection.execute(query):
        thing = f"event {row.position}"
        if expected_position is not None and row.position != expected_position:
            yield Difference("positions are dense", thing, str(expected_position), "a gap")
        expected_position = row.position + 1
        if row.entry is None:
            yield Difference("event has its entry", thing, row.entry_id, "no such entry")
            continue
        content = json.loads(row.entry)["content"]
        told = (content["address"], content["event"], content["transaction"])
        if told != (row.address, row.name, row.tx_hash):
            yield Difference(
                "entry = event", thing, f"{row.name} of {row.address}", f"{told[1]} of {told[0]}"
            )
        if content["arguments"] != with_units(row.contract, row.name, json.loads(row.arguments)):
            yield Difference("entry = event", thing, row.arguments, str(content["arguments"]))
        _replay(check.artifacts, units, content)
        done += 1
        if done % _PART == 0:
            check.progress("journal", done, count)
    check.progress("journal", done, count)
    yield from _unlike_holdings(check, "journal = index", units)


def _unlike_holdings(
    check: _Check, law: str, units: Mapping[tuple[str, str], int]
) -> Iterator[Difference]:
    """Where units by (token, account) are not those that the index holds."""
    held = {
        (row.token, row.account): row.units
        for row in check.connection.execute(sql.select(tables.holding))
    }
    for key in sorted(units.keys() | held.keys()):
        found, indexed = units.get(key, 0), held.get(key, 0)
        if found != indexed:
            thing = f"token {key[0]}, account {key[1]}"
            yield Difference(law, thing, str(found), str(indexed))


def _replay(
    artifacts: Artifacts, units: dict[tuple[str, str], int], content: dict[str, Any]
) -> None:
    if content["event"] != "Transfer" or len(content["arguments"]) != 3:
        return
    # ERC-20 fixes the order of the three and not their names, and canonical JSON sorts names.
    events = artifacts.get(content["contract"]).events.values()
    names = next(one.names for one in events if one.name == "Transfer")
    giver, taker, amount = (content["arguments"][name] for name in names)
    for account, change in ((giver, -bare(amount)), (taker, bare(amount))):
        key = (content["address"], account)
        units[key] = units.get(key, 0) + change


def _orders_are_on_the_chain(check: _Check) -> Iterator[Difference]:
    """A completed order that was sent has its transaction; no nonce is missing among the sent."""
    order, seen = tables.order, tables.chain_transaction
    query = (
        sql.select(order.c.id, order.c.state, order.c.tx_hash, seen.c.status)
        .outerjoin(seen, seen.c.tx_hash == order.c.tx_hash)
        .where(order.c.state.in_(("done", "refused")), order.c.nonce.is_not(None))
    )
    for row in check.connection.execute(query):
        expected = 1 if row.state == "done" else 0
        if row.status != expected:
            thing = f"order {row.id} ({row.state})"
            yield Difference("order = transaction", thing, f"status {expected}", str(row.status))
    counts = check.connection.execute(
        sql.select(
            order.c.sender_address,
            sql.func.count().label("given"),
            sql.func.min(order.c.nonce).label("first"),
            sql.func.max(order.c.nonce).label("last"),
        )
        .where(order.c.nonce.is_not(None))
        .group_by(order.c.sender_address)
    )
    for row in counts:
        lost = [n for n in _lost_nonces(check, row.sender_address) if row.first < n < row.last]
        if row.last - row.first + 1 != row.given + len(lost):
            yield Difference(
                "nonces are dense",
                row.sender_address,
                str(row.last - row.first + 1),
                str(row.given + len(lost)),
            )


def _lost_nonces(check: _Check, sender: str) -> set[int]:
    """Nonces whose orders were lost with what was written after a backup; an alarm names each."""
    table = tables.alarm
    rows = check.connection.execute(
        sql.select(table.c.subject).where(
            table.c.kind == UNKNOWN_ORDER, table.c.subject.like(f"{sender}:%")
        )
    )
    return {int(row.subject.partition(":")[2]) for row in rows}


def _blocks_hold_the_events(check: _Check) -> Iterator[Difference]:
    """Every indexed block is on the node with the hash under which it was indexed."""
    rows = list(check.connection.execute(sql.select(tables.block).order_by(tables.block.c.number)))
    follower = Follower(check.rpc, "latest")
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        hashes = follower.hashes([row.number for row in part])
        for row in part:
            if hashes[row.number] != row.hash:
                found = str(hashes[row.number])
                yield Difference("block = node", f"block {row.number}", row.hash, found)
        check.progress("blocks", start + len(part), len(rows))


_LAWS: tuple[Callable[[_Check], Iterator[Difference]], ...] = (
    _anchored,
    _blocks_hold_the_events,
    _contracts_hold_what_the_index_says,
    _index_sums_up,
    _journal_replays_to_the_index,
    _orders_are_on_the_chain,
    _directory_names_what_is_in_use,
    _chain_lists_agree,
)
