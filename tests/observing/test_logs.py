"""Log lines tell fields of the list in their form, and nothing else, whatever they are given."""

from __future__ import annotations

import ast
import io
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from amanat.core.errors import NotFound
from amanat.observing import logs, tracing
from amanat.observing.fields import WITHHELD, admitted, names

SOURCES = Path(__file__).parents[2] / "src" / "amanat"
SECRET = "planted-secret"
log = logging.getLogger("amanat.tests")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged; the former set-up of logging is put back."""
    root = logging.getLogger()
    former, level = root.handlers[:], root.level
    hook = threading.excepthook
    import sys

    escaped = sys.excepthook
    stream = io.StringIO()
    logs.begin("debug", stream)
    yield stream
    logging.captureWarnings(False)
    logging.raiseExceptions = True
    root.handlers[:], threading.excepthook, sys.excepthook = former, hook, escaped
    root.setLevel(level)


def last(stream: io.StringIO) -> dict[str, object]:
    text = stream.getvalue().splitlines()[-1]
    assert SECRET not in stream.getvalue()
    return dict(json.loads(text))


def test_admitted_fields_are_told_and_others_dropped(lines: io.StringIO) -> None:
    logs.note(log, logging.INFO, "act", act="MoveDay", duration_ms=3.5, person=SECRET, cnic=SECRET)
    told = last(lines)
    assert (told["event"], told["act"], told["duration_ms"]) == ("act", "MoveDay", 3.5)
    assert "person" not in told
    assert "cnic" not in told


@pytest.mark.parametrize("name", sorted(names()))
def test_no_field_takes_a_text_that_is_not_of_its_form(name: str) -> None:
    for text in (f"{SECRET} of somebody", "35202-7654321-9\n", "+923001234567 ", "{}", "a" * 300):
        assert admitted({name: text}).get(name, WITHHELD) == WITHHELD


def test_values_put_into_a_text_are_withheld(lines: io.StringIO) -> None:
    log.warning("%s tried %s times: %s", SECRET, 3, NotFound(thing="person", value=SECRET))
    told = last(lines)
    assert told["event"] == "%s tried %s times: %s"
    assert told["values"] == [WITHHELD, 3, "not_found"]


def test_an_exception_is_told_by_type_and_place(lines: io.StringIO) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise NotFound(thing="person", value=SECRET) from error
    except NotFound:
        log.exception("it failed")
    told = last(lines)["exception"]
    assert isinstance(told, list)
    assert [one["error"] for one in told] == [
        "amanat.core.errors.NotFound",
        "builtins.ValueError",
    ]
    assert told[0]["code"] == "not_found"
    assert told[0]["frames"][0].endswith("test_an_exception_is_told_by_type_and_place")


def test_a_failed_statement_tells_none_of_its_values(lines: io.StringIO) -> None:
    engine = sql.create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            connection.execute(sql.text("INSERT INTO nothing VALUES (:v)"), {"v": SECRET})
    except sql.exc.SQLAlchemyError:
        log.exception("the database failed")
    assert last(lines)["event"] == "the database failed"


def test_other_libraries_tell_where_they_spoke(lines: io.StringIO) -> None:
    logging.getLogger("urllib3.connectionpool").warning(f"Retrying {SECRET}")
    assert last(lines)["event"].startswith("test_logs.py:")  # type: ignore[attr-defined]


def test_what_ends_a_thread_is_told_without_its_message(lines: io.StringIO) -> None:
    def fails() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    told = last(lines)
    assert told["event"] == "an exception ended a thread"
    assert told["level"] == "critical"


def test_lines_carry_the_ids_of_request_and_trace(lines: io.StringIO) -> None:
    token = logs.request.set("01a2022b-390f-7000-b63f-2e0f9965f996")
    with tracing.step("something"):
        log.info("inside")
        ids = tracing.identifiers()
    logs.request.reset(token)
    told = last(lines)
    assert told["request"] == "01a2022b-390f-7000-b63f-2e0f9965f996"
    assert (told["trace"], told["span"]) == (ids["trace"], ids["span"])
    log.info("outside")
    assert not {"request", "trace", "span"} & set(last(lines))


def test_every_text_that_is_logged_is_a_constant() -> None:
    """A value put into the text itself would pass the list of fields."""
    methods = {"debug", "info", "warning", "error", "exception", "critical"}
    loose = []
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func
            text: ast.expr | None = None
            if isinstance(called, ast.Attribute) and called.attr in methods:
                if isinstance(called.value, ast.Name) and called.value.id in {"log", "logger"}:
                    text = node.args[0]
            elif isinstance(called, ast.Name) and called.id == "note" and len(node.args) > 2:
                text = node.args[2]
            if text is not None and not isinstance(text, ast.Constant):
                loose.append(f"{file.name}:{node.lineno}")
    assert loose == []
