"""Signs status lists when they are asked for, and again when something changed or they grow old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from threading import Lock

from sqlalchemy.engine import Connection

from amanat.ledger.p256_keys import P256Keys
from amanat.licensing.credentials.book import (
    LIST_SIZE,
    current_key,
    list_address,
    state_of,
    status_list,
    statuses_of,
)
from amanat.licensing.credentials.status_lists import issue_status_list

TTL_SECONDS = 12 * 3_600
"""How long a verifier may use a list before fetching another (the draft's own example)."""
LIFE_SECONDS = 24 * 3_600
SIGNED_AGAIN_SECONDS = 3_600
"""A list that is given out is at most this old, so that most of its time is left."""


@dataclass(frozen=True, slots=True)
class _Signed:
    state: tuple[object, ...]
    at: int
    token: str


class StatusLists:
    """The signed lists of all programmes."""

    def __init__(self, keys: P256Keys) -> None:
        self._keys = keys
        self._signed: dict[tuple[str, int], _Signed] = {}
        self._lock = Lock()

    def token(
        self, connection: Connection, programme: str, number: int, day: date, now: int
    ) -> str:
        """One list (from 1), signed at most an hour ago.

        Refuses `NoCredentialKey`, `NotFound`; as `P256Keys.signer`.
        """
        key = current_key(connection, programme)
        state = (key.kid, day, *state_of(connection, programme))
        with self._lock:
            kept = self._signed.get((programme, number))
            young = kept is not None and 0 <= now - kept.at < SIGNED_AGAIN_SECONDS
            if kept is None or kept.state != state or not young:
                statuses = status_list(statuses_of(connection, programme, day), number)
                uri = list_address(key.issuer, (number - 1) * LIST_SIZE)
                signer = self._keys.signer(key.institution, key.name)
                token = issue_status_list(uri, statuses, signer, now, TTL_SECONDS, LIFE_SECONDS)
                kept = self._signed[programme, number] = _Signed(state, now, token)
            return kept.token
