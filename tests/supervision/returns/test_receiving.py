"""What is sent is taken apart: a tar of plain files of known names, or one stream of lines."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from amanat.cli.returns_sent import lines_of
from amanat.supervision.returns.contents import plain_into
from amanat.supervision.returns.receiving import Parting, ReturnUnreadable, unpack

from .exchanges import checked, found, written

MIB = 2**20


def packed(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> io.BytesIO:
    """A tar with these files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in members:
            one = tarfile.TarInfo(name)
            one.size, one.type = len(content), kind
            if kind == tarfile.SYMTYPE:
                one.linkname, one.size = "/etc/passwd", 0
            archive.addfile(one, io.BytesIO(content))
    whole.seek(0)
    return whole


def test_a_tar_of_a_return(tmp_path: Path) -> None:
    given = written(tmp_path / "r")
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        archive.add(given, "return")
    whole.seek(0)
    place = tmp_path / "place"
    place.mkdir()
    unpack(whole, plain_into(place), MIB)
    assert found(place) == set()


@pytest.mark.parametrize(
    "content",
    [
        packed(("../parties.csv", b"x")),
        packed(("/etc/parties.csv", b"x")),
        packed(("a/b/parties.csv", b"x")),
        packed(("notes.txt", b"x")),
        packed(("parties.csv", b"x"), ("parties.csv", b"y")),
        packed(("parties.csv", b""), kind=tarfile.SYMTYPE),
        packed(("parties.csv", b""), kind=tarfile.FIFOTYPE),
        packed(("parties.csv", bytes(2 * MIB))),
        io.BytesIO(b"no tar at all" * 100),
        io.BytesIO(packed(("parties.csv", bytes(5000))).getvalue()[:2000]),
    ],
)
def test_what_does_not_belong_in_it(tmp_path: Path, content: io.BytesIO) -> None:
    content.seek(0)
    with pytest.raises(ReturnUnreadable):
        unpack(content, plain_into(tmp_path), MIB)
    assert not (tmp_path.parent / "parties.csv").exists()


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_a_stream_in_parts_of_any_size(tmp_path: Path, size: int) -> None:
    given = written(tmp_path / "r", format="ndjson")
    whole = b"".join(lines_of(given))
    place = tmp_path / "place"
    place.mkdir()
    parting = Parting(plain_into(place))
    for at in range(0, len(whole), size):
        parting.add(whole[at : at + size])
    parting.finish()
    assert found(place) == set()
    assert checked(place).id_sum == checked(given).id_sum


@pytest.mark.parametrize(
    "content",
    [
        b'{"party": "P1"}\n',
        b'{"record": "gifts"}\n',
        b"[]\n",
        b'{"record": "parties"}',
        b'{"record": "manifest"}\n{"record": "manifest"}\n',
    ],
)
def test_streams_that_cannot_be_parted(tmp_path: Path, content: bytes) -> None:
    parting = Parting(plain_into(tmp_path))

    def whole() -> None:
        parting.add(content)
        parting.finish()

    with pytest.raises(ReturnUnreadable):
        whole()


def test_a_line_that_never_ends(tmp_path: Path) -> None:
    parting = Parting(plain_into(tmp_path))

    def endless() -> None:
        for _ in range(10):
            parting.add(b"x" * MIB)

    with pytest.raises(ReturnUnreadable):
        endless()


def test_a_header_of_a_tar_that_is_larger_than_any_name(tmp_path: Path) -> None:
    """Refused before it is read: `tarfile` would hold all of it."""

    class Endless:
        read_bytes = 0

        def read(self, count: int = -1) -> bytes:
            begin = header[self.read_bytes : self.read_bytes + count]
            self.read_bytes += count
            return begin + b"a" * (count - len(begin))

    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        one = tarfile.TarInfo("././@LongLink")
        one.type, one.size = kind, 8 * 2**30 - 1
        header, given = one.tobuf(tarfile.GNU_FORMAT), Endless()
        with pytest.raises(ReturnUnreadable, match="its files are too large"):
            unpack(given, plain_into(tmp_path), 2**40)  # type: ignore[arg-type]
        assert given.read_bytes <= MIB


def sparse(size: int) -> bytes:
    """A file of GNU tar that has no bytes and says that it is so large."""
    one = tarfile.TarInfo("transactions.csv")
    one.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(one.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\0" * 2
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def pax_sparse(size: int) -> bytes:
    """The same as PAX writes it."""
    one = tarfile.TarInfo("transactions.csv")
    one.pax_headers = {"GNU.sparse.size": str(size), "GNU.sparse.map": ""}
    return one.tobuf(tarfile.PAX_FORMAT)


@pytest.mark.parametrize("made", [sparse, pax_sparse])
def test_a_sparse_file_does_not_unpack_to_what_it_says(tmp_path: Path, made: object) -> None:
    assert callable(made)
    whole = io.BytesIO(made(64 * MIB) + bytes(1024))
    with pytest.raises(ReturnUnreadable, match="does not belong in it"):
        unpack(whole, plain_into(tmp_path), 2**40)
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_of_a_folder_is_no_error(tmp_path: Path) -> None:
    """PAX and GNU write it into a header of its own."""
    for format in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        whole, place = io.BytesIO(), tmp_path / str(format)
        place.mkdir()
        with tarfile.open(fileobj=whole, mode="w", format=format) as archive:
            archive.add(written(tmp_path / f"r{format}"), "f" * 150)
        whole.seek(0)
        unpack(whole, plain_into(place), MIB)
        assert checked(place).sound
