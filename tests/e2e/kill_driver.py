"""Runs one `amanat` command and kills it at a chosen point.  Started by the drills, never imported.

    python kill_driver.py COUNTS_FILE POINT NUMBER VICTIM -- pilot FOLDER --data DIR --resume

POINT is one of those in `drills.py`; the NUMBER-th time that it is reached, VICTIM (`application`,
`node` or `both`) is killed with SIGKILL.  With POINT `none` nothing is killed and COUNTS_FILE
receives how often each point was reached.  The product has no code for this: its functions are
wrapped here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amanat.ledger.dispatcher import Dispatcher
from amanat.ledger.indexer import Indexer
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import RpcClient
from amanat.store.uow import UnitOfWork


class Killer:
    """Counts how often each point is reached, and kills when its time has come."""

    def __init__(self, counts_file: Path, point: str, number: int, victim: str) -> None:
        self.counts: Counter[str] = Counter()
        self._file, self._point, self._number, self._victim = counts_file, point, number, victim
        self._node: EmbeddedNode | None = None
        self._done = False

    def reach(self, point: str) -> None:
        self.counts[point] += 1
        if self._done or point != self._point or self.counts[point] != self._number:
            return
        self._done = True
        self._file.write_text(json.dumps({"killed": point, "number": self._number}))
        if self._victim in {"node", "both"} and self._node is not None and self._node.pid:
            os.kill(self._node.pid, signal.SIGKILL)
        if self._victim in {"application", "both"}:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, owner: type, name: str, what: str) -> None:
        """Reach `before what` and `after what` around one method, when it did something."""
        original: Callable[..., Any] = getattr(owner, name)

        def watched(this: Any, *args: Any, **named: Any) -> Any:
            self.reach(f"before {what}")
            result = original(this, *args, **named)
            self.reach(f"after {what}")
            return result

        setattr(owner, name, watched)

    def watch_node(self) -> None:
        original = EmbeddedNode.start

        def started(this: EmbeddedNode) -> None:
            self._node = this
            original(this)

        EmbeddedNode.start = started  # type: ignore[method-assign]

    def watch_sending(self) -> None:
        # Sending hands signed bytes to the node, which mines them before it answers.
        original = RpcClient.batch

        def sent(this: RpcClient, calls: Any) -> Any:
            sends = any(call[0] == "eth_sendRawTransaction" for call in calls)
            if sends:
                self.reach("before mining")
            answers = original(this, calls)
            if sends:
                self.reach("after mining")
            return answers

        RpcClient.batch = sent  # type: ignore[method-assign]


def main() -> None:
    counts_file, point, number, victim, _dashes, *command = sys.argv[1:]
    killer = Killer(Path(counts_file), point, int(number), victim)
    killer.wrap(UnitOfWork, "commit", "commit")
    killer.wrap(Dispatcher, "_sign", "signing")
    killer.wrap(Dispatcher, "send_signed", "sending")
    killer.wrap(Indexer, "_take_effect", "indexing")
    killer.wrap(Indexer, "_complete", "completion")
    killer.watch_node()
    killer.watch_sending()
    from amanat import cli

    sys.argv = ["amanat", *command]
    code: Any = 0
    try:
        cli.main()
    except SystemExit as stop:
        code = stop.code
    if point == "none":
        Path(counts_file).write_text(json.dumps(killer.counts))
    sys.exit(code)


if __name__ == "__main__":
    main()
