"""Files that are missing, broken or of another kind, and places where nothing can be written.

Every command refuses them with the file and its mistake, before it opens an installation.
"""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.auctions.test_letters import FIRST, listed, shown

from amanat.cli.acts import read_fields
from amanat.cli.files import FileNotWritten, FileThere, write, write_new, write_together
from amanat.cli.terminal import errors_in_lines
from amanat.core.errors import Refusals

PILOTS = Path(__file__).parents[2] / "pilots"
READ = {
    "act": "act SetTarget --file FILE",
    "approve, request": "approve P --request FILE --signature sound.json",
    "backup, identity": "backup verify B --identity FILE",
    "backup, passphrase": "backup verify B --passphrase-file FILE",
    "backup, new": "backup create B --passphrase-file FILE",
    "contingency list": "contingency list P --accounts FILE",
    "contingency sign, accounts": "contingency sign P sound.json --accounts FILE {}",
    "contingency confirm": "contingency confirm P FILE",
    "letters register, tender": "letters register FILE sound.json",
    "letters sign": "letters sign FILE --yes {}",
    "letters enter": "letters enter FILE --reason outage",
    "letters deliver": "letters deliver FILE sound.json",
    "letters compare": "letters compare FILE",
    "seal, tender": "seal FILE --bid 1@2 --number 1 --account 0x0",
    "sign": "sign FILE bank officer --yes",
}
AS_JSON = (
    "act",
    "letters sign",
    "letters enter",
    "letters deliver",
    "letters compare",
)


@pytest.fixture
def certificate(line: Any) -> str:
    """Of a key of one's own."""
    assert line("keys", "new", "bank", "officer", typed="secret\nsecret\n").exit_code == 0
    words = ("contingency", "certificate", "Bank", "bank/officer", "--keys", "keys")
    made = line(*words, "--output", "own.pem", typed="secret\n")
    assert made.exit_code == 0, made.output + made.stderr
    return "--certificate own.pem --keys keys"


def refused(line: Any, command: str, code: str, *told: str) -> None:
    """Refused in one line that names the code, and nothing of an installation was made."""
    result = line(*shlex.split(command), typed="secret\n")
    assert result.exit_code == 1, (result.exception, result.output)
    (said,) = result.stderr.strip().splitlines()
    assert said.startswith(f"{code}: "), said
    assert all(one in said for one in told), said
    assert not Path("var").exists()


@pytest.mark.parametrize("name", READ)
def test_files_that_cannot_be_read_are_refused_by_name(
    line: Any, certificate: str, name: str
) -> None:
    Path("sound.json").write_text("{}")
    Path("bad.txt").write_bytes(b"{}\n\n caf\xe9")
    command = READ[name].format(certificate)
    refused(line, command.replace("FILE", "nowhere"), "not_found", "nowhere (No such file")
    refused(line, command.replace("FILE", "."), "not_found", ". (Is a directory)")
    told = ("bad.txt", "byte 9, in line 3, is 0xe9")
    refused(line, command.replace("FILE", "bad.txt"), "file_not_text", *told)


@pytest.mark.parametrize("name", AS_JSON)
def test_json_that_is_broken_or_no_object_is_refused_with_its_place(
    line: Any, certificate: str, name: str
) -> None:
    Path("cut.json").write_text('{"tender": "T1",\n "sheet"}')
    Path("list.json").write_text("[1]")
    command = READ[name].format(certificate)
    told = ("cut.json", "line 2, column 9")
    refused(line, command.replace("FILE", "cut.json"), "file_not_json", *told)
    refused(line, command.replace("FILE", "list.json"), "json_unfit", "list.json")


def test_a_list_of_letters_is_refused_for_what_it_is_not(line: Any) -> None:
    Path("tender.json").write_bytes(shown())
    Path("received.csv").write_text(listed(FIRST))
    command = "letters register tender.json received.csv"
    refused(line, f"{command} --output nowhere/letters.json", "file_not_written", "nowhere")
    assert line(*shlex.split(command)).exit_code == 0
    written = Path("letters.json").read_bytes()
    for content, code, told in (
        (b"", "columns_differ", "received.csv: The columns are none"),
        (listed(FIRST).encode("utf-16"), "file_not_text", "byte 1, in line 1, is 0xff"),
        (listed(FIRST | {"letter": ""}).encode(), "letter_row_invalid", "received.csv:2: "),
    ):
        Path("received.csv").write_bytes(content)
        refused(line, command, code, told)
    assert Path("letters.json").read_bytes() == written


def test_json_without_the_field_that_is_needed_is_refused(line: Any) -> None:
    Path("other.json").write_text("{}")
    for command, name in (
        ("letters enter other.json --reason outage", "schema"),
        ("letters deliver other.json other.json", "schema"),
        ("letters compare other.json", "tender"),
    ):
        refused(line, command, "json_unfit", "other.json", f"no field {name}")


def test_a_signature_shows_all_that_it_stands_under(line: Any, certificate: str) -> None:
    Path("sheet.json").write_text('{"amount": 5, "amount": 6}')  # would be shown as 6 alone
    refused(line, f"letters sign sheet.json {certificate}", "file_not_json", "amount stands twice")
    Path("sheet.json").write_text('{"amount": 5}')
    signed = line(*shlex.split(f"letters sign sheet.json {certificate}"), typed="y\nsecret\n")
    assert signed.exit_code == 0, signed.output
    assert '"amount": 5' in signed.stdout
    assert len(list(Path().glob("sheet.json.*.p7s"))) == 1


def test_nothing_is_signed_without_a_yes_or_for_a_certificate_of_another_kind(
    line: Any, certificate: str
) -> None:
    Path("sheet.json").write_text("{}")
    no = line(*shlex.split(f"letters sign sheet.json {certificate}"), typed="n\nsecret\n")
    assert (no.exit_code, no.stderr) == (1, "not signed\n")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Bank")])
    begins = datetime(2021, 3, 3, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins)
    other = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    for content, told in ((other, "not of secp256k1"), (b"{}", "own.pem is no certificate")):
        Path("own.pem").write_bytes(content)  # refused before anybody is asked
        command = f"letters sign sheet.json {certificate}"
        refused(line, command, "certificate_unreadable", told)
    assert list(Path().glob("*.p7s")) == []


@pytest.mark.usefixtures("certificate")
def test_answers_go_where_something_can_be_written(line: Any) -> None:
    Path("taken").write_text("")
    words = "contingency certificate Bank bank/officer --keys keys --output"
    for place, reason in (("nowhere/own.pem", "No such file"), ("taken/own.pem", "Not a dir")):
        refused(line, f"{words} {place}", "file_not_written", place, reason)
    refused(line, "backup key nowhere/secret", "file_not_written", "nowhere/secret")
    assert line("backup", "key", "secret").exit_code == 0
    refused(line, "backup key secret", "file_there", "secret")


def test_files_are_written_whole_or_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", b"1")
    write(tmp_path / "a", b"2")
    write_new(tmp_path / "b", b"secret")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"2", b"secret")
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileThere, match="nothing is written over"):
        write_new(tmp_path / "b", b"other")
    for path in (tmp_path, tmp_path / "a" / "c", tmp_path / "none" / "c"):
        with pytest.raises(FileNotWritten, match=str(path)):
            write(path, b"")
    assert (tmp_path / "b").read_bytes() == b"secret"


def test_files_that_belong_together_are_written_together(tmp_path: Path) -> None:
    parts = {tmp_path / name: name.encode() for name in ("1", "2", "3")}
    write_together(parts)
    assert {one: one.read_bytes() for one in tmp_path.iterdir()} == parts
    other = {tmp_path / "4": b"", tmp_path / "none" / "5": b""}
    with pytest.raises(FileNotWritten, match="5"):
        write_together(other)
    with pytest.raises(Refusals) as refused:
        write_together({tmp_path / "4": b"", **parts})
    assert [type(one) for one in refused.value.refusals] == [FileThere] * 3
    assert {one: one.read_bytes() for one in tmp_path.iterdir()} == parts


def test_a_folder_that_is_none_is_refused(line: Any) -> None:
    Path("taken").write_text("")
    Path("pass").write_text("correct horse battery staple")
    for command in (
        "restore nowhere --passphrase-file pass",
        "backup create taken/b --passphrase-file pass",
        "network status --home taken",
        "keys new bank officer --keys taken",
        f"pilot {PILOTS / 'mtb-2013'} --data taken",
        "view programme --data taken",
    ):
        result = line(*shlex.split(command), typed="secret\nsecret\n")
        assert result.exit_code == 1, (command, result.exception)
        assert "file_refused: " in result.stderr, result.stderr


def test_our_own_mistakes_are_not_told_as_those_of_a_file() -> None:
    for mistake in (OSError("a socket"), ValueError("a value"), KeyError("a key")):
        with pytest.raises(type(mistake)), errors_in_lines():
            raise mistake


def test_a_server_is_not_begun_without_a_certificate_that_serves(line: Any, tmp_path: Path) -> None:
    Path("cert.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    for words in ("cert.pem --key cert.pem", "nowhere --key nowhere", "cert.pem"):
        result = line("serve", "--data", "here", "--certificate", *words.split())
        assert result.exit_code == 1, result.exception
        assert result.stderr.startswith("certificate_unusable: TLS cannot be served with ")
    assert not (tmp_path / "here").exists()


def test_fields_of_the_line_go_before_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "fields.json").write_text(json.dumps({"tender": "T1", "target": 5}))
    fields = read_fields(["tender=T2"], tmp_path / "fields.json")
    assert fields == {"tender": "T2", "target": 5}
