"""What the pages of alerts, hits, scenarios and returns show beside their views.

The flow behind an alert and what moved its score; a hit's evidence side by side; a version's
back-test against the live one; the calendar of returns and their quality over time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import Request
from markupsafe import Markup

from amanat.access.acts import ACTS, ActKind
from amanat.access.effects import from_json
from amanat.supervision.cases.records import cases_of
from amanat.web import charts, supervision_pages, texts
from amanat.web.messages import message_text
from amanat.web.texts import headline

if TYPE_CHECKING:
    from amanat.web.pages import Pages

PAGES = frozenset(
    {
        "alert_queue",
        "monitoring_alert",
        "monitoring_scenarios",
        "monitoring_scenario",
        "freezes",
        "screening_hit",
        "returns",
        "accepted_return",
        "return_errors",
    }
)
"""Views whose pages this fills."""
AGES = (1, 3, 7, 14, 30)
"""Days that an alert may have waited, offered as a choice."""
_ROWS = 500
_CITED_MAX = 40
_DUE_DAYS = 30
Rows = list[dict[str, Any]]


def further(
    pages: Pages, request: Request, programme: str, name: str, shown: Any
) -> dict[str, Rows]:
    """Tables of these pages beside those of their views."""
    if name == "monitoring_alert":
        flow = pages.glance(request, programme, "alert_flow", alert=shown["alert"])
        return {
            "transactions": flow["transactions"] if flow else [],
            "dismissals": flow["dismissals"] if flow else [],
        }
    if name == "returns":
        asked = {
            key: request.query_params[key] for key in ("exchange",) if request.query_params.get(key)
        }
        refused = pages.glance(request, programme, "refused_returns", limit=_ROWS, **asked)
        quality = pages.glance(request, programme, "data_quality", limit=_ROWS, **asked)
        return {"refused": refused or [], "quality": quality or []}
    if name == "accepted_return":
        followed = pages.glance(request, programme, "return_followed", accepted=shown["return"])
        return {"followed": followed or []}
    if name == "return_errors":
        counts = Counter(one["rule"] for one in shown["rows"])
        says = {one["rule"]: one["says"] for one in shown["rows"]}
        return {
            "by_rule": [
                {"rule": rule, "errors": count, "says": says[rule]}
                for rule, count in counts.most_common()
            ]
        }
    return {}


def extra(
    pages: Pages,
    request: Request,
    programme: str,
    name: str,
    shown: Any,
    found: Mapping[str, Rows],
) -> dict[str, Any]:
    """What the template of `name` takes beside its view and tables."""
    if name == "monitoring_alert":
        return _alert(pages, request, programme, shown)
    if name == "alert_queue":
        scenarios = pages.glance(request, programme, "monitoring_scenarios") or {"rows": []}
        given = request.query_params
        return {
            "ages": AGES,
            "scenarios": sorted({one["scenario"] for one in scenarios["rows"]}),
            "exchanges": _exchanges(pages, request, programme),
            "chosen": {key: given.get(key, "") for key in ("scenario", "exchange", "age_days_min")},
        }
    if name == "returns":
        due = pages.glance(request, programme, "licensing_calendar", days=_DUE_DAYS) or []
        asked = request.query_params.get("exchange")
        owed = [
            one for one in due if one["what"] == "return" and asked in (None, "", one["owed_by"])
        ]
        return {
            "calendar": calendar(found["rows"], found["refused"], found["quality"], owed),
            "picture": quality_picture(found["quality"], _say(request)),
        }
    if name == "freezes":
        # Some clocks are of hours: they run out within a day.
        return {"now": pages.app.store.clock().isoformat()}
    if name == "monitoring_scenario":
        return _scenario(pages, request, programme, shown)
    return {}


def _say(request: Request) -> supervision_pages.Say:
    from amanat.web.pages import language_of

    language = language_of(request)
    return lambda text: texts.translated(language, text)


def _exchanges(pages: Pages, request: Request, programme: str) -> list[str]:
    """Exchanges that have reported."""
    quality = pages.glance(request, programme, "data_quality", limit=_ROWS) or []
    return sorted({one["exchange"] for one in quality})


# -- an alert -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure of a score, with its effect as the length of a bar in thousandths."""

    measure: str
    value: str | None
    effect: str
    length: int
    raises: bool


def contributions(rows: Sequence[Mapping[str, Any]]) -> list[Moved]:
    """Measures with bars, the longest as long as the room there is."""
    effects = [abs(Decimal(one["effect"])) for one in rows]
    most = max(effects, default=Decimal(0))
    return [
        Moved(
            one["measure"],
            None if one["value"] is None else f"{Decimal(one['value']):,.6g}",
            f"{Decimal(one['effect']):+.2f}".replace("-", "−"),
            int(effect * 1000 / most) if most else 0,
            Decimal(one["effect"]) > 0,
        )
        for one, effect in zip(rows, effects, strict=True)
    ]


def _alert(
    pages: Pages, request: Request, programme: str, shown: Mapping[str, Any]
) -> dict[str, Any]:
    from amanat.web.pages import may

    flow = pages.glance(request, programme, "alert_flow", alert=shown["alert"])
    score = pages.glance(request, programme, "alert_score", alert=shown["alert"])
    actor = pages.actor(request, programme)
    live = next((one for one in (score or {"scores": []})["scores"]), None)
    reader = pages.reader(request)
    explained = shown["explanation"]
    said = message_text(reader, from_json([explained])[0]) if "key" in explained else ""
    given = {"subject": shown["subject"], "title": shown["scenario"].replace("_", " ")}
    offered = []
    named = {"alert": shown["alert"]}
    if flow and flow["case"] is None and shown["state"] == "open":
        into = named | ({"case": flow["open_case"]} if flow["open_case"] else {})
        offered = [
            (ACTS["AttachAlert"], f"acts/AttachAlert?{urlencode(into)}"),
            (ACTS["DismissAlert"], f"acts/DismissAlert?{urlencode(named)}"),
            (ACTS["OpenCase"], f"acts/OpenCase?{urlencode(given)}"),
            (ACTS["GroupFindings"], "acts/GroupFindings"),
        ]
    elif flow and any(one["reopened_on"] is None for one in flow["dismissals"]):
        offered = [(ACTS["ReopenAlert"], f"acts/ReopenAlert?{urlencode(named)}")]
    elif flow and flow["case"] and flow["case_state"] == "open":
        of = urlencode({"case": flow["case"]})
        offered = [
            (ACTS[one], f"acts/{one}?{of}")
            for one in ("AddCaseNote", "CiteTransactions", "ReferCase", "CloseCase")
        ]
    return {
        "said_of_it": said,
        "flow": flow,
        "picture": supervision_pages.network_svg(flow) if flow else None,
        "score": live,
        "moved": contributions(live["contributions"]) if live else [],
        "offered": [one for one in offered if may(actor, one[0])],
    }


SETTLES = frozenset({"CloseCase", "DismissAlert"})
"""Acts that end something in one of the ways that the jurisdiction's table has."""


def with_dispositions(
    pages: Pages, request: Request, programme: str, kind: ActKind, fields: Rows
) -> Rows:
    """The fields of an act that settles, with the ways that the reader's desk has to choose from.

    An alert alone ends in none that takes something sent.
    """
    actor = pages.actor(request, programme)
    mine = actor.capacities if actor else frozenset[str]()
    with pages.app.store.reading() as connection:
        pack = cases_of(connection, programme)
    titles = [
        (one.code, headline(one.title))
        for one in pack.dispositions
        if mine & set(one.desks) and not (one.needs and kind.name == "DismissAlert")
    ]
    chosen = {"control": "radio", "titles": titles, "choices": [code for code, _ in titles]}
    return [one | (chosen if one["name"] == "disposition" and titles else {}) for one in fields]


# -- a scenario -----------------------------------------------------------------------------------


def _scenario(
    pages: Pages, request: Request, programme: str, shown: Mapping[str, Any]
) -> dict[str, Any]:
    """Back-tests as bars, and what the worker does before those that wait."""
    from amanat.web.pages import may

    waits = any(one["state"] in ("requested", "running") for one in shown["asked"])
    followed = pages.glance(request, programme, "returns_followed") if waits else None
    reader = pages.reader(request)
    return {
        "composed": not shown["history"],
        "said_by": {
            one["version"]: [message_text(reader, it) for it in from_json(one["in_words"])]
            for one in shown["versions"]
        },
        "tried": [compared(one, it) for it in shown["versions"] for one in it["backtests"]],
        "may_ask": may(pages.actor(request, programme), ACTS["BacktestScenario"]),
        "waits": waits,
        "ahead": [one for one in followed or () if one["waiting"] and one["stage"] != "backtests"],
    }


@dataclass(frozen=True, slots=True)
class Compared:
    """A back-test against the live version: alerts of both, of the tried one alone, of live alone.

    `parts` are their places on a bar of 1000.
    """

    version: str
    state: str
    first_day: str
    last_day: str
    transactions: int
    fresh: int
    shared: int
    lost: int
    subjects: int
    parts: tuple[charts.Part, ...]


def compared(tried: Mapping[str, Any], of: Mapping[str, Any]) -> Compared:
    """A back-test of a version as a bar."""
    shared, lost = int(tried["shared"]), int(tried["lost"])
    fresh = int(tried["alerts"]) - shared
    parts = charts.parts_of_bar(
        shared + fresh + lost, (("issued", shared), ("authorised", fresh), ("redeemed", lost))
    )
    return Compared(
        of["version"],
        of["state"],
        tried["first_day"],
        tried["last_day"],
        int(tried["transactions"]),
        fresh,
        shared,
        lost,
        int(tried["subjects"]),
        tuple(parts),
    )


# -- returns --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Came:
    """One return on the calendar: what became of it, and how many days late it was."""

    identifier: str
    sequence: int
    last_day: str
    standing: str
    days_late: int
    score: int


def calendar(accepted: Rows, refused: Rows, quality: Rows, owed: Rows) -> dict[str, dict[str, Any]]:
    """By exchange its latest returns by day, each in time, late or corrected; refusals, dues."""
    late = {(one["exchange"], one["sequence"]): one for one in quality}
    found: dict[str, dict[str, Any]] = {}
    for one in sorted(
        accepted, key=lambda row: (row["exchange"], row["last_day"], row["sequence"])
    ):
        if one["scope"] != "period":
            continue
        known = late.get((one["exchange"], one["sequence"]), {})
        days = int(known.get("days_late") or 0)
        standing = "corrected" if not one["in_force"] else "late" if days else "in_time"
        came = Came(
            one["return"], one["sequence"], one["last_day"], standing, days, int(one["score"])
        )
        _of(found, one["exchange"])["came"].append(came)
    for one in refused:
        _of(found, one["exchange"])["refused"].append(one)
    for one in owed:
        _of(found, one["owed_by"])["owed"].append(one)
    for it in found.values():
        it["came"] = it["came"][-_CITED_MAX:]
    return found


def _of(found: dict[str, dict[str, Any]], exchange: str) -> dict[str, Any]:
    return found.setdefault(exchange, {"came": [], "refused": [], "owed": []})


def quality_picture(quality: Rows, say: supervision_pages.Say) -> Markup | None:
    """The score of each exchange's returns over time, each line with its name at its end."""
    points = [
        {"day": one["last_day"], "score": int(one["score"]), "exchange": one["exchange"]}
        for one in sorted(quality, key=lambda row: (row["exchange"], row["last_day"]))
    ]
    if len({one["day"] for one in points}) < 2:
        return None
    pictures = []
    for name, width, ticks in (("wide", 700, 8), ("narrow", 190, 3)):
        pictures.append(
            Markup('<div class="{}">{}</div>').format(
                name, charts.draw(_quality(points, say, width, ticks))
            )
        )
    return Markup("").join(pictures)


def _quality(points: Rows, say: supervision_pages.Say, width: int, ticks: int) -> dict[str, Any]:
    x = {
        "field": "day",
        "type": "temporal",
        "title": None,
        "axis": {"tickCount": ticks, "format": "%m-%d", "grid": False, "labelOverlap": "greedy"},
    }
    y = {
        "field": "score",
        "type": "quantitative",
        "title": say("Score of 100"),
        "scale": {"domain": [0, 100]},
        "axis": {"tickCount": 5},
    }
    of = {"field": "exchange", "type": "nominal", "legend": None}
    dashes = {"range": [[1, 0], [7, 4], [2, 3], [9, 3, 2, 3]]}
    line = {
        "mark": {"type": "line", "color": charts.GREEN, "strokeWidth": 2.5},
        "encoding": {"x": x, "y": y, "strokeDash": of | {"scale": dashes}},
    }
    last: dict[str, dict[str, Any]] = {one["exchange"]: one for one in points}
    mark = {"type": "text", "align": "left", "dx": 6, "fontSize": 13, "color": charts.GREY}
    labels = [
        {
            "data": {"values": [one]},
            "mark": mark | {"dy": down},
            "encoding": {"x": x, "y": y, "text": {"field": "exchange"}},
        }
        for one, down in _apart(list(last.values()))
    ]
    return {
        "config": charts.CONFIG,
        "data": {"values": points},
        "width": width,
        "height": _HEIGHT,
        "layer": [line, *labels],
    }


_HEIGHT, _LABEL_HEIGHT = 220, 15


def _apart(ends: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """Each line's end and how far below it, in pixels, its label stands, none over another's."""
    room = _HEIGHT - _LABEL_HEIGHT * (len(ends) - 1)
    found = []
    above = -_LABEL_HEIGHT
    for place, one in enumerate(sorted(ends, key=lambda one: (-one["score"], one["exchange"]))):
        level = _HEIGHT * (100 - one["score"]) // 100
        # As far up as leaves room for those below, where all stand at the bottom.
        above = max(above + _LABEL_HEIGHT, min(level, room + _LABEL_HEIGHT * place))
        found.append((one, above - level))
    return found
