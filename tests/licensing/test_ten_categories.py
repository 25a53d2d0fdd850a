"""The ten services of the Act, one by one: what each is, and that what it asks for binds."""

from __future__ import annotations

import re
from datetime import date

import pytest

from amanat.core.errors import Refusal, Refusals
from amanat.core.money import money_text
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.commands import ConfirmFact
from amanat.licensing.duties.commands import StateNetCapital
from amanat.licensing.model import CategoryNotOpen, FactFieldMissing
from amanat.licensing.path import Mover, Situation, allowed
from amanat.licensing.standing import require_permission

from ..programme.world import CODE
from .without_ledger import DeskWorld
from .world import MARCH

PACK = load_licensing("pk")
X = "exchange_x"
# Virtual Assets Act 2026, s.18, in its order and words; the NOC regulations of 2 December 2025 let
# four of them run before the licence.
SERVICES = (
    ("advisory", "Advisory", False),
    ("broker_dealer", "Broker-dealer", True),
    ("custody", "Custody", True),
    ("exchange", "Exchange", True),
    ("lending", "Lending and borrowing", False),
    ("derivatives", "derivatives", True),
    ("asset_management", "Asset management and investment", False),
    ("transfer", "Transfer and settlement", False),
    ("issuance", "Issuance", False),
    ("mining", "Mining", False),
)
CODES = tuple(code for code, _words, _before in SERVICES)
# Of no figure has a source been seen, so each is marked as assumed and listed among assumptions.
FIGURES = (
    "paid_up_capital", "security_deposit", "net_capital", "clearance", "application_fee",
    "annual_fee", "term_months",
)  # fmt: skip
BOARD = Mover("pvara_second", "officer", frozenset({"authority"}))


def test_there_are_these_ten_and_no_other() -> None:
    assert [one.code for one in PACK.categories] == list(CODES)


@pytest.mark.parametrize(("code", "words", "before"), SERVICES)
def test_a_service_is_as_the_act_has_it(code: str, words: str, before: bool) -> None:
    category = PACK.category(code)
    assert words in category.title
    assert PACK.section_on(category.section, MARCH).text == "Virtual Assets Act 2026, s.18"
    assert category.before_licence is before
    assert (category.currency, category.term_months > 0) == ("PKR", True)
    # Money is paid in before it is held: no figure is nought, and net capital is within paid-up.
    assert 0 < category.security_deposit < category.net_capital < category.paid_up_capital
    assert set(category.assumed) == set(FIGURES)
    assert any(code in one for one in PACK.assumptions())


def words_of(code: str) -> str:
    """A code as refusals say it."""
    return code.replace("_", " ")


def wanted(code: str) -> dict[str, str]:
    """What a licence of a category requires, by the words with which its lack is refused."""
    found = {
        "goaml_registered": "goAML registration",
        "incorporated": "SECP has confirmed the incorporation",
        f"capital_paid:{code}": f"paid-up capital for {words_of(code)}",
        f"deposit_confirmed:{code}": f"security deposit for {words_of(code)}",
    }
    if PACK.category(code).clearance:
        found[f"security_cleared:{code}"] = f"security clearance for {words_of(code)}"
    return found


def granted(code: str, facts: frozenset[str]) -> None:
    """Ask the path for the licence of a category, on a file that is approved."""
    situation = Situation("licence", "LIC-2026-0001", "approved", X, "aml_registered", facts)
    allowed(PACK, situation, BOARD, "GrantLicence", day=MARCH, category=code)


@pytest.mark.parametrize("code", CODES)
def test_a_licence_is_refused_for_each_thing_that_its_category_lacks(code: str) -> None:
    facts = wanted(code)
    granted(code, frozenset(facts))
    for missing, words in facts.items():
        with pytest.raises((Refusal, Refusals), match=words):
            granted(code, frozenset(facts) - {missing})
    # What was paid and cleared for another service counts for this one in nothing.
    other = next(one for one in CODES if one != code and PACK.category(one).clearance)
    with pytest.raises((Refusal, Refusals)) as refusal:
        granted(code, frozenset(wanted(other)))
    told = refusal.value.refusals if isinstance(refusal.value, Refusals) else [refusal.value]
    assert len(told) == len(facts) - 2


@pytest.fixture
def registered(desk: DeskWorld) -> DeskWorld:
    """A provider with an NOC for all ten, registered on goAML and incorporated."""
    desk.noc(X, *CODES)
    desk.confirm("fmu", X, "goaml_registered")
    return desk


def test_the_figures_bind_at_the_desk_one_service_after_another(registered: DeskWorld) -> None:
    desk = registered
    with desk.store.reading() as connection:
        for code, _words, before in SERVICES:
            if before:  # under the registration, before the licence
                require_permission(connection, CODE, X, "client_order", MARCH, category=code)
                continue
            with pytest.raises(CategoryNotOpen):
                require_permission(connection, CODE, X, "client_order", MARCH, category=code)
    for code in CODES:
        category = PACK.category(code)
        for fact, institution, least in (
            ("capital_paid", "secp", category.paid_up_capital),
            ("deposit_confirmed", "central_bank", category.security_deposit),
        ):
            too_little = ConfirmFact(
                provider=X, fact=fact, category=code, amount=least - 1, reference="one paisa less",
                valid_from=MARCH,
            )  # fmt: skip
            with pytest.raises(
                (FactFieldMissing, Refusals), match=re.escape(money_text(least, "PKR"))
            ):
                desk.do_as(f"{institution}_officer", too_little, f"{institution}_approver")
            desk.confirm(institution, X, fact, category=code, amount=least)


def test_net_capital_of_a_service_is_asked_of_who_holds_its_licence(registered: DeskWorld) -> None:
    desk = registered
    # From the least to the most, as of several licences the highest counts for the whole company.
    rising = sorted(PACK.categories, key=lambda one: one.net_capital)
    for count, category in enumerate(rising):
        desk.hold_licence(X, category.code, number=count)
        least = category.net_capital
        for amount, short in ((least - 1, True), (least, False)):
            stated = StateNetCapital(as_of=date(2026, 3, 9), amount=amount)
            told = desk.do_as("exchange_x_officer", stated)
            assert (category.code, told["short"]) == (category.code, short)
