"""What the desk tells of an act: by which institution, with what outcome, in what time."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from amanat.core.errors import AmanatError, Refusals, Unavailable
from amanat.observing import metrics, tracing
from amanat.observing.logs import note

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger("amanat.acts")


def observed(step: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Tell of every call of a method of the desk whose first arguments are the actor and the act.

    The act is a command, whose class names it, or the id of a proposal; then the outcome (or the
    refusal, where it says) names the act.
    """

    def wrap(method: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(method)
        def told(*arguments: P.args, **options: P.kwargs) -> R:
            actor, thing = arguments[1], arguments[2]
            act = "" if isinstance(thing, str) else type(thing).__name__
            who: dict[str, Any] = {
                "programme": getattr(actor, "programme", None),
                "institution": getattr(actor, "institution", None),
            }
            began = time.perf_counter()
            with tracing.step(f"act {step}") as under_way:
                under_way.tell(step=step, act=act or None, **who)
                try:
                    outcome = method(*arguments, **options)
                except Exception as error:
                    act = act or _act_of(error)
                    word, level = _failure(error)
                    code = error.code if isinstance(error, AmanatError) else "unexpected"
                    _count_refusals(error)
                    _finish(step, act, word, code, began, level, who)
                    raise
                act = act or str(getattr(outcome, "act", ""))
                word = str(getattr(outcome, "state", "done"))
                under_way.tell(act=act, outcome=word)
                _finish(step, act, word, None, began, logging.INFO, who)
                return outcome

        return told

    return wrap


def _act_of(error: Exception) -> str:
    """The act that a refusal names, where it is a declared one's form."""
    named = getattr(error, "fields", {}).get("act", "")
    return named if isinstance(named, str) and named.isidentifier() else ""


def _failure(error: Exception) -> tuple[str, int]:
    if isinstance(error, Unavailable):
        return "unavailable", logging.WARNING
    if isinstance(error, AmanatError) and error.status < 500:
        return "refused", logging.INFO
    return "failed", logging.ERROR


def _count_refusals(error: Exception) -> None:
    several = error.refusals if isinstance(error, Refusals) else (error,)
    for one in several:
        if isinstance(one, AmanatError):
            metrics.refusals.labels(one.code).inc()


def _finish(
    step: str,
    act: str,
    outcome: str,
    code: str | None,
    began: float,
    level: int,
    who: dict[str, str | None],
) -> None:
    seconds = time.perf_counter() - began
    metrics.acts.labels(act or "unknown", step, outcome).inc()
    metrics.act_seconds.labels(step).observe(seconds)
    note(
        log,
        level,
        "act",
        step=step,
        act=act or None,
        outcome=outcome,
        code=code,
        duration_ms=round(seconds * 1000, 1),
        **who,
    )
