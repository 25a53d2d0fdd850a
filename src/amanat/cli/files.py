"""Files that a command line names: read, and written, or refused with the file and its mistake."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from amanat.core.errors import NotFound, Refusal, Refused
from amanat.core.files import json_in, text_in


class FileThere(Refusal):
    """What is secret or signed is never written over."""

    template: ClassVar[str] = "There is already {file}; nothing is written over it."


class FileNotWritten(Refusal):
    """An answer goes where the command may write."""

    template: ClassVar[str] = "{file} cannot be written: {reason}."


def bytes_of(path: Path) -> bytes:
    """A file's bytes; refuses `NotFound`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(thing="readable file", value=f"{path} ({error.strerror})") from None


def text_of(path: Path) -> str:
    """A file's text.  Refuses, in order: `NotFound`, `FileNotText`."""
    return text_in(str(path), bytes_of(path))


def json_of(path: Path, *needed: str) -> dict[str, Any]:
    """A file's JSON object, which has the needed fields.

    Refuses, in order: `NotFound`, and as `amanat.core.files.json_in`.
    """
    return json_in(str(path), bytes_of(path), *needed)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Refuse `FileThere` or `FileNotWritten` for what the system does not let write within."""
    try:
        yield
    except FileExistsError:
        raise FileThere(file=path) from None
    except OSError as error:
        raise FileNotWritten(file=path, reason=error.strerror) from None


def write(path: Path, content: bytes) -> None:
    """Write a file, in the place of a former one.  Refuses `FileNotWritten`."""
    with writing(path):
        path.write_bytes(content)


def require_absent(paths: Iterable[Path]) -> None:
    """Refuse every `FileThere` at once: of files that belong together all are written or none."""
    refused = Refused()
    for one in sorted(paths):
        if one.exists():
            refused.add(FileThere(file=one))
    refused.raise_if_any()


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is not there yet, and let it survive the loss of power.

    Refuses, in order: `FileThere`, `FileNotWritten`.
    """
    with writing(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink()  # half a file is none
            raise


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write new files that belong together, all or none.  Refuses as `write_new`, all at once."""
    require_absent(files)
    written: list[Path] = []
    try:
        for path, content in files.items():
            write_new(path, content)
            written.append(path)
    except Refusal:
        for path in written:
            path.unlink()
        raise


def make_folder(path: Path) -> None:
    """Make a folder for its owner alone, unless it is there.

    Refuses, in order: `FileThere` (a file of this name), `FileNotWritten`.
    """
    with writing(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
