"""What is published of the specification is made from it, and says what the checks do."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from amanat.supervision.returns.arrow import schema_of
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.publishing import FOLDER, PAGE, archive, files, schemas
from amanat.supervision.returns.specification import FORMATS, MANIFEST, RECORDS, RULES

from .exchanges import checked, written

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PUBLISHED = files()


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_reference_is_fresh(name: str) -> None:
    """`make docs` writes it; of Parquet the rows are compared, its bytes are the writer's."""
    kept, made = (REFERENCE / name).read_bytes(), PUBLISHED[name]
    if name.endswith(".parquet"):
        assert parquet.read_table(io.BytesIO(kept)).equals(parquet.read_table(io.BytesIO(made)))
    elif name.endswith(f"parquet/{MANIFEST}"):
        assert json.loads(kept)["totals"] == json.loads(made)["totals"]
    else:
        assert kept == made


@pytest.mark.parametrize("format", FORMATS)
def test_the_examples_are_sound(format: str) -> None:
    findings = checked(REFERENCE / FOLDER / f"example-{format}").findings
    assert [str(one) for one in findings.shown] == []


def test_schemas_are_of_draft_2020_12() -> None:
    for name, schema in schemas().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$schema"].endswith("2020-12/schema"), name


def test_examples_fit_their_schemas() -> None:
    found = schemas()
    folder = REFERENCE / FOLDER / "example-ndjson"
    manifest = json.loads((folder / MANIFEST).read_text())
    jsonschema.validate(manifest, found["manifest.schema.json"], jsonschema.Draft202012Validator)
    for name in RECORDS:
        for line in (folder / f"{name}.ndjson").read_text().splitlines():
            jsonschema.validate(
                json.loads(line), found[f"{name}.schema.json"], jsonschema.Draft202012Validator
            )


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        ("transactions", {"kind": "gift"}),
        ("transactions", {"value": "1.234"}),
        ("transactions", {"value": 12}),
        ("transactions", {"quantity": "۱۲"}),
        ("transactions", {"at": "2026-03-08 06:00"}),
        ("parties", {"name": "=1"}),
        ("parties", {"residence": "pk"}),
        ("accounts", {"extra": "x"}),
    ],
)
def test_schema_and_check_refuse_the_same(
    tmp_path: Path, record: str, wrong: dict[str, Any]
) -> None:
    folder = written(tmp_path / "r", format="ndjson")
    path = folder / f"{record}.ndjson"
    lines = path.read_text().splitlines()
    row = json.loads(lines[0]) | wrong
    validator = jsonschema.Draft202012Validator(schemas()[f"{record}.schema.json"])
    assert not validator.is_valid(row)
    path.write_text("\n".join([json.dumps(row), *lines[1:]]) + "\n")
    (column,) = wrong
    shown = checked(folder).findings.shown
    assert (path.name, 1, column) in {(one.file, one.row, one.column) for one in shown}


def test_parquet_examples_have_the_published_types() -> None:
    for name, record in RECORDS.items():
        table = parquet.read_table(REFERENCE / FOLDER / "example-parquet" / f"{name}.parquet")
        assert table.schema.equals(schema_of(record), check_metadata=False)
    assert pa.types.is_decimal(schema_of(RECORDS["transactions"]).field("value").type)


def test_every_rule_is_named_on_the_page() -> None:
    page = PUBLISHED[PAGE].decode()
    assert all(f"`{name}`" in page for name in RULES)
    for record in RECORDS.values():
        assert all(f"`{column.name}`" in page for column in record.columns)
    with pytest.raises(AssertionError):
        Findings().add("x", "a_rule_that_is_none")


def test_the_archive_is_the_same_whenever_it_is_made() -> None:
    assert archive() == archive()
