"""The last backup, as whoever makes backups notes it in `backups.json` of the folder.

One object, or a list of them with the newest last: `{"at", "digest", "verified_at"}`, times in
UTC; `verified_at` is when this backup was last restored and compared.
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
    """When the last backup was made, and when it was last restored and compared."""

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
    if isinstance(content, list):
        if not content:
            return None
        content = content[-1]
    if not isinstance(content, dict) or "at" not in content:
        raise ValueError(f"{FILE} does not say when a backup was made")
    verified = content.get("verified_at")
    return Backup(
        at=_moment(content["at"]),
        verified_at=_moment(verified) if verified else None,
        digest=str(content.get("digest", "")),
    )


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
