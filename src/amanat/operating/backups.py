"""The last backup, as whoever makes backups notes it in `backups.json` of the folder.

A list with the newest last, of `{"at", "digest", "verified_at"}`, times in UTC; `verified_at` is
when that backup was last restored and compared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "backups.json"


@dataclass(frozen=True, slots=True)
class Backup:
    """When the last backup was made, and when one was last restored and compared."""

    at: datetime
    verified_at: datetime | None
    digest: str


def last_backup(folder: Path) -> Backup | None:
    """The last backup that is noted; None where there is none.  Raises `ValueError`."""
    try:
        content: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(type(error).__name__) from None
    if content == []:
        return None
    try:
        verified = [_moment(one["verified_at"]) for one in content if one.get("verified_at")]
        last = content[-1]
        return Backup(
            at=_moment(last["at"]),
            verified_at=max(verified, default=None),
            digest=str(last.get("digest", "")),
        )
    except (KeyError, TypeError, AttributeError):
        raise ValueError(f"{FILE} is not a list of backups") from None


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
