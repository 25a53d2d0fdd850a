"""Tells systemd that the service is ready, and that it is still of use (`sd_notify(3)`).

`WATCHDOG=1` is sent only while the ledger's thread works: a server that answers and follows
nothing is started anew.  Without NOTIFY_SOCKET nothing is told to anyone.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping

from amanat.observing.heartbeat import Heartbeat


class Supervisor:
    """The service manager that started this process, if it asked to be told."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        every = environment.get("WATCHDOG_USEC", "")
        for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Twice as often as asked for, as the manual recommends.
        self.every_s = int(every) / 2_000_000 if every.isdigit() and for_us else None
        self._over = threading.Event()

    def tell(self, state: str) -> bool:
        """Send a state such as `READY=1`; whether anyone was told."""
        if not self._address:
            return False
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto(state.encode(), address)
        return True

    def ready(self, beat: Heartbeat, bound_s: float) -> None:
        """Say that the service is ready, and from now on that it lives, as long as it does."""
        self.tell("READY=1")
        if self.every_s is not None and self._address:
            threading.Thread(
                target=self._live, args=(beat, bound_s), name="watchdog", daemon=True
            ).start()

    def stopping(self) -> None:
        """Say that the service ends."""
        self._over.set()
        self.tell("STOPPING=1")

    def _live(self, beat: Heartbeat, bound_s: float) -> None:
        assert self.every_s is not None
        while not self._over.wait(self.every_s):
            age = beat.round_age_s
            if beat.alive and age is not None and age <= bound_s:
                self.tell("WATCHDOG=1")
