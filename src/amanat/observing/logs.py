"""Log lines: one JSON object each, made of admitted fields alone.

`event` is the text in the code, never with values put into it, and only of loggers that are known
to keep texts constant; of other libraries the line says where it was written.  Of an exception
it says the types and the places in the code: messages of exceptions carry values.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import PurePath
from typing import IO, Any

from amanat.core.errors import AmanatError
from amanat.observing import tracing
from amanat.observing.fields import WITHHELD, admitted

LEVELS = ("debug", "info", "warning", "error")
_CONSTANT_TEXTS = ("amanat", "uvicorn.error")
_FRAMES_MAX = 30
request: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the request that is being answered."""


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
        }
        line |= admitted(getattr(record, "told", {}))
        line |= admitted({"request": request.get(), **tracing.identifiers()})
        values = record.args if isinstance(record.args, tuple) else ()
        if values:
            line["values"] = [_value(one) for one in values]
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = exception_told(record.exc_info[1])
        return json.dumps(line, separators=(",", ":"))


def _event(record: logging.LogRecord) -> str:
    known = any(record.name == one or record.name.startswith(f"{one}.") for one in _CONSTANT_TEXTS)
    if known and isinstance(record.msg, str):
        return record.msg.strip()
    return f"{PurePath(record.pathname).name}:{record.lineno}"


def _value(value: object) -> int | float | str:
    """What a text's place held, where it is a number or an expected error."""
    if isinstance(value, int | float):
        return value
    return value.code if isinstance(value, AmanatError) else WITHHELD


def exception_told(error: BaseException) -> list[dict[str, Any]]:
    """An exception and what caused it: type, code where it is expected, and the frames."""
    told: list[dict[str, Any]] = []
    seen: BaseException | None = error
    while seen is not None and len(told) < 5:
        frames = traceback.extract_tb(seen.__traceback__)[-_FRAMES_MAX:]
        one: dict[str, Any] = {
            "error": f"{type(seen).__module__}.{type(seen).__qualname__}",
            "frames": [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
        }
        if isinstance(seen, AmanatError):
            one["code"] = seen.code
        told.append(one)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return told


def _short(path: str) -> str:
    parts = PurePath(path).parts
    for anchor in ("site-packages", "src"):
        if anchor in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(anchor) :])
    return "/".join(parts[-2:])


def note(logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
    """Write a line; `event` is a constant text, `fields` are admitted ones."""
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={"told": fields})


def begin(level: str = "info", stream: IO[str] | None = None) -> logging.Handler:
    """Write every logger's lines to `stream` (standard error) from `level` on; the handler.

    Exceptions that nobody caught are told in the same form, so that no message of one escapes.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("amanat").setLevel(level.upper())
    # Libraries' news is of no use to an operator, and is told without its text.
    for quiet in ("httpx", "httpcore", "urllib3", "opentelemetry", "alembic", "sqlalchemy"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    log = logging.getLogger("amanat")

    def escaped(kind: type[BaseException], error: BaseException, _trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("an exception that nobody expected", exc_info=error)

    def escaped_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            log.critical("an exception ended a thread", exc_info=told.exc_value)

    sys.excepthook = escaped
    threading.excepthook = escaped_thread
    return handler
