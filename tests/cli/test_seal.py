"""A dealer's bid from the command line: sealed and signed offline, submitted, opened by both."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.auctions.acts_world import MILLION, Auctions
from tests.programme.world import World, found_world

from amanat.app import Application
from amanat.auctions.forms import read_form
from amanat.auctions.model import NonCompetitiveRules, TenderTerms
from amanat.auctions.records import terms_record
from amanat.auctions.sealing import commitment, new_share, unseal
from amanat.ledger.keystore import Keystore
from amanat.ledger.signers import KeySigner
from amanat.ledger.typed_data import Domain
from amanat.participants.commands import AccountToEnrol, EnrolAccounts
from amanat.participants.model import AccountKind
from amanat.settings import Settings

TENDER, NUMBER, ACCOUNT = bytes(range(32)), 17, "0x" + "ab" * 20
SHARES = {"inner": new_share("ministry"), "outer": new_share("central_bank")}


def offer(**changes: Any) -> dict[str, Any]:
    """What the view of an open tender shows, as far as sealing needs it."""
    terms = TenderTerms(tender=TENDER, isin="PK0000000015", target=1_000_000_000)
    rules = dict(terms_record(terms))
    target = rules.pop("target")
    keys = [
        {"institution": one.institution, "layer": layer, "public_key": one.key.public.hex()}
        for layer, one in SHARES.items()
    ]
    return {
        "tender": "t1",
        "chain_id": TENDER.hex(),
        "state": "open",
        "target": target,
        "rules": rules,
        "sealing_keys": keys,
        "signing_domain": Domain(781_947, "0x" + "12" * 20).fields(),
    } | changes


Seal = Callable[..., Any]


@pytest.fixture
def seal(line: Any, tmp_path: Path) -> Seal:
    """Runs `amanat seal` on an offer that is written to a file first."""

    def run(*words: str, shown: Any = None, typed: str = "") -> Any:
        (tmp_path / "tender.json").write_text(json.dumps(shown or offer()))
        return line("seal", "tender.json", *words, typed=typed)

    return run


WHOSE = ("--number", str(NUMBER), "--account", ACCOUNT)


def test_both_institutions_open_what_was_sealed(seal: Seal, tmp_path: Path) -> None:
    result = seal("--bid", "2000000000@95.6574", "--bid", "500000000@94.9435", *WHOSE)
    assert result.exit_code == 0, result.output + result.stderr
    sheet = json.loads((tmp_path / "sheet.json").read_text())
    opening = json.loads((tmp_path / "sheet.opening.json").read_text())
    sealed, salt = bytes.fromhex(sheet["ciphertext"]), bytes.fromhex(sheet["salt"])
    form = unseal(
        sealed, tender=TENDER, number=NUMBER, inner=SHARES["inner"], outer=SHARES["outer"]
    )
    found = [(bid.line, bid.nominal, str(bid.price)) for bid in read_form(form, TENDER, NUMBER)]
    assert found == [(1, 2_000_000_000, "95.6574"), (2, 500_000_000, "94.9435")]
    # On the envelope of a letter stands the commitment to its form: SHA-256 over tender, number,
    # digest of the form and salt, by hand (RFC 6234).
    inside = hashlib.sha256(opening["form"].encode()).digest()
    whole = TENDER + NUMBER.to_bytes(4, "big") + inside + salt
    assert opening["letter_commitment"] == hashlib.sha256(whole).hexdigest()
    # The opening is the dealer's alone, and proves what was committed to.
    assert stat.S_IMODE((tmp_path / "sheet.opening.json").stat().st_mode) == 0o600
    assert opening["form"].encode() == form
    assert opening["commitment"] == commitment(TENDER, NUMBER, sealed, salt).hex()
    request = json.loads((tmp_path / "sheet.request.json").read_text())
    assert request["signer"] == ACCOUNT
    assert request["typed_data"]["message"]["commitment"] == f"0x{opening['commitment']}"
    # Nothing that is submitted or signed shows a price.
    for name in ("sheet.json", "sheet.request.json"):
        assert "95.6574" not in (tmp_path / name).read_text()


def test_bids_of_a_file_and_for_investors(seal: Seal, tmp_path: Path) -> None:
    (tmp_path / "bids.csv").write_text("nominal,yield_pct\n100000,9.34\n200000,9.35\n")
    by_yield = offer()
    by_yield["rules"] |= {"bid_by": "yield"}
    assert seal("--bids", "bids.csv", *WHOSE, shown=by_yield).exit_code == 0
    opening = json.loads(json.loads((tmp_path / "sheet.opening.json").read_text())["form"])
    assert [one["yield_pct"] for one in opening["competitive"]] == ["9.34", "9.35"]
    taken = offer()
    rules = NonCompetitiveRules(cap_fraction=Decimal("0.05"))
    terms = TenderTerms(TENDER, "PK0000000015", 1_000_000_000, non_competitive=rules)
    taken["rules"] = {k: v for k, v in terms_record(terms).items() if k != "target"}
    (tmp_path / "funds.csv").write_text("nominal,investor,investor_class\n100000,a1b2,fund\n")
    done = seal("--bids", "funds.csv", *WHOSE, "--output", "funds.json", shown=taken)
    assert done.exit_code == 0, done.stderr
    assert "SubmitNonCompetitiveBid" in done.stdout
    mixed = ("--bids", "funds.csv", "--bid", "100000@95", *WHOSE, "--output", "mixed.json")
    result = seal(*mixed, shown=taken)
    assert result.stderr.strip() == (
        "kinds_mixed: A sheet holds bids with a price or for investors, not both."
    )


def refused(result: Any, tmp_path: Path, *codes: str) -> None:
    """Each rule in a line of its own, and no file is left."""
    assert result.exit_code == 1
    assert [one.split(":")[0] for one in result.stderr.strip().splitlines()] == list(codes)
    assert list(tmp_path.glob("sheet*")) == []


def test_what_would_be_void_is_refused_at_once(seal: Seal, tmp_path: Path) -> None:
    result = seal("--bid", "50@95.12345", "--bid", "100000@2000", *WHOSE)
    refused(
        result,
        tmp_path,
        "nominal_below_minimum",
        "nominal_not_multiple",
        "quote_too_fine",
        "quote_out_of_range",
    )


@pytest.mark.parametrize("bid", ["100000", "x@95", "100000@", "100000@۹۵", "1e5@95"])
def test_a_bid_that_cannot_be_read_is_refused(seal: Seal, tmp_path: Path, bid: str) -> None:
    refused(seal("--bid", bid, *WHOSE), tmp_path, "bid_unreadable")


def test_every_mistake_of_a_file_of_bids_is_told(seal: Seal, tmp_path: Path) -> None:
    (tmp_path / "bids.csv").write_text("nominal,price,colour\n۱۰۰۰۰۰,95,red\nmany,95,blue\n")
    result = seal("--bids", "bids.csv", *WHOSE)
    codes = ("digits_not_ascii", "field_unknown", "invalid_number", "field_unknown")
    refused(result, tmp_path, *codes)
    assert "bids.csv:3: nominal" in result.stderr
    refused(seal("--bids", "nowhere.csv", *WHOSE), tmp_path, "file_not_readable")
    refused(seal(*WHOSE), tmp_path, "bid_unreadable")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "closed"}, "tender_not_open"),
        ({"rules": None, "state": "target_set"}, "tender_file_unreadable"),
        ({"sealing_keys": []}, "tender_file_unreadable"),
        ({"chain_id": "00" * 32}, "tender_file_unreadable"),
        (
            {"signing_domain": {"chainId": 1, "verifyingContract": ACCOUNT}},
            "tender_file_unreadable",
        ),
        ({"target": "۱۰۰"}, "tender_file_unreadable"),
    ],
)
def test_another_file_is_no_tender(
    seal: Seal, tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    refused(seal("--bid", "100000@95", *WHOSE, shown=offer(**changes)), tmp_path, code)


def test_an_opening_is_never_written_over(seal: Seal, tmp_path: Path) -> None:
    assert seal("--bid", "100000@95", *WHOSE).exit_code == 0
    before = {one.name: one.read_bytes() for one in tmp_path.glob("sheet*")}
    result = seal("--bid", "100000@96", *WHOSE)
    assert result.exit_code == 1
    assert result.stderr.startswith("sheet_there: There is already sheet.json")
    assert {one.name: one.read_bytes() for one in tmp_path.glob("sheet*")} == before


def test_a_bidder_is_named(seal: Seal, tmp_path: Path) -> None:
    refused(seal("--bid", "100000@95"), tmp_path, "bidder_unknown")
    for mine, code in (("{}", "bidder_unknown"), ('{"bidders": 1}', "bidder_unknown")):
        (tmp_path / "mine.json").write_text(mine)
        refused(seal("--bid", "100000@95", "--mine", "mine.json"), tmp_path, code)
    (tmp_path / "mine.json").write_text("[]")
    refused(seal("--bid", "100000@95", "--mine", "mine.json"), tmp_path, "json_unfit")
    refused(seal("--bid", "100000@95", "--mine", "nowhere.json"), tmp_path, "not_found")
    whose = {"bidders": [{"number": NUMBER, "account": ACCOUNT}], "bids": []}
    (tmp_path / "mine.json").write_text(json.dumps(whose))
    words = ("--bid", "100000@95", "--mine", "mine.json")
    refused(seal(*words, "--revises", "b1"), tmp_path, "not_found")
    assert seal(*words).exit_code == 0
    assert json.loads((tmp_path / "sheet.json").read_text())["account"] == ACCOUNT


def test_a_key_of_another_account_signs_nothing(seal: Seal, line: Any, tmp_path: Path) -> None:
    assert line("keys", "new", "dealer", "own", typed="secret\nsecret\n").exit_code == 0
    words = ("--bid", "100000@95", *WHOSE)
    for key in ("dealer/own", "dealer/gone"):
        refused(seal(*words, "--key", key), tmp_path, "key_not_held")  # no password is asked


# -- on a real node --------------------------------------------------------------------------------


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """An installation with an open tender, in which bank_a bids with a key that is elsewhere."""
    monkeypatch.setenv("AMANAT_LIGHT_KEYS", "1")
    data = tmp_path / "installation"
    key = KeySigner.generate()
    Keystore(tmp_path / "keys", scrypt=1 << 12).store("bank_a", "bidding", "secret", key)
    with Application(Settings.at(data, light_keys=True)) as app:
        auctions = Auctions(found_world(app)).prepare()
        account = AccountToEnrol(
            address=key.address,
            kind=AccountKind.OWN,
            label="bidding",
            holder_class="company",
            tax_residency="PK",
        )
        enrol = EnrolAccounts(participant="bank_a", accounts=(account,))
        auctions.world.do("central_bank", enrol)
        auctions.announce("T1", bidders=(key.address,))
    return data, key.address


def test_a_dealer_seals_signs_submits_and_revises_from_the_command_line(
    line: Any, market: tuple[Path, str], tmp_path: Path
) -> None:
    data, account = market
    where = ["--data", str(data)]
    token = line.json("token", "issue", "bank_a_officer", *where)["token"]

    def keep(name: str, *words: str, by: str = "") -> None:
        (tmp_path / name).write_text(json.dumps(line.json("view", *words, *where, token=by)))

    keep("tender.json", "tender", "tender=T1")
    keep("mine.json", "my_bids", "tender=T1", by=token)
    sealing = ["seal", "tender.json", "--mine", "mine.json", "--key", "bank_a/bidding"]
    sealed = line(*sealing, "--bid", "700000000@95.5", typed="secret\n")
    assert sealed.exit_code == 0, sealed.stderr
    # Without its signature it waits; a signature for it, brought along, carries it out.
    submit = ["act", "SubmitBid", "--file", "sheet.json", "--key", "first", *where]
    waiting = line.json(*submit, token=token)
    assert (waiting["state"], waiting["awaits"]) == ("proposed", ["bank_a"])
    signed = ["--request", "sheet.request.json", "--signature", "sheet.signature.json"]
    done = line.json(*submit, *signed, token=token)
    assert done["state"] == "carried_out"
    again = line.json(*submit, token=token)
    assert again["proposal"] == waiting["proposal"]
    keep("mine.json", "my_bids", "tender=T1", by=token)
    (receipt,) = json.loads((tmp_path / "mine.json").read_text())["bids"]
    assert receipt["state"] == "recorded"
    assert (
        receipt["commitment"]
        == json.loads((tmp_path / "sheet.opening.json").read_text())["commitment"]
    )

    second = ["--bid", "800000000@95.4", "--revises", receipt["bid"], "--output", "second.json"]
    revised = line(*sealing, *second, typed="secret\n")
    assert revised.exit_code == 0, revised.stderr
    brought = ["--request", "second.request.json", "--signature", "second.signature.json"]
    act = ["act", "ReviseBid", "--file", "second.json", *brought, *where]
    assert line.json(*act, token=token)["state"] == "carried_out"

    with Application(Settings.at(data, light_keys=True)) as app:
        auctions = Auctions(World(app))
        mine = auctions.mine("T1", "bank_a")
        assert [one["state"] for one in mine["bids"]] == ["replaced", "recorded"]
        assert {one["account"] for one in mine["bids"]} == {account}
        opened = auctions.open("T1")
        assert (opened["opened"], opened["superseded"], opened["void"]) == ("1", "1", "0")
        (row,) = auctions.tender("T1")["sheet"]["rows"]
        assert (Decimal(row["offered"]) * MILLION, row["price"]) == (800 * MILLION, "95.4")
