"""`amanat goaml check`: what an exchange runs at home before it sends anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.supervision.goaml.reports import SCHEMA, golden
from typer.testing import CliRunner

from amanat.cli.root import app

ON = ("--today", "2026-03-13", "--entity", "4711")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A sound report in a file."""
    path = tmp_path / "report.xml"
    path.write_bytes(golden())
    return path


def test_a_sound_report_leaves_with_nought(report: Path) -> None:
    done = CliRunner().invoke(app, ["goaml", "check", str(report), "--schema", str(SCHEMA), *ON])
    assert (done.exit_code, done.stdout) == (0, "report.xml: no problem was found\n")


def test_all_problems_are_printed_with_line_and_rule(report: Path) -> None:
    broken = golden().replace(b"<city>Lahore", b"<city>Lahor", 1).replace(b"VA-TXN", b"VA-XXX")
    report.write_bytes(broken)
    done = CliRunner().invoke(app, ["goaml", "check", str(report), *ON])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("report.xml:18: report/location/city: Lahor is no district")
    assert lines[1].endswith("VA-XXX is no indicator of the list [indicator_unknown]")
    as_json = CliRunner().invoke(app, ["goaml", "check", str(report), "--json", *ON])
    told = json.loads(as_json.stdout)
    assert (told["taken"], [one["rule"] for one in told["problems"]]) == (
        False, ["district", "indicator_unknown"],
    )  # fmt: skip


def test_what_is_no_report_or_no_schema_is_one_line(report: Path, tmp_path: Path) -> None:
    for arguments in (
        [str(tmp_path / "none.xml")],
        [str(report), "--schema", str(tmp_path / "none.xsd")],
        [str(report), "--today", "yesterday"],
        [str(report), "--jurisdiction", "xx"],
    ):
        done = CliRunner().invoke(app, ["goaml", "check", *arguments])
        assert done.exit_code == 1
        assert len(done.stderr.strip().splitlines()) == 1
