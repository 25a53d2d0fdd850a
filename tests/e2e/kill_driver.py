"""Runs `amanat` commands and kills them at chosen points.  Started by the drills, never imported.

It imports the product once, then reads jobs as lines of JSON from standard input, runs each in a
child of its own and answers with the child's exit code (negative: the signal that ended it).  A job
has `log` and either

- `command`, arguments of `amanat`, with `counts` (a file) and `kill`: [POINT, NUMBER, VICTIM] or
  null.  The NUMBER-th time that POINT is reached, VICTIM (`application`, `node` or `both`) is
  killed with SIGKILL; with null, nothing is, and `counts` receives how often each was reached; or
- `story`, the folder of an installation in which `licensing_story` is played, with `counts` and
  `kill` as above, and `resume`, whether it was played before; or
- `state`, the folder of an installation, and `end`, a file that receives its end (`end_state`, or
  that of the story where `of` says so).

The product has no code for this: its functions are wrapped here.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import end_state
import licensing_story

from amanat.app import Application
from amanat.cli import main as amanat
from amanat.ledger.dispatcher import Dispatcher
from amanat.ledger.follower import Follower
from amanat.ledger.indexer import Indexer
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.rpc import RpcClient
from amanat.store.uow import UnitOfWork

JOB_SECONDS_MAX = 300
# Commands import these when they are carried out; here once for all children.
for _name in ("loading", "performing", "report", "runner", "sheets"):
    importlib.import_module(f"amanat.replay.{_name}")


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
        """Reach `before what` and `after what` around one method."""
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

    def watch_mining(self) -> None:
        """Before: the node has accepted and answers; after: it shows the block, not yet indexed."""
        send, blocks = RpcClient.batch, Follower.blocks

        def sent(this: RpcClient, calls: Any) -> Any:
            answers = send(this, calls)
            if any(call[0] == "eth_sendRawTransaction" for call in calls):
                self.reach("before mining")
            return answers

        def seen(this: Follower, first: int, last: int) -> Any:
            found = blocks(this, first, last)
            self.reach("after mining")
            return found

        RpcClient.batch = sent  # type: ignore[method-assign]
        Follower.blocks = seen  # type: ignore[method-assign]


def check_after_start() -> None:
    """Whatever was killed, the ledger is whole again before the first act."""
    original = Application.start

    def started(this: Application) -> Application:
        original(this)
        this.pump()
        differences = [str(one) for one in this.ledger.check()]
        assert not differences, differences
        return this

    Application.start = started  # type: ignore[method-assign,assignment]


def killer_of(job: Mapping[str, Any]) -> Killer:
    """Who kills in this job, at all points."""
    point, number, victim = job["kill"] or ("none", 0, "none")
    killer = Killer(Path(job["counts"]), point, number, victim)
    killer.wrap(UnitOfWork, "commit", "commit")
    killer.wrap(Dispatcher, "_sign", "signing")
    killer.wrap(Dispatcher, "send_signed", "sending")
    killer.wrap(Indexer, "_take_effect", "indexing")
    killer.wrap(Indexer, "_complete", "completion")
    killer.watch_node()
    killer.watch_mining()
    return killer


def run_story(job: Mapping[str, Any]) -> int:
    """The acts of licensing, killed among or not."""
    killer = killer_of(job)
    if job["resume"]:
        check_after_start()
    licensing_story.play(Path(job["story"]))
    if not job["kill"]:
        Path(job["counts"]).write_text(json.dumps(killer.counts))
    return 0


def run_command(job: Mapping[str, Any]) -> int:
    """A command of the product, killed or not."""
    killer = killer_of(job)
    if "--resume" in job["command"]:
        check_after_start()
    sys.argv = ["amanat", *job["command"]]
    code: Any = 0
    try:
        amanat()
    except SystemExit as stop:
        code = stop.code or 0
    if not job["kill"]:
        Path(job["counts"]).write_text(json.dumps(killer.counts))
    return int(code)


def run_state(job: Mapping[str, Any]) -> int:
    told = licensing_story if job.get("of") == "story" else end_state
    found, wrong = told.end_of(Path(job["state"]))
    Path(job["end"]).write_text(json.dumps(found, sort_keys=True))
    print("\n".join(wrong))
    return 1 if wrong else 0


def run_in_child(job: Mapping[str, Any]) -> int:
    """The exit code of a child that does the job, its words in the job's log."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 70
    try:
        signal.alarm(JOB_SECONDS_MAX)
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        run = {"command": run_command, "story": run_story, "state": run_state}
        code = next(run[name](job) for name in run if name in job)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        answers.write(f"{run_in_child(json.loads(line))}\n")


if __name__ == "__main__":
    main()
