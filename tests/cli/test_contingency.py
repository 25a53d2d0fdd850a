"""`amanat contingency` from end to end, with no node: listed, signed, checked, paid, recorded."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.servicing.test_outside import DUE
from tests.servicing.test_payments import fix, rate
from tests.settlement.trading import BOND_ISIN, MILLION, prepared_trading

from amanat.servicing.commands import RecordTaxRates
from amanat.servicing.model import PaymentKind

ACCOUNTS = """institution,name,bic,account
payer,Ministry,SBPPPKKA,PK36SCBL0000001123456702
tax,Revenue,SBPPPKKAXXX,000123
bank_a,Bank A,AAAAPKKA,DE89 3704 0044 0532 0130 00
bank_b,Bank B,BBBBPKKA,77-1
"""
Run = Callable[..., Any]


@pytest.fixture
def coupon(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A coupon that is fixed and due, in a folder whose application has ended."""
    opened = prepared_trading(tmp_path, database_url)
    trading = next(opened)
    rows = (rate(("bank",), "15", "30", DUE),)
    trading.do("central_bank", RecordTaxRates(rows=rows), pump=False)
    for name in ("bank_a.own", "bank_b.own"):
        trading.tax_status(name, "bank", active=True)
        trading.trade("ministry.distribution", name, nominal=10 * MILLION, paisa=MILLION)
    trading.move_to(DUE)
    payment = str(fix(trading, BOND_ISIN, PaymentKind.COUPON, DUE)["payment"])
    next(opened, None)
    monkeypatch.setenv("AMANAT_DATABASE", database_url)
    monkeypatch.setenv("AMANAT_DATA", str(tmp_path / "installation"))
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    return payment


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nodes that nobody reaches: a port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AMANAT_NODES", f"http://127.0.0.1:{taken.getsockname()[1]}")
        yield monkeypatch


@pytest.fixture
def run(line: Any, coupon: str) -> Run:
    """A command by a person, with --json; its document, or its refusal."""
    del coupon  # the installation is there
    tokens: dict[str, str] = {}

    def command(person: str, *words: str, refused: bool = False) -> Any:
        if person not in tokens:
            tokens[person] = line("token", "issue", person, "--bare").stdout.strip()
        result = line(*words, "--json", token=tokens[person])
        assert result.exit_code == int(refused), result.output + result.stderr
        return json.loads(result.stdout)

    return command


def certificates(line: Any) -> list[str]:
    """Both signers' certificates, made long before any outage."""
    for key in ("officer", "approver"):
        found = ("contingency", "certificate", "Central Bank", f"central_bank/{key}")
        made = line.json(*found, "--output", f"{key}.pem")
        assert len(made["fingerprint_sha256"]) == 64
    return ["officer.pem", "approver.pem"]


def openssl_takes(file: str, signature: str, certificate: str) -> bool:
    command = "openssl cms -verify -binary -inform PEM -no-CApath -no-CAstore -out checked"
    words = ["-in", signature, "-content", file, "-CAfile", certificate]
    return subprocess.run([*command.split(), *words], capture_output=True).returncode == 0


def test_a_coupon_is_paid_by_signed_files_while_no_node_answers(
    line: Any, run: Run, coupon: str, no_node: pytest.MonkeyPatch
) -> None:
    trusted = certificates(line)
    # Neither step waits for a node, which it would wait for in vain.
    proposed = run("central_bank_officer", "act", "ListOutside", f"payment={coupon}", "reason=down")
    run("central_bank_approver", "approve", proposed["proposal"])
    written = run(
        "central_bank_officer", "contingency", "list", coupon, "--accounts", "accounts.csv"
    )
    # 3.5 rupees for 100 of face, of which 15 % are withheld: 350,000 gross to each holder.
    assert (written["net_paisa"], written["tax_paisa"]) == (2 * 29_750_000, 2 * 5_250_000)
    files = written["files"]

    def sign(person: str, certificate: str, refused: bool = False) -> Any:
        words = ("contingency", "sign", coupon, *files, "--accounts", "accounts.csv", "--yes")
        return run(person, *words, "--certificate", certificate, refused=refused)

    def verify(refused: bool = False) -> Any:
        words = [word for one in trusted for word in ("--certificate", one)]
        result = line("contingency", "verify", *files, *words, "--json")
        assert result.exit_code == int(refused), result.output + result.stderr
        return json.loads(result.stdout)

    first = sign("central_bank_officer", trusted[0])
    assert verify(refused=True)["code"] == "signers_missing"  # one pair of eyes
    assert sign("central_bank_officer", trusted[1], refused=True)["code"] == "key_of_another"
    second = sign("central_bank_approver", trusted[1])
    checked = verify()
    assert (checked["transfers"], checked["amount"], checked["currency"]) == (3, "700000.00", "PKR")
    assert len(checked["signatures"]) == 4
    for file, one, other in zip(files, first["written"], second["written"], strict=True):
        assert openssl_takes(file, one, trusted[0])
        assert openssl_takes(file, other, trusted[1])
        assert not openssl_takes(file, one, trusted[1])

    refuses_what_was_changed(files, first["written"], trusted, verify, sign)
    records_it_when_a_node_is_back(line, run, coupon, files[1], no_node)


def refuses_what_was_changed(
    files: list[str], signatures: list[str], trusted: list[str], verify: Run, sign: Run
) -> None:
    """An amount changed: refused by us, by OpenSSL, and by whoever is asked to sign it."""
    for file, signature in zip(files, signatures, strict=True):
        sound = Path(file).read_bytes()
        Path(file).write_bytes(sound.replace(b"297500.00", b"397500.00", 1))
        assert verify(refused=True)["code"] == "file_signature_invalid"
        assert not openssl_takes(file, signature, trusted[0])
        refused = sign("central_bank_approver", trusted[1], refused=True)
        assert refused["code"] == "file_differs_from_list"
        Path(file).write_bytes(sound)
    verify()


def records_it_when_a_node_is_back(
    line: Any, run: Run, coupon: str, rows: str, no_node: pytest.MonkeyPatch
) -> None:
    no_node.delenv("AMANAT_NODES")
    identifiers = [one.split(",")[0] for one in Path(rows).read_text().splitlines()[1:]]
    settled = "".join(f"{one},ACSC,R{one}\n" for one in identifiers)
    answer = Path("answer.csv")
    confirm = ("central_bank_officer", "contingency", "confirm", coupon, "answer.csv")
    answer.write_text("end_to_end_id,status,reference\n" + settled.replace("ACSC", "RJCT", 1))
    assert run(*confirm, refused=True)["code"] == "not_confirmed"
    answer.write_text("end_to_end_id,status,reference\n" + settled)
    proposed = run(*confirm)
    for person in ("central_bank_approver", "ministry_approver"):
        run(person, "approve", proposed["proposal"])
    shown = run("central_bank_officer", "view", "payment", f"payment={coupon}")
    assert (shown["state"], shown["outside_paisa"]) == ("complete", 2 * 35_000_000)
    assert run(*confirm, refused=True)["code"] == "payment_not_in_state"
    fsck = line("ledger", "fsck")
    assert fsck.exit_code == 0, fsck.output


def test_a_key_of_ones_own_signs_with_its_password(
    line: Any, run: Run, coupon: str, no_node: pytest.MonkeyPatch
) -> None:
    del no_node
    typed = "secret\nsecret\n"
    made = line("keys", "new", "central_bank", "payer", "--keys", "own", typed=typed)
    assert made.exit_code == 0, made.output
    found = ("contingency", "certificate", "CB", "central_bank/payer", "--keys", "own")
    assert line(*found, "--output", "own.pem", typed="secret\n").exit_code == 0
    request = line(*found, "--output", "own.csr", "--request", typed="secret\n")
    assert request.exit_code == 0
    assert Path("own.csr").read_bytes().startswith(b"-----BEGIN CERTIFICATE REQUEST")
    proposed = run("central_bank_officer", "act", "ListOutside", f"payment={coupon}", "reason=down")
    run("central_bank_approver", "approve", proposed["proposal"])
    files = run(
        "central_bank_officer", "contingency", "list", coupon, "--accounts", "accounts.csv"
    )["files"]
    token = line("token", "issue", "central_bank_officer", "--bare").stdout.strip()
    words = ("contingency", "sign", coupon, *files, "--accounts", "accounts.csv")
    own = ("--certificate", "own.pem", "--keys", "own")
    shown = line(*words, *own, typed="n\n", token=token)
    assert (shown.exit_code, "3 transfers, PKR 700,000.00" in shown.stdout) == (1, True)
    wrong = line(*words, *own, typed="y\nwrong\n", token=token)
    assert (wrong.exit_code, "password_wrong" in wrong.stderr) == (1, True)
    right = line(*words, *own, typed="y\nsecret\n", token=token)
    assert right.exit_code == 0, right.output + right.stderr
    for file in files:
        (signature,) = Path(file).parent.glob(f"{Path(file).name}.*.p7s")
        assert openssl_takes(file, str(signature), "own.pem")


def test_others_neither_list_nor_sign(run: Run, coupon: str, no_node: pytest.MonkeyPatch) -> None:
    del no_node
    act = ("act", "ListOutside", f"payment={coupon}", "reason=mine")
    assert run("bank_a_officer", *act, refused=True)["code"] == "forbidden"
    words = ("contingency", "list", coupon, "--accounts", "accounts.csv")
    assert run("bank_a_officer", *words, refused=True)["code"] == "not_found"
