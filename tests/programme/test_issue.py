"""Issuing within an authorisation, cancelling what is unsold, giving up headroom."""

from __future__ import annotations

from datetime import date

import pytest

from amanat.core.errors import Forbidden, NotFound
from amanat.programme.commands import (
    AttestReserves,
    CancelUnsold,
    IssueNominal,
    MoveDay,
    ReleaseHeadroom,
)
from amanat.programme.model import (
    AuthorisationExpired,
    NotAuthorised,
    NothingUnsold,
    ReservesLapsed,
    ReservesShort,
)

from .world import CODE, World, authorisation, bond, found_world, furnish


def authorised(world: World, serial: int, nominal: int = 10_000_000) -> str:
    world.do("ministry", authorisation(terms=bond(serial), nominal=nominal))
    return bond(serial)["isin"]


def unsold(world: World, isin: str) -> int:
    account = world.accounts["ministry.distribution"]
    units: int = world.app.ledger.gateway(CODE).call("Security", "balanceOf", account, label=isin)
    return units


def test_issue_cancel_and_issue_again(world: World) -> None:
    isin = authorised(world, 41)
    world.do("ministry", IssueNominal(isin=isin, nominal=10_000_000))
    assert unsold(world, isin) == 10_000_000
    with pytest.raises(NotAuthorised, match="100000 asked, 0 authorised"):
        world.propose("ministry", IssueNominal(isin=isin, nominal=100_000))
    world.do("ministry", CancelUnsold(isin=isin, nominal=4_000_000))
    assert unsold(world, isin) == 6_000_000
    shown = world.view("security", isin=isin)
    assert (shown["issued"], shown["cancelled"], shown["redeemed"]) == (6_000_000, 4_000_000, 0)
    world.do("ministry", IssueNominal(isin=isin, nominal=4_000_000))
    assert unsold(world, isin) == 10_000_000
    actions = [
        (one["action"], one["nominal"], one["refused_at"])
        for one in world.view("security", isin=isin)["movements"]
    ]
    assert actions == [
        ("issue", 10_000_000, None),
        ("cancel", 4_000_000, None),
        ("issue", 4_000_000, None),
    ]


def test_what_is_under_way_is_not_issued_twice(world: World) -> None:
    isin = authorised(world, 42)
    world.do("ministry", IssueNominal(isin=isin, nominal=8_000_000), pump=False)
    with pytest.raises(NotAuthorised, match="3000000 asked, 2000000 authorised"):
        world.propose("ministry", IssueNominal(isin=isin, nominal=3_000_000))
    world.app.pump()


def test_more_than_is_unsold_is_not_cancelled(world: World) -> None:
    isin = authorised(world, 43)
    world.do("ministry", IssueNominal(isin=isin, nominal=1_000_000))
    with pytest.raises(NothingUnsold, match="1100000 asked, 1000000 unsold"):
        world.propose("ministry", CancelUnsold(isin=isin, nominal=1_100_000))


def test_headroom_given_up_cannot_be_issued_and_comes_back(world: World) -> None:
    isin = authorised(world, 44, nominal=63_000_000)
    before = world.view("programme")["headroom_usd"]
    (one,) = world.view("security", isin=isin)["authorisations"]
    release = ReleaseHeadroom(
        authorisation=one["number"], nominal=31_500_000, reason="less is needed"
    )
    world.do("ministry", release, pump=False)
    assert world.view("programme")["headroom_usd"] == before  # granted once it is done
    with pytest.raises(NotAuthorised):  # withdrawn from now
        world.propose("ministry", IssueNominal(isin=isin, nominal=31_600_000))
    world.app.pump()
    # 31,500,000 / 157.50 = 200,000.00 dollars.
    after = world.view("programme")["headroom_usd"]
    assert float(after.split()[0]) - float(before.split()[0]) == 200_000
    assert world.view("security", isin=isin)["authorised"] == 31_500_000


def test_only_the_issuer_issues_and_only_what_exists(world: World) -> None:
    with pytest.raises(Forbidden):
        world.propose("bank_a", IssueNominal(isin=bond(45)["isin"], nominal=100_000))
    with pytest.raises(NotFound):
        world.propose("ministry", IssueNominal(isin=bond(45)["isin"], nominal=100_000))


def test_an_account_that_is_not_for_distribution_gets_nothing(world: World) -> None:
    isin = authorised(world, 46)
    command = IssueNominal(isin=isin, nominal=100_000, account=world.accounts["bank_a.own"])
    with pytest.raises(Forbidden, match="no distribution account"):
        world.propose("ministry", command)


def test_an_expired_authorisation_issues_nothing(world: World) -> None:
    world.do("ministry", authorisation(terms=bond(47), expires_on=date(2021, 3, 1)))
    isin = bond(47)["isin"]
    (one,) = world.view("security", isin=isin)["authorisations"]
    world.do("ministry", MoveDay(business_date=date(2021, 3, 2)))
    named = IssueNominal(isin=isin, nominal=100_000, authorisation=one["number"])
    with pytest.raises(AuthorisationExpired, match="expires on 2021-03-01"):
        world.propose("ministry", named)
    with pytest.raises(NotAuthorised):
        world.propose("ministry", IssueNominal(isin=isin, nominal=100_000))


def test_reserves_are_attested_only_where_something_backs_the_programme(world: World) -> None:
    command = AttestReserves(reserves_usd_cents=1, valid_until=date(2021, 12, 31))
    with pytest.raises(Forbidden, match="issuer's credit"):
        world.propose("ministry", command)


def test_reserves_carry_what_is_authorised(application: object) -> None:
    world = furnish(found_world(application, attestors=("secp",)))  # type: ignore[arg-type]
    with pytest.raises(ReservesLapsed, match="until never"):
        world.propose("ministry", authorisation())
    attested = AttestReserves(reserves_usd_cents=6_000_000, valid_until=date(2021, 3, 1))
    world.do("ministry", attested)
    assert world.view("programme")["reserves_usd"] == "60000.00 USD"
    with pytest.raises(ReservesShort, match=r"60,000\.00 do not cover the USD 63,492\.07"):
        world.propose("ministry", authorisation(nominal=10_000_000))
    world.do("ministry", authorisation(nominal=9_000_000))
    world.do("ministry", MoveDay(business_date=date(2021, 3, 2)))
    with pytest.raises(ReservesLapsed, match="until 2021-03-01; it is 2021-03-02"):
        world.propose("ministry", IssueNominal(isin=authorisation().terms["isin"], nominal=100_000))
