"""The folder of a network on this machine: what was founded, where each node's things are.

network.json       what the network is: chain, validators, ports
genesis.json       the genesis of the ledger's chain
keys/, secrets/    the administrators' keys (`amanat.ledger.keystore`) and their password
tokens/INSTITUTION the token that the institution shows the nodes' gates
nodes/INSTITUTION/ one validator: staking keys and database, config.json, output in node.log;
                   its gate: gate.json, gate-tokens.json (hashes), output in gate.log
supervisor.*       the lock, process id and log of what keeps the nodes up
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from amanat.core.errors import Corrupt, Refusal, Unavailable
from amanat.ledger.keystore import SCRYPT_LIGHT, Keystore
from amanat.ledger.rpc import NodeToken, RpcClient
from amanat.ledger.signers import Signer
from amanat.network.tokens import (
    TokenNotHeld,
    admit,
    digest_of,
    end_former,
    expel,
    fresh_token,
    require_code,
    write_closed,
)
from amanat.settings import read_secret

SCHEMA = "amanat.network/2"
VM_ID = "srEXiWaHuhNyGwPUi444Tu47ZEDwxTWrbQiuD7FmgSAQ6X7Dy"
"""The plugin's file name: the id of Subnet-EVM."""
PARTS_VARIABLE = "AMANAT_NETWORK_PARTS"
VARIABLES: Mapping[str, tuple[str, str]] = {
    PARTS_VARIABLE: ("`network/bin` of the project", "Folder of a network's programs."),
}
"""What this room reads beside `amanat.settings.VARIABLES`."""
KEY = "network"


class NetworkNotFounded(Refusal):
    """A network is founded once (`amanat network init`) before anything is asked of it."""

    template: ClassVar[str] = "There is no network in {folder}: amanat network init FOLDER."


class NetworkExists(Refusal):
    """Founding never overwrites: a network's folder holds the keys of its validators."""

    template: ClassVar[str] = "{folder} holds something already; name another folder with --home."


class PartsNotBuilt(Unavailable):
    """The nodes are programs in Go that others wrote: `make network` builds them, pinned."""


class RecordUnreadable(Corrupt):
    """The record of a network cannot be read."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The programs: the node, the folder of its plugins, and what founds a network."""

    node: Path
    plugins: Path
    founder: Path


def find_parts(environment: Mapping[str, str] = os.environ) -> Parts:
    """The programs in AMANAT_NETWORK_PARTS, else in the project; raises `PartsNotBuilt`."""
    named = environment.get(PARTS_VARIABLE)
    above = [one / "network" / "bin" for one in Path(__file__).resolve().parents[2:5]]
    tried = [Path(named)] if named else above
    for folder in tried:
        parts = Parts(folder / "avalanchego", folder / "plugins", folder / "founder")
        if all(one.is_file() for one in (parts.node, parts.plugins / VM_ID, parts.founder)):
            return parts
    raise PartsNotBuilt(
        "The network's programs are not built (make network); looked in "
        + ", ".join(str(one) for one in tried)
    )


@dataclass(frozen=True, slots=True)
class Node:
    """One validator: its institution, node id, and the ports on the loopback interface.

    Everybody asks at `gate_port`; `http_port` is the node's own, which its gate alone should reach.
    """

    institution: str
    name: str
    node_id: str
    http_port: int
    staking_port: int
    gate_port: int

    @property
    def url(self) -> str:
        """Where its gate answers."""
        return f"http://127.0.0.1:{self.gate_port}"

    @property
    def own_url(self) -> str:
        """Where the node itself answers, to its gate."""
        return f"http://127.0.0.1:{self.http_port}"


@dataclass(frozen=True, slots=True)
class Founded:
    """What a network is.  `chain_id` is the EVM's, `blockchain_id` the nodes' name of it."""

    chain_id: int
    network_id: int
    subnet_id: str
    blockchain_id: str
    coin_for_senders: int
    administrators: Mapping[str, str]
    nodes: tuple[Node, ...]

    @property
    def institutions(self) -> tuple[str, ...]:
        """Who runs a node."""
        return tuple(one.institution for one in self.nodes)

    @property
    def rpc_path(self) -> str:
        """Where JSON-RPC of the ledger's chain answers, at each node and at its gate."""
        return f"/ext/bc/{self.blockchain_id}/rpc"

    def rpc_urls(self) -> list[str]:
        """The JSON-RPC URLs of the ledger's chain, one for each node's gate."""
        return [f"{one.url}{self.rpc_path}" for one in self.nodes]


class Home:
    """The folder of one network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.record = self.folder / "network.json"

    def node_folder(self, institution: str) -> Path:
        """Where one validator keeps everything."""
        return self.folder / "nodes" / institution

    def founded(self) -> Founded:
        """What was founded here; raises `NetworkNotFounded`, `RecordUnreadable`."""
        try:
            content = json.loads(self.record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NetworkNotFounded(folder=self.folder) from None
        except ValueError as error:
            raise RecordUnreadable(f"{self.record}: {error}") from error
        if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
            raise RecordUnreadable(f"{self.record} is not of the schema {SCHEMA}.")
        try:
            nodes = tuple(Node(**one) for one in content.pop("nodes"))
            return Founded(nodes=nodes, **content)
        except (KeyError, TypeError) as error:
            raise RecordUnreadable(f"{self.record} is not whole: {error}") from error

    def keep(self, founded: Founded) -> None:
        """Write the record, whole or not at all."""
        content: dict[str, Any] = {"schema": SCHEMA, **asdict(founded)}
        fresh = self.record.with_suffix(".fresh")
        fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.record)

    def administrator(self, institution: str) -> Signer:
        """The signer of an institution's key; raises `KeyNotHeld`."""
        return self._keystore().open(institution, KEY, self._password())

    def make_administrator(self, institution: str) -> str:
        """The address of a fresh key for an institution; raises `KeyExists`."""
        return self._keystore().create(institution, KEY, self._password()).address

    def token_file(self, institution: str) -> Path:
        """Where an institution's token lies, if it has one; raises `NameOfNobody`."""
        return self.folder / "tokens" / require_code(institution)

    def token(self, institution: str | None = None) -> NodeToken:
        """The token of an institution, by default of the first that holds one.

        Raises `TokenNotHeld`.
        """
        founded = self.founded()
        known = [institution] if institution else [*founded.administrators, *founded.institutions]
        for one in known:
            if self.token_file(one).is_file():
                return NodeToken(self.token_file(one))
        raise TokenNotHeld(folder=self.folder / "tokens")

    def client(self, **options: Any) -> RpcClient:
        """A client for all nodes, with the token of the first institution that holds one."""
        founded = self.founded()
        token = self.token()
        return RpcClient(founded.rpc_urls(), chain_id=founded.chain_id, token=token, **options)

    def give_token(self, institution: str, *, former_s: float = 0.0) -> Path:
        """Make a fresh token for an institution, which every gate admits; its file.

        The former one serves for so many seconds more.  Whoever reads the file again when it is
        refused, as the application does, misses nothing.
        """
        file, token = self.token_file(institution), fresh_token()
        folders = [self.node_folder(one) for one in self.founded().institutions]
        # Admitted before it is shown, and the former one gone only after: nobody is shut out.
        for folder in folders:
            admit(folder, institution, digest_of(token))
        write_closed(file, token + "\n")
        for folder in folders:
            end_former(folder, institution, digest_of(token), until=time.time() + former_s)
        return file

    def take_token(self, institution: str) -> None:
        """Have no gate admit an institution any more, at once.  Raises `NameOfNobody`."""
        file = self.token_file(institution)
        for one in self.founded().institutions:
            expel(self.node_folder(one), institution)
        file.unlink(missing_ok=True)

    def _keystore(self) -> Keystore:
        return Keystore(self.folder / "keys", scrypt=SCRYPT_LIGHT)

    def _password(self) -> str:
        return read_secret(self.folder / "secrets", "network").hex()
