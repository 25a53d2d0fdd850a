"""Verifiable licences: the drafts' examples, our own ones, and every way in which one fails."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.licensing.credentials import published_tokens as published
from tests.licensing.register.histories import CODES
from tests.licensing.register.test_register import ENTRY, LICENCE

from amanat.core.errors import AmanatError
from amanat.licensing.credentials import licence as credentials
from amanat.licensing.credentials.jose import (
    AuthorityKeys,
    Es256Key,
    ForeignSigner,
    TokenAltered,
    TokenUnreadable,
    TrustedKey,
    encode,
    jwk_of,
    key_of,
    sign_token,
    thumbprint,
)
from amanat.licensing.credentials.licence import (
    CREDENTIAL_TYPE,
    CredentialExpired,
    CredentialInvalid,
    CredentialNotYetValid,
    CredentialRevoked,
    CredentialSuspended,
    Issuing,
    StatusPlace,
    end_of,
    issue_licence,
    status_of,
    summary,
    verify_licence,
)
from amanat.licensing.credentials.sd_jwt import (
    DisclosureInvalid,
    HolderUnproven,
    bind_holder,
    issue_sd_jwt,
    shown_in_part,
    verify_sd_jwt,
)
from amanat.licensing.credentials.status_lists import (
    CheckedList,
    Status,
    StatusList,
    StatusListOther,
    StatusListStale,
    StatusUnknown,
    issue_status_list,
    read_status_list,
)

NOW = 1_790_000_000  # 2026-09-21
URI = "https://register.example/p/pk/status-lists/1"
ISSUING = Issuing("https://register.example/p/pk", "Licensing authority", "pk", "Asia/Karachi")
PLACE = StatusPlace(URI, 7)
KEY, OTHER, HOLDER = Es256Key.generate(), Es256Key.generate(), Es256Key.generate()


def keys_of(*held: Es256Key, issuer: str | None = ISSUING.issuer) -> AuthorityKeys:
    trusted = {thumbprint(k.public_key): k.public_key for k in held}
    return AuthorityKeys({kid: TrustedKey(kid, key) for kid, key in trusted.items()}, issuer)


KEYS = keys_of(KEY)


def listed(status: int = 0, *, signer: Es256Key = KEY, uri: str = URI) -> list[CheckedList]:
    token = issue_status_list(uri, StatusList.of(1024, {7: status}), signer, NOW, 3_600, 86_400)
    return [read_status_list(token, keys_of(signer))]


def issued(**more: Any) -> str:
    return issue_licence(ENTRY, LICENCE, ISSUING, PLACE, KEY, NOW, **more)


TOKEN = issued()


# -- the drafts' examples -----------------------------------------------------------------------


def test_the_example_of_the_draft_of_sd_jwt_vc_is_verified_with_its_holder() -> None:
    keys = AuthorityKeys(
        {"doc-signer-05-25-2022": TrustedKey("x", key_of(published.SD_JWT_ISSUER))}
    )
    found = verify_sd_jwt(
        published.SD_JWT_VC,
        ("dc+sd-jwt",),
        keys,
        audience="https://example.com/verifier",
        nonce="1234567890",
    )
    assert found.bound
    assert found.claims["vct"] == "https://credentials.example.com/identity_credential"
    assert found.claims["is_over_65"] is True
    assert found.claims["address"]["locality"] == "Anytown"
    assert "given_name" not in found.claims
    assert found.hidden == 7
    with pytest.raises(HolderUnproven, match="nonce"):
        verify_sd_jwt(published.SD_JWT_VC, ("dc+sd-jwt",), keys, nonce="1234567891")


def test_the_referenced_token_of_the_draft_of_status_lists_is_verified() -> None:
    """Its address is a disclosure of digests of further disclosures."""
    keys = AuthorityKeys({"it": TrustedKey("it", key_of(published.SD_JWT_ISSUER))})
    found = verify_sd_jwt(published.REFERENCED, ("example+sd-jwt",), keys)
    assert found.claims["address"] == {
        "street_address": "Schulstr. 12",
        "locality": "Schulpforta",
        "region": "Sachsen-Anhalt",
        "country": "DE",
    }
    place = credentials.status_place(found.claims)
    assert place == StatusPlace("https://example.com/statuslists/1", 0)
    assert found.hidden == 0


# -- ours -----------------------------------------------------------------------------------------


def test_a_licence_is_verified_offline() -> None:
    found = verify_licence(TOKEN, KEYS, listed(), NOW)
    assert (found.kind, found.number, found.categories) == (
        "licence",
        "PK/2026-0001",
        ("exchange",),
    )
    assert (found.provider, found.name) == ("crescent", ENTRY.name)
    assert found.claims["conditions"] == list(LICENCE.conditions)
    assert found.claims["lei"] == ENTRY.lei
    assert found.expires == end_of(date(2027, 6, 30), "Asia/Karachi")
    told = summary(found)
    assert told.startswith("Valid: licence PK/2026-0001 (exchange) of Crescent Exchange")
    assert "not a licence" not in told


def test_another_library_verifies_the_signed_part() -> None:
    signed = TOKEN.split("~")[0]
    key = ECKey.import_key(dict(jwk_of(KEY.public_key)))
    claims = jwt.decode(signed, key, algorithms=["ES256"])
    assert claims.header["typ"] == "dc+sd-jwt"
    assert claims.header["kid"] == key.thumbprint()
    assert claims.claims["vct"] == CREDENTIAL_TYPE


def test_an_noc_says_that_it_is_no_licence() -> None:
    noc = replace(LICENCE, kind="noc", categories=(), expires_on=None)
    token = issue_licence(ENTRY, noc, ISSUING, PLACE, KEY, NOW)
    found = verify_licence(token, KEYS, listed(), NOW)
    assert summary(found).startswith("Valid: NOC ")
    assert summary(found).endswith("It is not a licence.")
    assert found.expires == NOW + 366 * 86_400, "issued anew within a year"


def test_a_holder_may_hide_what_is_disclosable_and_nothing_else() -> None:
    shown = shown_in_part(TOKEN, ["trade_names"])
    found = verify_licence(shown, KEYS, listed(), NOW)
    assert found.claims["trade_names"] == ["Crescent"]
    assert "conditions" not in found.claims
    assert found.hidden == 3
    bare = verify_licence(shown_in_part(TOKEN, []), KEYS, listed(), NOW)
    assert bare.number == LICENCE.number


def test_a_holder_proves_the_key_that_the_licence_names() -> None:
    token = issued(holder=jwk_of(HOLDER.public_key))
    bound = bind_holder(token, "https://bank.example", "n-1", NOW, HOLDER)
    found = verify_licence(bound, KEYS, listed(), NOW, audience="https://bank.example", nonce="n-1")
    assert found.bound
    for wrong, reason in (
        (token, "no proof"),
        (bind_holder(token, "https://bank.example", "n-2", NOW, HOLDER), "nonce"),
        (bind_holder(token, "https://other.example", "n-1", NOW, HOLDER), "aud"),
    ):
        with pytest.raises(HolderUnproven, match=reason):
            verify_licence(wrong, KEYS, listed(), NOW, audience="https://bank.example", nonce="n-1")
    with pytest.raises(TokenAltered):
        verify_licence(bind_holder(token, "a", "n", NOW, OTHER), KEYS, listed(), NOW)
    proof = bound.rpartition("~")[2]
    with pytest.raises(HolderUnproven, match="other disclosures"):
        verify_licence(shown_in_part(token, []) + proof, KEYS, listed(), NOW)
    with pytest.raises(HolderUnproven, match="names no key"):
        verify_licence(bind_holder(TOKEN, "a", "n", NOW, HOLDER), KEYS, listed(), NOW)


# -- refusals -------------------------------------------------------------------------------------


def test_a_suspended_and_a_revoked_licence_are_refused() -> None:
    with pytest.raises(CredentialSuspended, match="Suspended: licence PK/2026-0001 of Crescent"):
        verify_licence(TOKEN, KEYS, listed(Status.SUSPENDED), NOW)
    with pytest.raises(CredentialRevoked, match="Revoked: licence PK/2026-0001"):
        verify_licence(TOKEN, KEYS, listed(Status.INVALID), NOW)
    with pytest.raises(StatusUnknown, match="status is 3"):
        verify_licence(TOKEN, KEYS, listed(3), NOW)


def test_times_are_kept_to_the_second() -> None:
    ends = end_of(date(2027, 6, 30), "Asia/Karachi")
    assert ends == 1_814_382_000  # 2027-06-30T19:00:00Z, midnight in Karachi

    def young() -> list[CheckedList]:
        token = issue_status_list(URI, StatusList.of(8, {}), KEY, ends - 60, 3_600, 86_400)
        return [read_status_list(token, KEYS)]

    assert verify_licence(TOKEN, KEYS, young(), ends - 1).number == LICENCE.number
    with pytest.raises(CredentialExpired, match="until 2027-06-30 19:00 UTC"):
        verify_licence(TOKEN, KEYS, young(), ends)
    with pytest.raises(CredentialNotYetValid):
        verify_licence(TOKEN, KEYS, listed(), NOW - 1)


def test_expiry_wins_over_a_status_that_is_still_valid() -> None:
    """Section 7.1 of the draft: the token's own rules come first."""
    with pytest.raises(CredentialExpired):
        verify_licence(TOKEN, KEYS, [], end_of(date(2027, 6, 30), "Asia/Karachi"))


def test_a_stale_another_and_no_status_list_are_refused() -> None:
    with pytest.raises(StatusListStale):
        verify_licence(TOKEN, KEYS, listed(), NOW + 3_600)
    with pytest.raises(StatusListOther):
        verify_licence(TOKEN, KEYS, listed(uri=URI + "0"), NOW)
    with pytest.raises(StatusUnknown):
        verify_licence(TOKEN, KEYS, [], NOW)


def test_a_foreign_signature_is_refused() -> None:
    foreign = issue_licence(ENTRY, LICENCE, ISSUING, PLACE, OTHER, NOW)
    with pytest.raises(ForeignSigner, match="not among the authority's"):
        verify_licence(foreign, KEYS, listed(), NOW)
    elsewhere = replace(ISSUING, issuer="https://register.other")
    with pytest.raises(ForeignSigner, match=r"register\.other"):
        verify_licence(
            issue_licence(ENTRY, LICENCE, elsewhere, PLACE, KEY, NOW), KEYS, listed(), NOW
        )


def test_one_who_names_the_authoritys_key_and_signs_with_another_is_refused() -> None:
    class Pretender:
        public_key = KEY.public_key

        def sign(self, message: bytes) -> bytes:
            return OTHER.sign(message)

    with pytest.raises(TokenAltered):
        verify_licence(
            issue_licence(ENTRY, LICENCE, ISSUING, PLACE, Pretender(), NOW), KEYS, listed(), NOW
        )


def test_a_key_signs_nothing_after_its_end() -> None:
    kid = thumbprint(KEY.public_key)

    def ended(at: float) -> AuthorityKeys:
        return AuthorityKeys({kid: TrustedKey(kid, KEY.public_key, until=at)}, ISSUING.issuer)

    assert verify_licence(TOKEN, ended(NOW), listed(), NOW).number == LICENCE.number
    with pytest.raises(ForeignSigner, match="had ended"):
        verify_licence(TOKEN, ended(NOW - 1), listed(), NOW)


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(_LETTERS))
def test_a_token_with_any_character_altered_is_refused(place: int, letter: str) -> None:
    altered = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if altered == TOKEN:
        return
    with pytest.raises(AmanatError):
        verify_licence(altered, KEYS, listed(), NOW)


def test_what_is_altered_in_the_signed_part_is_called_so_whatever_is_left_of_it() -> None:
    """Also where the altered part is no JSON any more: the signature is looked at first."""
    header, payload = TOKEN.split(".")[:2]
    for place in (len(header) + 1, len(header) + len(payload) // 2, len(header) + len(payload)):
        other = "A" if TOKEN[place] != "A" else "B"
        with pytest.raises(TokenAltered):
            verify_licence(TOKEN[:place] + other + TOKEN[place + 1 :], KEYS, listed(), NOW)


def test_a_token_with_any_range_of_bytes_altered_is_refused() -> None:
    for length in (1, 7, 60):
        for start in range(0, len(TOKEN), length):
            part = TOKEN[start : start + length]
            turned = part.swapcase() if part.swapcase() != part else "".join(reversed(part)) + "A"
            for new in (turned, "", part + part):
                altered = TOKEN[:start] + new + TOKEN[start + length :]
                if _is_shown_in_part(altered):
                    continue
                with pytest.raises(AmanatError):
                    verify_licence(altered, KEYS, listed(), NOW)


def _is_shown_in_part(text: str) -> bool:
    """To leave a whole disclosure out is the holder's right, and no alteration."""
    signed, *rest = text.split("~")
    whole, *given = TOKEN.split("~")
    return signed == whole and text.endswith("~") and set(rest) <= set(given)


def unsigned(**changes: Any) -> str:
    """A credential of ours with other claims."""
    payload = json.loads(json.dumps(_payload()))
    for name, value in changes.items():
        if value is None:
            payload.pop(name, None)
        else:
            payload[name] = value
    return sign_token({"typ": "dc+sd-jwt"}, payload, KEY) + "~"


def _payload() -> dict[str, Any]:
    claims = dict(verify_licence(TOKEN, KEYS, listed(), NOW).claims)
    return {k: v for k, v in claims.items() if k not in credentials.DISCLOSABLE}


@pytest.mark.parametrize(
    "changes",
    [
        {"vct": "urn:other:licence:1"},
        {"vct": None},
        {"exp": None},
        {"exp": "2027-01-01"},
        {"iat": True},
        {"nbf": "now"},
        {"categories": None},
        {"categories": "exchange"},
        {"number": 5},
        {"authority": None},
        {"status": None},
        {"status": {"status_list": {"idx": -1, "uri": URI}}},
        {"status": {"status_list": {"idx": "7", "uri": URI}}},
        {"status": {"status_list": {"idx": True, "uri": URI}}},
    ],
)
def test_a_token_of_the_authority_that_is_no_licence_is_refused(changes: dict[str, Any]) -> None:
    assert verify_licence(unsigned(), KEYS, listed(), NOW)
    with pytest.raises(CredentialInvalid):
        verify_licence(unsigned(**changes), KEYS, listed(), NOW)


def test_a_hidden_status_is_refused() -> None:
    payload = _payload()
    hidden = {"status": payload.pop("status")}
    with pytest.raises(DisclosureInvalid, match="never hidden"):
        verify_licence(
            issue_sd_jwt({"typ": "dc+sd-jwt"}, payload, hidden, KEY), KEYS, listed(), NOW
        )


@pytest.mark.parametrize(
    "header", [{"typ": "JWT"}, {"typ": "dc+sd-jwt", "crit": ["x"]}, {}, {"typ": "vc+sd-jwt"}]
)
def test_a_token_of_another_type_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(TokenUnreadable):
        verify_licence(sign_token(header, _payload(), KEY) + "~", KEYS, listed(), NOW)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", None])
def test_a_token_that_names_another_algorithm_is_refused(algorithm: str | None) -> None:
    head = {"typ": "dc+sd-jwt", "alg": algorithm, "kid": thumbprint(KEY.public_key)}
    parts = [encode(json.dumps(one).encode()) for one in (head, _payload())]
    for signature in ("", encode(bytes(64))):
        with pytest.raises(TokenUnreadable):
            verify_licence(".".join([*parts, signature]) + "~", KEYS, listed(), NOW)


@pytest.mark.parametrize(
    "text", ["", "~", "a.b.c~", "e30.e30.~", "a" * 100, "é.a.b~", "e30.W10." + "A" * 86 + "~"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenUnreadable):
        verify_licence(text, KEYS, listed(), NOW)


def test_a_member_twice_in_a_token_is_refused() -> None:
    head = encode(b'{"alg":"ES256","typ":"dc+sd-jwt","typ":"JWT"}')
    with pytest.raises(TokenUnreadable, match="twice"):
        verify_licence(f"{head}.e30.{'A' * 86}~", KEYS, listed(), NOW)


@pytest.mark.parametrize("state", CODES.states[1:])
def test_what_is_not_in_force_gets_no_credential_and_no_valid_status(state: str) -> None:
    permission = replace(LICENCE, state=state)
    assert status_of(permission) is not Status.VALID
    with pytest.raises(CredentialInvalid):
        issue_licence(ENTRY, permission, ISSUING, PLACE, KEY, NOW)
    assert status_of(LICENCE) is Status.VALID


def test_what_is_over_gets_no_credential() -> None:
    over = replace(LICENCE, expires_on=date(2026, 9, 1))
    with pytest.raises(CredentialInvalid, match="held until 2026-09-01"):
        issue_licence(ENTRY, over, ISSUING, PLACE, KEY, NOW)
