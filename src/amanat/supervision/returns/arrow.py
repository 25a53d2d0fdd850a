"""The specification's columns as Arrow types: what Parquet files have, and what checks work on."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from amanat.supervision.returns.specification import (
    MONEY_DIGITS,
    MONEY_PLACES,
    QUANTITY_DIGITS,
    QUANTITY_PLACES,
    Form,
    Record,
)

_TYPES: dict[Form, pa.DataType] = {
    Form.REFERENCE: pa.string(),
    Form.TEXT: pa.string(),
    Form.CODE: pa.string(),
    Form.COUNTRY: pa.string(),
    Form.DAY: pa.date32(),
    Form.INSTANT: pa.timestamp("us", tz="UTC"),
    Form.MONEY: pa.decimal128(MONEY_DIGITS, MONEY_PLACES),
    Form.QUANTITY: pa.decimal128(QUANTITY_DIGITS, QUANTITY_PLACES),
    Form.FLAG: pa.bool_(),
}


def type_of(form: Form) -> pa.DataType:
    """The Arrow type of a form."""
    return _TYPES[form]


def schema_of(record: Record) -> pa.Schema:
    """A record's Arrow schema, columns in their order."""
    return pa.schema(
        [pa.field(one.name, type_of(one.form), not one.required) for one in record.columns]
    )


def fits(form: Form, given: pa.DataType) -> bool:
    """Whether a column of Parquet may have this type: exact for amounts, any width for texts."""
    wanted = type_of(form)
    if pa.types.is_dictionary(given):
        return bool(pa.types.is_string(wanted)) and fits(form, given.value_type)
    if pa.types.is_string(wanted):
        return bool(pa.types.is_string(given) or pa.types.is_large_string(given))
    if pa.types.is_decimal(wanted):
        room = wanted.precision - wanted.scale
        return bool(
            pa.types.is_decimal128(given)
            and given.scale <= wanted.scale
            and given.precision - given.scale <= room
        )
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(given) and given.tz == "UTC" and given.unit != "ns")
    return bool(given == wanted)


def unscaled(column: Any) -> tuple[Any, Any]:
    """The two halves of decimals of 128 bits as numpy: low (unsigned) and high (signed).

    Rows without a value have whatever lies there.
    """
    import numpy as np

    halves = np.frombuffer(column.buffers()[1], dtype=np.uint64)
    own = halves[2 * column.offset : 2 * (column.offset + len(column))]
    return own[::2], own[1::2].view(np.int64)
