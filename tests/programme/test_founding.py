"""Founding: what the terms say is on the ledger and in the database, whatever interrupts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.core.errors import AmanatError
from amanat.jurisdictions.institutions import load_institutions
from amanat.jurisdictions.licensing import load_licensing
from amanat.ledger.signers import KeySigner
from amanat.licensing.records import pack_of
from amanat.programme.founding import (
    FoundedDifferently,
    FoundingAwaitsSignatures,
    found,
    founding_step,
)
from amanat.programme.terms import (
    LEDGER_CAPACITIES,
    ClassTerms,
    InstitutionTerms,
    KindTerms,
    PersonTerms,
    ProgrammeTerms,
    check_terms,
)
from amanat.settings import Settings
from amanat.store.journal import read_entries
from amanat.store.tables import journal_opening

from .world import CODE, FIRST_DAY, World, found_world, make_keys, terms

# Days since 1970-01-01, by `date -d 2021-03-01 +%s` / 86400.
FIRST_DAY_NUMBER = 18687


def test_the_ledger_says_what_the_terms_say(founded_programme: World) -> None:
    ledger = founded_programme.app.ledger.gateway(CODE)
    assert ledger.call("Directory", "founded") is True
    assert ledger.call("Directory", "today") == [FIRST_DAY_NUMBER, 1]
    assert ledger.call("Directory", "quorum") == 2
    assert ledger.call("Programme", "ceiling") == 200_000_000_00
    assert ledger.call("Programme", "rule_of", 1) == [1, 1 << 3, 1 << 2]
    # Class 1 and 2 are the central bank's (2), class 3 is the SECP's (3).
    assert [ledger.call("Eligibility", "authority_of", n) for n in (1, 2, 3, 4)] == [2, 2, 3, 0]
    # issuer 1, day keeper 5, order maker 6, guardian 7: bits of docs/reference/contracts.md.
    assert ledger.call("Directory", "capacities_of", 1) == 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7
    key = founded_programme.actor("secp_approver").address
    assert ledger.call("Directory", "institution_of", key) == 3


def test_the_programme_is_shown_to_everyone(world: World) -> None:
    shown = world.view("programme")
    assert shown["ceiling_usd"] == shown["headroom_usd"] == "200000000.00 USD"
    assert shown["day"]["business_date"] == FIRST_DAY.isoformat()
    assert shown["day"]["phase"] == "open"
    assert shown["founded_at"] is not None
    assert shown["exchange_rates"][0]["assumed"] is True


def test_names_of_people_are_only_committed_to(world: World) -> None:
    with world.app.store.reading() as connection:
        entries = read_entries(connection, programme=CODE, kinds=["PersonFounded"])
        openings = connection.execute(sql.select(journal_opening.c.entry_id)).all()
    assert len(entries) == 15
    assert {entry["log"] for entry in entries} == {"confidential"}
    assert all(list(entry["content"]["name"]) == ["commitment"] for entry in entries)
    assert {entry["id"] for entry in entries} <= {row.entry_id for row in openings}


def test_founding_again_changes_nothing(world: World) -> None:
    app = world.app
    with app.store.reading() as connection:
        before = len(read_entries(connection))
    found(app, terms(make_keys(app)))
    with app.store.reading() as connection:
        assert len(read_entries(connection)) == before


def test_other_terms_under_the_same_code_are_refused(world: World) -> None:
    app = world.app
    with pytest.raises(FoundedDifferently):
        found(app, terms(make_keys(app), name="Another name"))


@pytest.mark.parametrize(("steps", "sent"), [(1, False), (1, True), (2, False), (3, False)])
def test_an_interrupted_founding_is_taken_up(tmp_path: Path, steps: int, sent: bool) -> None:
    settings = Settings.at(tmp_path, light_keys=True)
    with Application(settings) as app:
        wanted = terms(make_keys(app))
        for step in range(steps):
            assert founding_step(app, wanted, {})
            if sent or step < steps - 1:
                app.pump()
    with Application(settings) as app:
        found(app, wanted)
        world = World(app)
        assert world.view("programme")["founded_at"] is not None
        with app.store.reading() as connection:
            begun = read_entries(connection, kinds=["ProgrammeFoundingBegun"])
            signed = read_entries(connection, kinds=["FoundingSigned", "FirstDaySigned"])
        assert (len(begun), len(signed)) == (1, 2)


def test_keys_elsewhere_sign_elsewhere(tmp_path: Path) -> None:
    with Application(Settings.at(tmp_path, light_keys=True)) as app:
        held = make_keys(app)
        away = {person: KeySigner.generate() for person in held}
        wanted = terms({person: signer.address for person, signer in away.items()})
        by_address = {signer.address: signer for signer in away.values()}
        brought: dict[str, dict[str, bytes]] = {}
        for asked in ("found_programme", "open_first_day"):
            with pytest.raises(FoundingAwaitsSignatures) as refusal:
                found(app, wanted, brought)
            assert refusal.value.fields["step"] == asked
            digest = refusal.value.fields["digest"]
            brought[digest] = {
                address: signer.sign_digest(bytes.fromhex(digest))
                for address, signer in by_address.items()
            }
        found(app, wanted, brought)
        assert World(app).view("programme")["founded_at"] is not None


KEYS = {
    f"{institution}_{role}": f"0x{number:039x}{place}"
    for number, institution in enumerate(("ministry", "central_bank", "secp"), 1)
    for place, role in enumerate(("officer", "approver"))
}


def test_sound_terms_pass() -> None:
    check_terms(terms(KEYS))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"first_business_date": "2021-03-06"}, "2021-03-06 is no settlement day"),
        ({"first_business_date": "2031-03-03"}, "outside calendar"),
        ({"zone": "Asia/Lahore"}, "no time zone"),
        ({"currency": "XXX"}, "not a known currency"),
        ({"quorum": 4}, "a quorum of 4 is more than the 3 institutions"),
        ({"orders_quorum": 4}, "3 institutions are orders, at least 4"),
        ({"attestors": ("auditor",)}, "attestor auditor is not on the ledger"),
        ({"ceiling_signers": ("nobody",)}, "ceiling signer nobody is not on the ledger"),
        (
            {"classes": (ClassTerms(code="bank", authority="auditor"),)},
            "class bank is written by auditor",
        ),
        (
            {"kinds": (KindTerms(code="sukuk", clearances=("shariah",), confirmations=("secp",)),)},
            "clearance shariah, which nobody gives",
        ),
        ({"cash_symbol": "رقم"}, "ASCII"),
        ({"gazette": "code = 1"}, "calendar: there are no rows"),
        ({"licensing": "xx"}, "licensing: There is no table xx/licensing"),
    ],
)
def test_unsound_terms_are_refused(changes: dict[str, Any], told: str) -> None:
    unsound = ProgrammeTerms.model_validate(terms(KEYS).model_dump() | changes)
    with pytest.raises(AmanatError, match=told):
        check_terms(unsound)


def test_a_programme_may_follow_another_path_of_licences(application: Application) -> None:
    """And an institution has only the capacities that the path knows."""
    world = found_world(application, licensing="eu")
    with world.app.store.reading() as connection:
        assert pack_of(connection, CODE).code == "eu"
        assert pack_of(connection, "elsewhere").code == "pk"
    with pytest.raises(AmanatError, match=r"unknown capacity confirms\.goaml"):
        check_terms(with_capacity("confirms.goaml_registered", licensing="eu"))
    check_terms(with_capacity("confirms.goaml_registered"))


@pytest.mark.parametrize("word", ["supervises", "fiu"])
def test_a_programme_names_its_desks_of_supervision(word: str) -> None:
    check_terms(with_capacity(word))
    with pytest.raises(AmanatError, match=f"unknown capacity {word}s"):
        check_terms(with_capacity(f"{word}s"))


def with_capacity(word: str, **changes: Any) -> ProgrammeTerms:
    """Sound terms but for one more institution with a capacity."""
    sound = terms(KEYS, **changes)
    more = InstitutionTerms(code="fmu", name="FMU", capacities=(word,))
    return sound.model_copy(update={"institutions": (*sound.institutions, more)})


def test_a_duty_without_two_people_is_refused() -> None:
    alone = {person: key for person, key in KEYS.items() if person != "central_bank_officer"}
    with pytest.raises(AmanatError, match="central_bank needs two people with keys, and has 1"):
        check_terms(terms(alone))


def test_every_mistake_is_reported_at_once() -> None:
    wrong = terms(KEYS)
    wrong = wrong.model_copy(
        update={
            "institutions": (
                *wrong.institutions,
                InstitutionTerms(code="bank_a", number=0, name="x", capacities=("issuer", "magic")),
            ),
            "people": (
                *wrong.people,
                PersonTerms(code="stray", institution="nowhere", role="viewer", name="x"),
            ),
        }
    )
    with pytest.raises(AmanatError) as refusal:
        check_terms(wrong)
    told = str(refusal.value)
    for part in (
        "the institution bank_a is given 2 times",
        "stray belongs to nowhere",
        "unknown capacity magic",
        "bank_a needs a number on the ledger to be issuer",
    ):
        assert part in told


def test_terms_survive_a_file() -> None:
    wanted = terms(KEYS)
    assert ProgrammeTerms.model_validate(json.loads(wanted.model_dump_json())) == wanted


def test_the_institutions_of_pakistan_speak_the_words_of_terms() -> None:
    """The jurisdiction's table can be used as it is: no capacity that no act knows."""
    classes = ("government", "bank", "broker", "fund", "vasp")
    pack = load_licensing("pk")
    free = {"tax_agent", "participant", "auditor", "supervises", "fiu"}
    free |= {f"confirms.{one.fact}" for one in pack.confirmations}
    free |= {f"consulted.{one.code}" for one in pack.stakeholders}
    for one in load_institutions("pk"):
        for word in one.capacities:
            known = word in LEDGER_CAPACITIES or word in free or word.startswith("clears.")
            assert known or word in {f"class_authority.{name}" for name in classes}, word


def test_what_happens_before_the_first_day_is_of_that_day(world: World) -> None:
    """The ledger's events of the founding are dated as the founding's own entry, not by a clock."""
    with world.app.store.reading() as connection:
        entries = read_entries(connection, programme=CODE)
    events = [one for one in entries if one["kind"].endswith("LedgerEventSeen")]
    assert len(events) > 10
    assert {one["business_date"] for one in events} == {FIRST_DAY.isoformat()}
