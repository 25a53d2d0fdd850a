"""Authorising: under the ceiling, with every clearance, on evidence that has not expired."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from amanat.core.errors import Forbidden, Refusals
from amanat.instruments.model import terms_from, terms_hash
from amanat.ledger.refusals import ContractRefusal
from amanat.programme.commands import RecordExchangeRate, WithdrawAuthorisation
from amanat.programme.model import (
    AuthorisationOvertaken,
    CeilingExceeded,
    Headroom,
    NotOpenAuthorisation,
    RateContradicts,
    RateFromFuture,
    TermsContradict,
    isin_of_word,
    isin_word,
    rate_micro,
    usd_value_cents,
)
from amanat.programme.records import headroom_of

from .world import BOND, CODE, FIRST_DAY, World, authorisation, bond, furnish, register_asset


def headroom(world: World) -> Headroom:
    with world.app.store.reading() as connection:
        return headroom_of(connection, CODE)


def test_the_security_exists_once_the_ledger_has_it(founded_programme: World) -> None:
    world = furnish(founded_programme)
    outcome = world.do("ministry", authorisation(nominal=11_601_000_000))
    assert outcome.result is not None
    # 11,601,000,000 / 157.50 = 73,657,142.857..., rounded up to the cent.
    assert outcome.result["usd_value_cents"] == 7_365_714_286
    shown = world.view("security", isin=BOND["isin"])
    assert shown["authorised"] == 11_601_000_000
    assert shown["classes"] == ["bank", "fund", "issuer"]
    (one,) = shown["authorisations"]
    assert (one["number"], one["state"], one["rate_assumed"]) == (1, "done", True)
    assert one["requested_at"] is not None
    assert one["done_at"] is not None
    ledger = world.app.ledger.gateway(CODE)
    assert ledger.call("Security", "name", label=BOND["isin"]) == BOND["fisn"]
    assert ledger.call("Security", "symbol", label=BOND["isin"]) == BOND["isin"]
    on_ledger = ledger.call("Security", "terms_hash", label=BOND["isin"])
    assert on_ledger == "0x" + terms_hash(terms_from(BOND)).hex()
    assert ledger.call("Programme", "used") == 7_365_714_286
    assert headroom(world).left_cents == 20_000_000_000 - 7_365_714_286
    kinds = [entry["kind"] for entry in shown["life"]]
    assert kinds.index("AuthorisationRequested") < kinds.index("AuthoriseSecurityDone")


def test_the_next_payment_of_a_bond(world: World) -> None:
    world.do("ministry", authorisation(terms=bond(21)))
    following = world.view("security", isin=bond(21)["isin"])["next_payment"]
    # 7.00% semi-annual: 3.5 per 100 on 20 Aug 2021, a Friday.
    assert following["kind"] == "coupon"
    assert Decimal(following["per_100"]) == Decimal("3.5")
    assert following["payment_date"] == "2021-08-20"


def test_a_reopening_repeats_its_terms(world: World) -> None:
    world.do("ministry", authorisation(terms=bond(22)))
    world.do("ministry", authorisation(terms=bond(22), nominal=5_000_000))
    assert world.view("security", isin=bond(22)["isin"])["authorised"] == 15_000_000
    with pytest.raises(TermsContradict, match="exists with other terms"):
        world.propose("ministry", authorisation(terms=bond(22) | {"coupon_rate": "7.5"}))
    with pytest.raises(TermsContradict, match="classes"):
        world.propose("ministry", authorisation(terms=bond(22), classes=("bank",)))


def test_the_ceiling_is_never_passed_and_the_refusal_says_what_is_left(world: World) -> None:
    left = headroom(world)
    too_much = 40_000_000_000
    with pytest.raises(CeilingExceeded) as refusal:
        world.propose("ministry", authorisation(terms=bond(23), nominal=too_much))
    told = str(refusal.value)
    assert "USD 253,968,253.97" in told  # 40,000,000,000 / 157.50, rounded up
    assert f"headroom of USD {left.left_cents / 100:,.2f}" in told
    assert "ceiling of USD 200,000,000.00" in told
    assert headroom(world) == left


def test_what_is_under_way_counts_against_the_ceiling(world: World) -> None:
    before = headroom(world)
    world.do("ministry", authorisation(terms=bond(24), nominal=31_500_000), pump=False)
    assert headroom(world).left_cents == before.left_cents - 20_000_000
    world.app.pump()
    assert headroom(world).left_cents == before.left_cents - 20_000_000


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"asset": "nothing"}, "not_found", "There is no asset nothing"),
        ({"asset": "lapsed"}, "evidence_expired", "expired on 2021-02-26"),
        ({"rate_date": date(2021, 2, 26)}, "rate_missing", "no rate of PKR"),
        ({"rate_date": date(2021, 3, 2)}, "rate_from_future", "2021-03-02 is not known"),
        ({"classes": ("vasp",)}, "unknown_class", "'vasp' is not a class"),
        ({"expires_on": date(2021, 2, 28)}, "authorisation_expired", "has lapsed on 2021-03-01"),
        ({"nominal": 150_000}, "not_in_denomination", "denomination 100000"),
        ({"terms": BOND | {"currency": "USD"}}, "currency_differs", "currency is PKR"),
        (
            {"terms": BOND | {"issue_date": "2018-02-20", "maturity_date": "2021-02-20"}},
            "security_matured",
            "matures on 2021-02-20",
        ),
        ({"terms": BOND | {"isin": "PK0000000016"}}, "invalid_isin", "check digit should be 5"),
    ],
)
def test_what_an_authorisation_lacks(
    world: World, changes: dict[str, Any], error: str, told: str
) -> None:
    if changes.get("asset") == "lapsed":
        register_asset(world, "lapsed", date(2021, 2, 26))
    with pytest.raises(Exception, match=told) as refusal:
        world.propose("ministry", authorisation(**changes))
    assert getattr(refusal.value, "code", None) == error


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    wrong = authorisation(
        asset="nothing", classes=("vasp",), nominal=150_000, rate_date=date(2021, 2, 26)
    )
    with pytest.raises(Refusals) as refusal:
        world.propose("ministry", wrong)
    codes = {one.code for one in refusal.value.refusals}
    assert codes == {"not_found", "unknown_class", "not_in_denomination", "rate_missing"}


def test_a_kind_that_the_programme_does_not_allow(world: World) -> None:
    with pytest.raises(Exception, match="not bill or bond"):
        world.propose("ministry", authorisation(terms=BOND | {"kind": "sukuk"}))


def test_nobody_but_the_issuer_proposes_and_every_clearance_signs(world: World) -> None:
    with pytest.raises(Forbidden):
        world.propose("central_bank", authorisation(terms=bond(25)))
    outcome = world.propose("ministry", authorisation(terms=bond(25)))
    assert outcome.awaits == ("central_bank", "ministry", "secp")
    for institution in ("ministry", "central_bank"):
        outcome = world.approve(institution, outcome)
        assert outcome.state == "proposed"
    assert outcome.awaits == ("secp",)
    with pytest.raises(ContractRefusal):  # no other signature replaces the clearance
        world.app.ledger.gateway(CODE).call(
            "Programme", "authorise", _empty_authorisation(), [], [], []
        )
    assert world.approve("secp", outcome).state == "carried_out"
    world.app.pump()


def _empty_authorisation() -> dict[str, Any]:
    numbers = ("number", "epoch", "kind", "nominal", "usd_value", "rate", "rate_day", "classes")
    words = ("isin", "terms_hash", "authority_hash")
    return (
        dict.fromkeys((*numbers, "maturity_day", "expiry_day"), 1)
        | dict.fromkeys(words, b"\0" * 32)
        | {"name": ""}
    )


def test_the_second_of_two_authorisations_with_one_number_is_proposed_again(world: World) -> None:
    first = world.propose("ministry", authorisation(terms=bond(26)))
    second = world.propose("ministry", authorisation(terms=bond(27)))
    for institution in ("ministry", "central_bank", "secp"):
        first = world.approve(institution, first)
    for institution in ("ministry", "central_bank"):
        second = world.approve(institution, second)
    with pytest.raises(AuthorisationOvertaken, match="Propose it again"):
        world.approve("secp", second)
    world.app.pump()
    world.do("ministry", authorisation(terms=bond(27)))
    assert world.view("security", isin=bond(27)["isin"])["authorised"] == 10_000_000


def test_a_signature_taken_back_stops_an_authorisation(world: World) -> None:
    outcome = world.propose("ministry", authorisation(terms=bond(28)))
    assert outcome.proposal is not None
    world.approve("ministry", outcome)
    world.approve("secp", outcome)
    back = WithdrawAuthorisation(proposal=outcome.proposal, reason="the clearance was mistaken")
    world.do("secp", back, pump=False)
    with pytest.raises(NotOpenAuthorisation, match="withdrawn by secp"):
        world.approve("central_bank", outcome)
    world.app.pump()
    with pytest.raises(NotOpenAuthorisation, match="withdrawn by secp"):
        world.approve("central_bank", outcome)


def test_what_was_carried_out_is_not_taken_back(world: World) -> None:
    outcome = world.do("ministry", authorisation(terms=bond(29)))
    assert outcome.proposal is not None
    with pytest.raises(NotOpenAuthorisation, match="carried_out"):
        world.propose("ministry", WithdrawAuthorisation(proposal=outcome.proposal, reason="late"))


def test_one_day_has_one_rate(world: World) -> None:
    day = date(2021, 2, 25)
    rate = RecordExchangeRate(rate_date=day, rate=Decimal("158.1000"), source="made for tests")
    world.propose("ministry", rate)
    world.propose("ministry", rate)
    with pytest.raises(RateContradicts, match=r"158\.1 already, not 159"):
        world.propose("ministry", rate.model_copy(update={"rate": Decimal(159)}))
    with pytest.raises(RateFromFuture):
        world.propose("ministry", rate.model_copy(update={"rate_date": date(2021, 3, 2)}))
    rates = world.view("programme")["exchange_rates"]
    assert [one["rate"] for one in rates if one["rate_date"] == day.isoformat()] == ["158.1"]


def test_the_value_is_the_ledgers_to_the_cent() -> None:
    # docs/reference/contracts.md: usd_value = ceil(nominal * 100,000,000 / rate).
    for rate in (Decimal("157.5"), Decimal("160.123456"), Decimal("0.000001"), Decimal(98)):
        for nominal in (1, 99, 100_000, 11_601_000_000, 2**53 - 1):
            expected = -(-nominal * 100_000_000 // rate_micro(rate))
            assert usd_value_cents(nominal, rate) == expected


def test_an_isin_and_its_word() -> None:
    word = isin_word("PK0000000015")
    assert len(word) == 32
    assert isin_of_word("0x" + word.hex()) == "PK0000000015"


def test_only_the_rates_day_counts(world: World) -> None:
    assert world.view("programme")["exchange_rates"][-1]["rate_date"] == FIRST_DAY.isoformat()
