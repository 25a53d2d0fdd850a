"""Random histories of a register, as hypothesis makes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from amanat.core.identifiers import lei_check_digits
from amanat.licensing.register.columns import TEXT, RegisterCodes
from amanat.licensing.register.files import Publisher
from amanat.licensing.register.model import (
    EXPIRED,
    LICENCE,
    Change,
    ChangeKind,
    Later,
    ListedPermission,
    ProviderWarning,
    RegisterEntry,
    WarningReason,
    chained,
)

CODES = RegisterCodes(
    statuses=("applicant", "noc", "aml_registered", "licensed", "suspended", "revoked"),
    categories=("exchange", "broker_dealer", "custody", "derivatives"),
    permissions=("noc", "aml_registration", "licence"),
    suspensions=("no_new_business", "close_out_only", "wind_down", "full_freeze"),
)
PUBLISHER = Publisher("pk", "Licensing authority", CODES)
_ALPHABET = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp"))
_WHOLE = re.compile(TEXT.removeprefix("^").removesuffix("$"))
texts = st.one_of(
    st.sampled_from(("Crescent Exchange (Private) Limited", "ہلال ایکسچینج", 'A "quoted", name')),
    st.text(_ALPHABET, min_size=1, max_size=30).filter(_WHOLE.fullmatch),
)
days = st.dates(date(2025, 12, 1), date(2027, 6, 30))
lists = st.lists(texts, max_size=2, unique=True).map(tuple)
leis = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=18, max_size=18).map(
    lambda stem: stem + lei_check_digits(stem)
)
services = st.lists(st.sampled_from(CODES.categories), unique=True, max_size=3).map(tuple)
websites = st.sampled_from(("https://crescent.example", "https://www.crescent.example/pk?a=1"))


@st.composite
def permissions(draw: st.DrawFn, number: int) -> ListedPermission:
    """One permission, in any state."""
    kind = draw(st.sampled_from(CODES.permissions))
    most = 1 if kind == LICENCE else 3
    granted = draw(days)
    return ListedPermission(
        number=f"PK/2026-{number:04d}",
        kind=kind,
        categories=tuple(
            draw(
                st.lists(
                    st.sampled_from(CODES.categories),
                    unique=True,
                    min_size=1 if kind == LICENCE else 0,
                    max_size=most,
                )
            )
        ),
        state=draw(st.sampled_from([one for one in CODES.states if one != EXPIRED])),
        state_since=draw(days),
        granted_on=granted,
        expires_on=draw(st.none() | st.integers(0, 400).map(lambda n: granted + timedelta(n))),
        law=draw(st.sampled_from(("Virtual Assets Act 2026, s.19(4)", "NOC Regulations"))),
        conditions=draw(lists),
    )


@st.composite
def entries(draw: st.DrawFn, provider: str) -> RegisterEntry:
    """One provider."""
    count = draw(st.integers(0, 3))
    return RegisterEntry(
        provider=provider,
        name=draw(texts),
        trade_names=draw(lists),
        lei=draw(st.none() | leis),
        registration=draw(st.none() | st.just("0123456")),
        country=draw(st.sampled_from(("PK", "AE", "KY"))),
        website=draw(st.none() | websites),
        status=draw(st.sampled_from(CODES.statuses)),
        status_since=draw(days),
        services=draw(services),
        flags=draw(st.sampled_from(((), CODES.flags))),
        permissions=tuple(draw(permissions(number)) for number in range(count)),
        later=tuple(
            Later(begins, draw(st.sampled_from(CODES.statuses)), draw(services))
            for begins in sorted(draw(st.sets(days, max_size=2)))
        ),
    )


@st.composite
def warnings(draw: st.DrawFn, number: str) -> ProviderWarning:
    """One warning."""
    published = draw(days)
    return ProviderWarning(
        number=number,
        name=draw(texts),
        also_known_as=draw(lists),
        websites=draw(st.lists(websites, max_size=2, unique=True).map(tuple)),
        reason=draw(st.sampled_from(WarningReason)),
        text=draw(texts),
        published_on=published,
        withdrawn_on=draw(st.none() | st.just(published + timedelta(30))),
    )


@st.composite
def histories(draw: st.DrawFn, least: int = 0, most: int = 12) -> list[Change]:
    """Changes of a register from its start, in time, of few providers and warnings."""
    at = datetime(2025, 12, 12, 6, 0, tzinfo=UTC)
    found: list[Change] = []
    for place in range(draw(st.integers(least, most))):
        at += timedelta(minutes=draw(st.integers(0, 60 * 24 * 40)))
        subject = draw(st.sampled_from(("crescent", "indus", "W-1", "W-2")))
        warned = subject.startswith("W")
        known = any(one.subject == subject for one in found)
        found.append(
            Change(
                number=place + 1,
                id=f"0193{place:04x}-0000-7000-8000-{draw(st.integers(0, 2**48 - 1)):012x}",
                previous="",
                kind=ChangeKind.WARNED
                if warned
                else (ChangeKind.CHANGED if known else ChangeKind.ENTERED),
                at=at,
                day=at.date(),
                law=draw(st.none() | st.just("Virtual Assets Act 2026, s.19(1)")),
                reason=draw(texts),
                entry=None if warned else draw(entries(subject)),
                warning=draw(warnings(subject)) if warned else None,
            )
        )
    return chained(found)
