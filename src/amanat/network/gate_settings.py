"""Where the gate of a node listens, and which node it guards: `gate.json` in the node's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from amanat.core.errors import Corrupt
from amanat.network.tokens import write_closed

SCHEMA = "amanat.gate/1"
GATE_FILE = "gate.json"
STATUS_PATH = "/status"
"""Where a gate tells its node's health, version and peers."""


class GateUnreadable(Corrupt):
    """The folder of a node does not say where its gate stands, or not in this form."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Where a gate listens and which node it guards.

    `node` is the node's own address, which nobody else should reach; `path` the one of the ledger's
    chain.  Certificate and key are files, both or none.
    """

    institution: str
    host: str
    port: int
    node: str
    path: str
    chain_id: int
    certificate: str | None = None
    certificate_key: str | None = None

    def keep(self, folder: Path) -> None:
        """Write it into the node's folder."""
        write_closed(folder / GATE_FILE, json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2))

    @classmethod
    def of(cls, folder: Path) -> GateSettings:
        """What a node's folder says; raises `GateUnreadable`."""
        path = folder / GATE_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.pop("schema", None) != SCHEMA:
                raise GateUnreadable(f"{path} is not of the schema {SCHEMA}.")
            return cls(**content)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise GateUnreadable(f"{path}: {type(error).__name__}") from error
