"""What an uploaded file is, by its content, and what in it is refused.

A document is read by people who decide, on machines that matter: it has to be one thing, whole, and
to do nothing when it is opened.  The name of a file says nothing here but how to call it.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection
from typing import IO, Any, ClassVar

from amanat.core.errors import Invalid
from amanat.core.messages import Message
from amanat.licensing.forms.form import DocumentType

MEDIA_TYPES = {
    DocumentType.PDF: "application/pdf",
    DocumentType.PNG: "image/png",
    DocumentType.JPEG: "image/jpeg",
    DocumentType.CSV: "text/csv",
    DocumentType.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
UNPACKED_BYTES_MAX = 200 * 2**20
RATIO_MAX = 200
PARTS_MAX = 2_000
PIXELS_MAX = 100_000_000
_LINE_MAX = 64 * 1024
_PART = 1 << 16
_ENDING = 1 << 16


class DocumentEmpty(Invalid):
    """A document has a content."""

    template: ClassVar[str] = "{name} is empty."


class TypeNotTaken(Invalid):
    """A document is of a type that its question takes, by its content whatever its name."""

    template: ClassVar[str] = "{name} is {found} by its content; here {taken} can be given."


class DocumentDamaged(Invalid):
    """A document is whole."""

    template: ClassVar[str] = "{name} is damaged or not whole: {reason}"


class TwoThingsAtOnce(Invalid):
    """A file is one thing: what follows its end, or stands before its beginning, is refused."""

    template: ClassVar[str] = "{name} is more than one thing: {reason} Save it anew and try again."


class DocumentActs(Invalid):
    """A document does nothing when it is opened, and carries no other files."""

    template: ClassVar[str] = (
        "{name} would do something when it is opened, or carries another file: {what} Print it into"
        " a new PDF, or save it without that."
    )


class DocumentLocked(Invalid):
    """A document can be read without a password."""

    template: ClassVar[str] = "{name} is encrypted: save it without a password."


class UnpacksTooLarge(Invalid):
    """What is compressed in a file unpacks to a bounded size."""

    template: ClassVar[str] = (
        "{name} unpacks to far more than it is; at most {most} bytes are taken."
    )


_KNOWN: tuple[tuple[bytes, Message], ...] = (
    (b"MZ", Message("a program for Windows")),
    (b"\x7fELF", Message("a program for Linux")),
    (b"\xca\xfe\xba\xbe", Message("a program")),
    (b"\xcf\xfa\xed\xfe", Message("a program for macOS")),
    (b"#!", Message("a script")),
    (b"PK", Message("a ZIP archive")),
    (b"\x1f\x8b", Message("a compressed archive")),
    (b"BZh", Message("a compressed archive")),
    (b"\xfd7zXZ", Message("a compressed archive")),
    (b"7z\xbc\xaf", Message("a compressed archive")),
    (b"Rar!", Message("a compressed archive")),
    (b"\xd0\xcf\x11\xe0", Message("a document of an older Office")),
    (b"GIF8", Message("a GIF image")),
    (b"<", Message("a page or a drawing with markup")),
    (b"{\\rtf", Message("a document in RTF")),
)
_NAMES = {
    DocumentType.PDF: "PDF",
    DocumentType.PNG: "PNG",
    DocumentType.JPEG: "JPEG",
    DocumentType.CSV: "CSV",
    DocumentType.XLSX: "XLSX",
}
PdfReader = Callable[[IO[bytes], str], None]
"""Refuses a PDF that acts, is locked or damaged; see `amanat.licensing.documents.pdf`."""


def inspect(
    file: IO[bytes], name: str, taken: Collection[DocumentType], read_pdf: PdfReader
) -> DocumentType:
    """The type of a document that may be kept; `file` can be sought in.

    Refuses, in order: `DocumentEmpty`, `TypeNotTaken`, `TwoThingsAtOnce`, `DocumentDamaged`,
    `DocumentLocked`, `UnpacksTooLarge`, `DocumentActs`.
    """
    file.seek(0, io.SEEK_END)
    size = file.tell()
    if size == 0:
        raise DocumentEmpty(name=name)
    file.seek(0)
    head = file.read(1024)
    found = _type_of(head, file, size)
    if found is None or found not in taken:
        listed = ", ".join(_NAMES[one] for one in DocumentType if one in taken)
        what = _NAMES[found] if found else _described(head)
        raise TypeNotTaken(name=name, found=what, taken=listed)
    _require_no_archive_behind(file, size, name, found)
    if found is DocumentType.PDF:
        _require_pdf_alone(file, size, head, name)
        read_pdf(file, name)
    else:
        _INSPECTORS[found](file, size, name)
    return found


def _type_of(head: bytes, file: IO[bytes], size: int) -> DocumentType | None:
    if head.startswith(b"%PDF-"):
        return DocumentType.PDF
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return DocumentType.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return DocumentType.JPEG
    if head.startswith(b"PK\x03\x04"):
        return DocumentType.XLSX if _is_workbook(file) else None
    if _described(head) == _UNKNOWN and size and _is_text(head):
        return DocumentType.CSV
    return None


_UNKNOWN = Message("of a type that is not known")


def _described(head: bytes) -> Message:
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for beginning, what in _KNOWN:
        if head.startswith(beginning) or (beginning == b"<" and plain.startswith(beginning)):
            return what
    return _UNKNOWN


def _is_text(head: bytes) -> bool:
    # The head may end within a character.
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < 1024 else "ignore")
    except UnicodeDecodeError:
        return False
    return not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", text) and bool(text.strip())


def _is_workbook(file: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            names = {one.filename for one in archive.infolist()[:PARTS_MAX]}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error):
        return False
    return {"[Content_Types].xml", "xl/workbook.xml"} <= names


def _require_no_archive_behind(file: IO[bytes], size: int, name: str, found: DocumentType) -> None:
    """A ZIP is read from its end, so that one may stand behind any other file."""
    if found is DocumentType.XLSX:
        return
    file.seek(max(0, size - _ENDING - 22))
    if b"PK\x05\x06" in file.read():
        raise TwoThingsAtOnce(name=name, reason=Message("a ZIP archive stands behind it."))


# -- PDF ------------------------------------------------------------------------------------------


def _require_pdf_alone(file: IO[bytes], size: int, head: bytes, name: str) -> None:
    if re.search(rb"<\s*(!doctype|html|script|svg|\?php)", head, re.IGNORECASE):
        raise TwoThingsAtOnce(name=name, reason=Message("it begins like a web page."))
    file.seek(max(0, size - 2048))
    ending = file.read()
    at = ending.rfind(b"%%EOF")
    if at < 0:
        raise DocumentDamaged(name=name, reason=Message("its end is missing."))
    if ending[at + 5 :].strip(b"\0\r\n\t "):
        raise TwoThingsAtOnce(name=name, reason=Message("something follows its end."))


# -- images ---------------------------------------------------------------------------------------


def _inspect_png(file: IO[bytes], size: int, name: str) -> None:
    """Chunks with their sums, an IEND with nothing behind it, and pixels within bounds."""
    file.seek(8)
    at, first, unpacking, unpacked, most = 8, True, zlib.decompressobj(), 0, 0
    while at < size:
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        if len(head) < 8 or length > size - at - 12:
            raise DocumentDamaged(name=name, reason=Message("its end is missing."))
        kind, content = head[4:], file.read(length)
        told = int.from_bytes(file.read(4), "big")
        if zlib.crc32(kind + content) != told or (kind == b"IHDR") is not first:
            raise DocumentDamaged(name=name, reason=Message("a part of it was altered."))
        first = False
        at += length + 12
        if kind == b"IHDR":
            most = _png_bytes(content, name)
        elif kind == b"IDAT":
            unpacked += _unpacked(unpacking, content, most - unpacked + 1, name)
        elif kind == b"IEND":
            break
        if unpacked > most:
            raise UnpacksTooLarge(name=name, most=most)
    else:
        raise DocumentDamaged(name=name, reason=Message("its end is missing."))
    if at != size:
        raise TwoThingsAtOnce(name=name, reason=Message("something follows its end."))


def _png_bytes(header: bytes, name: str) -> int:
    """How many bytes the pixels of a PNG have, with a filter byte for each line."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    if len(header) != 13 or header[9] not in channels:
        raise DocumentDamaged(name=name, reason=Message("a part of it was altered."))
    width, height = struct.unpack(">II", header[:8])
    if width * height > PIXELS_MAX:
        raise UnpacksTooLarge(name=name, most=PIXELS_MAX)
    line = (width * channels[header[9]] * header[8] + 7) // 8 + 1
    # An interlaced image has up to seven passes, each with its own lines.
    return int(line * height + (8 * (width + height) if header[12] else 0))


def _unpacked(unpacking: Any, content: bytes, most: int, name: str) -> int:
    """How many bytes a part unpacks to; stops one above `most`."""
    count, waiting = 0, content
    try:
        while waiting and count < most:
            count += len(unpacking.decompress(waiting, min(_PART, most - count)))
            waiting = unpacking.unconsumed_tail
    except zlib.error:
        raise DocumentDamaged(name=name, reason=Message("a part of it was altered.")) from None
    return count


def _inspect_jpeg(file: IO[bytes], size: int, name: str) -> None:
    """Segments from the beginning to the end mark, with nothing behind it."""
    file.seek(0)
    content = file.read(size)
    at = 2
    while True:
        if at + 4 > size or content[at] != 0xFF:
            raise DocumentDamaged(name=name, reason=Message("a part of it was altered."))
        while at + 4 < size and content[at + 1] == 0xFF:
            at += 1  # marks may have filling before them
        mark = content[at + 1]
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if mark in {0xC0, 0xC1, 0xC2} and at + 9 <= size:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            if height * width > PIXELS_MAX:
                raise UnpacksTooLarge(name=name, most=PIXELS_MAX)
        at += 2 + length
        if mark == 0xDA:
            break
    # Within the picture 0xFF is followed by zero, or by a mark that goes on.
    for found in re.finditer(rb"\xff([^\x00\xff\xd0-\xd7])", content[at:]):
        if found[1] == b"\xd9":
            if at + found.end() != size:
                raise TwoThingsAtOnce(name=name, reason=Message("something follows its end."))
            return
    raise DocumentDamaged(name=name, reason=Message("its end is missing."))


# -- tables ---------------------------------------------------------------------------------------

_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,\s()-]*$)")


def _inspect_csv(file: IO[bytes], _size: int, name: str) -> None:
    """Rows of the same two or more columns, in UTF-8, and no cell that begins like a formula."""
    file.seek(0)
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentDamaged(name=name, reason=Message("it is not UTF-8 text.")) from None
    if re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
        raise TypeNotTaken(name=name, found=_UNKNOWN, taken="CSV")
    lines = text.splitlines() or [""]
    if max(map(len, lines)) > _LINE_MAX:
        raise DocumentDamaged(name=name, reason=Message("a line of it is too long."))
    separator = ";" if lines[0].count(";") > lines[0].count(",") else ","
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row
        ]
    except csv.Error:
        raise DocumentDamaged(name=name, reason=Message("its rows cannot be read.")) from None
    if not rows or min(map(len, rows)) < 2 or len({len(row) for row in rows}) > 1:
        reason = Message("its rows have not the same two or more columns.")
        raise DocumentDamaged(name=name, reason=reason)
    for row in rows:
        if any(_FORMULA.match(cell.lstrip(" ")) for cell in row):
            what = Message("a cell begins like a formula, which a spreadsheet would calculate.")
            raise DocumentActs(name=name, what=what)


_CARRIED = re.compile(
    r"vbaproject|xl/(externallinks|embeddings|activex|ctrlprops|macrosheets|dialogsheets)/|customui|"
    r"\.(exe|dll|bin|zip|xlsm|xlsb|docm|js|vbs|htm|html)$",
    re.IGNORECASE,
)
# Excel writes these for every sheet that was once printed or has a drawing.
_HARMLESS = re.compile(r"xl/printersettings/printersettings\d+\.bin", re.IGNORECASE)


def _inspect_xlsx(file: IO[bytes], size: int, name: str) -> None:
    """A workbook alone: no macros, links, other files; nothing that unpacks beyond bounds."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if (
                archive.comment
                or _end_of(archive) != size
                or min(one.header_offset for one in parts)
            ):
                raise TwoThingsAtOnce(name=name, reason=Message("something stands around it."))
            if len(parts) > PARTS_MAX or len({one.filename for one in parts}) < len(parts):
                raise DocumentDamaged(name=name, reason=Message("it has too many parts."))
            left = UNPACKED_BYTES_MAX
            for one in parts:
                left -= _inspect_part(archive, one, left, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error):
        raise DocumentDamaged(name=name, reason=Message("a part of it was altered.")) from None


def _end_of(archive: zipfile.ZipFile) -> int:
    """Where the archive's directory ends: 22 bytes of end record without a comment."""
    assert archive.fp is not None
    archive.fp.seek(-22, io.SEEK_END)
    at = archive.fp.tell()
    record = archive.fp.read(22)
    whole = record[:4] == b"PK\x05\x06"
    length, begin = struct.unpack("<II", record[12:20]) if whole else (0, 0)
    return at + 22 if whole and begin + length == at else 0


def _inspect_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int, name: str) -> int:
    """The bytes to which one part of a workbook unpacks."""
    if part.flag_bits & 1:
        raise DocumentLocked(name=name)
    inside = part.filename
    if inside.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", inside):
        raise DocumentDamaged(name=name, reason=Message("a part of it was altered."))
    if _CARRIED.search(inside) and not _HARMLESS.fullmatch(inside):
        raise DocumentActs(name=name, what=Message("a macro, a link or another file."))
    count, head = 0, b""
    most = min(left, max(part.compress_size, 1) * RATIO_MAX + _PART)
    with archive.open(part) as opened:
        while block := opened.read(_PART):
            head = head or block
            count += len(block)
            if count > most:
                raise UnpacksTooLarge(name=name, most=UNPACKED_BYTES_MAX)
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"MZ", b"\x7fELF", b"\xd0\xcf\x11\xe0")):
        raise DocumentActs(name=name, what=Message("a macro, a link or another file."))
    if inside.endswith((".xml", ".rels")) and (b"<!DOCTYPE" in head or b"<!ENTITY" in head):
        raise DocumentDamaged(name=name, reason=Message("a part of it was altered."))
    return count


_INSPECTORS: dict[DocumentType, Callable[[IO[bytes], int, str], None]] = {
    DocumentType.PNG: _inspect_png,
    DocumentType.JPEG: _inspect_jpeg,
    DocumentType.CSV: _inspect_csv,
    DocumentType.XLSX: _inspect_xlsx,
}
