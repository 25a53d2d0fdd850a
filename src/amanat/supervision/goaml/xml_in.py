"""XML that others wrote, read safely: no DTD, no entities, no network, no bombs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from lxml import etree

from amanat.core.errors import Invalid

# lxml brings no types.
Element: TypeAlias = Any
Schema: TypeAlias = Any
BYTES_MAX = 64 * 1024 * 1024
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
_PATTERN = f"{_SCHEMA}pattern"
# What other engines let be escaped, and XSD does not.
_NEEDLESS = frozenset("_`'\"@~#&/:;,!%=<>")


class NotXml(Invalid):
    """A file is well-formed XML without a document type, at most 64 MiB."""

    template: ClassVar[str] = "{file} is not XML that is taken: {reason}"


class NotSchema(Invalid):
    """The operator's schema is one file in XSD 1.0 that refers to no other."""

    template: ClassVar[str] = "{file} is no schema: {reason}"


def read_xml(content: bytes, file: str) -> Element:
    """The root element.  Refuses `NotXml`."""
    if len(content) > BYTES_MAX:
        raise NotXml(file=file, reason="it is larger than 64 MiB")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        dtd_validation=False,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotXml(file=file, reason=str(error)[:200]) from None
    if root.getroottree().docinfo.doctype:
        raise NotXml(file=file, reason="a document type (DOCTYPE) is not taken")
    return root


def mended(pattern: str) -> str:
    """A pattern without `^` and `$` that were meant as anchors, and without escapes XSD lacks.

    In XSD a pattern always matches from end to end, and both are letters like any other (XML Schema
    Part 2, F): the published schema's `^[a-z]*$` would ask for a caret and a dollar.
    """
    found: list[str] = []
    depth, escaped = 0, False
    for letter in pattern:
        if escaped:
            escaped = False
            if letter in _NEEDLESS:
                found[-1] = letter
                continue
        elif letter == "\\":
            escaped = True
        elif letter == "[":
            depth += 1
        elif letter == "]" and depth:
            depth -= 1
        elif letter in "^$" and depth == 0:
            continue
        found.append(letter)
    return "".join(found)


def load_schema(path: Path) -> Schema:
    """The operator's own schema, its patterns mended in memory.  Refuses `NotXml`, `NotSchema`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotSchema(file=path.name, reason=str(error.strerror)) from None
    return schema_from(content, path.name)


def schema_from(content: bytes, file: str) -> Schema:
    """A schema from its bytes.  Refuses `NotXml`, `NotSchema` (also where it refers to others)."""
    root = read_xml(content, file)
    for name in ("import", "include", "redefine"):
        if root.find(f"{_SCHEMA}{name}") is not None:
            raise NotSchema(file=file, reason=f"it refers to another file by {name}")
    for one in root.iter(_PATTERN):
        one.set("value", mended(one.get("value", "")))
    try:
        return etree.XMLSchema(root)
    except etree.XMLSchemaParseError as error:
        raise NotSchema(file=file, reason=str(error)[:200]) from None
