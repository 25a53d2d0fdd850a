"""The fields of an act's form: what is asked, by which control, and how it is read again.

Made from the command's own schema.  Lists of texts are typed one a line; things and lists of things
have parts, which `amanat.web.nested` lays out.  What has no stated parts is JSON.  The scores of a
checklist have fields of their own (`scores.item.score`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from amanat.access.acts import ActKind

PROSE_MIN = 500
"""From how many characters on a text is written in a box of several lines."""
SCORES = "scores"
SCORE_PARTS = ("score", "note", "evidence")


def fields_of(kind: ActKind) -> list[dict[str, Any]]:
    """The fields of an act's form: name, control, choices, hint, whether it must be given."""
    schema = kind.command.model_json_schema()
    return _fields(schema, schema.get("$defs", {}))


def _fields(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[dict[str, Any]]:
    required = set(schema.get("required", []))
    return [
        {"name": name, "required": name in required} | _control(shape, definitions)
        for name, shape in schema.get("properties", {}).items()
    ]


def _control(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    options = [_resolved(one, definitions) for one in shape.get("anyOf", [shape])]
    options = [one for one in options if one.get("type") != "null"]
    kinds = {one.get("type") for one in options}
    formats = {one.get("format") for one in options}
    choices: list[Any] = next((one["enum"] for one in options if "enum" in one), [])
    default = shape.get("default")
    parts: list[dict[str, Any]] = []
    if choices:
        control = "choice"
    elif "boolean" in kinds:
        control, choices = "choice", ["true", "false"]
    elif _is_lines(options, definitions):
        control = "lines"
    elif kinds & {"array", "object"}:
        control = "rows" if "array" in kinds else "group"
        parts = _parts(options, definitions)
        control = control if parts else "json"
    elif "date" in formats:
        control = "date"
    elif "date-time" in formats:
        control = "time"
    else:
        control = "number" if kinds == {"integer"} else _text_control(options)
    stated = default if isinstance(default, str | int) and not isinstance(default, bool) else None
    return {
        "control": control,
        "choices": [str(one) for one in choices],
        "default": stated,
        "parts": parts,
        "example": _example(options, definitions) if control in _JSON else "",
        "hint": shape.get("description", ""),
    }


_JSON = ("json", "rows", "group")
"""What may be written as JSON too."""


def _parts(options: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> list[Any]:
    """The fields of a thing, or of each thing of a list; none where they are not stated."""
    if len(options) != 1:
        return []
    item = _resolved(options[0].get("items", options[0]), definitions)
    return _fields(item, definitions)


def _is_lines(options: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> bool:
    """Whether it is a list of texts, one a line."""
    return len(options) == 1 and (
        options[0].get("type") == "array"
        and _resolved(options[0].get("items", {}), definitions).get("type") == "string"
    )


def _text_control(options: list[Mapping[str, Any]]) -> str:
    lengths = [one.get("maxLength", 0) for one in options]
    return "prose" if max(lengths, default=0) >= PROSE_MIN else "text"


def _resolved(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = shape.get("$ref")
    if reference is None and len(shape.get("allOf", [])) == 1:
        reference = shape["allOf"][0].get("$ref")
    if reference is None:
        return shape
    found: Mapping[str, Any] = definitions[reference.rsplit("/", 1)[-1]]
    return found


def _example(options: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> str:
    """How a list or object is written, by the names of its fields."""
    for one in options:
        item = _resolved(one.get("items", one), definitions)
        inside = ", ".join(f'"{name}": …' for name in item.get("properties", {}))
        element = f"{{{inside}}}" if inside or item.get("type") == "object" else '"…"'
        if one.get("type") == "array":
            return f"[{element}, …]"
        return element
    return ""


def read_form(kind: ActKind, values: Mapping[str, str]) -> dict[str, Any]:
    """A form's texts as a command's fields: empty ones left out, lists and objects as JSON."""
    controls = {field["name"]: field["control"] for field in fields_of(kind)}
    fields: dict[str, Any] = {}
    for name, text in values.items():
        plain = text.strip()
        if plain == "":
            continue
        control = controls.get(name)
        if control in _JSON:
            try:
                fields[name] = json.loads(plain)
            except ValueError:
                fields[name] = plain  # the schema then says what it should have been
        elif control == "lines":
            fields[name] = lines_of(plain)
        elif control == "number":
            fields[name] = plain.replace(",", "").replace(" ", "")
        else:
            fields[name] = plain
    return fields


def lines_of(text: str) -> list[str]:
    """What stands on the lines of a text that are not empty, or in a list written as JSON."""
    if text.strip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [str(one) for one in found]
    return [line.strip() for line in text.splitlines() if line.strip()]


def gathered(form: FormData) -> dict[str, str]:
    """A sent form with one text by name: what was given several times on lines, scores as JSON."""
    found: dict[str, str] = {}
    scores: dict[str, dict[str, Any]] = {}
    for name in form:
        # A browser ends the lines of a box with CR and LF.
        texts = [str(one).replace("\r\n", "\n") for one in form.getlist(name)]
        item, _, part = name.removeprefix(f"{SCORES}.").rpartition(".")
        if name.startswith(f"{SCORES}.") and item and part in SCORE_PARTS:
            scores.setdefault(item, {"item": item})[part] = texts[-1].strip()
        else:
            found[name] = "\n".join(one for one in texts if one.strip())
    if scores:
        found[SCORES] = json.dumps([_score(one) for one in scores.values()], ensure_ascii=False)
    return found


def _score(given: Mapping[str, Any]) -> dict[str, Any]:
    """One point as the command has it; what was left empty is left out, and then refused."""
    kept = {name: value for name, value in given.items() if value and name != "evidence"}
    if "score" in kept and str(kept["score"]).isdecimal():
        kept["score"] = int(kept["score"])
    return kept | {"evidence": lines_of(given.get("evidence", ""))}


def scores_given(text: str) -> dict[str, dict[str, Any]]:
    """What a form's scores said, by item; nothing where they are not as `gathered` writes them."""
    try:
        found = json.loads(text) if text else []
    except ValueError:
        return {}
    if not isinstance(found, list):
        return {}
    return {
        str(one["item"]): {
            "score": str(one.get("score", "")),
            "note": str(one.get("note", "")),
            "evidence": "\n".join(map(str, one.get("evidence") or [])),
        }
        for one in found
        if isinstance(one, dict) and "item" in one
    }
