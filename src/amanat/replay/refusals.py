"""Refusals that several laws of a pilot share."""

from __future__ import annotations

from typing import ClassVar

from amanat.core.errors import Invalid


class Unknown(Invalid):
    """A row names an institution, account, security or class that no other row introduces."""

    template: ClassVar[str] = "there is no {thing} {value!r} in {file}."


class DaysDisorderly(Invalid):
    """Days that follow one another by their nature stand in that order."""

    template: ClassVar[str] = "{earlier} ({first}) comes after {later} ({second})."
