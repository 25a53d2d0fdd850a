"""From a list to a freeze: versions, hits, what is decided of them, and orders to exchanges.

Everyone on the lists and among the customers is invented.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql
from tests.licensing.without_ledger import DeskWorld
from tests.programme.world import CODE

from amanat.access.refusals import SecondPersonRequired
from amanat.access.tables import institution
from amanat.core.errors import AmanatError, Forbidden, NotFound, Refusals
from amanat.jurisdictions.screening import BasisNotInForce
from amanat.store.journal import Audience, read_entries
from amanat.supervision.identities.model import Document as VaultDocument
from amanat.supervision.identities.tables import owner
from amanat.supervision.identities.vault import Said, Vault
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening import running
from amanat.supervision.screening.commands import (
    AccountsToFreeze,
    AcknowledgeFreeze,
    AcknowledgeRelease,
    ConfirmHit,
    DismissHit,
    DrawExpenses,
    ExtendFreeze,
    LicenseExpenses,
    OrderFreeze,
    ReleaseFreeze,
    ReleaseGround,
    ReportedTo,
    ReportFreeze,
    Rescreen,
    TakeInList,
)
from amanat.supervision.screening.freezing import frozen_parties
from amanat.supervision.screening.model import (
    AlreadyDecided,
    AlreadyFrozen,
    AlreadyReported,
    ExpensesExceeded,
    ExpiryOutOfRange,
    FreezeNotInForce,
    HitState,
    ListShrinks,
    ListStale,
    NotATrueMatch,
    NotDelisted,
    NothingToFreeze,
    NotYourOrder,
)
from amanat.supervision.screening.running import screen_return
from amanat.supervision.screening.tables import disposition, freeze, hit, list_version
from amanat.supervision.screening.versions import original

from .conftest import secret
from .samples import NACTA_ROWS, UN, encoded, nacta

OFFICER, BOARD = "pvara_officer", "pvara_approver"
HASH = "ab" * 32


def take_in(
    desk: DeskWorld, content: bytes, code: str = "nacta", day: date | None = None
) -> dict[str, Any]:
    command = TakeInList(list=code, dated_on=day or desk.day, content=encoded(content))
    return desk.do_as(OFFICER, command)


def companies(desk: DeskWorld, *names: str, lei: str = "") -> dict[str, Any]:
    """A list of companies taken in: every name an entry of its own, the first with an LEI."""
    lines = [
        {"id": name.split("@")[0].strip(), "schema": "Company",
         "properties": {"name": name.split("@"), "topics": ["sanction"], "leiCode": [lei]}}
        for name in names
    ]  # fmt: skip
    return take_in(desk, "\n".join(map(json.dumps, lines)).encode(), code="pep")


def open_hits(desk: DeskWorld, **asked: Any) -> list[dict[str, Any]]:
    return desk.view("screening_hits", OFFICER, **asked)


def customer(desk: DeskWorld, name: str, number: str, **known: Any) -> str:
    """A customer of exchange_x in the vault, with an account; the pseudonym."""
    vault = Vault(secret("identities"))
    document = VaultDocument("cnic", "PK", number)
    pseudonym = vault.pseudonyms.person("cnic", "PK", number)
    said = Said(
        pseudonym=pseudonym, kind="natural", reference=number, name=name, name_latin=None,
        father_name=known.get("father"), born=known.get("born"), document=document, contact=(),
        nationality="PK", residence="PK", exposed=False,
    )  # fmt: skip
    with desk.store.engine.begin() as connection:
        vault.keep_persons(connection, CODE, "exchange_x", known.get("return_id", "r-1"), [said])
        vault.keep_accounts(
            connection, CODE, "exchange_x", "r-1",
            [(pseudonym.number // 3, pseudonym.number, f"ACC-{number[-4:]}", "2026-01-01")],
        )  # fmt: skip
    return str(pseudonym.number)


# -- lists ----------------------------------------------------------------------------------------


def test_a_version_is_kept_with_its_digest_date_counts_and_file(desk: DeskWorld) -> None:
    result = take_in(desk, nacta())
    assert (result["version"], result["added"]) == (1, 4)
    seen = desk.view("screening_lists", OFFICER)
    version = seen["versions"][0]
    assert version["counts"] == {"person": 4, "organisation": 0, "wallet": 0}
    assert version["dated_on"] == desk.day.isoformat()
    with desk.store.reading() as connection:
        assert original(connection, CODE, "nacta", 1) == nacta()
    again = take_in(desk, nacta())
    assert (again["new"], again["version"]) == (False, 1)


def test_a_broken_list_is_refused_whole_and_the_former_stays(desk: DeskWorld) -> None:
    take_in(desk, nacta())
    with pytest.raises(Refusals):
        take_in(desk, json.dumps([*NACTA_ROWS, {"name": ""}, 7]).encode())
    with pytest.raises(ListStale):
        take_in(desk, nacta(NACTA_ROWS[:1]), day=desk.day - timedelta(days=1))
    with pytest.raises(AmanatError):
        take_in(desk, nacta(), code="nobodys")
    with desk.store.reading() as connection:
        assert len(connection.execute(sql.select(list_version.c.id)).all()) == 1


def test_a_list_that_was_cut_off_at_the_end_of_a_line_delists_nobody(desk: DeskWorld) -> None:
    """Of thirty entries twenty-one are missing, and no line is torn."""
    lines = wallets(30)
    take_in(desk, b"".join(lines), "wallets")
    with pytest.raises(ListShrinks) as refused:
        take_in(desk, b"".join(lines[:10]), "wallets")
    assert (refused.value.fields["missing"], refused.value.fields["before"]) == (21, 30)
    assert take_in(desk, b"".join(lines[:11]), "wallets")["removed"] == 20
    take_in(desk, b"".join(lines), "wallets")
    short = {"list": "wallets", "dated_on": desk.day, "content": encoded(b"".join(lines[:9]))}
    with pytest.raises(ListShrinks):
        desk.do_as(OFFICER, TakeInList(**short, taken_off=21))
    assert desk.do_as(OFFICER, TakeInList(**short, taken_off=22))["removed"] == 22


def wallets(count: int) -> list[bytes]:
    """The lines of a list of addresses."""
    lines = [f"ethereum,0x{number:040x}\n" for number in range(1, count + 1)]
    return [one.encode() for one in ("network,address\n", *lines)]


def test_a_new_version_names_new_and_gone_hits_and_compares_only_what_changed(
    desk: DeskWorld,
) -> None:
    first = companies(desk, "Nowhere Bank", "Invented Exchange X")
    assert len(first["hits_new"]) == 1
    assert open_hits(desk)[0]["party"] == "provider:exchange_x"
    second = companies(desk, "Nowhere Bank", "Zargun Trading Y")
    assert (second["added"], second["removed"], second["changed"]) == (1, 1, 0)
    assert second["hits_gone"] == first["hits_new"]
    assert [one["party"] for one in open_hits(desk)] == ["provider:exchange_y"]
    runs = desk.view("screening_runs", OFFICER)
    assert runs[0]["new"] == second["hits_new"]
    nothing = desk.do_as(OFFICER, Rescreen())
    assert (nothing["parties"], nothing["hits_new"]) == (0, [])


def test_a_party_that_changes_is_held_to_every_entry(desk: DeskWorld) -> None:
    companies(desk, "Invented Exchange X")
    with desk.store.engine.begin() as connection:
        connection.execute(
            sql.update(institution)
            .where(institution.c.code == "exchange_y")
            .values(name="Elsewhere Exchange")
        )
    done = desk.do_as(OFFICER, Rescreen())
    assert done["parties"] == 1


# -- customers ------------------------------------------------------------------------------------


def test_customers_are_screened_at_intake_and_on_a_new_list_and_never_named(
    desk: DeskWorld,
) -> None:
    party = customer(desk, "طارق زرغون", "6110182736453", father="Daud Zargun")
    take_in(desk, nacta())
    found = open_hits(desk)
    assert [(one["party"], one["grade"]) for one in found] == [(party, "identified")]
    later = customer(desk, "Yousuf Nowhere", "4220112345671", father="Anwar", return_id="r-2")
    vault = Vault(secret("identities"))
    with desk.store.engine.begin() as connection:
        run = screen_return(connection, CODE, vault, "r-2", now=desk.clock(), day=desk.day)
    assert (run.parties, len(run.new)) == (1, 1)
    assert open_hits(desk, party=later)[0]["agrees"] == ["country", "father_name", "name"]
    explained = desk.view("screening_hit", OFFICER, hit=found[0]["hit"])
    assert {one["feature"] for one in explained["explanation"]} >= {"name", "father_name"}
    with desk.store.reading() as connection:
        stored = str(connection.execute(sql.select(hit)).all())
    assert "طارق" not in stored
    assert "Yousuf" not in stored


def test_a_customer_of_whom_a_return_says_more_is_screened_again(desk: DeskWorld) -> None:
    party = customer(desk, "Nadia Elsewhere", "4220112345671")
    take_in(desk, nacta())
    assert open_hits(desk) == []
    assert desk.do_as(OFFICER, Rescreen())["parties_behind"] == 0
    customer(desk, "Yousuf Nowhere", "4220112345671", return_id="r-2")
    with desk.store.engine.begin() as connection:
        connection.execute(
            manifest.insert().values(
                id="r-2", programme=CODE, exchange="exchange_x", digest="d" * 64, sequence=1,
                first_day="2026-03-09", last_day="2026-03-09", rows=0, id_sum="0", path="p",
                scope="period", received_at="2099-01-01T00:00:00+00:00",
                business_date="2026-03-09", person="p", received={}, quality={}, entry="e",
            )
        )  # fmt: skip
    done = desk.do_as(OFFICER, Rescreen())
    assert (done["parties"], len(done["hits_new"])) == (1, 1)
    assert open_hits(desk)[0]["party"] == party


# -- decisions ------------------------------------------------------------------------------------


def test_a_decision_is_remembered_until_the_evidence_changes_or_it_lapses(
    desk: DeskWorld,
) -> None:
    companies(desk, "Invented Exchange X")
    identifier = open_hits(desk)[0]["hit"]
    until = desk.day + timedelta(days=30)
    desk.do_as(OFFICER, DismissHit(hit=identifier, reason="Another company.", until=until))
    with pytest.raises(AlreadyDecided):
        desk.do_as(OFFICER, DismissHit(hit=identifier, reason="Again.", until=until))
    companies(desk, "Invented Exchange X", "Nowhere Bank")
    desk.do_as(OFFICER, Rescreen(everybody=True))
    assert open_hits(desk) == []
    desk.day = until + timedelta(days=1)
    assert desk.do_as(OFFICER, Rescreen())["hits_reopened"] == [identifier]
    until = desk.day + timedelta(days=30)
    desk.do_as(OFFICER, DismissHit(hit=identifier, reason="Still another.", until=until))
    # The entry now gives a number, and another than the provider's.
    changed = companies(desk, "Invented Exchange X", lei="529900T8BM49AURSDO55")
    assert changed["hits_reopened"] == [identifier]
    with desk.store.reading() as connection:
        reasons = connection.execute(sql.select(disposition.c.reason)).scalars().all()
    assert reasons == ["Another company.", "Still another."]


def test_a_decision_expires_within_the_terms_of_the_pack(desk: DeskWorld) -> None:
    companies(desk, "Invented Exchange X")
    identifier = open_hits(desk)[0]["hit"]
    for until in (desk.day, desk.day + timedelta(days=366)):
        with pytest.raises(ExpiryOutOfRange):
            desk.do_as(OFFICER, DismissHit(hit=identifier, reason="No.", until=until))


def test_a_true_match_takes_a_second_person(desk: DeskWorld) -> None:
    companies(desk, "Invented Exchange X")
    identifier = open_hits(desk)[0]["hit"]
    command = ConfirmHit(hit=identifier, reason="Same number.", until=desk.day + timedelta(days=90))
    outcome = desk.app.desk.submit(desk.actor(BOARD), command)
    with pytest.raises(SecondPersonRequired):
        desk.app.desk.approve(desk.actor(BOARD), outcome.proposal)
    desk.app.desk.approve(desk.actor("pvara_board"), outcome.proposal)
    assert open_hits(desk, state=HitState.TRUE)[0]["hit"] == identifier


# -- freezes --------------------------------------------------------------------------------------


def true_match(desk: DeskWorld) -> tuple[str, str]:
    """A customer who is the listed person, confirmed: the hit and the party."""
    party = customer(desk, "Tariq Zargun", "6110182736453")
    take_in(desk, nacta())
    identifier = open_hits(desk)[0]["hit"]
    command = ConfirmHit(hit=identifier, reason="Same.", until=desk.day + timedelta(days=300))
    desk.do_as(OFFICER, command, BOARD)
    return identifier, party


def order(desk: DeskWorld, identifier: str, **changes: Any) -> OrderFreeze:
    return OrderFreeze(
        **{
            "hit": identifier,
            "authority": "Federal Government",
            "basis": "un_act",
            "order_hash": HASH,
            "until": desk.day + timedelta(days=90),
            "reason": "Listed.",
        }
        | changes
    )


def seen(desk: DeskWorld, person: str) -> list[dict[str, Any]]:
    return desk.view("freezes", person)


def test_a_freeze_runs_from_order_to_release(desk: DeskWorld) -> None:
    identifier, party = true_match(desk)
    result = desk.do_as(OFFICER, order(desk, identifier), BOARD)
    number = result["freeze"]
    assert re.fullmatch("FRZ-[A-Z2-7]{8}", number), "its number would count the others"
    assert result["exchanges"] == ["exchange_x"]
    with desk.store.reading() as connection:
        assert frozen_parties(connection, CODE, desk.day) == {party: number}
    own = seen(desk, "exchange_x_officer")[0]
    assert (own["accounts"], own["owes_acknowledgement"]) == (["ACC-6453"], True)
    assert own["law"].startswith("United Nations (Security Council) Act 1948")
    assert seen(desk, "exchange_y_officer") == []
    with pytest.raises(AlreadyFrozen):
        desk.do_as(OFFICER, order(desk, identifier), BOARD)

    said = AcknowledgeFreeze(freeze=number, accounts=1, value=5_000_000, currency="PKR")
    with pytest.raises(NotFound):
        desk.do_as("exchange_y_officer", said)
    assert desk.do_as("exchange_x_officer", said)["state"] == "acknowledged"
    assert seen(desk, OFFICER)[0]["state"] == "served"
    with pytest.raises(NotYourOrder):
        desk.do_as("exchange_x_officer", said)

    for to in (ReportedTo.FIU, ReportedTo.AUTHORITY):
        desk.do_as(OFFICER, ReportFreeze(freeze=number, to=to, reference="R-1"))
    with pytest.raises(AlreadyReported):
        desk.do_as(OFFICER, ReportFreeze(freeze=number, to=ReportedTo.FIU, reference="R-2"))

    licence = LicenseExpenses(
        freeze=number, amount=100_000, currency="PKR", until=desk.day + timedelta(days=30),
        reason="Rent and food.",
    )  # fmt: skip
    desk.do_as(OFFICER, licence, BOARD)
    draw = DrawExpenses(freeze=number, amount=60_000, currency="PKR", reference="P-1")
    assert desk.do_as("exchange_x_officer", draw)["left"] == 40_000
    with pytest.raises(ExpensesExceeded):
        desk.do_as("exchange_x_officer", draw)
    extended = desk.day + timedelta(days=150)
    desk.do_as(OFFICER, ExtendFreeze(freeze=number, until=extended, reason="Still."), BOARD)
    assert seen(desk, "exchange_x_officer")[0]["until"] == extended.isoformat()

    release = ReleaseFreeze(freeze=number, ground=ReleaseGround.DELISTED, reason="Delisted.")
    with pytest.raises(NotDelisted):
        desk.do_as(OFFICER, release, BOARD)
    assert [one["delisted"] for one in seen(desk, OFFICER)] == [False]
    take_in(desk, nacta(NACTA_ROWS[1:]))
    assert [one["delisted"] for one in seen(desk, OFFICER)] == [True]
    desk.do_as(OFFICER, release, BOARD)
    assert [one["delisted"] for one in seen(desk, OFFICER)] == [False]
    assert seen(desk, "exchange_x_officer")[0]["state"] == "released"
    desk.do_as("exchange_x_officer", AcknowledgeRelease(freeze=number))
    with pytest.raises(FreezeNotInForce):
        desk.do_as(OFFICER, ExtendFreeze(freeze=number, until=extended, reason="No."), BOARD)
    with desk.store.reading() as connection:
        assert frozen_parties(connection, CODE, desk.day) == {}


def test_a_freeze_reaches_what_a_person_owns(desk: DeskWorld) -> None:
    identifier, party = true_match(desk)
    company = customer(desk, "Nowhere Holding", "4220112345671")
    with desk.store.engine.begin() as connection:
        connection.execute(
            owner.insert().values(
                programme=CODE, person=int(company), owner=int(party), exchange="exchange_x",
                first_return="r-1",
            )
        )  # fmt: skip
    desk.do_as(OFFICER, order(desk, identifier), BOARD)
    assert seen(desk, "exchange_x_officer")[0]["accounts"] == ["ACC-6453", "ACC-5671"] or seen(
        desk, "exchange_x_officer"
    )[0]["accounts"] == ["ACC-5671", "ACC-6453"]


def test_a_freeze_lapses_after_its_last_day(desk: DeskWorld) -> None:
    identifier, _party = true_match(desk)
    desk.do_as(OFFICER, order(desk, identifier), BOARD)
    desk.day += timedelta(days=91)
    assert seen(desk, OFFICER)[0]["state"] == "lapsed"
    with desk.store.reading() as connection:
        assert frozen_parties(connection, CODE, desk.day) == {}


def test_what_is_no_ground_freezes_nothing(desk: DeskWorld) -> None:
    companies(desk, "Invented Exchange X")
    identifier = open_hits(desk)[0]["hit"]
    with pytest.raises(NotATrueMatch):
        desk.do_as(OFFICER, order(desk, identifier), BOARD)
    confirm = ConfirmHit(hit=identifier, reason="Same.", until=desk.day + timedelta(days=300))
    desk.do_as(OFFICER, confirm, BOARD)
    with pytest.raises(BasisNotInForce):
        desk.do_as(OFFICER, order(desk, identifier, basis="due_diligence"), BOARD)
    with pytest.raises(NothingToFreeze):
        desk.do_as(OFFICER, order(desk, identifier), BOARD)
    named = (AccountsToFreeze(exchange="exchange_y", accounts=("Y-1",)),)
    result = desk.do_as(OFFICER, order(desk, identifier, exchanges=named), BOARD)
    assert result["exchanges"] == ["exchange_y"]


def test_nobody_else_learns_of_hits_and_freezes(desk: DeskWorld) -> None:
    """No view, public or another institution's, no public journal entry says anything of them."""
    identifier, party = true_match(desk)
    desk.do_as(OFFICER, order(desk, identifier), BOARD)
    for person in ("bank_a_officer", "exchange_y_officer", "ministry_officer"):
        assert desk.view("screening_hits", person, state=None) == []
        assert desk.view("freezes", person) == []
        assert desk.view("screening_runs", person) == []
        assert desk.view("screening_lists", person)["versions"] == []
        with pytest.raises(NotFound):
            desk.view("screening_hit", person, hit=identifier)
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", DismissHit(hit=identifier, reason="x", until=desk.day))
    with desk.store.reading() as connection:
        public = json.dumps(read_entries(connection, programme=CODE, log=Audience.PUBLIC))
        kept = json.dumps(read_entries(connection, programme=CODE, log=Audience.CONFIDENTIAL))
        number = connection.execute(sql.select(freeze.c.number)).scalar_one()
    assert party in kept
    assert number in kept
    assert party not in public
    assert number not in public


def test_an_exchange_learns_of_its_own_order_alone(desk: DeskWorld) -> None:
    """Neither that another was ordered and has yet to freeze, nor through who reads along."""
    identifier, _party = true_match(desk)
    named = (AccountsToFreeze(exchange="exchange_y", accounts=("Y-1",)),)
    number = desk.do_as(OFFICER, order(desk, identifier, exchanges=named), BOARD)["freeze"]
    said = AcknowledgeFreeze(freeze=number, accounts=1, value=1, currency="PKR")
    told = desk.do_as("exchange_x_officer", said)
    assert set(told) == {"freeze", "state", "entry"}
    assert [seen(desk, f"exchange_{one}_officer")[0]["state"] for one in "xy"] == [
        "served",
        "ordered",
    ]
    assert seen(desk, OFFICER)[0]["state"] == "ordered"
    assert "exchange_y" not in json.dumps(seen(desk, "exchange_x_officer"))
    assert seen(desk, "exchange_x_viewer") == []
    desk.do_as("exchange_y_officer", said)
    assert seen(desk, OFFICER)[0]["state"] == "served"


def test_the_un_list_and_nactas_stand_side_by_side(desk: DeskWorld) -> None:
    take_in(desk, UN.encode(), code="un", day=date(2026, 2, 20))
    take_in(desk, nacta())
    party = customer(desk, "Qasem Zarghoon", "3520219283745", born="1971-04-05")
    desk.do_as(OFFICER, Rescreen())
    assert [(one["party"], one["list"], one["grade"]) for one in open_hits(desk)] == [
        (party, "un", "identified")
    ]


def test_an_account_opened_after_the_order_is_ordered_too_and_nothing_twice(
    desk: DeskWorld,
) -> None:
    identifier, party = true_match(desk)
    first = desk.do_as(OFFICER, order(desk, identifier), BOARD)["freeze"]
    with pytest.raises(AlreadyFrozen):
        desk.do_as(OFFICER, order(desk, identifier), BOARD)
    with desk.store.engine.begin() as connection:
        Vault(secret("identities")).keep_accounts(
            connection, CODE, "exchange_y", "r-2", [(77, int(party), "ACC-Y", "2026-02-01")]
        )
    assert seen(desk, OFFICER)[0]["accounts_not_ordered"] == 1
    second = desk.do_as(OFFICER, order(desk, identifier), BOARD)
    assert second["exchanges"] == ["exchange_y"]
    assert {one["accounts_not_ordered"] for one in seen(desk, OFFICER)} == {0}
    assert seen(desk, "exchange_y_officer")[0]["accounts"] == ["ACC-Y"]
    assert [one["number"] for one in seen(desk, "exchange_x_officer")] == [first]
    with pytest.raises(AlreadyFrozen):
        desk.do_as(OFFICER, order(desk, identifier), BOARD)


def test_an_extension_shortens_nothing(desk: DeskWorld) -> None:
    identifier, _party = true_match(desk)
    number = desk.do_as(OFFICER, order(desk, identifier), BOARD)["freeze"]
    for days in (1, 90):
        until = desk.day + timedelta(days=days)
        with pytest.raises(ExpiryOutOfRange):
            desk.do_as(OFFICER, ExtendFreeze(freeze=number, until=until, reason="Less."), BOARD)


def test_what_a_licence_left_over_ends_with_it(desk: DeskWorld) -> None:
    identifier, _party = true_match(desk)
    number = desk.do_as(OFFICER, order(desk, identifier), BOARD)["freeze"]

    def license_until(days: int) -> None:
        command = LicenseExpenses(
            freeze=number, amount=100, currency="PKR", until=desk.day + timedelta(days=days),
            reason="Food.",
        )  # fmt: skip
        desk.do_as(OFFICER, command, BOARD)

    def draw(amount: int) -> int:
        command = DrawExpenses(freeze=number, amount=amount, currency="PKR", reference="P")
        return int(desk.do_as("exchange_x_officer", command)["left"])

    license_until(10)
    assert draw(60) == 40
    desk.day += timedelta(days=11)
    with pytest.raises(ExpensesExceeded):
        draw(1)
    license_until(10)
    assert draw(50) == 50
    with pytest.raises(ExpensesExceeded):
        draw(51)
    assert draw(50) == 0


def test_who_is_still_on_another_list_is_not_released_as_delisted(desk: DeskWorld) -> None:
    identifier, party = true_match(desk)
    number = desk.do_as(OFFICER, order(desk, identifier), BOARD)["freeze"]
    companies(desk, "Elsewhere Ltd")
    person = {
        "id": "other", "schema": "Person",
        "properties": {"name": ["Tariq Zargun"], "topics": ["sanction"]},
    }  # fmt: skip
    take_in(desk, json.dumps(person).encode(), code="pep")
    other = next(one for one in open_hits(desk) if one["party"] == party)["hit"]
    until = desk.day + timedelta(days=300)
    desk.do_as(OFFICER, ConfirmHit(hit=other, reason="Same.", until=until), BOARD)
    take_in(desk, nacta(NACTA_ROWS[1:]))
    release = ReleaseFreeze(freeze=number, ground=ReleaseGround.DELISTED, reason="Delisted.")
    with pytest.raises(NotDelisted):
        desk.do_as(OFFICER, release, BOARD)
    companies(desk, "Elsewhere Ltd")
    assert desk.do_as(OFFICER, release, BOARD)["freeze"] == number


def test_who_comes_nearer_to_the_listed_name_is_asked_about_again(desk: DeskWorld) -> None:
    companies(desk, "Invented Exchange X Holding Karachi")
    found = open_hits(desk)[0]
    until = desk.day + timedelta(days=30)
    desk.do_as(OFFICER, DismissHit(hit=found["hit"], reason="Another.", until=until))
    with desk.store.engine.begin() as connection:
        connection.execute(
            sql.update(institution)
            .where(institution.c.code == "exchange_x")
            .values(name="Invented Exchange X Holding Karachi")
        )
    assert desk.do_as(OFFICER, Rescreen())["hits_reopened"] == [found["hit"]]


def test_a_better_comparison_compares_everybody_again(desk: DeskWorld, monkeypatch) -> None:
    companies(desk, "Invented Exchange X")
    assert desk.do_as(OFFICER, Rescreen())["parties"] == 0
    monkeypatch.setattr(running, "COMPARISON", running.COMPARISON + 1)
    done = desk.do_as(OFFICER, Rescreen())
    assert done["parties"] > 0
    assert (done["hits_new"], done["hits_gone"]) == ([], [])
    assert desk.do_as(OFFICER, Rescreen())["parties"] == 0


def test_a_decision_that_lapsed_is_open_before_the_next_run(desk: DeskWorld) -> None:
    identifier, _party = true_match(desk)
    desk.day += timedelta(days=301)
    assert [one["hit"] for one in open_hits(desk)] == [identifier]
    assert open_hits(desk, state=HitState.TRUE) == []
    with pytest.raises(NotATrueMatch):
        desk.do_as(OFFICER, order(desk, identifier), BOARD)
    until = desk.day + timedelta(days=30)
    desk.do_as(OFFICER, DismissHit(hit=identifier, reason="Another.", until=until))
    assert open_hits(desk) == []
