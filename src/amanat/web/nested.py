"""Fields within fields: a thing, or a list of things, that an act takes is filled in part by part.

A part's field has the path of its place as its name (`parties.0.account.branch`).  What was typed
becomes the JSON that the act takes, under the name of the whole, and that JSON fills the form
again.  What is left empty is left out; a thing of which nothing was typed is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from amanat.web.act_fields import lines_of
from amanat.web.texts import figure_typed

GROUP, ROWS = "group", "rows"
"""How a thing is asked for, and a list of things."""
ROWS_SHOWN_MAX = 12
"""A longer list is shown as JSON."""
FIELDS_MAX = 6_000
"""Fields of a sent form, of which most are empty."""
MORE = "more:"
"""A button of this value asks for another row at its path."""
Field = dict[str, Any]


def is_nested(field: Mapping[str, Any]) -> bool:
    """Whether a field has fields of its own."""
    return field["control"] in (GROUP, ROWS)


# -- from the parts to JSON -----------------------------------------------------------------------


def folded(fields: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> dict[str, str]:
    """A sent form with the JSON of each field that was typed in parts; pasted JSON goes before."""
    found = dict(values)
    for field in filter(is_nested, fields):
        prefix = f"{field['name']}."
        parts = {key[len(prefix) :]: found.pop(key) for key in values if key.startswith(prefix)}
        if parts and not found.get(field["name"], "").strip():
            made = _made(field, parts)
            if made is not None:
                found[field["name"]] = json.dumps(made, ensure_ascii=False)
    return found


def _made(field: Mapping[str, Any], typed: Mapping[str, str]) -> Any:
    """What a field's texts say, by their paths from here; None where nothing was typed."""
    if field["control"] == GROUP:
        return _thing(field["parts"], typed) or None
    if field["control"] == ROWS:
        numbers = sorted({int(at) for at in map(_head, typed) if at.isdecimal() and len(at) < 5})
        rows = [_thing(field["parts"], _under(typed, str(number))) for number in numbers]
        return [one for one in rows if one] or None
    text = typed.get("", "").strip()
    if not text:
        return None
    if field["control"] == "number":
        return figure_typed(text)
    return lines_of(text) if field["control"] == "lines" else text


def _thing(parts: Sequence[Mapping[str, Any]], typed: Mapping[str, str]) -> dict[str, Any]:
    made = {part["name"]: _made(part, _under(typed, part["name"])) for part in parts}
    return {name: one for name, one in made.items() if one is not None}


def _head(path: str) -> str:
    return path.partition(".")[0]


def _under(typed: Mapping[str, str], name: str) -> dict[str, str]:
    """The texts of one part, by their paths from there."""
    return {key.partition(".")[2]: text for key, text in typed.items() if _head(key) == name}


# -- from JSON to the parts -----------------------------------------------------------------------


def laid_out(
    fields: Sequence[Field], values: Mapping[str, str], more: str = ""
) -> tuple[list[Field], dict[str, str]]:
    """Fields with every part in its place, and the texts that fill them by their paths.

    A list has a row for each thing and an empty one, another empty one at `more`.  A field whose
    JSON has no such shape, or too many rows, stays JSON.
    """
    texts = dict(values)
    laid: list[Field] = []
    for field in fields:
        if not is_nested(field):
            laid.append(field)
            continue
        stated, sound = _stated(field, values.get(field["name"], ""))
        if sound:
            texts.pop(field["name"], None)
            texts.update(_texts(field, stated, field["name"]))
            placed = _placed(field, stated, field["name"], more)
            laid.append({k: v for k, v in placed.items() if k != "label"} | {"top": True})
        else:
            laid.append(field | {"control": "json"})
    return laid, texts


def _stated(field: Mapping[str, Any], text: str) -> tuple[Any, bool]:
    """What the JSON of a field says, and whether the form can show it."""
    if not text.strip():
        return None, True
    try:
        stated = json.loads(text)
        return stated, _fits(field, stated)
    except (ValueError, RecursionError):
        return None, False


def _fits(field: Mapping[str, Any], stated: Any) -> bool:
    """Whether a form has a place for all that JSON says."""
    if stated is None:
        return True
    if field["control"] == ROWS:
        group = {**field, "control": GROUP}
        return (
            isinstance(stated, list)
            and len(stated) <= ROWS_SHOWN_MAX
            and all(isinstance(one, dict) and _fits(group, one) for one in stated)
        )
    if field["control"] == GROUP:
        parts = {part["name"]: part for part in field["parts"]}
        return isinstance(stated, dict) and all(
            name in parts and _fits(parts[name], one) for name, one in stated.items()
        )
    if field["control"] == "lines":
        return isinstance(stated, list) and all(isinstance(one, str) for one in stated)
    return isinstance(stated, str | int | float)


def _texts(field: Mapping[str, Any], stated: Any, path: str) -> Iterator[tuple[str, str]]:
    if stated is None:
        return
    if field["control"] == ROWS:
        for number, one in enumerate(stated):
            yield from _texts({**field, "control": GROUP}, one, f"{path}.{number}")
    elif field["control"] == GROUP:
        for part in field["parts"]:
            yield from _texts(part, stated.get(part["name"]), f"{path}.{part['name']}")
    elif field["control"] == "lines":
        yield path, "\n".join(stated)
    else:
        yield path, str(stated).lower() if isinstance(stated, bool) else str(stated)


def _placed(field: Mapping[str, Any], stated: Any, path: str, more: str) -> Field:
    """A field with its parts named by their paths; `filled` says that something stands in it."""
    placed = {**field, "name": path, "label": field["name"].rpartition(".")[2]}
    if field["control"] == GROUP:
        known = stated or {}
        placed["parts"] = [
            _placed(part, known.get(part["name"]), f"{path}.{part['name']}", more)
            for part in field["parts"]
        ]
        placed["filled"] = bool(known)
    elif field["control"] == ROWS:
        rows = [*(stated or []), None] + [None] * (more == path)
        group = {**field, "control": GROUP, "required": True}
        placed["rows"] = [
            _placed(group, one, f"{path}.{number}", more) for number, one in enumerate(rows)
        ]
        placed["filled"] = bool(stated)
    return placed


def place_of(path: str, fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The deepest field of a form that holds the place of an error; None where none does."""
    for field in fields:
        if path == field["name"] or path.startswith(f"{field['name']}."):
            inside = field.get("rows") or field.get("parts") or ()
            return place_of(path, inside) or str(field["name"])
    return None
