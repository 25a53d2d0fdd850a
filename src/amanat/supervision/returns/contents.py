"""What is received of a return lies on the disk encrypted, under keys that are nowhere but here.

Each file has a key of its own, made when it is written and kept in this process's memory alone: a
process that is killed leaves noise behind, which nobody can read, the holder of the vault neither.
AES-256-GCM in pieces of 256 KiB, numbered by their nonces, so that a reader may begin anywhere.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE = 256 << 10
_TAG = 16
_NONCE = 12
_BUFFER = 64 << 10

Write = Callable[[str], IO[bytes]]
"""Opens a new file of a return by its name, to be written from its beginning to its end."""


class Content(Protocol):
    """A file of a return, as often as it is read."""

    @property
    def size(self) -> int:
        """Its bytes, as they were sent."""
        ...

    def open(self) -> IO[bytes]:
        """It from its beginning; whoever reads may seek."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A file as an exchange has it at home."""

    path: Path

    @property
    def size(self) -> int:
        """As `Content.size`."""
        return self.path.stat().st_size

    def open(self) -> IO[bytes]:
        """As `Content.open`."""
        return self.path.open("rb")


def plain_into(folder: Path) -> Write:
    """Files as they are, into a folder; one that is there already is not written over."""
    return lambda name: (folder / name).open("xb")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file that was received."""

    path: Path
    key: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """As `Content.size`."""
        whole, rest = divmod(self.path.stat().st_size, PIECE + _TAG)
        return whole * PIECE + max(rest - _TAG, 0)

    def open(self) -> IO[bytes]:
        """As `Content.open`; what was altered raises `cryptography`'s `InvalidTag`."""
        return io.BufferedReader(_Opening(self.path, self.key, self.size), _BUFFER)


class _Opening(io.RawIOBase):
    """Reads pieces; the last one stays open, for readers that come in small steps."""

    def __init__(self, path: Path, key: bytes, size: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._cipher, self._size, self._at = AESGCM(key), size, 0
        self._number, self._piece = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, into: Any) -> int:
        view = memoryview(into).cast("B")
        done = 0
        while done < len(view) and self._at < self._size:
            number, begin = divmod(self._at, PIECE)
            part = self._opened(number)[begin : begin + len(view) - done]
            view[done : done + len(part)] = part
            done += len(part)
            self._at += len(part)
        return done

    def _opened(self, number: int) -> bytes:
        if number != self._number:
            self._file.seek(number * (PIECE + _TAG))
            sealed = self._file.read(PIECE + _TAG)
            self._piece = self._cipher.decrypt(_nonce(number), sealed, None)
            self._number = number
        return self._piece

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Sealing(io.RawIOBase):
    """Writes pieces, each once and in their order."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._file = path.open("xb", buffering=0)
        self._cipher, self._number = AESGCM(key), 0
        self._rest = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, given: Any) -> int:
        part = memoryview(given).cast("B")
        self._rest += part
        if len(self._rest) >= PIECE:
            whole = len(self._rest) - len(self._rest) % PIECE
            for begin in range(0, whole, PIECE):
                self._seal(bytes(self._rest[begin : begin + PIECE]))
            del self._rest[:whole]
        return len(part)

    def _seal(self, piece: bytes) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), piece, None)
        self._number += 1
        left = memoryview(sealed)
        while len(left):
            left = left[self._file.write(left) :]

    def close(self) -> None:
        if not self.closed:
            if self._rest:
                self._seal(bytes(self._rest))
                self._rest.clear()
            self._file.close()
        super().close()


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE, "big")


class Place:
    """Where one return lies while it is looked at: its files sealed, and room for what is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Sealed] = {}

    def write(self, name: str) -> IO[bytes]:
        """As `Write`; raises `FileExistsError`."""
        sealed = Sealed(self.folder / f"{name}.sealed", secrets.token_bytes(32))
        opened = io.BufferedWriter(_Sealing(sealed.path, sealed.key), PIECE)
        self._files[name] = sealed
        return opened

    def put(self, path: Path) -> None:
        """Take in a copy of a file of this machine."""
        with path.open("rb") as given, self.write(path.name) as file:
            while part := given.read(PIECE):
                file.write(part)

    def files(self) -> Mapping[str, Content]:
        """What was received, by its names; those that begin with a dot are none of the return's."""
        return {name: one for name, one in self._files.items() if not name.startswith(".")}

    def open(self, name: str) -> IO[bytes]:
        """A file that was written; raises `KeyError`."""
        return self._files[name].open()

    def remove(self, name: str) -> None:
        """A file that is needed no more."""
        self._files.pop(name).path.unlink()
