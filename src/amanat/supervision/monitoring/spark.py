"""The same scenarios on Spark: a cluster's URL in production, `local[2]` on one machine.

Needs the extra `amanat[spark]` and Java 17 or newer.  Spark reads the files of transactions by
their locations, so they must lie where the cluster's workers find them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from amanat.core.errors import Unavailable
from amanat.supervision.monitoring.engines import numbers_of
from amanat.supervision.monitoring.model import SourceFile, day_of
from amanat.supervision.transactions import TRANSACTIONS

LOCAL = "local[2]"
_MISSING = "Spark is not here ({}): install amanat[spark], and Java 17 or newer"
_SPARK_READS = {
    "day": "CAST(unix_date(day) AS INT) AS day",
    "at": "unix_micros(at) AS at",
}
_TYPES = {"date32[day]": "DATE", "timestamp[us, tz=UTC]": "TIMESTAMP", "int64": "BIGINT"} | {
    "string": "STRING",
    "bool": "BOOLEAN",
    "decimal128(38, 18)": "DECIMAL(38, 18)",
}


class SparkMissing(Unavailable):
    """Spark is installed with the extra, and Java is there."""


class SparkEngine:
    """A Spark session as an engine of scenarios."""

    name = "spark"

    def __init__(
        self, master: str = LOCAL, spill: Path | None = None, partitions: int | None = None
    ) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise SparkMissing(_MISSING.format(error)) from error
        builder: Any = SparkSession.builder.master(master).appName("amanat monitoring")
        settings = {
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.parquet.enableVectorizedReader": "true",
        }
        if partitions is not None:
            settings["spark.sql.shuffle.partitions"] = str(partitions)
        if spill is not None:
            settings["spark.local.dir"] = str(spill)
            settings["spark.sql.warehouse.dir"] = str(spill / "warehouse")
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            self._session: Any = builder.getOrCreate()
        except Exception as error:
            raise SparkMissing(_MISSING.format(type(error).__name__)) from error
        self._session.sparkContext.setLogLevel("ERROR")
        self._ibis = ibis.pyspark.connect(self._session)
        self._serial = itertools.count(1)
        self._frames: dict[str, Any] = {}

    def scan(
        self, files: Sequence[SourceFile], columns: Sequence[str], first: int, last: int
    ) -> ir.Table:
        """As `Engine.scan`; files are told apart by their names, which are the returns' ids."""
        name = f"scan_{next(self._serial)}"
        listed = ", ".join(_SPARK_READS.get(column, column) for column in columns)
        fields = ", ".join(f"{one.name} {_TYPES[str(one.type)]}" for one in TRANSACTIONS)
        reader = self._session.read.schema(fields)
        if files:
            rows = reader.parquet(*[one.location for one in files])
            rows = rows.selectExpr("*", "element_at(split(input_file_name(), '/'), -1) AS basename")
        else:
            rows = self._session.createDataFrame([], f"{fields}, basename STRING")
        rows = rows.where(
            f"day BETWEEN DATE '{day_of(first)}' AND DATE '{day_of(last)}'"
        ).selectExpr(*listed.split(", "), "basename")
        numbers = numbers_of(files).to_pylist()
        pairs = [(one["location"].rsplit("/", 1)[-1], one["file"]) for one in numbers]
        known = self._session.createDataFrame(pairs, "basename STRING, file INT")
        joined = rows.join(known, "basename").select(*columns, "file")
        joined.createOrReplaceTempView(name)
        return self._ibis.table(name)

    def keep(self, expression: ir.Table, name: str) -> ir.Table:
        """As `Engine.keep`: computed once, and its plan cut off there."""
        kept = f"{name}_{next(self._serial)}"
        frame = self._session.sql(self._ibis.compile(expression)).localCheckpoint()
        # What a plan may say of a column being never null does not matter to any scenario.
        frame.createOrReplaceTempView(kept)
        self._frames[kept] = frame
        return self._ibis.table(kept)

    def forget(self, table: ir.Table) -> None:
        """As `Engine.forget`."""
        name = table.get_name()
        frame = self._frames.pop(name, None)
        self._session.catalog.dropTempView(name)
        if frame is not None:
            frame.unpersist()

    def fetch(self, expression: ir.Table) -> pa.Table:
        """As `Engine.fetch`."""
        return self._ibis.to_pyarrow(expression)

    def lend(self, rows: pa.Table, name: str) -> ir.Table:
        """As `Engine.lend`."""
        lent = f"{name}_{next(self._serial)}"
        column = rows.column_names[0]
        values = [(one,) for one in rows.column(0).to_pylist()]
        frame = self._session.createDataFrame(values, f"{column} BIGINT")
        frame.createOrReplaceTempView(lent)
        self._frames[lent] = frame
        return self._ibis.table(lent)

    def close(self) -> None:
        """As `Engine.close`."""
        self._session.stop()
