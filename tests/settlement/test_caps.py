"""A pack's caps and kinds of account bind trades and money on the platform, and cite their row."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from tests.programme.world import CODE

from amanat.core.errors import Refusal, Refusals
from amanat.jurisdictions.licensing import LicensingPack, licensing_from, load_licensing
from amanat.licensing import records
from amanat.licensing.model import AccountNotAllowed, CapExceeded
from amanat.licensing.tables import provider
from amanat.participants.model import AccountKind
from amanat.settlement.commands import CancelInstruction, Side
from amanat.settlement.model import NotInThisState

from .trading import MILLION, Trading, prepared_trading

CRORE = 10 * MILLION * 100
"""Paisa of ten million rupees."""
FIRST = "bank_a.own"


CLOSED = 'title = "Applicant"\nopens = []'


def shut() -> LicensingPack:
    """Pakistan's pack, where the rule of finality cancels what an applicant has matched."""
    text = files("amanat.jurisdictions").joinpath("pk/licensing.toml").read_text("utf-8")
    text = text.replace(CLOSED, f'{CLOSED}\nmatched = "cancelled"')
    # The market's days are of 2021.
    return licensing_from(text.replace("in_force_from = 2025", "in_force_from = 2020"), "shut.toml")


def capped() -> LicensingPack:
    """Pakistan's pack, where an applicant trades: 10 million at once, 15 million in a month."""
    text = files("amanat.jurisdictions").joinpath("pk/licensing.toml").read_text("utf-8")
    assert CLOSED in text
    text = text.replace(CLOSED, 'title = "Applicant"\nopens = ["acquire", "deliver"]')
    for code, amount, period in (("once", CRORE, "once"), ("monthly", CRORE * 3 // 2, "month")):
        text += f"""
[[caps]]
code = "{code}"
title = "{code}"
status = "applicant"
activities = ["acquire"]
unit = "PKR"
amount = {amount}
period = "{period}"
section = "aml.duty"
assumed = true
"""
    return licensing_from(text, "capped.toml")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trading]:
    """Banks that trade; bank B is made a provider that only applied."""
    folder = tmp_path_factory.mktemp("caps")
    for trading in prepared_trading(folder, f"sqlite:///{folder / 'amanat.db'}"):
        trading.trade("ministry.distribution", FIRST, nominal=MILLION, paisa=CRORE)
        with trading.app.engine.begin() as connection:
            connection.execute(
                provider.insert().values(
                    programme=CODE, code="bank_b", number=1, country="PK", status="applicant",
                    entry="", institution="bank_b", person="bank_b_officer",
                    recorded_at="2021-03-01T06:00:00+00:00", recorded_on="2021-03-01",
                )
            )  # fmt: skip
        yield trading


@pytest.fixture(autouse=True)
def pack(monkeypatch: pytest.MonkeyPatch) -> None:
    found = capped()
    assert not load_licensing("pk").caps_of("applicant")
    monkeypatch.setattr(records, "load_licensing", lambda _code: found)


def test_a_trade_over_the_cap_is_refused_with_its_row(market: Trading) -> None:
    fields = market.terms(FIRST, "bank_b.own", 100_000, CRORE + 1)
    for side in (Side.DELIVER, Side.RECEIVE):
        with pytest.raises(
            CapExceeded, match=r"10000000.01 PKR: as applicant.*cap once"
        ) as refusal:
            market.instruct(side, fields)
        assert refusal.value.status == 403
        assert refusal.value.fields["cap"] == "once"


def test_trades_of_a_month_count_together(market: Trading) -> None:
    market.match(FIRST, "bank_b.own", nominal=100_000, paisa=CRORE)
    more = market.terms(FIRST, "bank_b.own", 100_000, CRORE)
    with pytest.raises(CapExceeded, match=r"cap monthly") as refusal:
        market.instruct(Side.DELIVER, more)
    assert str(refusal.value.fields["done"]) == "10000000.00 PKR"
    market.match(FIRST, "bank_b.own", nominal=100_000, paisa=CRORE // 2)
    others = market.match(FIRST, "fund_c.own", nominal=100_000, paisa=CRORE * 2)
    assert market.instruction(others)["state"] == "matched"  # whom nobody licenses


def test_no_money_comes_to_an_account_that_the_status_does_not_give(market: Trading) -> None:
    with pytest.raises(AccountNotAllowed, match="no account for the business") as refusal:
        market.fund("bank_b.own", CRORE)
    assert (refusal.value.status, refusal.value.fields["row"]) == (403, "none")
    market.fund(FIRST, CRORE)


def test_no_account_is_opened_that_the_status_does_not_give(market: Trading) -> None:
    with pytest.raises(AccountNotAllowed, match="no account for clients' money"):
        market.world.enrol(
            "bank_b", "central_bank", AccountKind.CLIENT, holder_class="individual", holder="x"
        )


def test_a_party_burns_the_number_of_a_trade_that_the_law_cancelled(
    market: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then whoever has both signatures could settle it once the suspension is lifted."""
    identifier = market.match("bank_b.own", FIRST, nominal=100_000, paisa=100)
    number = market.instruction(identifier)["number"]
    suspended = shut()
    monkeypatch.setattr(records, "load_licensing", lambda _code: suspended)
    market.settle()
    row = market.instruction(identifier)
    assert (row["state"], row["reason_code"]) == ("cancelled", "NumberUnburned")
    gateway = market.app.gateway(CODE)
    assert not gateway.call("Settlement", "number_spent", market.at("bank_b.own"), number)
    cancel = CancelInstruction(instruction=identifier, reason="the law cancelled it")
    market.do("bank_a", cancel)
    assert gateway.call("Settlement", "number_spent", market.at("bank_b.own"), number)
    assert market.instruction(identifier)["reason_code"] is None
    with pytest.raises(NotInThisState):
        market.do("bank_b", cancel)


BROKEN = (
    ('unit = "PKR"', 'unit = "XBT"', "XBT is no currency that is known"),
    ('activities = ["client_order"]', 'activities = ["bid"]', "no amount that could be capped"),
    ('activities = ["client_order"]', 'activities = ["hold"]', "aml_registered does not open hold"),
    ('account = "out_only"', 'account = "outward"', "there is no account outward"),
    ('holds = ["own", "client"]', 'holds = ["theirs"]', "theirs is none of own, client"),
    ('period = "once"\nsection = "sandbox"\nassumed = true', 'period = "once"\nsection = "sandbox"',
     "neither a source"),
)  # fmt: skip


@pytest.mark.parametrize(("what", "instead", "told"), BROKEN, ids=lambda value: str(value)[:20])
def test_a_mistake_in_caps_is_told(what: str, instead: str, told: str) -> None:
    text = files("amanat.jurisdictions").joinpath("pk/licensing.toml").read_text("utf-8")
    assert what in text
    with pytest.raises((Refusal, Refusals), match=told):
        licensing_from(text.replace(what, instead), "pk/licensing.toml")
