"""Reminders go once each into an outbox, and from there to a real mail server on loopback."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from amanat.core.messages import Message
from amanat.licensing.duties.commands import SetMailAddress
from amanat.licensing.duties.mail import MailServer, Postbox
from amanat.licensing.duties.notifications import ATTEMPTS_MAX, remind, send_waiting
from amanat.licensing.duties.tables import notification
from amanat.settings import Mail, SettingInvalid
from amanat.web.messages import Reader, message_text

from ...programme.world import CODE
from ..without_ledger import DeskWorld

SENDER = "licensing@amanat.example"


@dataclass
class Inbox:
    """Takes every letter but those to an address that it was told to refuse."""

    refuses: str = ""
    letters: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address == self.refuses:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def mail_server(inbox: Inbox, **more: Any) -> Iterator[int]:
    """A mail server on a free port of loopback; the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def compose(_programme: str, language: str, message: Message, _due: date) -> tuple[str, str]:
    told = message_text(Reader(language, "Asia/Karachi"), message)
    return told, told + "\n"


def sent(desk: DeskWorld, port: int) -> tuple[int, int, int]:
    """What waits is sent; how many were taken, wait, were given up."""
    server = MailServer("127.0.0.1", port, "none", SENDER)
    done = send_waiting(desk.store, lambda: Postbox(server), compose)
    return done.sent, done.waiting, done.given_up


def waiting(desk: DeskWorld) -> list[Any]:
    with desk.store.reading() as connection:
        return list(connection.execute(sql.select(notification).order_by(notification.c.id)))


def owing(desk: DeskWorld) -> str:
    """A submitted file whose completeness the authority has to check in ten working days."""
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.day += timedelta(days=7)
    return number


def address(desk: DeskWorld, person: str, language: str = "en") -> str:
    where = f"{person}@mail.example"
    desk.do_as(person, SetMailAddress(address=where, language=language))
    return where


def test_everyone_is_told_once_of_what_they_owe(desk: DeskWorld) -> None:
    number = owing(desk)
    assert remind(desk.app.desk, desk.store, CODE, desk.day) == 4  # four people of the authority
    assert remind(desk.app.desk, desk.store, CODE, desk.day) == 0
    told = desk.view("my_notifications", "pvara_officer")
    (row,) = told["rows"]
    assert row["text"].startswith(f"{number}: completeness is due on ")
    assert desk.view("my_notifications", "exchange_x_officer")["rows"] == []
    desk.day = date.fromisoformat(row["due_on"])
    assert remind(desk.app.desk, desk.store, CODE, desk.day) == 4
    desk.day += timedelta(days=1)
    assert remind(desk.app.desk, desk.store, CODE, desk.day) == 4
    last = desk.view("my_notifications", "pvara_officer")["rows"][0]
    assert "was due on" in last["text"]


def test_letters_reach_a_mail_server_in_the_readers_language(desk: DeskWorld) -> None:
    number = owing(desk)
    english, urdu = address(desk, "pvara_officer"), address(desk, "pvara_second", "ur")
    remind(desk.app.desk, desk.store, CODE, desk.day)
    inbox = Inbox()
    with mail_server(inbox) as port:
        assert sent(desk, port) == (2, 0, 0)
        assert sent(desk, port) == (0, 0, 0)  # nothing goes twice
    letters = {str(one["To"]): one for one in inbox.letters}
    assert set(letters) == {english, urdu}
    letter = letters[english]
    assert letter["From"] == SENDER
    assert str(letter["Subject"]).startswith(f"{number}: completeness is due on")
    assert letter["Auto-Submitted"] == "auto-generated"
    ids = {row.id for row in waiting(desk)}
    assert str(letter["Message-ID"]).strip("<>").partition("@")[0] in ids
    assert number in letters[urdu].get_content()
    # Those who gave no address read theirs on the page.
    assert len([row for row in waiting(desk) if row.sent_at is None]) == 2
    desk.do_as("pvara_officer", SetMailAddress())
    assert desk.view("my_notifications", "pvara_officer")["mail_address"] is None


def test_a_refused_letter_is_tried_again_and_given_up_in_the_end(desk: DeskWorld) -> None:
    owing(desk)
    inbox = Inbox(refuses=address(desk, "pvara_officer"))
    taken = address(desk, "pvara_second")
    remind(desk.app.desk, desk.store, CODE, desk.day)
    with mail_server(inbox) as port:
        assert sent(desk, port) == (1, 1, 0)
        assert [str(one["To"]) for one in inbox.letters] == [taken]
        assert sent(desk, port) == (0, 0, 0)  # not before its time
        for attempt in range(1, ATTEMPTS_MAX):
            desk.clock.now += timedelta(minutes=2**attempt, seconds=1)
            last = attempt == ATTEMPTS_MAX - 1
            assert sent(desk, port) == ((0, 0, 1) if last else (0, 1, 0))
        desk.clock.now += timedelta(days=30)
        assert sent(desk, port) == (0, 0, 0)
    (row,) = [one for one in waiting(desk) if one.failure]
    assert "550" in row.failure
    assert row.next_at is None


def test_nothing_is_lost_where_no_server_answers(desk: DeskWorld) -> None:
    owing(desk)
    address(desk, "pvara_officer")
    remind(desk.app.desk, desk.store, CODE, desk.day)
    inbox = Inbox()
    with mail_server(inbox) as port:
        pass
    with pytest.raises(ConnectionRefusedError):
        sent(desk, port)
    with mail_server(inbox) as port:
        assert sent(desk, port) == (1, 0, 0)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server on loopback shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(folder / "server.pem")
    return shown, ssl.create_default_context(cadata=pem.decode())


def test_passwords_go_over_tls_to_a_server_that_is_known(tmp_path: Path) -> None:
    shown, trusts = certificate(tmp_path)
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(_server: SMTP, _session: Any, _envelope: Any, _how: str, data: Any) -> Any:
        seen.append((data.login, data.password))
        right = data.password == b"right"
        return AuthResult(success=right, handled=right)

    inbox = Inbox()
    more = {"tls_context": shown, "require_starttls": True, "auth_required": True}
    with mail_server(inbox, authenticator=authenticate, **more) as port:

        def server(password: str) -> MailServer:
            return MailServer("localhost", port, "starttls", SENDER, "amanat", password)

        with pytest.raises(ssl.SSLCertVerificationError), Postbox(server("right")):
            pass
        with pytest.raises(OSError, match="535"), Postbox(server("wrong"), trusts):
            pass
        with Postbox(server("right"), trusts):
            pass
    assert seen[-1] == (b"amanat", b"right")


def test_settings_of_mail_are_read_whole_or_refused(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("right\nsecond line\n")
    said = {
        "AMANAT_MAIL_SERVER": "mail.example:587",
        "AMANAT_MAIL_FROM": SENDER,
        "AMANAT_MAIL_PASSWORD_FILE": str(password),
    }
    found = Mail.from_environment(said)
    assert found is not None
    assert (found.host, found.port, found.security, found.password) == (
        "mail.example",
        587,
        "starttls",
        "right",
    )
    assert Mail.from_environment({}) is None
    for wrong in (
        {"AMANAT_MAIL_SERVER": "mail.example"},
        {"AMANAT_MAIL_SECURITY": "none"},  # only on loopback
        {"AMANAT_MAIL_SECURITY": "later"},
        {"AMANAT_MAIL_FROM": "nobody"},
    ):
        with pytest.raises(SettingInvalid, match=next(iter(wrong))):
            Mail.from_environment(said | wrong)
