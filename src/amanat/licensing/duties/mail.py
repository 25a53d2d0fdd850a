"""Sends letters by SMTP, with the standard library alone.

A letter carries the id of its notification, so that one that was sent twice is known as the same.
Outside loopback the connection is encrypted and the server's certificate is checked.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Self

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are given up: `security` is `tls`, `starttls`, or `none` on loopback alone."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: its id, to whom, what stands over it, and its text."""

    id: str
    to: str
    subject: str
    text: str


class Postbox:
    """One connection to a mail server; `with` opens and closes it.

    Raises `OSError` where the server does not answer (`smtplib.SMTPException` is one).
    """

    def __init__(self, server: MailServer, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context or ssl.create_default_context()

    def __enter__(self) -> Self:
        server = self._server
        if server.security == "tls":
            self._smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=self._context
            )
        else:
            self._smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        try:
            if server.security == "starttls":
                self._smtp.starttls(context=self._context)
            if server.user:
                self._smtp.login(server.user, server.password)
        except BaseException:
            self._smtp.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._smtp.quit()
        except OSError:
            self._smtp.close()

    def send(self, letter: Letter) -> None:
        """Give one letter up.  Raises `smtplib.SMTPException` where it is refused."""
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = letter.to
        message["Subject"] = " ".join(letter.subject.split())
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{letter.id}@{self._server.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
        message.set_content(letter.text)
        self._smtp.send_message(message)
