"""Files as applicants, careless people and attackers give them; none is kept in the tree."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    TextStringObject,
)


def pdf(pages: int = 1) -> bytes:
    """A PDF of empty pages."""
    return written(_writer(pages))


def _writer(pages: int = 1) -> PdfWriter:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=200, height=200)
    return writer


def written(writer: PdfWriter) -> bytes:
    """The bytes of what a writer holds."""
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def pdf_with_script() -> bytes:
    """JavaScript that runs as the document is opened."""
    writer = _writer()
    action = DictionaryObject(
        {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject("app.alert('opened');"),
        }
    )
    tree = DictionaryObject(
        {NameObject("/Names"): ArrayObject([TextStringObject("a"), writer._add_object(action)])}
    )
    writer.root_object[NameObject("/Names")] = DictionaryObject(
        {NameObject("/JavaScript"): writer._add_object(tree)}
    )
    return written(writer)


def pdf_with_action(kind: str, **fields: str) -> bytes:
    """An action of a kind that the opening of the document sets off."""
    writer = _writer()
    action = {NameObject("/S"): NameObject(f"/{kind}")}
    action |= {NameObject(f"/{name}"): TextStringObject(text) for name, text in fields.items()}
    writer.root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(action))
    return written(writer)


def pdf_with_attachment() -> bytes:
    """A PDF that carries a program."""
    writer = _writer()
    writer.add_attachment("invoice.exe", b"MZ" + bytes(64))
    return written(writer)


def pdf_with_button(kind: str) -> bytes:
    """An action that hangs at a thing on a page, and that moving the pointer sets off."""
    writer = _writer()
    action = DictionaryObject({NameObject("/S"): NameObject(f"/{kind}")})
    widget = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/AA"): DictionaryObject({NameObject("/E"): action}),
        }
    )
    page = writer.pages[0]
    page[NameObject("/Annots")] = ArrayObject([writer._add_object(widget)])
    return written(writer)


def pdf_with_hidden_script() -> bytes:
    """A script with its name escaped, in an object to which nothing leads."""
    plain = pdf()
    hidden = b"99 0 obj\n<< /S /J#61vaScript /#4a#53 (app.alert(1)) >>\nendobj\n"
    at = plain.rindex(b"\nxref") + 1
    return (
        plain[:at]
        + hidden
        + plain[at:].replace(f"startxref\n{at}".encode(), f"startxref\n{at + len(hidden)}".encode())
    )


def pdf_with_packed_script() -> bytes:
    """A script within a compressed stream of objects, which no search of the bytes finds."""
    objects = b"<< /S /JavaScript /JS (app.alert(1)) >>"
    packed = zlib.compress(b"7 0 " + objects)
    body = b"%PDF-1.5\n"
    places = {}
    for number, content in (
        (1, b"<< /Type /Catalog /Pages 2 0 R /OpenAction 7 0 R >>"),
        (2, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
        (3, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"),
        (
            5,
            b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%s\n"
            b"endstream" % (len(packed), packed),
        ),
    ):
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    rows = [(0, 0, 65535 & 255)] + [(1, places[n], 0) for n in (1, 2, 3)]
    rows += [(0, 0, 0), (1, places[5], 0), (1, len(body), 0), (2, 5, 0)]
    table = zlib.compress(b"".join(struct.pack(">BHB", *row) for row in rows))
    start = len(body)
    body += (
        b"6 0 obj\n<< /Type /XRef /Size 8 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode"
        b" /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n"
        % (len(table), table, start)
    )
    return body


def pdf_locked() -> bytes:
    """A PDF with a password."""
    writer = _writer()
    writer.encrypt("secret", algorithm="RC4-128")
    return written(writer)


def pdf_bomb(mib: int = 512) -> bytes:
    """A page whose content unpacks to a thousand times its size, filter upon filter."""
    writer = _writer()
    stream = DecodedStreamObject()
    packing = zlib.compressobj(9)
    once = b"".join(packing.compress(bytes(2**20)) for _ in range(mib)) + packing.flush()
    stream.set_data(zlib.compress(once, 9))
    stream[NameObject("/Filter")] = ArrayObject([NameObject("/FlateDecode")] * 2)
    writer.pages[0][NameObject("/Contents")] = writer._add_object(stream)
    return written(writer)


def png(width: int = 4, height: int = 3, rows: bytes | None = None) -> bytes:
    """A grey picture."""
    content = bytes(height * (width + 1)) if rows is None else rows

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(content, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def jpeg(behind: bytes = b"") -> bytes:
    """The segments of a JPEG of one pixel."""
    frame = struct.pack(">BHHB", 8, 1, 1, 1) + b"\x01\x11\x00"
    scan = b"\x01\x01\x00\x00\x3f\x00"

    def segment(mark: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, mark, len(body) + 2) + body

    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
        + segment(0xC0, frame)
        + segment(0xDA, scan)
        + b"\x00\xff\x00\x12"
        + b"\xff\xd9"
        + behind
    )


def xlsx(extra: dict[str, bytes] | None = None, **changes: Any) -> bytes:
    """A workbook of one sheet, with further parts."""
    parts = {
        "[Content_Types].xml": b"<Types/>",
        "xl/workbook.xml": b"<workbook/>",
        "xl/worksheets/sheet1.xml": b"<worksheet><sheetData/></worksheet>",
    } | (extra or {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.comment = changes.get("comment", b"")
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def zip_of(name: str, content: bytes) -> bytes:
    """A ZIP archive of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, content)
    return out.getvalue()
