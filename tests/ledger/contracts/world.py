"""A founded programme for tests and benches: institutions, participants, and who signs what.

`World` speaks to any chain that can deploy code and send calls: `BoaChain` (py-evm in this
process, for tests) or a node (`bench/gas.py`).  Everything runs from the packaged artifacts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import boa
from coincurve import PrivateKey
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from amanat.ledger import compile as compiler
from amanat.ledger import refusals
from amanat.ledger import typed_data as td
from amanat.ledger.compile import CONTRACTS, artifact

# The mutation tests run the other tests against contracts in which one check is missing.
if "AMANAT_TEST_ARTIFACTS" in os.environ:
    compiler.ARTIFACTS = Path(os.environ["AMANAT_TEST_ARTIFACTS"])

MINISTRY, CENTRAL_BANK, SECP, PVARA, DEPOSITORY = 1, 2, 3, 4, 5
BANKS, FUNDS, VASPS, GOVERNMENT = 1, 2, 3, 4
BILL, BOND = 1, 2
PAKISTAN = 586
DAY_ONE = 18_690  # 4 March 2021
MATURITY = 19_589  # 20 August 2023
NOBODY = "0x" + "0" * 40
RATE = 157_250_000  # PKR 157.25 for a dollar
C = td.Capacity
CAPACITIES = {
    MINISTRY: (C.ISSUER, C.ORDER_MAKER, C.GUARDIAN),
    CENTRAL_BANK: (
        C.CASH_ISSUER, C.AUCTIONEER, C.PAYING_AGENT, C.DAY_KEEPER, C.ORDER_MAKER, C.GUARDIAN,
    ),
    SECP: (C.ORDER_MAKER,),
    PVARA: (),
    DEPOSITORY: (C.REGISTRAR, C.DAY_KEEPER),
}  # fmt: skip


def key_of(name: str) -> PrivateKey:
    """The key of a role, the same in every run."""
    return PrivateKey(keccak(b"amanat test key " + name.encode()))


def address_of(key: PrivateKey) -> str:
    """The key's address, as 0x and 40 lower-case hexadecimal digits."""
    return "0x" + td.address_of(key.public_key).hex()


def word(text: str) -> bytes:
    """Up to 32 characters as a bytes32, left-aligned."""
    return text.encode().ljust(32, b"\0")


@dataclass(frozen=True)
class Outcome:
    """What a call did: `output` or the revert data, gas, and logs as (address, topics, data)."""

    success: bool
    output: bytes
    gas: int
    logs: list[tuple[str, list[bytes], bytes]]


class Chain(Protocol):
    """Where contracts run."""

    chain_id: int

    def deploy(self, code: bytes) -> str:
        """Deploy by a plain transaction of the operator; the new address."""

    def send(self, to: str, data: bytes, key: PrivateKey | None, gas: int | None) -> Outcome:
        """A transaction of `key`, or of the operator."""

    def view(self, to: str, data: bytes) -> Outcome:
        """A call that changes nothing."""

    def now(self) -> int:
        """Block time of the latest block."""


class BoaChain:
    """py-evm through titanoboa, with its own block time."""

    def __init__(self) -> None:
        self.env = boa.Env()
        self.operator = self.env.eoa
        self.env.timestamp = 1_760_000_000
        self.chain_id = int(self.env.evm.vm.state.execution_context.chain_id)

    def deploy(self, code: bytes) -> str:
        address, _ = self.env.deploy_code(bytecode=code, sender=self.operator)
        return str(address).lower()

    def send(self, to: str, data: bytes, key: PrivateKey | None, gas: int | None) -> Outcome:
        sender = self.operator if key is None else to_checksum_address(address_of(key))
        computation = self.env.execute_code(
            to_address=to_checksum_address(to), sender=sender, data=data, gas=gas
        )
        logs = [
            ("0x" + address.hex(), [topic.to_bytes(32, "big") for topic in topics], bytes(body))
            for address, topics, body in computation.get_log_entries()
        ]
        used = computation.get_gas_used()
        return Outcome(not computation.is_error, bytes(computation.output), used, logs)

    def view(self, to: str, data: bytes) -> Outcome:
        computation = self.env.execute_code(
            to_address=to_checksum_address(to), data=data, simulate=True
        )
        return Outcome(not computation.is_error, bytes(computation.output), 0, [])

    def now(self) -> int:
        return int(self.env.timestamp)

    def wait(self, seconds: int) -> None:
        """Let block time pass."""
        self.env.time_travel(seconds=seconds)


def _kind(entry: dict[str, Any]) -> str:
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    return f"({','.join(map(_kind, entry['components']))}){entry['type'][5:]}"


class Contract:
    """One contract on a chain: `contract.call("name", ...)` sends, `contract.ask(...)` reads."""

    def __init__(self, chain: Chain, name: str, address: str) -> None:
        self.chain, self.name, self.address = chain, name, address
        self.raw = bytes.fromhex(address[2:])
        abi = artifact(name)["abi"]
        self._functions = {e["name"]: e for e in abi if e["type"] == "function"}
        self._events = {
            keccak(f"{e['name']}({','.join(map(_kind, e['inputs']))})".encode()): e
            for e in abi
            if e["type"] == "event"
        }
        self.domain = td.Domain(chain.chain_id, address)

    def data(self, function: str, *arguments: Any) -> bytes:
        """Calldata of a call."""
        kinds = [_kind(one) for one in self._functions[function]["inputs"]]
        selector = keccak(f"{function}({','.join(kinds)})".encode())[:4]
        return selector + encode(kinds, arguments)

    def call(
        self, function: str, *arguments: Any, key: PrivateKey | None = None, gas: int | None = None
    ) -> Outcome:
        """Send; raises the `ContractRefusal` when the contract refuses."""
        outcome = self.chain.send(self.address, self.data(function, *arguments), key, gas)
        if not outcome.success:
            raise refusals.decode(outcome.output)
        return outcome

    def ask(self, function: str, *arguments: Any) -> Any:
        """The view's value; a tuple when it has several; raises `ContractRefusal`."""
        outcome = self.chain.view(self.address, self.data(function, *arguments))
        if not outcome.success:
            raise refusals.decode(outcome.output)
        values = decode([_kind(o) for o in self._functions[function]["outputs"]], outcome.output)
        return values[0] if len(values) == 1 else values

    def events(self, outcome: Outcome, name: str) -> list[dict[str, Any]]:
        """The events of that name that this contract emitted."""
        found = []
        for address, topics, body in outcome.logs:
            entry = self._events.get(topics[0]) if topics else None
            if address != self.address or entry is None or entry["name"] != name:
                continue
            indexed = [one for one in entry["inputs"] if one["indexed"]]
            plain = [one for one in entry["inputs"] if not one["indexed"]]
            values = {
                one["name"]: decode([_kind(one)], topic)[0]
                for one, topic in zip(indexed, topics[1:], strict=True)
            }
            bodies = decode([_kind(one) for one in plain], body)
            values |= {one["name"]: value for one, value in zip(plain, bodies, strict=True)}
            found.append(values)
        return found


def constructor(name: str, *arguments: Any) -> bytes:
    """Init code with the constructor's arguments."""
    compiled = artifact(name)
    entry = next(e for e in compiled["abi"] if e["type"] == "constructor")
    code = bytes.fromhex(compiled["bytecode"][2:])
    return code + encode([_kind(one) for one in entry["inputs"]], arguments)


@dataclass
class World:
    """A founded programme; `world.directory`, `world.programme` and so on are its contracts."""

    chain: Any
    simulation: bool = True
    ceiling: int = 10**15
    redemption_frees_headroom: bool = True
    attestors: int = 0
    confirmations: int = 0
    delay_seconds: int = 86_400
    sender_list: str = NOBODY
    contracts: dict[str, Contract] = field(default_factory=dict)
    _numbers: int = 0

    def __getattr__(self, name: str) -> Contract:
        contracts = self.__dict__.get("contracts", {})
        if name in contracts:
            return contracts[name]
        raise AttributeError(name)

    # Keys and signatures.

    def key(self, institution: int, person: int = 0) -> PrivateKey:
        """The key of a person of an institution (0, 1)."""
        return key_of(f"institution {institution} person {person}")

    def number(self) -> int:
        """A fresh number, for acts that need one."""
        self._numbers += 1
        return self._numbers

    def sign(self, contract: Contract, struct: td.Struct, values: Sequence[Any],
             *keys: PrivateKey) -> list[bytes]:  # fmt: skip
        """Signatures of the keys over a struct of that contract."""
        digest = contract.domain.digest(struct.hash(*values))
        return [td.sign(digest, key) for key in keys]

    def seal(self, contract: Contract, struct: td.Struct, values: Sequence[Any],
             *institutions: int) -> list[bytes]:  # fmt: skip
        """Signatures of one person of each institution."""
        return self.sign(contract, struct, values, *map(self.key, institutions))

    # Founding.

    def found(self) -> World:
        """Deploy all contracts by plain transactions and have a quorum found the programme."""
        self.deploy()
        addresses = [self.contracts[name].address for name in FOUNDED]
        signatures = self.seal(self.directory, td.FOUNDING, addresses, 1, 2, 3)
        self.directory.call("found", tuple(addresses), signatures)
        return self

    def deploy(self) -> None:
        """Deploy all contracts, without founding."""
        institutions = sorted(CAPACITIES)
        capacities = [td.mask(CAPACITIES[one]) for one in institutions]
        keys = [(address_of(self.key(i, p)), i) for i in institutions for p in (0, 1)]
        self._deploy("Directory", self.simulation, self.delay_seconds, 3, capacities,
                     [key for key, _ in keys], [number for _, number in keys])  # fmt: skip
        board = self.directory.address
        blueprint = self.chain.deploy(bytes.fromhex(artifact("Security")["blueprint"][2:]))
        rule = (td.mask((CENTRAL_BANK, SECP)), td.mask((DEPOSITORY,)))
        self._deploy("BusinessDay", board, 18_000)
        self._deploy("Eligibility", board, [CENTRAL_BANK, SECP, PVARA, CENTRAL_BANK],
                     self.sender_list)  # fmt: skip
        self._deploy("Programme", board, blueprint, self.ceiling, self.redemption_frees_headroom,
                     td.mask((MINISTRY, CENTRAL_BANK)), self.attestors,
                     [(BILL, *rule), (BOND, *rule)])  # fmt: skip
        self._deploy("Cash", board, "Tokenised rupee", "PKRT")
        self._deploy("Orders", board, 2)
        for name in ("Settlement", "Payments"):
            self._deploy(name, board)
        self._deploy("Tender", board, self.confirmations)

    def _deploy(self, name: str, *arguments: Any) -> None:
        address = self.chain.deploy(constructor(name, *arguments))
        snake = "business_day" if name == "BusinessDay" else name.lower()
        self.contracts[snake] = Contract(self.chain, name, address)

    def security(self, isin: str) -> Contract:
        """The security of an ISIN."""
        return Contract(self.chain, "Security", self.programme.ask("security_of", word(isin)))

    # Acts, each with the signatures that it needs.

    def open_day(self, day: int = DAY_ONE, phase: int = td.Phase.OPEN) -> Outcome:
        values = (self.directory.ask("epoch"), day, int(phase))
        seals = self.seal(self.business_day, td.DAY_ADVANCE, values, CENTRAL_BANK, DEPOSITORY)
        return self.business_day.call("advance", values, seals)

    def admit(self, participant: int, participant_class: int = BANKS, level: int = 1,
              valid_until: int = 30_000) -> Outcome:  # fmt: skip
        values = (self.number(), self.directory.ask("epoch"), participant, participant_class,
                  PAKISTAN, level, valid_until)  # fmt: skip
        authority = {BANKS: CENTRAL_BANK, FUNDS: SECP, VASPS: PVARA, GOVERNMENT: CENTRAL_BANK}
        institution = authority[participant_class]
        keys = (self.key(institution), self.key(institution, 1))
        seals = self.sign(self.eligibility, td.PARTICIPANT, values, *keys)
        return self.eligibility.call("set_participant", values, seals)

    def open_accounts(self, participant: int, accounts: Sequence[str],
                      institution: int = CENTRAL_BANK) -> Outcome:  # fmt: skip
        values = (self.number(), self.directory.ask("epoch"), participant, list(accounts))
        seals = self.seal(self.eligibility, td.ACCOUNT_OPENING, values, institution, DEPOSITORY)
        return self.eligibility.call("open_accounts", values, seals)

    def authorisation(self, isin: str, nominal: int, *, kind: int = BOND, number: int | None = None,
                      classes: Sequence[int] = (BANKS, FUNDS, GOVERNMENT), maturity: int = MATURITY,
                      expiry: int = 30_000, rate: int = RATE) -> tuple[Any, ...]:  # fmt: skip
        value = -(-nominal * 100_000_000 // rate)
        number = self.programme.ask("next_authorisation") if number is None else number
        return (number, self.directory.ask("epoch"), word(isin), kind, nominal, value, rate,
                DAY_ONE, keccak(b"terms " + isin.encode()), keccak(b"authority"), td.mask(classes),
                maturity, expiry, f"GOP/7 {isin}")  # fmt: skip

    def capacity_seals(self, values: tuple[Any, ...], capacity: int, *institutions: int
                       ) -> list[bytes]:  # fmt: skip
        return self.seal(self.programme, td.AUTHORISATION, (*values, capacity), *institutions)

    def authorise(self, values: tuple[Any, ...]) -> Outcome:
        return self.programme.call(
            "authorise",
            values,
            self.capacity_seals(values, 1, MINISTRY),
            self.capacity_seals(values, 2, CENTRAL_BANK, SECP),
            self.capacity_seals(values, 3, DEPOSITORY),
        )

    def issue(self, authorisation: int, nominal: int, account: str) -> Outcome:
        values = (self.number(), self.directory.ask("epoch"), authorisation, nominal, account)
        seals = self.seal(self.programme, td.ISSUE, values, MINISTRY, DEPOSITORY)
        return self.programme.call("issue", values, seals)

    def create_cash(self, account: str, amount: int) -> Outcome:
        values = (self.directory.ask("epoch"), account, amount, keccak(b"%d" % self.number()))
        keys = (self.key(CENTRAL_BANK), self.key(CENTRAL_BANK, 1))
        seals = self.sign(self.cash, td.CASH_CREATION, values, *keys)
        return self.cash.call("create", values, seals)

    def order(self, kind: int, token: str, sender: str, receiver: str = NOBODY,
              amount: int = 0) -> tuple[tuple[Any, ...], list[bytes]]:  # fmt: skip
        values = (self.number(), self.directory.ask("epoch"), kind, token, sender, receiver,
                  amount, keccak(b"court order"), 1)  # fmt: skip
        return values, self.seal(self.orders, td.ORDER, values, MINISTRY, SECP)

    def batch(self, *steps: tuple[int, str, str, str, int]) -> tuple[tuple[Any, ...], list[bytes]]:
        """Several steps (kind, token, from, to, amount) under one signature of each institution."""
        columns = [list(column) for column in zip(*steps, strict=True)] or [[], [], [], [], []]
        values = (self.number(), self.directory.ask("epoch"), *columns, keccak(b"court order"), 1)
        return values, self.seal(self.orders, td.ORDER_BATCH, values, MINISTRY, SECP)

    def freeze(self, token: str, account: str, amount: int) -> Outcome:
        values, seals = self.order(td.OrderKind.FREEZE, token, account, amount=amount)
        return self.orders.call("execute", values, seals)

    def halt(self, contract_id: int, halted: bool = True) -> Outcome:
        values = (self.number(), self.directory.ask("epoch"), contract_id, halted, word("test"))
        seals = self.seal(self.programme, td.HALT, values, MINISTRY, CENTRAL_BANK)
        return self.programme.call("set_halt", values, seals)

    def instruction(self, security: Contract, deliverer: PrivateKey, receiver: PrivateKey,
                    nominal: int, consideration: int, number: int, first: int = DAY_ONE,
                    last: int = DAY_ONE + 5) -> td.SignedInstruction:  # fmt: skip
        """An instruction with both signatures."""
        parties = [td.address_of(key.public_key) for key in (deliverer, receiver)]
        values = (security.raw, *parties, nominal, consideration, number, first, last)
        signed = self.sign(self.settlement, td.INSTRUCTION, values, deliverer, receiver)
        return td.SignedInstruction(*values, *signed)

    def listed(self, parties: tuple[PrivateKey, PrivateKey], items: Sequence[td.Listed],
               domain: td.Domain | None = None) -> bytes:  # fmt: skip
        """A list of instructions between two accounts, signed once by each."""
        first, second = (td.address_of(key.public_key) for key in parties)
        hashed = td.INSTRUCTION_LIST.hash([item.terms() for item in items])
        digest = (domain or self.settlement.domain).digest(hashed)
        seals = (td.sign(digest, parties[0]), td.sign(digest, parties[1]))
        return td.pack_list((first, second), seals, items)

    def settle(self, item: td.SignedInstruction) -> Outcome:
        return self.settlement.call("settle", *settle_arguments(item))


FOUNDED = ("business_day", "eligibility", "programme", "cash", "orders", "settlement", "payments",
           "tender")  # fmt: skip
assert len(CONTRACTS) == 10


def settle_arguments(item: td.SignedInstruction) -> tuple[Any, bytes, bytes]:
    """The arguments of `settle` and `can_settle`."""
    values = ("0x" + item.security.hex(), "0x" + item.deliverer.hex(), "0x" + item.receiver.hex(),
              item.nominal, item.consideration, item.number, item.first_day,
              item.last_day)  # fmt: skip
    return values, item.deliverer_signature, item.receiver_signature
