"""Who runs a network and by which rules: `network.toml` in a programme's folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.replay import reading
from amanat.replay.reading import Folder, Row

NETWORK_FILE = "network.toml"
VALIDATORS_MIN = 4
"""With three, no one may be missing: more than two thirds of the weight must agree."""
GAS_LIMIT_MIN, GAS_LIMIT_MAX = 30_000_000, 1_000_000_000
CHAIN_ID_MAX = 2**53 - 1


class NetworkNotDescribed(Invalid):
    """A network is founded from a programme's folder that says who runs it."""

    template: ClassVar[str] = "{folder} holds no {file}, which says who runs the network."


class ValidatorsTooFew(Invalid):
    """A network goes on while one node is down only if it has at least four."""

    template: ClassVar[str] = "{count} validators; at least {count_min} are needed."


class ValidatorTwice(Invalid):
    """An institution runs one validator, so that none has more than one voice."""

    template: ClassVar[str] = "{institution} is named twice."


class ValidatorCompetes(Invalid):
    """Whoever runs a node sees all positions, so nobody who deals runs one."""

    template: ClassVar[str] = "{institution} deals in this programme and would see every position."


class NobodyAdministers(Invalid):
    """The chain's lists of who may send and deploy are changed by at least one institution."""

    template: ClassVar[str] = "no validator administers the network."


class SettingOutside(Invalid):
    """A setting of the network lies outside its bounds."""

    template: ClassVar[str] = "{name} is {value}; it lies between {least} and {most}."


@dataclass(frozen=True, slots=True)
class Validator:
    """One institution that runs a node; `administers` lets its key change the chain's lists."""

    institution: str
    name: str
    administers: bool


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """What a network is founded from.

    `gas_limit` is of a block, `base_fee_min_wei` for a unit of gas, `coin_for_senders` whole coins
    of 10**18 wei.  Coin pays fees and is worth nothing else.
    """

    chain_id: int
    gas_limit: int
    base_fee_min_wei: int
    coin_for_senders: int
    validators: tuple[Validator, ...]

    @property
    def administrators(self) -> tuple[Validator, ...]:
        """The validators whose keys may change the chain's lists."""
        return tuple(one for one in self.validators if one.administers)


def load_plan(path: Path) -> NetworkPlan:
    """The plan in a programme's folder.

    Raises every mistake at once: `NetworkNotDescribed`, what cannot be read, `SettingOutside`,
    `ValidatorsTooFew`, `ValidatorTwice`, `ValidatorCompetes`, `NobodyAdministers`.
    """
    refused = Refused()
    folder = Folder(path, refused)
    folder.open()
    if NETWORK_FILE not in folder.texts and not refused.refusals:
        raise NetworkNotDescribed(folder=path, file=NETWORK_FILE)
    tables = folder.toml(NETWORK_FILE)
    heads = tables.pop("network", [])
    validators = tuple(_validator(row) for row in tables.pop("validator", []))
    for name, rows in tables.items():
        rows[0].note(None, reading.FieldUnknown(name=name, known="network, validator"))
    if not heads:
        place = Place(file=NETWORK_FILE, line=1)
        refused.add(reading.FieldMissing(place=place, name="the table [network]"))
        refused.raise_if_any()
    plan = _plan(heads[0], validators)
    dealers = {
        row.peek("code")
        for row in folder.csv("institutions.csv", required=False)
        if "primary_dealer" in row.peek("capacities").split() or row.peek("number") == "0"
    }
    for refusal in _breaches(plan, dealers):
        refused.add(refusal.at(Place(file=NETWORK_FILE)))
    refused.raise_if_any()
    return plan


def _plan(row: Row, validators: tuple[Validator, ...]) -> NetworkPlan:
    found = NetworkPlan(
        chain_id=row.take("chain_id", reading.natural, 1),
        gas_limit=row.take("gas_limit", reading.natural, GAS_LIMIT_MIN),
        base_fee_min_wei=row.take("base_fee_min_wei", reading.natural, 1),
        coin_for_senders=row.take("coin_for_senders", reading.natural, 1),
        validators=validators,
    )
    row.finish()
    return found


def _validator(row: Row) -> Validator:
    found = Validator(
        institution=row.take("institution", reading.code, "institution"),
        name=row.take("name", reading.text, "name"),
        administers=row.take("administers", reading.flag, False),
    )
    row.finish()
    return found


def _breaches(plan: NetworkPlan, dealers: set[str]) -> Iterator[Refusal]:
    bounds = (
        ("chain_id", plan.chain_id, 1, CHAIN_ID_MAX),
        ("gas_limit", plan.gas_limit, GAS_LIMIT_MIN, GAS_LIMIT_MAX),
        ("base_fee_min_wei", plan.base_fee_min_wei, 1, 10**12),
        ("coin_for_senders", plan.coin_for_senders, 1, 10**12),
    )
    for name, value, least, most in bounds:
        if not least <= value <= most:
            yield SettingOutside(name=name, value=value, least=least, most=most)
    names = [one.institution for one in plan.validators]
    if len(names) < VALIDATORS_MIN:
        yield ValidatorsTooFew(count=len(names), count_min=VALIDATORS_MIN)
    for name in sorted({one for one in names if names.count(one) > 1}):
        yield ValidatorTwice(institution=name)
    for name in names:
        if name in dealers:
            yield ValidatorCompetes(institution=name)
    if not plan.administrators:
        yield NobodyAdministers()
