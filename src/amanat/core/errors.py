"""The one tree of expected errors.

```
AmanatError
├── Refusal                  one rule, one thing, one value; nothing was changed
│   ├── Invalid              the input itself is wrong                    (HTTP 422)
│   ├── NotFound             no such thing, or not yours to see           (HTTP 404)
│   ├── Forbidden            this actor may not do this                   (HTTP 403)
│   ├── Unauthenticated      no actor, or a token that is not valid       (HTTP 401)
│   └── (rooms' own)         the state of the world forbids it            (HTTP 409)
├── Refusals                 several refusals of one file, form or act, all at once
├── Unavailable              a part outside does not answer; try again    (HTTP 503)
└── Corrupt                  two records of one fact disagree; stop and look
```

A refusal names the rule, the thing and the value, and carries them as typed fields.  The
message is a gettext template over these fields, so that every text a person reads can be
translated; `code` is stable and is what programs should test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.core.messages import Message

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an input a refusal arose: a file and line, or a field's path; all may be absent."""

    file: str | None = None
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        where = self.file or ""
        if self.line is not None:
            where = f"{where}:{self.line}"
        return f"{where}: {self.field}" if where and self.field else where or (self.field or "")


class AmanatError(Exception):
    """Any error that Amanat expects; anything else is our own mistake."""

    status: ClassVar[int] = 500

    @property
    def code(self) -> str:
        """Stable machine-readable name: the class name in snake case."""
        return _CAMEL.sub("_", type(self).__name__).lower()

    def problem(self) -> dict[str, Any]:
        """This error as the body of an `application/problem+json` response (RFC 9457)."""
        return {
            "type": f"urn:amanat:error:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "detail": str(self),
            "code": self.code,
        }


class Refusal(AmanatError):
    """A rule says no, and nothing was changed.

    Subclasses set `template`, a message over the keyword fields that they are raised with, and
    say in their docstring which rule they stand for and where it comes from.
    """

    status: ClassVar[int] = 409
    template: ClassVar[str] = "{reason}"

    def __init__(self, *, place: Place | None = None, **fields: Any) -> None:
        self.fields: Mapping[str, Any] = fields
        self.place = place
        super().__init__(self.template.format(**fields))

    @property
    def message(self) -> str:
        """The message without its place."""
        return self.template.format(**self.fields)

    @property
    def said(self) -> Message:
        """The message with its key and arguments, to stand within another text."""
        return Message.stated(self.message, self.template, self.fields)

    def at(self, place: Place) -> Refusal:
        """The same refusal, with the place in the input where it arose."""
        return type(self)(place=place, **self.fields)

    def __str__(self) -> str:
        where = str(self.place) if self.place else ""
        named = not where or self.message.startswith(f"{where}:")
        return self.message if named else f"{where}: {self.message}"

    def problem(self) -> dict[str, Any]:
        """As `AmanatError.problem`, with the typed fields and the place."""
        body = super().problem() | {"fields": {k: str(v) for k, v in self.fields.items()}}
        if self.place is not None:
            place = self.place
            body["place"] = {"file": place.file, "line": place.line, "field": place.field}
        return body


class Invalid(Refusal):
    """The input itself is wrong, whatever the state of the world."""

    status: ClassVar[int] = 422


class NotFound(Refusal):
    """There is no such thing, or it is not this actor's to see; the two are never told apart."""

    status: ClassVar[int] = 404
    template: ClassVar[str] = "There is no {thing} {value}."


class Forbidden(Refusal):
    """The actor is known and may not do this."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{actor} may not {act}: {reason}"


class Unauthenticated(Refusal):
    """No actor: the token is missing, unknown, revoked or expired."""

    status: ClassVar[int] = 401
    template: ClassVar[str] = "Sign in first: {reason}"


class Refusals(AmanatError):
    """Every refusal of one input, in the order of the input; never empty."""

    status: ClassVar[int] = 422

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals: tuple[Refusal, ...] = tuple(refusals)
        if not self.refusals:
            raise ValueError("Refusals needs at least one refusal")
        super().__init__("\n".join(str(refusal) for refusal in self.refusals))

    def problem(self) -> dict[str, Any]:
        """As `AmanatError.problem`, with every refusal under `errors`."""
        return super().problem() | {"errors": [refusal.problem() for refusal in self.refusals]}


class Unavailable(AmanatError):
    """A node, database or key outside does not answer; the act may be tried again."""

    status: ClassVar[int] = 503


class Corrupt(AmanatError):
    """Two records of one fact disagree.  Nothing continues until a person has looked."""

    status: ClassVar[int] = 500


class Refused:
    """Collects refusals, so that all of them are reported at once.

    >>> refused = Refused()
    >>> refused.add(NotFound(thing="tender", value="T-9"))
    >>> len(refused.refusals)
    1
    """

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def add(self, refusal: Refusal) -> None:
        """Note one refusal and go on."""
        self.refusals.append(refusal)

    def raise_if_any(self) -> None:
        """Raise the single refusal itself, or `Refusals` when there are several."""
        if len(self.refusals) == 1:
            raise self.refusals[0]
        if self.refusals:
            raise Refusals(self.refusals)
