"""Reads one PDF from standard input, in bounds, and says on standard output what it would do.

A program of its own, which imports nothing that it does not need; `documents.pdf` starts it.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
from collections.abc import Iterator
from typing import Any

MEMORY_BYTES_MAX = 2 * 2**30
SECONDS_MAX = 20
OBJECTS_MAX = 300_000

# ISO 32000-2, 12.6.4: what an action does that leaves the document, runs, sends or plays something.
# Going to a page and opening an address that a person follows are left.
_ACTIONS = {
    "/JavaScript": "script",
    "/Launch": "launch",
    "/SubmitForm": "send",
    "/ImportData": "send",
    "/GoToE": "file",
    "/GoToR": "launch",
    "/Rendition": "play",
    "/RichMediaExecute": "play",
    "/Movie": "play",
    "/Sound": "play",
}
_KEYS = {
    "/JS": "script",
    "/JavaScript": "script",
    "/EF": "file",
    "/EmbeddedFiles": "file",
    "/XFA": "script",
    "/RichMediaContent": "play",
}
_KINDS = {
    "/EmbeddedFile": "file",
    "/FileAttachment": "file",
    "/RichMedia": "play",
    "/Screen": "play",
    "/3D": "play",
}
# What stands in the bytes, whatever the table of objects leads to: a viewer that mends a broken
# table finds it.  A short name is looked for outside of streams, whose bytes may hold it by chance.
_LONG = re.compile(rb"/(JavaScript|Launch|EmbeddedFiles?|RichMedia\w*|XFA)(?![\w])")
_SHORT = re.compile(rb"/JS(?![\w])")
_STREAM = re.compile(rb"(?<=stream)\r?\n.*?endstream", re.DOTALL)
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


def examined(content: bytes) -> dict[str, Any]:
    """Whether a PDF is locked, and what it would do: `script`, `launch`, `send`, `file`, `play`."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted:
        return {"locked": True, "acts": []}
    acts = set(_in_bytes(content))
    for one in _objects(reader):
        acts.update(_in_object(one))
    if not reader.pages:
        raise ValueError("no page")
    return {"locked": False, "acts": sorted(acts)}


def _objects(reader: Any) -> Iterator[Any]:
    """Every object of the file, also those to which nothing leads, and the trailer."""
    from pypdf.generic import IndirectObject

    yield reader.trailer
    numbers = {(number, generation) for generation, at in reader.xref.items() for number in at}
    numbers |= {(number, 0) for number in reader.xref_objStm}
    if len(numbers) > OBJECTS_MAX:
        raise ValueError("too many objects")
    for number, generation in sorted(numbers):
        yield reader.get_object(IndirectObject(number, generation, reader))


def _in_object(one: Any) -> Iterator[str]:
    """What one object would do; others that it leads to are looked at by themselves."""
    waiting = [one]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            for key, value in found.raw_items() if hasattr(found, "raw_items") else found.items():
                if key in _KEYS:
                    yield _KEYS[key]
                elif key == "/S" and str(value) in _ACTIONS:
                    yield _ACTIONS[str(value)]
                elif key in ("/Type", "/Subtype") and str(value) in _KINDS:
                    yield _KINDS[str(value)]
                if isinstance(value, dict | list):
                    waiting.append(value)
        elif isinstance(found, list):
            waiting.extend(item for item in list.__iter__(found) if isinstance(item, dict | list))


def _in_bytes(content: bytes) -> Iterator[str]:
    def plain(text: bytes) -> bytes:
        return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text)

    meaning = {b"Java": "script", b"Laun": "launch", b"Embe": "file", b"Rich": "play"}
    for found in _LONG.finditer(plain(content)):
        yield meaning.get(found[1][:4], "script")
    if _SHORT.search(plain(_STREAM.sub(b"\n", content))):
        yield "script"


def main() -> None:
    """Read a PDF from standard input in bounds, and say on standard output what it would do."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    told = examined(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
