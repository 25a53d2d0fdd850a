"""Who runs a network: the pilot's own plan, and every mistake in one answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from amanat.core.errors import Refusal, Refusals
from amanat.network.plan import (
    NetworkNotDescribed,
    NobodyAdministers,
    SettingOutside,
    ValidatorCompetes,
    ValidatorsTooFew,
    ValidatorTwice,
    load_plan,
)
from amanat.replay.loading import load_pilot
from amanat.replay.reading import FieldMissing, FieldUnknown

PILOT = Path(__file__).parents[2] / "pilots" / "pib-3y-2021"

HEAD = """
[network]
chain_id = 781948
gas_limit = 200000000
base_fee_min_wei = 1
coin_for_senders = 1000
"""


def validators(*names: str, administers: str = "true") -> str:
    return "".join(
        f'\n[[validator]]\ninstitution = "{one}"\nname = "{one}"\nadministers = {administers}\n'
        for one in names
    )


def refusals(folder: Path, content: str) -> list[Refusal]:
    (folder / "network.toml").write_text(content)
    with pytest.raises((Refusal, Refusals)) as refused:
        load_plan(folder)
    error = refused.value
    return list(error.refusals) if isinstance(error, Refusals) else [error]


def test_five_authorities_run_the_network_of_the_pilot() -> None:
    plan = load_plan(PILOT)
    assert [one.institution for one in plan.validators] == [
        "ministry",
        "central_bank",
        "pvara",
        "secp",
        "depository",
    ]
    assert [one.institution for one in plan.administrators] == ["ministry", "central_bank"]


def test_no_validator_of_the_pilot_deals_in_it() -> None:
    dealing = {
        one.code
        for one in load_pilot(PILOT).institutions.values()
        if "primary_dealer" in one.capacities
    }
    assert dealing
    assert not dealing & {one.institution for one in load_plan(PILOT).validators}


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "programme.toml").write_text("")
    with pytest.raises(NetworkNotDescribed):
        load_plan(tmp_path)


def test_a_dealer_may_not_run_a_validator(tmp_path: Path) -> None:
    (tmp_path / "institutions.csv").write_text(
        "code,number,capacities\nbank,2,cash_issuer\ndealer,0,participant primary_dealer\n"
    )
    found = refusals(tmp_path, HEAD + validators("bank", "dealer", "secp", "depository"))
    assert [(type(one), one.fields["institution"]) for one in found] == [
        (ValidatorCompetes, "dealer")
    ]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    content = HEAD.replace("200000000", "1000") + validators("a", "a", administers="false")
    found = refusals(tmp_path, content)
    assert [type(one) for one in found] == [
        SettingOutside,
        ValidatorsTooFew,
        ValidatorTwice,
        NobodyAdministers,
    ]
    assert all(one.place and one.place.file == "network.toml" for one in found)


def test_what_nobody_reads_and_what_is_missing_is_told(tmp_path: Path) -> None:
    content = HEAD.replace("coin_for_senders", "coins") + validators("a", "b", "c", "d")
    found = refusals(tmp_path, content + "\n[[miner]]\nname = 1\n")
    assert {type(one) for one in found} == {FieldMissing, FieldUnknown}
    assert {one.fields["name"] for one in found} == {"coin_for_senders", "coins", "miner"}
