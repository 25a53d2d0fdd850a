"""What is received lies on the disk encrypted, whoever looks there meanwhile or afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from amanat.supervision.returns import intake as module
from amanat.supervision.returns.contents import PIECE, Place
from amanat.supervision.returns.tables import manifest

from .conftest import IntakeWorld
from .exchanges import written

CLEAR = [b"35202-0000001-1", b"3520200000011", b"Aisha Khan", "عائشہ".encode(), b"923001234567"]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17])
def test_what_is_written_is_read_from_anywhere(tmp_path: Path, size: int) -> None:
    given = os.urandom(size)
    place = Place(tmp_path)
    with place.write("parties.csv") as file:
        for begin in range(0, size, 100_003):
            file.write(given[begin : begin + 100_003])
    content = place.files()["parties.csv"]
    assert content.size == size
    with content.open() as file:
        assert file.read() == given
        for at in (0, size // 2, max(size - 5, 0)):
            file.seek(at)
            assert file.read(300_000) == given[at : at + 300_000]
        assert file.seek(0, os.SEEK_END) == size
    with pytest.raises(FileExistsError):
        place.write("parties.csv")


def test_what_was_altered_or_moved_is_not_read(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.write("parties.csv") as file:
        file.write(bytes(2 * PIECE))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    pieces = [whole[: PIECE + 16], whole[PIECE + 16 :]]
    altered = bytes([whole[0] ^ 1]) + whole[1:]
    for content in (altered, b"".join(reversed(pieces))):
        path.write_bytes(content)
        with pytest.raises(InvalidTag), place.open("parties.csv") as file:
            file.read()


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_nothing_of_a_person_lies_in_clear_at_any_step(
    world: IntakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    given = written(tmp_path / "r", format=format)
    assert any(one in path.read_bytes() for path in given.iterdir() for one in CLEAR[2:])
    looked: list[int] = []

    def look() -> None:
        files = [one for one in world.folder.rglob("*") if one.is_file()]
        looked.append(len(files))
        for path in files:
            content = path.read_bytes()
            assert not [one for one in CLEAR if one in content], path

    def looking(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def before(*some: Any, **named: Any) -> Any:
            look()
            return original(*some, **named)

        monkeypatch.setattr(owner, name, before)

    for owner, name in (
        (module.Check, "run"),
        (module.Storing, "close"),
        (module.Settling, "seal"),
        (module.Settling, "put"),
        (module.Settling, "settle"),
        (module.Settling, "_part"),
    ):
        looking(owner, name)
    world.take(given)
    look()
    assert len(looked) >= 8
    assert len(world.rows(manifest)) == 1
