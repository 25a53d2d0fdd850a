"""Returns are accepted or refused whole, once, in their order; only by who may report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from amanat.core.errors import Forbidden, NotFound
from amanat.licensing.commands import LiftSuspension, Revoke, Suspend
from amanat.licensing.enforcement.commands import EndStay, RecordStay
from amanat.licensing.model import PermissionMissing, ProviderSuspended
from amanat.store.journal import read_entries
from amanat.supervision.identities import tables as identities
from amanat.supervision.returns.intake import ReturnRefused
from amanat.supervision.returns.manifest import files_in_force, require_as_stated
from amanat.supervision.returns.tables import manifest, refused
from amanat.supervision.transactions import TRANSACTIONS, transaction_id

from ...programme.world import CODE
from .conftest import IntakeWorld
from .exchanges import ADDRESS, DAY, at, restated, transaction, written

NEXT = DAY + timedelta(days=1)


def kept(world: IntakeWorld) -> list[dict[str, Any]]:
    """Every stored transaction in force, by reference."""
    with world.desk.store.reading() as connection:
        files = files_in_force(connection, CODE, date.min, date.max)
    for one in files:
        require_as_stated(world.folder, one)
    tables = [parquet.read_table(one.at(world.folder), partitioning=None) for one in files]
    assert all(one.schema.equals(TRANSACTIONS) for one in tables)
    return sorted(
        (row for one in tables for row in one.to_pylist()), key=lambda row: row["reference"]
    )


def only(reference: str, **fields: Any) -> Any:
    """A return of one payment in rupees."""

    def change(records: dict[str, Any]) -> None:
        records["transactions"] = [transaction(reference, "fiat_in", **fields)]
        del records["travel_rule"]

    return change


def test_a_return_is_accepted_and_stored_under_pseudonyms(
    world_in: IntakeWorld, tmp_path: Path
) -> None:
    world = world_in
    receipt = world.take(written(tmp_path / "r"))
    assert (receipt["state"], receipt["sequence"], receipt["rows"]) == ("accepted", 1, 7)
    rows = {one["reference"]: one for one in kept(world)}
    assert list(rows) == ["R1", "R2", "R3", "R4", "R5", "R6", "R7"]
    made = world.vault.pseudonyms
    person = made.person("cnic", "PK", "3520200000011").number
    first = rows["R1"]
    assert first["id"] == transaction_id("exchange_x", "R1")
    assert (first["day"], first["value"], first["quantity"]) == (DAY, 25_000_000, Decimal(250000))
    assert (first["from_party"], first["from_exchange"]) == (None, None)
    assert (first["to_party"], first["to_exchange"], first["to_country"]) == (
        person, "exchange_x", "PK",
    )  # fmt: skip
    assert first["to_account"] == made.account("exchange_x", "A1")
    assert rows["R3"]["to_party"] == person
    assert rows["R4"]["from_account"] == made.address("ethereum", ADDRESS.lower())
    assert rows["R4"]["address"] == ADDRESS.lower()
    # The same account that another exchange keeps will report has the same number there.
    assert rows["R6"]["to_account"] == made.account("exchange_y", "B7")
    assert (rows["R6"]["to_exchange"], rows["R6"]["to_party"]) == ("exchange_y", None)
    assert rows["R7"]["cash"] is True
    assert receipt["id_sum"] == str(sum(one["id"] for one in rows.values()))
    with world.desk.store.reading() as connection:
        (entry,) = read_entries(connection, programme=CODE, kinds=["ReturnAccepted"])
    assert entry["log"] == "confidential"
    assert entry["content"]["digest"] == receipt["digest"]
    assert "commitment" in entry["content"]["person"]


def test_a_travel_rule_message_that_was_rejected_told_nobody(
    world: IntakeWorld, tmp_path: Path
) -> None:
    """FATF Recommendation 16: the data are to reach the beneficiary's provider."""

    def rejected(records: dict[str, Any]) -> None:
        (message,) = records["travel_rule"]
        records["travel_rule"] = [message, message | {"reference": "M2", "state": "rejected"}]
        next(one for one in records["transactions"] if one["reference"] == "R5")["travel_rule"] = (
            "M2"
        )

    world.take(written(tmp_path / "r", rejected))
    named = {one["reference"]: one["travel_rule"] for one in kept(world)}
    assert (named["R4"], named["R5"]) == ("M1", None)


def test_nobody_finds_a_name_in_the_transactions(world: IntakeWorld, tmp_path: Path) -> None:
    world.take(written(tmp_path / "r"))
    for path in world.folder.rglob("*.parquet"):
        content = str(parquet.read_table(path, partitioning=None).to_pylist())
        for said in ("Aisha", "عائشہ", "35202", "3520200000011", "Lahore", "somebody@"):
            assert said not in content
    with world.desk.store.reading() as connection:
        dumped = b"".join(
            repr(list(connection.execute(table.select()))).encode()
            for table in (identities.person, identities.record, identities.account)
        )
    for said in ("Aisha", "عائشہ", "35202", "Lahore", "somebody@"):
        assert said.encode() not in dumped


def test_the_same_return_again_has_the_first_receipt(world: IntakeWorld, tmp_path: Path) -> None:
    given = written(tmp_path / "r")
    first = world.take(given)
    again = world.take(given)
    assert again == first
    assert len(world.rows(manifest)) == 1


def test_another_content_under_the_same_number_is_refused(
    world: IntakeWorld, tmp_path: Path
) -> None:
    world.take(written(tmp_path / "r"))
    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "s", only("R9"), days=(NEXT - timedelta(days=1), DAY)))
    assert "sequence" in told.value.by_rule
    assert [one["reference"] for one in kept(world)][-1] == "R7"


def test_numbers_have_no_gaps_and_periods_follow(world: IntakeWorld, tmp_path: Path) -> None:
    world.take(written(tmp_path / "r"))
    world.at(DAY + timedelta(days=5))
    later = DAY + timedelta(days=2)
    late = only("R9", at=at(6, day=later))
    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "gap", late, sequence=3, days=(later, later)))
    assert set(told.value.by_rule) == {"period_follows", "sequence"}
    receipt = world.take(
        written(tmp_path / "next", only("R9", at=at(6, day=NEXT)), sequence=2, days=(NEXT, NEXT))
    )
    assert receipt["state"] == "accepted"


def test_a_transaction_is_reported_once(world: IntakeWorld, tmp_path: Path) -> None:
    world.take(written(tmp_path / "r"))
    world.at(DAY + timedelta(days=5))
    again = only("R1", at=at(6, day=NEXT))
    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "next", again, sequence=2, days=(NEXT, NEXT)))
    assert told.value.by_rule == {"overlap": 1}
    assert told.value.shown[0].value == "R1"


def test_of_a_refused_return_only_its_errors_are_kept(world: IntakeWorld, tmp_path: Path) -> None:
    def negative(records: dict[str, Any]) -> None:
        records["transactions"][0]["quantity"] = Decimal("-1")
        records["parties"][0]["name"] = "=cmd|' /C calc'!A0"

    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "r", negative))
    assert told.value.by_rule["formula"] == 1
    assert "calc" in str([one.value for one in told.value.shown])
    for table in (manifest, identities.person, identities.record, identities.account,
                  identities.owner):  # fmt: skip
        assert world.rows(table) == []
    assert world.files() == []
    (row,) = world.rows(refused)
    assert (row.exchange, row.sequence, row.errors) == (
        "exchange_x",
        1,
        told.value.by_rule and row.errors,
    )
    assert row.errors == sum(told.value.by_rule.values())
    # What is kept quotes nothing of a person.
    assert "calc" not in json.dumps(row.shown)
    shown = world.view("exchange_x_officer", "return_errors", refused=row.id)
    assert {one["rule"] for one in shown["rows"]} == set(told.value.by_rule)
    assert world.view("pvara_officer", "refused_returns")[0]["errors"] == row.errors
    with pytest.raises(NotFound):
        world.view("exchange_y_officer", "return_errors", refused=row.id)
    assert world.view("bank_a_officer", "refused_returns") == []


def test_a_return_of_another_exchange_is_refused(world: IntakeWorld, tmp_path: Path) -> None:
    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "r", exchange="exchange_y"))
    assert "exchange" in told.value.by_rule


# -- who may --------------------------------------------------------------------------------------


def test_only_who_may_report_reports(world: IntakeWorld, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        world.take(written(tmp_path / "y", exchange="exchange_y"), "exchange_y")
    world.desk.noc("exchange_y")
    with pytest.raises(PermissionMissing):
        world.take(written(tmp_path / "y", exchange="exchange_y"), "exchange_y")
    with pytest.raises(Forbidden):
        world.take(written(tmp_path / "z", exchange="bank_a"), "bank_a")
    with pytest.raises(Forbidden):
        world.intake.require_may_send(world.desk.actor("exchange_x_viewer"))


LEVELS = ("no_new_business", "close_out_only", "wind_down", "full_freeze")


def suspend(world: IntakeWorld, level: str = "no_new_business", **more: Any) -> str:
    """The authority suspends the exchange; the number of the suspension."""
    command = Suspend(provider="exchange_x", level=level, reason="assets are missing", **more)
    done = world.desk.do_as("pvara_officer", command, "pvara_approver")
    return str(done["file"])


@pytest.mark.parametrize("level", LEVELS)
def test_a_suspension_of_any_level_shuts_the_door_at_once_until_it_is_lifted(
    world: IntakeWorld, tmp_path: Path, level: str
) -> None:
    given = written(tmp_path / "r")
    number = suspend(world, level)
    with pytest.raises(ProviderSuspended) as told:
        world.take(given)
    assert told.value.status == 403
    assert level in str(told.value.fields["level"])
    assert number in str(told.value)
    assert world.rows(manifest) == world.rows(refused) == []
    assert world.files() == []
    lift = LiftSuspension(file=number, reason="nothing was missing")
    world.desk.do_as("pvara_officer", lift, "pvara_approver")
    assert world.take(given)["state"] == "accepted"


def test_a_suspension_between_check_and_acceptance_refuses(
    world: IntakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = world.intake._final

    def meanwhile(*given: Any) -> Any:
        suspend(world)
        return final(*given)

    monkeypatch.setattr(world.intake, "_final", meanwhile)
    with pytest.raises(ProviderSuspended):
        world.take(written(tmp_path / "r"))
    assert world.rows(manifest) == world.rows(identities.person) == []
    assert world.files() == []


def test_a_stayed_suspension_opens_the_door_until_the_stay_ends(
    world: IntakeWorld, tmp_path: Path
) -> None:
    number = suspend(world)
    stay = RecordStay(file=number, court="High Court", reference="W.P. 1/2026", reason="heard")
    world.desk.do_as("pvara_officer", stay, "pvara_approver")
    assert world.take(written(tmp_path / "r"))["state"] == "accepted"
    end = EndStay(file=number, reference="W.P. 1/2026", reason="dismissed")
    world.desk.do_as("pvara_officer", end, "pvara_approver")
    world.at(NEXT + timedelta(days=1))
    with pytest.raises(ProviderSuspended):
        world.take(
            written(
                tmp_path / "n", sequence=2, days=(NEXT, NEXT), change=only("R9", at=at(6, day=NEXT))
            )
        )


def test_a_suspension_of_its_own_accounts_leaves_it_its_clients_to_report(
    world: IntakeWorld, tmp_path: Path
) -> None:
    suspend(world, accounts="own")
    assert world.take(written(tmp_path / "r"))["state"] == "accepted"


def test_who_is_revoked_reports_no_more(world: IntakeWorld, tmp_path: Path) -> None:
    revoke = Revoke(provider="exchange_x", reason="it lied")
    world.desk.do_as("pvara_officer", revoke, "pvara_approver")
    with pytest.raises(PermissionMissing) as told:
        world.take(written(tmp_path / "r"))
    assert "revoked" in str(told.value.fields["status"])
    assert world.files() == []


def test_the_pack_may_leave_days_before_a_suspension_to_be_reported(
    world: IntakeWorld, tmp_path: Path
) -> None:
    """A row of the pack decides; days from the suspension on stay shut, as a later row has it."""
    suspended = [one for one in world.intake.pack.doors if one.status == "suspended"]
    others = [one for one in world.intake.pack.doors if one.status != "suspended"]
    (row,) = suspended
    open_before = replace(row, first_day=DAY, days_before=True)
    shut_later = replace(row, first_day=NEXT + timedelta(days=9))
    doors = (*others, row, open_before, shut_later)
    world.intake.pack = replace(world.intake.pack, doors=doors)
    assert world.desk.day == NEXT
    suspend(world)
    assert world.take(written(tmp_path / "r"))["state"] == "accepted"  # of the day before
    world.at(NEXT + timedelta(days=1))
    of_that_day = written(
        tmp_path / "n", sequence=2, days=(NEXT, NEXT), change=only("R9", at=at(6, day=NEXT))
    )
    with pytest.raises(ProviderSuspended):
        world.take(of_that_day)
    assert len(world.rows(manifest)) == 1
    assert not world.intake.pack.days_before("suspended", NEXT + timedelta(days=9))
    assert world.intake.pack.days_before("surrendered", NEXT)
    assert not world.intake.pack.days_before("surrendered", date(2025, 1, 1))


# -- corrections ----------------------------------------------------------------------------------


def corrected(scope: str, **more: Any) -> dict[str, Any]:
    """What a manifest says of a correction of the first return."""
    return {"sequence": 1, "scope": scope, "reason": "booked wrongly"} | more


def test_a_correction_supersedes_and_never_overwrites(world: IntakeWorld, tmp_path: Path) -> None:
    first = world.take(written(tmp_path / "r"))
    before = (world.folder / "supervision" / world.rows(manifest)[0].path).read_bytes()
    second = world.take(
        written(tmp_path / "c", only("R1", cash=True), sequence=2, corrects=corrected("whole"))
    )
    assert second["supersedes"] == first["return"]
    assert [(one["reference"], one["cash"]) for one in kept(world)] == [("R1", True)]
    former = world.rows(manifest)[0]
    assert former.superseded_by == second["return"]
    assert (world.folder / "supervision" / former.path).read_bytes() == before
    shown = world.view("pvara_officer", "returns")
    assert [(one["sequence"], one["in_force"]) for one in shown] == [(2, True), (1, False)]
    # A number that was corrected before is named no more: its successor's number is told.
    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "d", only("R1"), sequence=3, corrects=corrected("whole")))
    assert told.value.by_rule == {"corrected_known": 1}
    assert "sequence 1, superseded by 2" in str(told.value.shown)
    named = corrected("whole") | {"sequence": 2}
    third = world.take(written(tmp_path / "e", only("R1"), sequence=3, corrects=named))
    assert third["supersedes"] == second["return"]


def test_rows_are_corrected_and_withdrawn(world: IntakeWorld, tmp_path: Path) -> None:
    world.take(written(tmp_path / "r"))
    receipt = world.take(
        written(
            tmp_path / "c", only("R1", quantity=Decimal(99), value=Decimal(99)), sequence=2,
            corrects=corrected("rows", withdrawn=["R6"]),
        )
    )  # fmt: skip
    rows = {one["reference"]: one for one in kept(world)}
    assert sorted(rows) == ["R1", "R2", "R3", "R4", "R5", "R7"]
    assert rows["R1"]["value"] == 9_900
    assert receipt["rows"] == 6


def test_what_a_return_does_not_have_cannot_be_corrected(
    world: IntakeWorld, tmp_path: Path
) -> None:
    world.take(written(tmp_path / "r"))
    with pytest.raises(ReturnRefused) as told:
        world.take(
            written(
                tmp_path / "c", only("R9"), sequence=2,
                corrects=corrected("rows", withdrawn=["R8"]),
            )
        )  # fmt: skip
    assert told.value.by_rule == {"corrected_rows": 2}
    unknown = corrected("whole") | {"sequence": 7}
    with pytest.raises(ReturnRefused) as told:
        world.take(written(tmp_path / "d", only("R1"), sequence=2, corrects=unknown))
    assert told.value.by_rule == {"corrected_known": 1}
    assert len(kept(world)) == 7


def test_fsck_finds_files_that_are_not_as_they_were_accepted(
    world: IntakeWorld, tmp_path: Path
) -> None:
    world.take(written(tmp_path / "r"))
    assert world.intake.check() == []
    path = world.folder / "supervision" / world.rows(manifest)[0].path
    content = path.read_bytes()
    parquet.write_table(parquet.read_table(path, partitioning=None).slice(1), path)
    (one,) = world.intake.check()
    assert (one.thing, one.found.split()[0]) == (world.rows(manifest)[0].path, "6")
    path.write_bytes(content[:100])
    assert [one.found for one in world.intake.check()] == ["ArrowInvalid"]
    path.unlink()
    assert [one.found for one in world.intake.check()] == ["FileNotFoundError"]


# -- quality --------------------------------------------------------------------------------------


def returns_due(world: IntakeWorld, person: str) -> list[tuple[str, str, str, bool]]:
    """Returns on somebody's calendar: who owes it, its days, by when, and whether it is late."""
    shown = world.view(person, "licensing_calendar", days=3)
    return [
        (one["owed_by"], one["text"], one["due_on"], one["overdue"])
        for one in shown
        if one["what"] == "return"
    ]


def test_a_return_that_does_not_come_is_on_the_calendar(world: IntakeWorld, tmp_path: Path) -> None:
    assert returns_due(world, "pvara_officer") == []
    world.take(written(tmp_path / "r"))
    owed = ("exchange_x", f"{NEXT} – {NEXT}", "2026-03-10")
    assert returns_due(world, "pvara_officer") == [(*owed, False)]
    world.at(DAY + timedelta(days=4))
    for person in ("pvara_officer", "exchange_x_officer"):
        assert returns_due(world, person) == [(*owed, date(2026, 3, 10) < world.desk.day)]
    assert returns_due(world, "exchange_y_officer") == []
    later = written(tmp_path / "n", only("R9", at=at(6, day=NEXT)), sequence=2, days=(NEXT, NEXT))
    world.take(later)
    assert [one[1] for one in returns_due(world, "pvara_officer")] != [owed[1]]


def test_a_first_return_that_never_came_is_on_the_calendar(world: IntakeWorld) -> None:
    """Owed from the day of the permission, over the pack's longest period of 35 days."""
    began = world.desk.day
    ends = began + timedelta(days=34)
    due = ends + timedelta(days=1)
    due += timedelta(days=(7 - due.weekday()) % 7 if due.weekday() > 4 else 0)
    owed = ("exchange_x", f"{began} – {ends}", due.isoformat())
    assert returns_due(world, "pvara_officer") == []
    world.at(due)
    for person in ("pvara_officer", "exchange_x_officer"):
        assert returns_due(world, person) == [(*owed, False)]
    assert returns_due(world, "exchange_y_officer") == []
    world.at(due + timedelta(days=4))
    assert returns_due(world, "pvara_officer") == [(*owed, True)]


def test_data_quality_over_time(world: IntakeWorld, tmp_path: Path) -> None:
    with pytest.raises(ReturnRefused):
        world.take(restated(written(tmp_path / "wrong"), currency="USD"))
    with pytest.raises(ReturnRefused):
        world.take(restated(written(tmp_path / "w"), totals={"rows": 1, "value": "1", "kinds": {}}))
    world.at(DAY + timedelta(days=4))
    receipt = world.take(written(tmp_path / "r"))
    (shown,) = world.view("pvara_officer", "data_quality", exchange="exchange_x")
    assert (shown["days_late"], shown["refused_before"], shown["corrected"]) == (3, 2, False)
    # Due on Monday 9 March, for the period ended on a Sunday.
    assert shown["due_on"] == "2026-03-09"
    # 40 less three times 4; 30 of what is wanted; a third of 30 after two refusals.
    complete = 30 * shown["complete_tenths_of_percent"] // 1000
    assert shown["score"] == receipt["score"] == 28 + complete + 10
    assert world.view("exchange_y_officer", "data_quality") == []
