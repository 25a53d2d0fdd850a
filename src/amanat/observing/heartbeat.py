"""A thread that works in rounds says so, and who watches it learns when the last one was."""

from __future__ import annotations

import threading
import time


class Heartbeat:
    """Rounds of one thread: when the last ended well, and what kept the latest from it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble: str | None = None
        self._thread: threading.Thread | None = None
        self._begun_at: float | None = None
        self._well_at: float | None = None
        self._round_at: float | None = None

    def begin(self) -> None:
        """The thread that calls this is the one that works."""
        self._thread = threading.current_thread()
        self._begun_at = self._round_at = time.monotonic()

    def well(self) -> None:
        """A round ended well."""
        self._well_at = self._round_at = time.monotonic()
        self.trouble = None

    def kept_from(self, code: str) -> None:
        """A round ended with an expected error of this code."""
        self._round_at = time.monotonic()
        self.trouble = code

    @property
    def alive(self) -> bool:
        """Whether the thread was begun and runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def begun_age_s(self) -> float | None:
        """Seconds since the thread was begun."""
        return None if self._begun_at is None else time.monotonic() - self._begun_at

    @property
    def round_age_s(self) -> float | None:
        """Seconds since a round ended, well or not; None before the first."""
        return None if self._round_at is None else time.monotonic() - self._round_at

    @property
    def well_age_s(self) -> float | None:
        """Seconds since a round ended well; None before the first."""
        return None if self._well_at is None else time.monotonic() - self._well_at
