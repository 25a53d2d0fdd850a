"""Status lists: against the draft's own bytes, and as laws over all widths."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.licensing.credentials import published_tokens as published

from amanat.licensing.credentials.jose import (
    AuthorityKeys,
    Es256Key,
    ForeignSigner,
    KeysUnreadable,
    TokenAltered,
    TokenUnreadable,
    TrustedKey,
    decode,
    encode,
    key_of,
    read_keys,
    sign_token,
    thumbprint,
)
from amanat.licensing.credentials.status_lists import (
    LIST_BYTES_MAX,
    STATUS_LIST_TYPE,
    CheckedList,
    Status,
    StatusList,
    StatusListInvalid,
    StatusListOther,
    StatusListStale,
    StatusUnknown,
    issue_status_list,
    read_status_list,
    status_in,
)

NOW = 1_800_000_000
URI = "https://register.example/p/pk/status-lists/1"
KEY = Es256Key.generate()
KEYS = AuthorityKeys(
    {thumbprint(KEY.public_key): TrustedKey(thumbprint(KEY.public_key), KEY.public_key)}
)


@pytest.mark.parametrize(("bits", "statuses", "array", "compressed"), published.SHORT_LISTS)
def test_the_drafts_short_lists(
    bits: int, statuses: list[int], array: str, compressed: str
) -> None:
    made = StatusList.of(len(statuses), dict(enumerate(statuses)), bits)
    assert made.content.hex() == array
    assert zlib.decompress(decode(made.claim()["lst"])).hex() == array
    read = StatusList.from_claim({"bits": bits, "lst": encode(bytes.fromhex(compressed))})
    assert [read[index] for index in range(len(statuses))] == statuses


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_drafts_long_lists(bits: int) -> None:
    statuses = getattr(published, f"LONG_{bits}")
    lst = getattr(published, f"LONG_{bits}_LST")
    made = StatusList.of(2**20, statuses, bits)
    assert made == StatusList.from_claim({"bits": bits, "lst": lst})
    assert StatusList.from_claim(made.claim()) == made
    assert {index: made[index] for index in range(2**20) if made[index]} == statuses


def test_the_drafts_signed_list() -> None:
    keys = AuthorityKeys({"12": TrustedKey("12", key_of(published.STATUS_ISSUER))})
    found = read_status_list(published.STATUS_LIST, keys)
    assert found.uri == "https://example.com/statuslists/1"
    assert (found.issued, found.until) == (1686920170, 1686920170 + 43200)
    assert found.statuses[0] == 1
    assert found.statuses[1] == 0


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from([1, 2, 4, 8]), st.integers(1, 300))
def test_every_status_comes_back_and_no_other_is_touched(
    data: st.DataObject, bits: int, size: int
) -> None:
    statuses = data.draw(
        st.dictionaries(st.integers(0, size - 1), st.integers(0, 2**bits - 1), max_size=40)
    )
    made = StatusList.of(size, statuses, bits)
    assert StatusList.from_claim(made.claim()) == made
    assert [made[index] for index in range(size)] == [statuses.get(i, 0) for i in range(size)]
    assert len(made.content) == -(-size * bits // 8)


@pytest.mark.parametrize(
    ("size", "statuses", "bits"), [(4, {4: 0}, 2), (4, {-1: 0}, 2), (4, {0: 4}, 2), (4, {}, 3)]
)
def test_what_does_not_fit_is_refused(size: int, statuses: dict[int, int], bits: int) -> None:
    with pytest.raises(StatusListInvalid):
        StatusList.of(size, statuses, bits)


@pytest.mark.parametrize(
    "claim",
    [
        None,
        {},
        {"bits": 3, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": True, "lst": "eNrbuRgAAhcBXQ"},
        {"bits": 1, "lst": "eNrbuRgAAhcBX"},
        {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="},
        {"bits": 1, "lst": encode(zlib.compress(b"a") + b"more")},
        {"bits": 1, "lst": encode(zlib.compress(bytes(LIST_BYTES_MAX + 1)))},
        {"bits": 1, "lst": 5},
    ],
)
def test_bytes_that_are_no_list_are_refused(claim: Any) -> None:
    with pytest.raises(StatusListInvalid):
        StatusList.from_claim(claim)


def signed(**changes: Any) -> str:
    payload = {
        "sub": URI,
        "iat": NOW,
        "exp": NOW + 86_400,
        "ttl": 3_600,
        "status_list": StatusList.of(16, {3: 2}).claim(),
    }
    kept = {k: v for k, v in (payload | changes).items() if v is not None}
    return sign_token({"typ": STATUS_LIST_TYPE}, kept, KEY)


def checked(**changes: Any) -> CheckedList:
    return read_status_list(signed(**changes), KEYS)


def test_a_status_is_read_while_its_list_is_young() -> None:
    statuses = StatusList.of(16, {3: Status.SUSPENDED, 5: Status.INVALID})
    found = read_status_list(issue_status_list(URI, statuses, KEY, NOW, 3_600, 86_400), KEYS)
    assert status_in([found], URI, 3, NOW + 3_599) == (Status.SUSPENDED, NOW)
    assert status_in([found], URI, 5, NOW) == (Status.INVALID, NOW)
    assert status_in([found], URI, 0, NOW) == (Status.VALID, NOW)


def test_the_newest_list_counts() -> None:
    older, newer = checked(), checked(iat=NOW + 60, status_list=StatusList.of(16, {}).claim())
    assert status_in([newer, older], URI, 3, NOW + 60) == (0, NOW + 60)


def test_what_a_list_does_not_say_is_refused() -> None:
    with pytest.raises(StatusListStale, match="2027-01-15 09:00 UTC"):
        status_in([checked()], URI, 0, NOW + 3_600)
    with pytest.raises(StatusListStale):
        status_in([checked(ttl=None)], URI, 0, NOW + 86_400)
    with pytest.raises(StatusListOther):
        status_in([checked()], URI + "2", 0, NOW)
    with pytest.raises(StatusUnknown, match="outside"):
        status_in([checked()], URI, 16, NOW)
    with pytest.raises(StatusUnknown, match="to come"):
        status_in([checked()], URI, 0, NOW - 1)
    with pytest.raises(StatusUnknown, match="no status list"):
        status_in([], URI, 0, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": None},
        {"iat": None},
        {"iat": "now"},
        {"exp": "x"},
        {"ttl": 0},
        {"ttl": -1},
        {"status_list": None},
    ],
)
def test_a_signed_list_without_its_claims_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(StatusListInvalid):
        read_status_list(signed(**changes), KEYS)


def test_a_list_by_another_or_of_another_type_is_refused() -> None:
    other = Es256Key.generate()
    with pytest.raises(ForeignSigner):
        read_status_list(issue_status_list(URI, StatusList.of(1, {}), other, NOW, 1, 1), KEYS)
    with pytest.raises(TokenUnreadable, match="type JWT"):
        read_status_list(sign_token({"typ": "JWT"}, {}, KEY), KEYS)
    whole = signed()
    head, payload, signature = whole.split(".")
    swapped = f"{head}.{payload}.{signed(iat=NOW + 1).split('.')[2]}"
    assert swapped != f"{head}.{payload}.{signature}"
    with pytest.raises(TokenAltered):
        read_status_list(swapped, KEYS)


def test_keys_are_read_from_a_set_or_from_metadata_and_nothing_private_is() -> None:
    public = published.STATUS_ISSUER
    bare = read_keys(json.dumps({"keys": [public]}))
    inside = read_keys(json.dumps({"issuer": "https://a.example", "jwks": {"keys": [public]}}))
    assert set(bare.keys) == set(inside.keys) == {"12"}
    assert (bare.issuer, inside.issuer) == (None, "https://a.example")
    for wrong in (
        "",
        "[]",
        '{"keys": []}',
        '{"keys": [1]}',
        json.dumps({"keys": [public, public]}),
        json.dumps({"keys": [public | {"d": "AAAA"}]}),
        json.dumps({"keys": [public | {"crv": "secp256k1"}]}),
        json.dumps({"keys": [public | {"x": public["y"]}]}),
        json.dumps({"keys": [public | {"exp": "never"}]}),
        json.dumps({"keys": [public], "issuer": 5}),
    ):
        with pytest.raises(KeysUnreadable):
            read_keys(wrong)
