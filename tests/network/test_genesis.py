"""The genesis says who may send and who may deploy, and nobody else is in it."""

from __future__ import annotations

from pathlib import Path

from amanat.network.genesis import genesis
from amanat.network.plan import load_plan

PILOT = Path(__file__).parents[2] / "pilots" / "pib-3y-2021"
KEYS = {"ministry": "0x" + "11" * 20, "central_bank": "0x" + "22" * 20}


def test_the_administrators_alone_are_on_the_lists_and_have_coin() -> None:
    made = genesis(load_plan(PILOT), KEYS, 1_800_000_000)
    admitted = sorted(KEYS.values())
    lists = ("txAllowListConfig", "contractDeployerAllowListConfig", "contractNativeMinterConfig")
    for name in lists:
        assert made["config"][name] == {
            "blockTimestamp": 1_800_000_000,
            "adminAddresses": admitted,
        }
    assert sorted(made["alloc"]) == ["11" * 20, "22" * 20]


def test_gas_limit_and_fees_are_those_of_the_plan() -> None:
    plan = load_plan(PILOT)
    made = genesis(plan, KEYS, 1_800_000_000)
    assert int(made["gasLimit"], 16) == plan.gas_limit
    assert made["config"]["chainId"] == plan.chain_id
    assert made["config"]["feeConfig"]["gasLimit"] == plan.gas_limit
    assert made["config"]["feeConfig"]["minBaseFee"] == plan.base_fee_min_wei
    assert made["config"]["allowFeeRecipients"] is False
