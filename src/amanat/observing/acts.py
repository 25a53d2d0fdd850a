"""What the desk tells of an act: by which institution, with what outcome, in what time."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from amanat.core.errors import AmanatError, Refusals, Unavailable
from amanat.observing import metrics, tracing
from amanat.observing.logs import note

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger("amanat.acts")
_untold: set[str] = set()
_named: ContextVar[str] = ContextVar("act", default="")


def name_act(act: str) -> None:
    """Say which act a proposal is, once that is known."""
    _named.set(act)


def keep_untold(act: str) -> None:
    """Tell nothing of an act but that it failed by our own mistake, without its name or actor."""
    _untold.add(act)


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
            named = _named.set(act)
            kept: Exception | None = None
            with tracing.step(f"act {step}") as under_way:
                try:
                    outcome = method(*arguments, **options)
                except Exception as error:
                    act = _named.get() or _act_of(error)
                    word, level = _failure(error)
                    if act not in _untold:
                        under_way.tell(step=step, act=act or None, **who)
                        code = error.code if isinstance(error, AmanatError) else "unexpected"
                        _count_refusals(error)
                        _finish(step, act, word, code, began, level, who)
                        raise
                    kept = error  # raised outside, where the trace says nothing of it
                    _finish_untold(step, level)
                else:
                    act = _named.get() or str(getattr(outcome, "act", ""))
                    if act not in _untold:
                        word = str(getattr(outcome, "state", "done"))
                        under_way.tell(step=step, act=act, outcome=word, **who)
                        _finish(step, act, word, None, began, logging.INFO, who)
                    return outcome
                finally:
                    _named.reset(named)
            raise kept

        return told

    return wrap


def _finish_untold(step: str, level: int) -> None:
    """Our own mistakes are told even here, and nothing else of them."""
    if level >= logging.ERROR:
        note(log, level, "act", step=step, outcome="failed", code="unexpected")


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
