"""Proof that the tests can fail: each of these contracts lacks one check, and a test notices.

A mutant is the source with one text replaced, compiled into a folder of artifacts of its own;
pytest then runs in another process with the contracts of that folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amanat.ledger import compile as compiler

pytestmark = pytest.mark.soak
ROOT = Path(__file__).parents[2]
MODEL = "tests/stateful/test_ledger.py"
UNITS = "tests/ledger/contracts"
ATTACKS = f"{UNITS}/attacks"
REPLACED = f"{UNITS}/test_replacement.py"


@dataclass(frozen=True)
class Mutant:
    """One check removed: `old` becomes `new` in `source`, which `contracts` are compiled from.

    `also` is a second text to remove, where two checks stand behind each other.
    """

    name: str
    source: str
    contracts: tuple[str, ...]
    old: str
    new: str
    tests: str = MODEL
    also: str = ""


TOKENS = ("Security", "Cash")
MUTANTS = (
    Mutant("balance not checked", "holding.vy", TOKENS,
           "    if amount > slot & MASK_80 or slot & FROZEN_AND_HELD != 0:\n"
           "        self._check_amount(sender, slot, amount)\n", ""),
    Mutant("frozen amounts move", "holding.vy", TOKENS,
           "    bound: uint256 = ((slot >> 80) & MASK_80) + ((slot >> 160) & MASK_64)\n",
           "    bound: uint256 = (slot >> 160) & MASK_64\n"),
    Mutant("held amounts move", "holding.vy", TOKENS,
           "    bound: uint256 = ((slot >> 80) & MASK_80) + ((slot >> 160) & MASK_64)\n",
           "    bound: uint256 = (slot >> 80) & MASK_80\n"),
    Mutant("class not checked", "holding.vy", TOKENS,
           "        & (CLASSES >> ((standing >> 136) & 255))\n", ""),
    Mutant("class not checked in a cycle", "holding.vy", TOKENS,
           "            self._check_class(accounts[i], (standings[i] >> 64) & MASK_64)\n", "",
           f"{UNITS}/test_settlement.py"),
    Mutant("halts not checked", "holding.vy", TOKENS,
           "        or standing & HALTED != 0\n", ""),
    Mutant("credited twice", "holding.vy", TOKENS,
           "    self._slots[to] = unsafe_add(slot, amount)\n"
           "    log Transfer(sender=sender, receiver=to, value=amount)\n",
           "    self._slots[to] = unsafe_add(slot, 2 * amount)\n"
           "    log Transfer(sender=sender, receiver=to, value=amount)\n"),
    Mutant("unbalanced cycle", "holding.vy", TOKENS,
           "    if residue != 0:\n        refusals._cycle_unbalanced(self, residue)\n", ""),
    Mutant("re-registration to another participant", "holding.vy", TOKENS,
           "    if participant != receiver:\n"
           "        refusals._participants_differ(sender, to)\n", ""),
    Mutant("re-registration loses the freeze", "holding.vy", TOKENS,
           "        self._set_frozen(to, min(MASK_80, ((self._slots[to] >> 80) & MASK_80)"
           " + frozen))\n", "", f"{UNITS}/test_orders.py"),
    Mutant("anybody releases a hold", "holding.vy", TOKENS,
           "    if day <= placed.last_day:\n", "    if False:\n"),
    Mutant("numbers are not spent", "Settlement.vy", ("Settlement",),
           "standing, bits & bit != 0)\n    self._numbers[word] = bits | bit\n",
           "standing, bits & bit != 0)\n"),
    Mutant("lists without the first's signature", "signed_instructions.vy", ("Settlement",),
           "    if signer != signed.first or signer == empty(address):\n", "    if False:\n",
           f"{UNITS}/test_settlement_lists.py"),
    Mutant("lists without the second's signature", "signed_instructions.vy", ("Settlement",),
           "    if signer != signed.second or signer == empty(address):\n", "    if False:\n",
           f"{UNITS}/test_settlement_lists.py"),
    Mutant("terms of a list not signed", "signed_instructions.vy", ("Settlement",),
           "keccak256(slice(abi_encode(signed.hashes), 64, 32 * instructions))",
           "keccak256(slice(abi_encode(signed.hashes), 64, 32))",
           f"{UNITS}/test_settlement_lists.py"),
    Mutant("two texts for what was signed", "signed_instructions.vy", ("Settlement",),
           " or (terms >> 224) & 16711422 != 0:", ":",
           f"{UNITS}/test_settlement_lists.py"),
    Mutant("listed numbers of the former contract", "Settlement.vy", ("Settlement",),
           "    if is_former and self._spent_before", "    if False and self._spent_before",
           REPLACED),
    Mutant("payment leg forgotten", "Settlement.vy", ("Settlement",),
           "    if terms & MASK_64 != 0:\n", "    if False:\n"),
    Mutant("ceiling not checked", "Programme.vy", ("Programme",),
           "    if self.used + value > self.ceiling:\n", "    if False:\n"),
    Mutant("issue beyond the authorisation", "Programme.vy", ("Programme",),
           "    if issue.nominal > left:\n", "    if False:\n"),
    Mutant("redeemed frees by the average of all", "Programme.vy", ("Programme",),
           "sums.issued_usd * redeemed // sums.issued",
           "sums.usd * redeemed // sums.nominal"),
    Mutant("epoch not checked", "governed.vy", ("Programme",),
           "    if epoch != current:\n        refusals._wrong_epoch(epoch, current)\n", ""),
    Mutant("acts carried out twice", "governed.vy", ("Programme",),
           "    if self.spent[digest]:\n", "    if False:\n"),
    Mutant("chunks paid twice", "Payments.vy", ("Payments",),
           "    self._runs[run].cursor = chunk + 1\n", ""),
    Mutant("escrow paid twice", "Payments.vy", ("Payments",),
           "    self._escrowed[run][entitlement.index] = empty(bytes32)\n", ""),
    Mutant("paid outside and never burned", "Payments.vy", ("Payments",),
           "        extcall Security(security).redeem(entitlement.holder, entitlement.nominal)\n"
           "        log EntitlementRedeemedOutside",
           "        log EntitlementRedeemedOutside"),
    Mutant("paid here and outside", "Payments.vy", ("Payments",),
           "    if outside.cursor != stored.cursor:\n", "    if False:\n"),
    Mutant("paid outside twice", "Payments.vy", ("Payments",),
           "        if stored.outside_from != max_value(uint256):\n", "        if False:\n"),
    Mutant("redemption without burning", "Payments.vy", ("Payments",),
           "    if kind == REDEMPTION:\n        extcall Security",
           "    if False:\n        extcall Security"),
    Mutant("redemption before maturity", "Payments.vy", ("Payments",),
           "        if day < maturity_day:\n", "        if False:\n"),
    Mutant("a replaced calendar goes back", "Directory.vy", ("Directory",),
           "    if (day << 8) | phase <= ((current & MASK_32) << 8) | (current >> 32)"
           " or day > MASK_32:\n", "    if False:\n",
           f"{ATTACKS}/test_institution_attacks.py"),
    Mutant("receiver's signature not checked", "Settlement.vy", ("Settlement",),
           "    if signer != receiver or signer == empty(address):\n", "    if False:\n",
           f"{UNITS}/test_settlement.py"),
    Mutant("a quorum in a clearance's stead", "Programme.vy", ("Programme",),
           "    governed._require_all(rule.clearances, cleared.institutions)\n", "",
           f"{UNITS}/test_programme.py"),
    Mutant("withdrawn signatures count", "Programme.vy", ("Programme",),
           "    if withdrawn & (authorised.institutions", "    if 0 & (authorised.institutions",
           f"{UNITS}/test_programme.py"),
    Mutant("orders without a quorum", "Orders.vy", ("Orders",),
           "    governed._require_quorum(codes.ORDER_MAKER, signers.institutions, QUORUM)\n", "",
           ATTACKS),
    Mutant("any authority writes any class", "Eligibility.vy", ("Eligibility",),
           "    governed._require_all(1 << self._authority(participant_class),"
           " signers.institutions)\n", "    pass\n", f"{UNITS}/test_eligibility.py"),
    Mutant("withheld grants lift suspensions", "governed.vy", ("Eligibility",),
           "    elif not takes_away:\n", "    elif False:\n",
           f"{ATTACKS}/test_institution_attacks.py"),
    Mutant("others replace the issuer's keys", "Directory.vy", ("Directory",),
           "    if institutions & self.objectors[change] == 0:\n", "    if True:\n",
           f"{ATTACKS}/test_institution_attacks.py"),
    Mutant("starved legs count as failures", "Settlement.vy", ("Settlement",),
           "    if len(answer) == 0:\n        refusals._batch_starved(index, msg.gas)\n    log",
           "    log", f"{ATTACKS}/test_settlement_attacks.py",
           "        if msg.gas < INNER_GAS:\n            refusals._batch_starved(i, msg.gas)\n"),
    Mutant("late bids", "Tender.vy", ("Tender",),
           "    self._require_before_due(tender, state)\n\n", "\n",
           f"{ATTACKS}/test_tender_attacks.py"),
    Mutant("withheld bids", "Tender.vy", ("Tender",),
           "    if accounted != state.commitments - state.withdrawn:\n", "    if False:\n",
           f"{ATTACKS}/test_tender_attacks.py"),
    Mutant("a replaced contract goes on", "governed.vy", ("Settlement",),
           "    if current != self:\n", "    if False:\n", REPLACED),
    Mutant("settled again in the new contract", "Settlement.vy", ("Settlement",),
           "        if self._spent_before(deliverer, (terms >> 192) & MASK_32):\n",
           "        if False:\n", REPLACED),
    Mutant("the ceiling's use forgotten", "Programme.vy", ("Programme",),
           "    self.used = staticcall Former(former).used()\n", "", REPLACED),
    Mutant("funded again in the new contract", "Payments.vy", ("Payments",),
           "    if run == 0 and governed.former != empty(address):\n", "    if False:\n", REPLACED),
    Mutant("kept in one and paid in both", "Payments.vy", ("Payments",),
           "        self._escrowed[run][entitlement.index] = PAID\n", "        pass\n", REPLACED),
    Mutant("open tenders left behind", "Tender.vy", ("Tender",),
           "    if open_tenders != 0:\n", "    if False:\n", REPLACED),
    Mutant("a contract comes back", "Directory.vy", ("Directory",),
           "    if self._served[at]:\n", "    if False:\n", REPLACED),
    Mutant("root not proven", "Payments.vy", ("Payments",),
           "    if node != stored.root or sum != stored.funding or path != 0:\n",
           "    if False:\n", f"{UNITS}/test_payments.py"),
)  # fmt: skip


def mutate(mutant: Mutant, folder: Path, monkeypatch: Any) -> Path:
    """The artifacts with the mutant's contracts compiled anew; the folder that has them."""
    sources, artifacts = folder / "contracts", folder / "artifacts"
    shutil.copytree(compiler.SOURCES, sources)
    shutil.copytree(compiler.ARTIFACTS, artifacts)
    path = sources / mutant.source
    text = path.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.name}: {text.count(mutant.old)} places"
    assert text.count(mutant.also or mutant.old) == 1, f"{mutant.name}: the second check"
    text = text.replace(mutant.old, mutant.new)
    path.write_text(text.replace(mutant.also, "") if mutant.also else text)
    monkeypatch.setattr(compiler, "SOURCES", sources)
    for name in mutant.contracts:
        compiled = compiler.dump(compiler.compile_contract(name))
        (artifacts / f"{name}.json").write_text(compiled)
    return artifacts


def run(tests: str, artifacts: Path | None = None) -> subprocess.CompletedProcess[str]:
    """These tests in a process of their own, up to the first failure."""
    environment = dict(os.environ)
    if artifacts is not None:
        environment["AMANAT_TEST_ARTIFACTS"] = str(artifacts)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_missing_check_is_noticed(mutant: Mutant, tmp_path: Path, monkeypatch: Any) -> None:
    done = run(mutant.tests, mutate(mutant, tmp_path, monkeypatch))
    assert done.returncode == 1, done.stdout[-3_000:]
    # A test failed by what it checks, and not for want of a module or a fixture.
    assert "FAILED tests/" in done.stdout, done.stdout[-3_000:]
    assert "ERROR tests/" not in done.stdout, done.stdout[-3_000:]


@pytest.mark.parametrize("tests", sorted({mutant.tests for mutant in MUTANTS}))
def test_the_same_tests_pass_without_a_mutation(tests: str) -> None:
    done = run(tests)
    assert done.returncode == 0, done.stdout[-3_000:]
