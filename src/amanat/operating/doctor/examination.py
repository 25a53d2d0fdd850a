"""All checks, in the order in which one needs what another found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from amanat.operating.doctor import database, machine, network
from amanat.operating.doctor.findings import Finding, Patient, Verdict

Check = Callable[[Patient], list[Finding]]
CHECKS: tuple[Check, ...] = (
    machine.configuration,
    machine.python,
    machine.embedded_node,
    machine.folder,
    machine.secrets,
    machine.disk,
    machine.port,
    machine.certificate,
    database.database,
    database.migrations,
    database.database_writes,
    database.durability,
    database.database_clock,
    database.journal,
    database.alarms,
    database.orders,
    network.nodes,
    network.node_clocks,
    network.evm,
    network.finality,
    network.operator_key,
    network.operator_funds,
    network.contracts,
    network.signer_keys,
    network.collector,
    machine.backup,
)


def examine(
    data_dir: Path,
    environment: Mapping[str, str] = os.environ,
    *,
    known_variables: Iterable[str] = (),
) -> list[Finding]:
    """What every check finds; nothing is started or changed."""
    patient = Patient(data_dir.absolute(), environment)
    patient.facts["known_variables"] = frozenset(known_variables)
    found: list[Finding] = []
    try:
        for check in CHECKS:
            found += check(patient)
    finally:
        if patient.engine is not None:
            patient.engine.dispose()
        if patient.rpc is not None:
            patient.rpc.close()
    return found


def worst(found: Iterable[Finding]) -> Verdict:
    """The gravest verdict among findings."""
    verdicts = {one.verdict for one in found}
    for verdict in (Verdict.WRONG, Verdict.WATCH):
        if verdict in verdicts:
            return verdict
    return Verdict.WELL
