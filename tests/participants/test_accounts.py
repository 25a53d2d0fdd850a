"""Accounts, their holders' names, and how holders are taxed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from amanat.core.errors import Forbidden, NotFound, Refusals, Unauthenticated
from amanat.participants.commands import (
    AccountToEnrol,
    EnrolAccounts,
    RecordTaxStatus,
    RecordTaxStatuses,
)
from amanat.participants.model import (
    AccountExists,
    AccountKind,
    Certificate,
    CertificateIncomplete,
    HolderMissing,
    InvalidAddress,
    NotClassAuthority,
    TaxDatesDisorderly,
    TaxStatus,
    TaxStatusMissing,
    status_on,
)
from amanat.participants.records import account_of_kind, find_account, tax_status_on
from amanat.store.journal import read_entries

from ..programme.world import CODE, World

# The example addresses of EIP-55 itself.
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OTHER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


def account(address: str, label: str, **changes: object) -> AccountToEnrol:
    fields: dict[str, object] = {
        "address": address,
        "kind": "client",
        "label": label,
        "holder": "Ayesha, a client",
        "holder_class": "individual",
        "tax_residency": "PK",
    }
    return AccountToEnrol.model_validate(fields | changes)


def enrolment(*accounts: AccountToEnrol, participant: str = "bank_a") -> EnrolAccounts:
    return EnrolAccounts(participant=participant, accounts=accounts)


def test_a_participant_asks_and_its_authority_signs_twice(world: World) -> None:
    command = enrolment(account(CHECKSUMMED, "client_1"), account(OTHER, "client_2"))
    outcome = world.propose("bank_a", command)
    assert outcome.awaits == ("central_bank",)
    outcome = world.approve("central_bank", outcome)
    assert outcome.awaits == ("central_bank",)  # a second person of the authority
    with pytest.raises(Exception, match="awaits nothing more"):
        world.approve("central_bank", outcome)


def test_the_authority_enrols_and_the_ledger_knows_whose_it_is(world: World) -> None:
    world.do("central_bank", enrolment(account(CHECKSUMMED, "client_3")))
    with world.app.store.reading() as connection:
        row = find_account(connection, CODE, CHECKSUMMED)
    assert row.done_at is not None
    assert row.address == CHECKSUMMED.lower()
    ledger = world.app.ledger.gateway(CODE)
    theirs = ledger.call("Directory", "participant_of", world.accounts["bank_a.own"])
    assert ledger.call("Directory", "participant_of", CHECKSUMMED) == theirs > 0


def test_a_clients_name_is_nowhere_but_in_the_database(world: World) -> None:
    world.do("central_bank", enrolment(account("0x" + "11" * 20, "client_4")))
    with world.app.store.reading() as connection:
        entries = read_entries(connection, programme=CODE)
    assert not [entry for entry in entries if "Ayesha" in str(entry)]
    own = world.view("accounts", "bank_a_officer", participant="bank_a", kind="client")
    assert {one["holder"] for one in own} == {"Ayesha, a client"}
    registrar = world.view("accounts", "central_bank_officer", participant="bank_a", kind="client")
    assert {one["holder"] for one in registrar} == {"Ayesha, a client"}
    auditor = world.view("accounts", "auditor_officer", participant="bank_a", kind="client")
    assert {one["holder"] for one in auditor} == {None}


def test_accounts_of_others_are_not_seen(world: World) -> None:
    with pytest.raises(NotFound):
        world.view("accounts", "bank_b_officer", participant="bank_a")
    assert {one["participant"] for one in world.view("accounts", "bank_b_officer")} == {"bank_b"}
    with pytest.raises(Unauthenticated):
        world.view("accounts")  # not the public's
    assert "accounts" not in world.view("participant", participant="bank_a")
    assert "accounts" in world.view("participant", "bank_a_viewer", participant="bank_a")


def test_an_account_belongs_to_one(world: World) -> None:
    taken = world.accounts["bank_a.own"]
    with pytest.raises(AccountExists, match="enrolled already, for bank_a"):
        world.propose("central_bank", enrolment(account(taken, "again"), participant="bank_b"))
    with pytest.raises(AccountExists):
        world.propose(
            "central_bank",
            enrolment(account("0x" + "22" * 20, "twin_1"), account("0x" + "22" * 20, "twin_2")),
        )


def test_every_mistake_of_a_list_is_reported(world: World) -> None:
    wrong = CHECKSUMMED.replace("aAeb", "AAeb")
    command = enrolment(
        account(wrong, "x_1"),
        account("0x" + "33" * 20, "x_2", holder=None),
        account("0x" + "44" * 20, "own"),
    )
    with pytest.raises(Refusals) as refusal:
        world.propose("central_bank", command)
    kinds = {type(one) for one in refusal.value.refusals}
    assert kinds == {InvalidAddress, HolderMissing, AccountExists}


def test_another_classs_authority_enrols_nothing(world: World) -> None:
    with pytest.raises(NotClassAuthority):
        world.propose("secp", enrolment(account("0x" + "55" * 20, "y_1")))
    with pytest.raises(NotClassAuthority):
        world.propose("bank_b", enrolment(account("0x" + "55" * 20, "y_1")))
    with pytest.raises(NotFound):
        world.propose("central_bank", enrolment(account(OTHER, "y"), participant="nobody"))


def test_the_one_account_of_a_kind(world: World) -> None:
    with world.app.store.reading() as connection:
        assert (
            account_of_kind(connection, CODE, "distribution")
            == world.accounts["ministry.distribution"]
        )
        with pytest.raises(NotFound, match="no account of kind tax"):
            account_of_kind(connection, CODE, AccountKind.TAX.value)


def tax(address: str, **changes: object) -> RecordTaxStatus:
    fields: dict[str, object] = {
        "address": address,
        "holder_class": "company",
        "active_taxpayer": True,
        "valid_from": date(2020, 7, 1),
        "tax_residency": "PK",
        "source": "made for tests",
    }
    return RecordTaxStatus.model_validate(fields | changes)


def test_the_latest_status_that_covers_the_day_counts(world: World) -> None:
    address = world.accounts["bank_b.own"]
    world.do("central_bank", tax(address, valid_to=date(2021, 6, 30)))
    world.do("central_bank", tax(address, valid_from=date(2021, 2, 1), active_taxpayer=False))
    with world.app.store.reading() as connection:
        assert tax_status_on(connection, CODE, address, date(2021, 1, 31)).active_taxpayer is True
        assert tax_status_on(connection, CODE, address, date(2021, 2, 1)).active_taxpayer is False
        with pytest.raises(TaxStatusMissing, match="2020-06-30"):
            tax_status_on(connection, CODE, address, date(2020, 6, 30))


def test_a_certificate_is_whole_and_private(world: World) -> None:
    address = world.accounts["fund_c.own"]
    until = date(2021, 6, 30)
    unnumbered = tax(address, certificate=Certificate.EXEMPTION, valid_to=until)
    with pytest.raises(CertificateIncomplete, match="needs a number"):
        world.do("central_bank", unnumbered)
    unrated = {"certificate": Certificate.REDUCTION, "certificate_number": "C-1"}
    with pytest.raises(CertificateIncomplete, match="needs a rate"):
        world.do("central_bank", tax(address, **unrated, valid_to=until))
    with pytest.raises(TaxDatesDisorderly):
        world.do("central_bank", tax(address, valid_to=date(2020, 6, 30)))
    reduced = tax(
        address,
        certificate=Certificate.REDUCTION,
        certificate_number="C-4711",
        reduced_rate=Decimal("5.5"),
        valid_to=date(2021, 6, 30),
    )
    world.do("central_bank", reduced)
    with world.app.store.reading() as connection:
        status = tax_status_on(connection, CODE, address, date(2021, 3, 1))
        entries = read_entries(connection, kinds=["TaxStatusRecorded"])
    assert (status.certificate, status.reduced_rate) == (Certificate.REDUCTION, Decimal("5.5"))
    assert {entry["log"] for entry in entries} == {"confidential"}
    assert "C-4711" not in str(entries)


def test_a_participant_records_its_clients_alone(world: World) -> None:
    world.do("central_bank", enrolment(account("0x" + "66" * 20, "client_9")))
    world.do("bank_a", tax("0x" + "66" * 20, holder_class="individual"))
    with pytest.raises(Forbidden, match="its own clients only"):
        world.do("bank_a", tax(world.accounts["bank_a.own"]))
    with pytest.raises(NotFound):
        world.do("bank_b", tax("0x" + "66" * 20))


def test_many_statuses_are_recorded_together_or_not_at_all(world: World) -> None:
    addresses = ["0x" + f"{number:02x}" * 20 for number in range(0x70, 0x76)]
    accounts = [account(one, f"many_{at}") for at, one in enumerate(addresses)]
    world.do("central_bank", enrolment(*accounts))
    unknown, own = "0x" + "7f" * 20, world.accounts["bank_a.own"]
    unsound = RecordTaxStatuses(
        statuses=(
            tax(addresses[0]),
            tax(unknown),
            tax(own),
            tax(addresses[1], valid_to=date(2020, 6, 30)),
        )
    )
    with pytest.raises(Refusals) as refused:
        world.do("bank_a", unsound)
    told = [(str(one.place), type(one)) for one in refused.value.refusals]
    assert told == [
        ("statuses[1]", NotFound),
        ("statuses[2]", Forbidden),
        ("statuses[3]", TaxDatesDisorderly),
    ]
    with world.app.store.reading() as connection:
        before = len(read_entries(connection, kinds=["TaxStatusRecorded"]))
        with pytest.raises(TaxStatusMissing):
            tax_status_on(connection, CODE, addresses[0], date(2021, 3, 1))
    world.do("bank_a", RecordTaxStatuses(statuses=tuple(tax(one) for one in addresses)))
    with world.app.store.reading() as connection:
        entries = read_entries(connection, kinds=["TaxStatusRecorded"])[before:]
        assert [entry["content"]["address"] for entry in entries] == addresses
        for one in addresses:
            assert tax_status_on(connection, CODE, one, date(2021, 3, 1)).active_taxpayer


def test_a_status_covers_its_first_and_last_day() -> None:
    status = TaxStatus("company", True, date(2021, 1, 1), date(2021, 6, 30), "PK")
    days = (date(2020, 12, 31), date(2021, 1, 1), date(2021, 6, 30), date(2021, 7, 1))
    assert [status_on([status], day) is status for day in days] == [False, True, True, False]
