"""Token Status Lists: how many permissions stand, in a few bits each (an IETF draft).

https://datatracker.ietf.org/doc/draft-ietf-oauth-status-list/

The list is an array of statuses of 1, 2, 4 or 8 bits, packed from the least significant bit of
each byte, compressed by zlib, and signed as a JWT of type `statuslist+jwt`.
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Refusal
from amanat.licensing.credentials.jose import (
    AuthorityKeys,
    Es256Signer,
    TokenUnreadable,
    decode,
    encode,
    is_time,
    sign_token,
    time_told,
    verify_token,
)

STATUS_LIST_TYPE = "statuslist+jwt"
STATUS_LIST_MEDIA_TYPE = "application/statuslist+jwt"
BITS = (1, 2, 4, 8)
LIST_BYTES_MAX = 16 * 2**20


class StatusListInvalid(Invalid):
    """A status list has its members, each of its type, and its bytes decompress."""

    template: ClassVar[str] = "The status list cannot be used: {reason}."


class StatusListStale(Refusal):
    """A status list tells how things stood; after its time nothing follows from it."""

    template: ClassVar[str] = "The status list is stale: it was to be used until {until}."


class StatusListOther(Refusal):
    """The status of a credential stands in the list that the credential names."""

    template: ClassVar[str] = "This is the status list {given}; the credential names {needed}."


class StatusUnknown(Refusal):
    """The list says nothing of this credential that can be relied on."""

    template: ClassVar[str] = "The status list says nothing of it: {reason}."


class Status(enum.IntEnum):
    """Registered status types (section 7.1 of the draft)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


@dataclass(frozen=True, slots=True)
class StatusList:
    """Statuses by index; everything that was not set is 0, valid."""

    bits: int
    content: bytes

    @classmethod
    def of(cls, size: int, statuses: Mapping[int, int], bits: int = 2) -> StatusList:
        """A list of at least `size` statuses.

        Refuses `StatusListInvalid`: another width, an index outside, a status that does not fit.
        """
        if bits not in BITS:
            raise StatusListInvalid(reason=f"{bits} bits, not 1, 2, 4 or 8")
        content = bytearray(-(-size * bits // 8))
        for index, status in statuses.items():
            if not 0 <= index < size or not 0 <= status < 1 << bits:
                raise StatusListInvalid(reason=f"status {status} at {index} does not fit")
            place, shift = divmod(index * bits, 8)
            content[place] = content[place] & ~((1 << bits) - 1 << shift) | status << shift
        return cls(bits, bytes(content))

    def __getitem__(self, index: int) -> int:
        """The status at an index.  Refuses `StatusUnknown` outside the list."""
        if not 0 <= index < len(self.content) * 8 // self.bits:
            raise StatusUnknown(reason=f"index {index} is outside it")
        place, shift = divmod(index * self.bits, 8)
        return self.content[place] >> shift & (1 << self.bits) - 1

    def claim(self) -> dict[str, Any]:
        """The claim `status_list`: bits, and the compressed array in base64url."""
        return {"bits": self.bits, "lst": encode(zlib.compress(self.content, 9))}

    @classmethod
    def from_claim(cls, claim: Any) -> StatusList:
        """The list of a claim.  Refuses `StatusListInvalid`."""
        if not isinstance(claim, dict) or type(claim.get("bits")) is not int:
            raise StatusListInvalid(reason="it has no status_list with bits and lst")
        bits, packed = claim["bits"], claim.get("lst")
        if bits not in BITS or not isinstance(packed, str):
            raise StatusListInvalid(reason="it has no status_list with bits and lst")
        try:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(decode(packed), LIST_BYTES_MAX)
        except (zlib.error, TokenUnreadable):
            raise StatusListInvalid(reason="its bytes do not decompress") from None
        if not unpacker.eof or unpacker.unused_data:
            raise StatusListInvalid(reason="its bytes do not decompress, or are too many")
        return cls(bits, content)


@dataclass(frozen=True, slots=True)
class CheckedList:
    """A status list whose signature holds: which one, as of when, and until when it is used."""

    uri: str
    statuses: StatusList
    issued: float
    until: float | None


def issue_status_list(
    uri: str, statuses: StatusList, signer: Es256Signer, now: int, ttl: int, life: int
) -> str:
    """The signed list at `uri`: to be asked for again after `ttl` seconds, void after `life`."""
    payload = {
        "sub": uri,
        "iat": now,
        "exp": now + life,
        "ttl": ttl,
        "status_list": statuses.claim(),
    }
    return sign_token({"typ": STATUS_LIST_TYPE}, payload, signer)


def read_status_list(text: str, keys: AuthorityKeys) -> CheckedList:
    """A signed status list, whatever its age.

    Refuses `TokenUnreadable`, `ForeignSigner`, `TokenAltered`, `StatusListInvalid`.
    """
    payload = verify_token(text.strip(), (STATUS_LIST_TYPE,), keys).payload
    uri, issued = payload.get("sub"), payload.get("iat")
    ends, ttl = payload.get("exp"), payload.get("ttl")
    if not isinstance(uri, str) or issued is None or not is_time(issued):
        raise StatusListInvalid(reason="it does not say which list it is, or when it was made")
    if (ends is not None and not is_time(ends)) or (
        ttl is not None and (not is_time(ttl) or ttl <= 0)
    ):
        raise StatusListInvalid(reason="its times are not numbers")
    # Whoever checks a file does not know when it was fetched: its time runs from its making,
    # which is earlier.
    limits = [one for one in (ends, None if ttl is None else issued + ttl) if one is not None]
    found = StatusList.from_claim(payload.get("status_list"))
    return CheckedList(uri, found, issued, min(limits, default=None))


def status_in(lists: Iterable[CheckedList], uri: str, index: int, now: float) -> tuple[int, float]:
    """The status at an index of the list that a credential names, and when that list was made.

    Refuses, in order: `StatusUnknown` without a list, `StatusListOther`, `StatusListStale`,
    `StatusUnknown` outside it.
    """
    given = list(lists)
    if not given:
        raise StatusUnknown(reason=f"no status list was given, and it stands at {uri}")
    named = [one for one in given if one.uri == uri]
    if not named:
        raise StatusListOther(given=given[0].uri, needed=uri)
    newest = max(named, key=lambda one: one.issued)
    if newest.until is not None and now >= newest.until:
        raise StatusListStale(until=time_told(newest.until))
    if newest.issued > now:
        raise StatusUnknown(reason=f"it was made at {time_told(newest.issued)}, which is to come")
    return newest.statuses[index], newest.issued
