"""What a check finds, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from amanat.ledger.rpc import RpcClient
from amanat.settings import Settings


class Verdict(StrEnum):
    """How it stands with one thing."""

    WELL = "well"
    WATCH = "watch"  # it works, and somebody should see to it
    WRONG = "wrong"  # it does not work, or is not safe
    SKIPPED = "skipped"  # could not be looked at, because something else is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: how it stands, what was found, and how to mend it where it should be mended."""

    check: str
    verdict: Verdict
    found: str
    mend: str = ""


@dataclass(slots=True)
class Patient:
    """The set-up that is looked at.

    `engine` and `rpc` are there while the database and the nodes can be asked; `programmes` are
    the codes that the database holds.
    """

    data_dir: Path
    environment: Mapping[str, str]
    settings: Settings | None = None
    engine: Engine | None = None
    tables: bool = False
    rpc: RpcClient | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    facts: dict[str, Any] = field(default_factory=dict)


def well(check: str, found: str) -> list[Finding]:
    """It is as it should be."""
    return [Finding(check, Verdict.WELL, found)]


def watch(check: str, found: str, mend: str) -> list[Finding]:
    """It works, and somebody should see to it."""
    return [Finding(check, Verdict.WATCH, found, mend)]


def wrong(check: str, found: str, mend: str) -> list[Finding]:
    """It does not work, or is not safe."""
    return [Finding(check, Verdict.WRONG, found, mend)]


def skipped(check: str, why: str) -> list[Finding]:
    """It could not be looked at."""
    return [Finding(check, Verdict.SKIPPED, why)]
