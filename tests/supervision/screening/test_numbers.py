"""Numbers over lists and their versions: one person on two lists, placeholders that come later."""

from __future__ import annotations

import json
from datetime import date

import sqlalchemy as sql
from tests.licensing.without_ledger import DeskWorld
from tests.programme.world import CODE

from amanat.supervision.identities.vault import Vault
from amanat.supervision.screening.commands import Rescreen
from amanat.supervision.screening.lists.nacta import read_nacta
from amanat.supervision.screening.model import Document, DocumentKind, normal_number
from amanat.supervision.screening.tables import list_entry
from amanat.supervision.screening.versions import addresses_listed

from .conftest import secret
from .samples import NACTA_ROWS, UN, nacta
from .test_desk import OFFICER, customer, open_hits, take_in

TARIQ = "6110182736453"
SHARED = "3130355500051"
"""Of the third and the fourth entry of the sample."""


def found(desk: DeskWorld) -> set[tuple[str, str, str]]:
    return {(one["list"], one["reference"], one["grade"]) for one in open_hits(desk)}


def test_one_number_on_two_lists_is_one_person_and_found_on_both(desk: DeskWorld) -> None:
    take_in(desk, UN.replace("35202-1928374-5", "61101-8273645-3").encode(), code="un",
            day=date(2026, 2, 20))  # fmt: skip
    take_in(desk, nacta())
    customer(desk, "Somebody Different", TARIQ)
    desk.do_as(OFFICER, Rescreen())
    assert found(desk) == {
        ("un", "TSi.001", "number_alone"),
        ("nacta", f"cnic-{TARIQ}", "number_alone"),
    }
    numbers = [one for one in open_hits(desk) if "document" in one["agrees"]]
    assert len(numbers) == 2


def test_a_number_that_a_later_version_gives_to_another_too_identifies_nobody_any_more(
    desk: DeskWorld,
) -> None:
    customer(desk, "Somebody Different", SHARED)
    take_in(desk, nacta(NACTA_ROWS[:3]))
    assert found(desk) == {("nacta", f"cnic-{SHARED}", "number_alone")}
    second = take_in(desk, nacta())
    assert (second["added"], second["changed"]) == (1, 1)
    assert found(desk) == set()
    third = {"name": "Somebody Else", "fatherName": "Nobody", "cnic": SHARED}
    take_in(desk, nacta([*NACTA_ROWS, third]))
    assert found(desk) == set()
    # Alone again, it does.
    take_in(desk, nacta(NACTA_ROWS[:3]))
    assert found(desk) == {("nacta", f"cnic-{SHARED}", "number_alone")}


def test_entries_that_were_stored_before_they_were_marked_are_marked_as_they_are_read(
    desk: DeskWorld,
) -> None:
    take_in(desk, nacta())
    with desk.store.engine.begin() as connection:
        for row in connection.execute(sql.select(list_entry)).all():
            stated = json.loads(row.content) if isinstance(row.content, str) else row.content
            bare = {name: value for name, value in stated.items() if name != "shared"}
            assert (len(bare) < len(stated)) == (SHARED in row.reference)
            connection.execute(
                sql.update(list_entry).where(list_entry.c.id == row.id).values(content=bare)
            )
    customer(desk, "Somebody Different", SHARED)
    desk.do_as(OFFICER, Rescreen())
    assert found(desk) == set()


def test_a_number_in_urdu_digits_is_that_number(desk: DeskWorld) -> None:
    row = NACTA_ROWS[0] | {"cnic": "۶۱۱۰۱-۸۲۷۳۶۴۵-۳"}
    (entry,) = read_nacta(nacta([row])).subjects
    assert (entry.reference, normal_number(entry.documents[0])) == (f"cnic-{TARIQ}", TARIQ)
    assert normal_number(Document(DocumentKind.PASSPORT, "AB۱۲۳۴۵۶۷")) == "AB1234567"
    customer(desk, "Somebody Different", TARIQ)
    take_in(desk, nacta([row]))
    assert found(desk) == {("nacta", f"cnic-{TARIQ}", "number_alone")}


def test_listed_addresses_in_capitals_are_those_of_transactions(desk: DeskWorld) -> None:
    small, hexadecimal = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "0x" + "ab" * 20
    take_in(desk, f"network,address\nbitcoin,{small.upper()}\nbsc,{hexadecimal.upper()}\n".encode(),
            "wallets")  # fmt: skip
    made = Vault(secret("identities")).pseudonyms
    wanted = {made.address("bitcoin", small)}
    wanted |= {made.address(one, hexadecimal) for one in ("ethereum", "bsc", "polygon")}
    with desk.store.reading() as connection:
        assert addresses_listed(connection, CODE, desk.day) == wanted
