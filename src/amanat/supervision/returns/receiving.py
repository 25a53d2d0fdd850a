"""Receives a return: as a tar of its files, or as one stream of NDJSON, into a place of its own.

Nothing of it lies there in clear (`contents`).  The place is gone with whatever became of the
return; what a process that was killed left behind is removed by the next one.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, ClassVar

from amanat.core.errors import Invalid
from amanat.core.messages import Message
from amanat.supervision.returns.contents import Place, Write
from amanat.supervision.returns.specification import FORMATS, MANIFEST, RECORDS

INCOMING = "incoming"
TAR, STREAM = "application/x-tar", "application/x-ndjson"
NAMES = frozenset({MANIFEST} | {f"{one}.{ending}" for one in RECORDS for ending in FORMATS})
LEFT_BEHIND_S = 24 * 3600.0
_PART = 1 << 20
_HEADER_MAX = 1 << 16
"""Bytes of a header of a tar that says more of a member: a long name, attributes."""
_LINE_MAX = 4 << 20
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")
_RECORD = re.compile(rb'\s*\{\s*"record"\s*:\s*"([a-z_]{1,32})"')


class ReturnUnreadable(Invalid):
    """A return comes as a tar of its files, or as NDJSON in which each line names its record."""

    template: ClassVar[str] = "The return cannot be taken apart: {reason}."


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """A place for one return, of this process alone, and gone afterwards."""
    sweep(folder)
    made = folder / f"{os.getpid()}-{secrets.token_hex(8)}"
    made.mkdir(mode=0o700, parents=True)
    try:
        yield Place(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what processes left behind that are no more."""
    for one in folder.glob("*-*"):
        try:
            pid, age = int(one.name.split("-")[0]), time.time() - one.stat().st_mtime
            if not _lives(pid) or age > LEFT_BEHIND_S:
                shutil.rmtree(one, ignore_errors=True)
        except (ValueError, FileNotFoundError):
            continue  # another one was quicker


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Member(tarfile.TarInfo):
    """A member of a tar whose headers are small, and which is written as it is.

    `tarfile` reads a header that says more of a member into memory whole, however large it says it
    is; and a sparse file of a few bytes unpacks to any size.
    """

    _MORE = (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        # The entry point that `tarfile` documents for subclasses.
        if self.type in self._MORE and self.size > _HEADER_MAX:
            raise ReturnUnreadable(reason=Message("its files are too large"))
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found

    def _refuse_sparse(self, *_given: object) -> None:
        named = Message("{file} does not belong in it", file=repr(self.name[:80]))
        raise ReturnUnreadable(reason=named)

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_sparse


def unpack(content: IO[bytes], write: Write, bytes_max: int) -> None:
    """The files of a tar, as they are read: plain ones of known names, each once.

    Refuses `ReturnUnreadable`.
    """
    left, seen = bytes_max, set[str]()
    try:
        with tarfile.open(fileobj=content, mode="r|", tarinfo=_Member) as packed:
            for one in packed:
                name = one.name.removeprefix("./")
                if one.isdir() and "/" not in name:
                    continue
                folder_named, _, last = name.rpartition("/")
                name = last if _FOLDER.fullmatch(folder_named) else name
                if not one.isfile() or name not in NAMES or name in seen:
                    named = Message("{file} does not belong in it", file=repr(one.name[:80]))
                    raise ReturnUnreadable(reason=named)
                seen.add(name)
                left -= one.size
                if left < 0:
                    raise ReturnUnreadable(reason=Message("its files are too large"))
                source = packed.extractfile(one)
                assert source is not None
                with write(name) as file:
                    shutil.copyfileobj(source, file, _PART)
    except (tarfile.TarError, EOFError, OSError) as error:
        fault = type(error).__name__
        raise ReturnUnreadable(
            reason=Message("it is no whole tar ({fault})", fault=fault)
        ) from None


class Parting:
    """Parts a stream of NDJSON into the files of a return, as it comes.

    Each line is an object whose first field is `record`: `manifest`, or the name of a record.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._files: dict[str, IO[bytes]] = {}
        self._rest = b""
        self._line = 0

    def add(self, part: bytes) -> None:
        """A further part of the stream.  Refuses `ReturnUnreadable`."""
        lines = (self._rest + part).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LINE_MAX:
            place = str(self._line + 1)
            raise ReturnUnreadable(reason=Message("line {line} does not end", line=place))
        for line in lines:
            self._take(line)

    def finish(self) -> None:
        """The stream is over.  Refuses `ReturnUnreadable` where its last line has no end."""
        for file in self._files.values():
            file.close()
        if self._rest.strip():
            raise ReturnUnreadable(reason=Message("it breaks off in its last line"))

    def _take(self, line: bytes) -> None:
        self._line += 1
        if not line.strip():
            return
        found = _RECORD.match(line)
        name = found[1].decode() if found else ""
        if name == "manifest" and name not in self._files:
            rest = line[found.end() :] if found else b""
            manifest = b"{" + rest.lstrip().removeprefix(b",")
            self._files[name] = self._write(MANIFEST)
            self._files[name].write(manifest)
            return
        if name not in RECORDS:
            place = str(self._line)
            raise ReturnUnreadable(reason=Message("line {line} names no record", line=place))
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = self._write(f"{name}.ndjson")
        file.write(line + b"\n")
