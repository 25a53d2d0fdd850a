"""A hit in words: each feature's verdict with the docstring of the function that gave it.

The words are the functions' own, so that what the analyst reads is what was computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from inspect import getdoc
from typing import Any

from amanat.supervision.screening import evidence
from amanat.supervision.screening.model import Feature

_FUNCTIONS = {
    Feature.DOCUMENT: evidence.numbers_agree,
    Feature.ADDRESS: evidence.addresses_agree,
    Feature.FATHER: evidence.father_agrees,
    Feature.BORN: evidence.birth_agrees,
    Feature.COUNTRY: evidence.country_agrees,
}
_NAME = (
    "The names, scored by logic-v2 of nomenklatura over all names of both; words that sound the "
    "same in another spelling or script count a little less."
)


def explained(stored: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Evidence as it was stored, each feature with what it compares."""
    return [
        {
            "feature": one["feature"],
            "verdict": one["verdict"],
            "listed": one["listed"],
            "placeholder": one["placeholder"],
            "compares": compares(Feature(one["feature"])),
        }
        for one in stored
    ]


def compares(feature: Feature) -> str:
    """What a feature compares: the docstring of its function, in one line."""
    if feature is Feature.NAME:
        return _NAME
    return " ".join((getdoc(_FUNCTIONS[feature]) or "").split())
