"""The genesis of the ledger's chain: who may send, who may deploy, fees, gas limit.

The keys are those of Subnet-EVM (github.com/ava-labs/subnet-evm, `params/extras` and `precompile`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amanat.network.lists import WEI_PER_COIN
from amanat.network.plan import NetworkPlan

ADMINISTRATOR_COINS = 1_000_000
ONE_GIGA_GAS = 10**9


def genesis(plan: NetworkPlan, administrators: Mapping[str, str], timestamp: int) -> dict[str, Any]:
    """The genesis of a chain; `administrators` are addresses by institution.

    Nobody but the administrators may send or deploy at first: they let others in, each by one
    transaction, and may create coin for fees.  `timestamp` is in seconds since 1970.
    """
    admitted = sorted(administrators[one.institution] for one in plan.administrators)
    lists = {"blockTimestamp": timestamp, "adminAddresses": admitted}
    return {
        "config": {
            "chainId": plan.chain_id,
            **_forks(),
            "feeConfig": _fees(plan),
            "allowFeeRecipients": False,
            "txAllowListConfig": lists,
            "contractDeployerAllowListConfig": lists,
            "contractNativeMinterConfig": lists,
        },
        "alloc": _coins(admitted),
        "nonce": "0x0",
        "timestamp": hex(timestamp),
        "extraData": "0x00",
        "gasLimit": hex(plan.gas_limit),
        "difficulty": "0x0",
        "mixHash": "0x" + "00" * 32,
        "coinbase": "0x" + "00" * 20,
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": "0x" + "00" * 32,
    }


def _forks() -> dict[str, int]:
    """Ethereum's forks up to London by height; later ones come with Avalanche's own upgrades."""
    names = (
        "homesteadBlock",
        "eip150Block",
        "eip155Block",
        "eip158Block",
        "byzantiumBlock",
        "constantinopleBlock",
        "petersburgBlock",
        "istanbulBlock",
        "muirGlacierBlock",
    )
    return dict.fromkeys(names, 0)


def _fees(plan: NetworkPlan) -> dict[str, int]:
    """Fees that stay at the floor: only those let in may send, so no market has to keep order."""
    return {
        "gasLimit": plan.gas_limit,
        "targetBlockRate": 1,
        "minBaseFee": plan.base_fee_min_wei,
        "targetGas": ONE_GIGA_GAS,
        "baseFeeChangeDenominator": ONE_GIGA_GAS,
        "minBlockGasCost": 0,
        "maxBlockGasCost": 0,
        "blockGasCostStep": 0,
    }


def _coins(addresses: Sequence[str]) -> dict[str, dict[str, str]]:
    return {
        address.removeprefix("0x"): {"balance": hex(ADMINISTRATOR_COINS * WEI_PER_COIN)}
        for address in addresses
    }
