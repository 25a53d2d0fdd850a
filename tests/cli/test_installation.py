"""Acts, views, proposals, tokens and the check of the ledger on one installation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from amanat.ledger.tables import alarm, cursor
from amanat.replay.loading import load_pilot

Token = Callable[[str], str]


def test_state_names_the_programme_and_three_commands(line: Any, founded: Path) -> None:
    found = line.json("--data", str(founded))
    assert len(found["programmes"]) == 1
    assert found["programmes"][0]["open_orders"] == 0
    assert len(found["next"]) == 3
    shown = line("--data", str(founded))
    assert found["programmes"][0]["code"] in shown.stdout


def test_state_shows_the_alarms_that_stand(line: Any, founded: Path) -> None:
    engine = sql.create_engine(f"sqlite:///{founded / 'amanat.sqlite'}")
    one = {"id": "a1", "kind": "order_overdue", "subject": "order-7", "detail": "late [7]"}
    with engine.begin() as connection:
        connection.execute(alarm.insert().values(**one, raised_at="2026-11-22T00:00:00+00:00"))
    try:
        shown = line("--data", str(founded)).stdout
        assert "ALARM order_overdue of order-7 since 2026-11-22" in shown
        assert "late [7]" in shown
        settled = sql.update(alarm).where(alarm.c.id == "a1").values(settled_at="2026-11-22")
        with engine.begin() as connection:
            connection.execute(settled)
        assert line.json("--data", str(founded))["alarms"] == []
    finally:
        with engine.begin() as connection:
            connection.execute(alarm.delete().where(alarm.c.id == "a1"))
        engine.dispose()


def test_public_views_need_no_token(line: Any, founded: Path, bond_folder: Path) -> None:
    rows = line.json("view", "participants", "--data", str(founded))
    rows = rows["rows"] if isinstance(rows, dict) else rows
    assert {one["participant"] for one in rows} == set(load_pilot(bond_folder).participants)


def test_views_that_are_not_public_ask_for_one(line: Any, founded: Path) -> None:
    result = line("view", "proposals", "--data", str(founded))
    assert result.exit_code == 1
    told = "unauthenticated: Sign in first: the view proposals is not public"
    assert result.stderr.strip() == told
    unknown = line("view", "no_such_view", "--data", str(founded))
    assert unknown.exit_code == 1
    assert unknown.stderr.strip() == "not_found: There is no view no_such_view."


def test_full_is_asked_of_the_view(
    line: Any, founded: Path, token: Token, bond_folder: Path
) -> None:
    auctioneer = load_pilot(bond_folder).with_capacity("auctioneer")[0]
    person = token(auctioneer.proposes)
    where = ["--full", "--data", str(founded)]
    known = line("view", "my_bids", "tender=no_such", *where, token=person)
    assert known.stderr.strip() == "not_found: There is no tender no_such."
    unknown = line("view", "programme", *where)
    assert unknown.exit_code == 1
    assert "field_not_accepted: full" in unknown.stderr


def test_an_act_without_a_token_is_refused(line: Any, founded: Path) -> None:
    result = line("act", "RegisterAsset", "asset=x", "--data", str(founded))
    assert result.exit_code == 1


def test_a_second_person_approves(
    line: Any, founded: Path, token: Token, bond_folder: Path
) -> None:
    pilot = load_pilot(bond_folder)
    where = ["--data", str(founded)]
    bank = pilot.with_capacity("cash_issuer")[0]
    proposer, approver = token(bank.proposes), token(bank.approves[0])
    dealer = next(one for one in pilot.participants if one != "ministry")
    until = date.fromisoformat("2030-12-31")
    stated = ["act", "RenewParticipant", f"participant={dealer}", f"valid_until={until}"]
    proposed = line.json(*stated, "--key", "renew-1", *where, token=proposer)
    assert proposed["state"] == "proposed"
    again = line.json(*stated, "--key", "renew-1", *where, token=proposer)
    assert again["proposal"] == proposed["proposal"]

    own = line("approve", proposed["proposal"], *where, token=proposer)
    assert own.exit_code == 1
    open_rows = line.json("proposals", *where, token=approver)["rows"]
    assert proposed["proposal"] in {row["proposal"] for row in open_rows}

    done = line.json("approve", proposed["proposal"], *where, token=approver)
    assert done["state"] == "carried_out"
    shown = line.json("view", "participant", f"participant={dealer}", *where)
    assert shown["valid_until"] == until.isoformat()


def test_a_proposal_is_withdrawn_by_its_institution(
    line: Any, founded: Path, token: Token, bond_folder: Path
) -> None:
    pilot = load_pilot(bond_folder)
    where = ["--data", str(founded)]
    bank, issuer = pilot.with_capacity("cash_issuer")[0], pilot.with_capacity("issuer")[0]
    proposer, other = token(bank.proposes), token(issuer.proposes)
    dealer = next(one for one in pilot.participants if one != issuer.code)
    later = pilot.participants[dealer].valid_until + timedelta(days=400)
    stated = ["act", "RenewParticipant", f"participant={dealer}", f"valid_until={later}"]
    proposed = line.json(*stated, *where, token=proposer)["proposal"]
    assert line("withdraw", proposed, *where, token=other).exit_code == 1
    assert line.json("withdraw", proposed, *where, token=proposer)["state"] == "withdrawn"


def test_what_is_refused_says_the_rule_in_one_line(
    line: Any, founded: Path, token: Token, bond_folder: Path
) -> None:
    issuer = load_pilot(bond_folder).with_capacity("issuer")[0]
    result = line(
        "act", "RegisterAsset", "asset=NOT A CODE", "kind=x", "description=y", "place=z",
        "--data", str(founded), token=token(issuer.proposes),
    )  # fmt: skip
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "asset" in result.stderr


def test_revoked_tokens_open_nothing(
    line: Any, founded: Path, token: Token, bond_folder: Path
) -> None:
    person = next(
        one.code
        for one in load_pilot(bond_folder).people.values()
        if one.institution == "auditor" and one.role == "officer"
    )
    text = token(person)
    where = ["--data", str(founded)]
    assert line("proposals", *where, token=text).exit_code == 0
    assert line.json("token", "revoke", person, *where)["revoked"] >= 1
    assert line("proposals", *where, token=text).exit_code == 1


def test_a_token_is_for_a_person_who_exists(line: Any, founded: Path) -> None:
    result = line("token", "issue", "nobody_at_all", "--data", str(founded))
    assert result.exit_code == 1
    assert "nobody_at_all" in result.stderr


def test_a_bare_token_is_all_that_is_printed(line: Any, founded: Path, bond_folder: Path) -> None:
    person = next(iter(load_pilot(bond_folder).people))
    printed = line("token", "issue", person, "--bare", "--data", str(founded)).stdout
    assert printed.strip().split() == [printed.strip()]
    assert line("proposals", "--data", str(founded), token=printed.strip()).exit_code == 0


def test_ledger_is_checked(line: Any, founded: Path) -> None:
    assert line.json("ledger", "fsck", "--data", str(founded)) == []
    assert "agree" in line("ledger", "fsck", "--data", str(founded)).stdout


def test_a_stopped_index_follows_again_when_a_person_has_looked(line: Any, founded: Path) -> None:
    engine = sql.create_engine(f"sqlite:///{founded / 'amanat.sqlite'}")
    found = line.json("ledger", "resume", "--data", str(founded))
    assert found["stopped_for"] is None
    with engine.begin() as connection:
        connection.execute(sql.update(cursor).values(stopped="The nodes are divided."))
        (chain,) = connection.execute(sql.select(cursor.c.chain_id)).scalars()
        one = {"id": "a2", "kind": "nodes_disagree", "detail": "The nodes are divided."}
        connection.execute(
            alarm.insert().values(
                **one, subject=f"chain:{chain}", raised_at="2026-11-22T00:00:00+00:00"
            )
        )
    assert line("ledger", "fsck", "--data", str(founded)).exit_code == 4
    again = line.json("ledger", "resume", "--data", str(founded))
    assert again == {"stopped_for": "The nodes are divided.", "height": found["height"]}
    assert line.json("--data", str(founded))["alarms"] == []
    assert line.json("ledger", "fsck", "--data", str(founded)) == []
    engine.dispose()


def test_the_operator_invites_a_person_who_exists(
    line: Any, founded: Path, bond_folder: Path
) -> None:
    person = next(iter(load_pilot(bond_folder).people))
    invited = line.json("invite", person, "--hours", "2", "--data", str(founded))
    assert invited["link"].startswith("http://localhost:8000/join/")
    assert line("invite", "nobody_at_all", "--data", str(founded)).exit_code == 1


def test_what_the_operator_gives_is_in_the_confidential_log(
    line: Any, founded: Path, bond_folder: Path, token: Any
) -> None:
    loaded = load_pilot(bond_folder)
    person = next(iter(loaded.people))
    line.json("invite", person, "--data", str(founded))
    auditor = next(code for code, one in loaded.people.items() if one.institution == "auditor")
    where = ["--data", str(founded)]
    text = token(auditor)
    shown = line.json("view", "journal", "log=confidential", *where, token=text)
    kinds = {row["kind"]: row for row in shown["rows"]}
    assert {"PersonInvited", "TokenIssued"} <= set(kinds)
    said = kinds["TokenIssued"]["entry"]
    assert (said["actor"]["institution"], said["content"]["by"]) == ("installation",) * 2
    assert text not in str(shown)
