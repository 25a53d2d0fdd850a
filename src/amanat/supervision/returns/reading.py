"""Reads the files of a return in batches, whatever their format, in bounded memory.

Whatever a file has is read as far as it can be: what is wrong with it is noted, and reading goes on
with the next row.  CSV and NDJSON give texts, Parquet gives typed columns; `values` makes one of
both.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from amanat.jurisdictions.returns import Limits
from amanat.supervision.returns.arrow import fits
from amanat.supervision.returns.contents import Content, Plain
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.specification import FORMATS, Form, Record

BATCH_ROWS = 1 << 17
_PART = 1 << 20
_CSV_BLOCK = 2 << 20  # of which Arrow reads some thirty ahead
_LINE_BYTES_MAX = 1 << 16
_COLUMNS_NAMED_MAX = 100
"""How many columns that do not belong are named; the rest are counted."""
_GROUP_BYTES_MAX = 2 << 30
_SMALL_BYTES = 1 << 16
"""Files below this are never called bombs: headers and dictionaries weigh more than their rows."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_TEXTS = frozenset({Form.REFERENCE, Form.TEXT, Form.CODE, Form.COUNTRY})

Told = Callable[[int], None]
"""Is told how many bytes further reading has come."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file: their numbers from 1, and a column for each that the file has."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    columns: dict[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a return."""

    content: Content
    name: str
    record: Record

    @property
    def format(self) -> str:
        """Its format, as its name says."""
        return self.name.rpartition(".")[2]

    def for_arrow(self) -> Any:
        """It from its beginning, as Arrow reads it: a plain file by its own means."""
        if isinstance(self.content, Plain):
            return self.content.path
        return pa.PythonFile(self.content.open(), mode="r")


def record_of(name: str, records: dict[str, Record]) -> Record | None:
    """Which record a file holds, as its name says; None where it says nothing known."""
    stem, _, ending = name.rpartition(".")
    return records.get(stem) if ending in FORMATS else None


# -- bytes ----------------------------------------------------------------------------------------


def examine(source: Source, findings: Findings, told: Told) -> str:
    """The SHA-256 of a file; notes what no text may have: other encodings, NUL, a mark before."""
    whole = hashlib.sha256()
    text = source.format != "parquet"
    decoder = codecs.getincrementaldecoder("utf-8")()
    place, lines, nul, broken = 0, 0, False, False
    with source.content.open() as file:
        while part := file.read(_PART):
            whole.update(part)
            if text and place == 0 and part.startswith(codecs.BOM_UTF8):
                findings.add(source.name, "byte_order_mark")
            if text and not nul and b"\0" in part:
                nul = True
                line = lines + part.count(b"\n", 0, part.index(b"\0"))
                findings.add(source.name, "nul", row=_row_of(source, line))
            if text and not broken:
                broken = _not_utf8(source, decoder, part, lines, findings)
            lines += part.count(b"\n")
            place += len(part)
            told(len(part))
    if text and not broken and not _ends(decoder):
        findings.add(source.name, "encoding", row=_row_of(source, lines))
    if place == 0:
        findings.add(source.name, "file_empty")
    return whole.hexdigest()


def _not_utf8(source: Source, decoder: Any, part: bytes, lines: int, findings: Findings) -> bool:
    try:
        decoder.decode(part)
    except UnicodeDecodeError as error:
        # What the decoder kept of the part before stands in front of this one.
        kept = len(error.object) - len(part)
        line = lines + part.count(b"\n", 0, max(error.start - kept, 0))
        value = bytes(error.object[error.start : error.start + 1])
        findings.add(source.name, "encoding", row=_row_of(source, line), value=f"0x{value.hex()}")
        return True
    return False


def _ends(decoder: Any) -> bool:
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _row_of(source: Source, lines: int) -> int:
    """The row of a line that so many line ends stand before; the header of CSV is none."""
    return max(lines + (0 if source.format == "csv" else 1), 1)


# -- rows -----------------------------------------------------------------------------------------


def batches(source: Source, limits: Limits, findings: Findings) -> Iterator[Batch]:
    """The rows of a file, in order.  Nothing, where no row of it can be read."""
    if findings.has(source.name, "encoding", "nul", "file_empty"):
        return
    reader = {"csv": _from_csv, "ndjson": _from_ndjson, "parquet": _from_parquet}[source.format]
    yield from reader(source, limits, findings)


def _columns_stated(source: Source, names: list[str], findings: Findings) -> bool:
    """Note what is wrong with the names of columns; False: rows cannot be told apart."""
    known = {one.name for one in source.record.columns}
    counted = Counter(names)
    for rule, strange in (
        ("column_twice", sorted(name for name, times in counted.items() if times > 1)),
        ("column_unknown", [name for name in counted if name not in known]),
    ):
        for name in strange[:_COLUMNS_NAMED_MAX]:
            findings.add(source.name, rule, column=name[:64])
        findings.add_many(source.name, rule, None, [], len(strange[_COLUMNS_NAMED_MAX:]))
    for column in source.record.columns:
        if column.required and column.name not in counted:
            findings.add(source.name, "column_missing", column=column.name)
    return len(counted) == len(names)


def _from_csv(source: Source, _limits: Limits, findings: Findings) -> Iterator[Batch]:
    skipped: list[int] = []

    def broken(row: Any) -> str:
        skipped.append(row.number - 1)
        findings.add(source.name, "row_shape", row=row.number - 1, value=row.text)
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            source.for_arrow(),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=broken, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types={one.name: pa.string() for one in source.record.columns},
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        findings.add(source.name, "file_readable", value=error)
        return
    if not _columns_stated(source, reader.schema.names, findings):
        return
    wanted = [one.name for one in source.record.columns if one.name in reader.schema.names]
    yield from _numbered(source, reader, wanted, skipped, findings)


def _numbered(
    source: Source, reader: Any, wanted: list[str], skipped: list[int], findings: Findings
) -> Iterator[Batch]:
    """The batches of a reader, with the numbers of the rows that were not skipped."""
    following, told = 1, 0
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except pa.ArrowInvalid as error:
            findings.add(source.name, "file_readable", value=error)
            return
        away = np.array(skipped[told:], dtype=np.int64)
        numbers = np.arange(following, following + batch.num_rows + len(away), dtype=np.int64)
        if len(away):
            numbers = np.setdiff1d(numbers, away, assume_unique=True)
        numbers = numbers[: batch.num_rows]
        if batch.num_rows:
            told += int(np.count_nonzero(away < numbers[-1]))
            following = int(numbers[-1]) + 1
            texts = {name: _as_text(batch.column(name)) for name in wanted}
            yield Batch(numbers, texts)


def _as_text(column: pa.Array) -> pa.Array:
    return column if column.type == pa.string() else column.cast(pa.string())


def _from_ndjson(source: Source, _limits: Limits, findings: Findings) -> Iterator[Batch]:
    names = [one.name for one in source.record.columns]
    known = frozenset([*names, "record"])
    flags = {one.name for one in source.record.columns_of(Form.FLAG)}
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    with source.content.open() as file:
        for number, line in enumerate(_lines(file), 1):
            row = _object_of(source, number, line, findings)
            if row is None:
                continue
            for name in row.keys() - known:
                findings.add(source.name, "column_unknown", row=number, column=name[:64])
            rows.append(row)
            numbers.append(number)
            if len(rows) == BATCH_ROWS // 4:
                yield _texts_of(source, names, flags, rows, numbers, findings)
                rows, numbers = [], []
    if rows:
        yield _texts_of(source, names, flags, rows, numbers, findings)


def _lines(file: Any) -> Iterator[bytes]:
    """Lines without their ends; of one that is too long the beginning, which is no JSON."""
    while line := file.readline(_LINE_BYTES_MAX):
        if not line.endswith(b"\n"):
            more = cut = file.readline(_LINE_BYTES_MAX)
            while more and not more.endswith(b"\n"):
                more = file.readline(_LINE_BYTES_MAX)
            line += "…".encode() if cut else b""
        yield line.rstrip(b"\r\n")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _object_of(
    source: Source, number: int, line: bytes, findings: Findings
) -> dict[str, Any] | None:
    try:
        row = json.loads(line, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        row = None
    if row is not None and _SURROGATE.search(line) and not _is_unicode(row):
        findings.add(source.name, "encoding", row=number, value=line[:80])
        return None
    if not isinstance(row, dict) or row.get("record", source.record.name) != source.record.name:
        findings.add(source.name, "row_shape", row=number, value=line[:80])
        return None
    return row


def _is_unicode(row: Any) -> bool:
    """Whether what JSON escaped are characters: half of a surrogate pair (`\\ud800`) is none."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts_of(
    source: Source,
    names: list[str],
    flags: set[str],
    rows: list[dict[str, Any]],
    numbers: list[int],
    findings: Findings,
) -> Batch:
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        wanted = bool if name in flags else str
        strange = [at for at, one in enumerate(values) if type(one) not in (wanted, type(None))]
        for at in strange:
            findings.add(source.name, "form", row=numbers[at], column=name, value=values[at])
            values[at] = None
        if name in flags:
            values = [None if one is None else str(one).lower() for one in values]
        columns[name] = pa.array([one or None for one in values], pa.string())
    return Batch(np.array(numbers, dtype=np.int64), columns)


# -- Parquet --------------------------------------------------------------------------------------


def _from_parquet(source: Source, limits: Limits, findings: Findings) -> Iterator[Batch]:
    texts = [one.name for one in source.record.columns if one.form in _TEXTS]
    try:
        # A column that is nested has no dictionary to be read: types are looked at first.
        about = parquet.read_schema(source.for_arrow())
        plain = [
            name
            for name in texts
            if name in about.names and not pa.types.is_nested(_type_in(about, name))
        ]
        file = parquet.ParquetFile(source.for_arrow(), read_dictionary=plain)
    except (pa.ArrowException, OSError) as error:
        findings.add(source.name, "file_readable", value=error)
        return
    with file:
        schema = file.schema_arrow
        if not _columns_stated(source, schema.names, findings):
            return
        if not _sized(source, file, limits, findings):
            return
        wanted = []
        for column in source.record.columns:
            if column.name not in schema.names:
                continue
            given = schema.field(column.name).type
            if fits(column.form, given):
                wanted.append(column.name)
            else:
                findings.add(source.name, "column_type", column=column.name, value=given)
        following = 1
        try:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                numbers = np.arange(following, following + batch.num_rows, dtype=np.int64)
                following += batch.num_rows
                yield Batch(numbers, {name: batch.column(name) for name in wanted})
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            findings.add(source.name, "file_readable", value=error)


def _type_in(schema: pa.Schema, name: str) -> pa.DataType:
    """The type of a column; null where there is none, or more than one, of that name."""
    at = schema.get_field_index(name)
    return pa.null() if at < 0 else schema.field(at).type


def _sized(source: Source, file: Any, limits: Limits, findings: Findings) -> bool:
    """Whether what a file unpacks to is in proportion to what it has: by its own account of it.

    What a file says too little of is found while it is read: texts stay in their dictionaries, so
    that a value which is repeated a billion times is held once.
    """
    size = source.content.size
    about = file.metadata
    groups = [about.row_group(at) for at in range(about.num_row_groups)]
    unpacked = sum(one.total_byte_size for one in groups)
    too_far = (
        about.num_rows > limits.rows_max
        or (unpacked > limits.inflate_max * size and unpacked > _GROUP_BYTES_MAX // 32)
        or any(one.total_byte_size > _GROUP_BYTES_MAX for one in groups)
        or (about.num_rows * limits.bytes_per_row_min > size and about.num_rows > _SMALL_BYTES)
    )
    if too_far:
        told = f"{size} bytes to {unpacked}, {about.num_rows} rows"
        findings.add(source.name, "inflates_too_far", value=told)
    return not too_far
