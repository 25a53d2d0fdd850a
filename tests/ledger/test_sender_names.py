"""The names of senders: one pattern for settings, the register of keys and the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.ledger.sender_names import OF_PURPOSE, OPERATOR, PURPOSES, SENDER
from amanat.settings import SettingInvalid, Settings

NAMES = [*PURPOSES, *(f"{one}_{number}" for one in PURPOSES for number in range(2, 100))]


def test_a_purpose_has_up_to_ninety_nine_senders() -> None:
    environment = {"AMANAT_SENDERS": ",".join(NAMES)}
    assert Settings.from_environment(environment).senders == tuple(NAMES)
    assert Settings.from_environment({"AMANAT_SENDERS": "none"}).senders == ()
    assert Settings.from_environment({}).senders == PURPOSES
    assert all(SENDER.fullmatch(one) for one in (OPERATOR, *NAMES))


@pytest.mark.parametrize(
    "name",
    [
        *("operator", "settlement_1", "settlement_02", "settlement_100", "settlement_", "coupons"),
        "settlement_1۲",  # a digit, but not of ASCII
        "settlement\n",
        "payments,payments",
    ],
)
def test_other_names_are_no_senders(name: str) -> None:
    with pytest.raises(SettingInvalid, match="each once"):
        Settings.from_environment({"AMANAT_SENDERS": f"tenders,x{name}"})
    if name.strip() != name:
        return  # white space around a name in the setting does not count
    with pytest.raises(SettingInvalid, match="each once"):
        Settings.from_environment({"AMANAT_SENDERS": name})


@given(st.one_of(st.sampled_from([OPERATOR, *NAMES]), st.from_regex(r"\w+_\w+", fullmatch=True)))
def test_beside_the_operator_the_names_are_those_of_the_settings(name: str) -> None:
    try:
        Settings.from_environment({"AMANAT_SENDERS": name})
    except SettingInvalid:
        assert not OF_PURPOSE.fullmatch(name)
        assert not SENDER.fullmatch(name) or name == OPERATOR
    else:
        assert SENDER.fullmatch(name)
        assert name in NAMES
