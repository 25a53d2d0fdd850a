"""The furnished programme of the programme's tests, once for a file."""

from __future__ import annotations

from ..programme.conftest import world

__all__ = ["world"]
