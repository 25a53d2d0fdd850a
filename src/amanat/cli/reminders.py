"""Reminders of what is due: written into the outbox, and sent from there by mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from amanat.cli.acts import Data, Json
from amanat.cli.terminal import errors_in_lines, print_answer, settings_of
from amanat.core.errors import Unavailable
from amanat.core.messages import Message

if TYPE_CHECKING:
    from amanat.app import Application
    from amanat.licensing.duties.notifications import Sent
    from amanat.settings import Mail

# What a command works with is imported when it is carried out, so that help is there at once.


class MailServerAway(Unavailable):
    """The mail server does not take letters now; what waits is sent the next time."""


def remind(data: Data = None, as_json: Json = False) -> None:
    """Tell people what is due to them, and send what waits by mail; run it once an hour or a day.

    Everyone is told once each of what is due in 14 days, in 3, today, and overdue.  Without
    AMANAT_MAIL_SERVER what is told stands on their page alone.  What the ledger says is read as it
    was last followed.
    """
    from amanat.app import Application
    from amanat.licensing.duties import notifications
    from amanat.store.migrate import migrate

    with errors_in_lines(as_json=as_json):
        application = Application(settings_of(data))
        migrate(application.engine)
        written = 0
        for one in application.programmes():
            today = date.fromisoformat(one["business_date"])
            desk, store = application.desk, application.store
            written += notifications.remind(desk, store, one["code"], today)
        answer: dict[str, Any] = {"written": written}
        mail = application.settings.mail
        if mail is not None:
            sent = _send(application, mail)
            answer |= {"sent": sent.sent, "waiting": sent.waiting, "given_up": sent.given_up}
        print_answer(answer, as_json=as_json)


def _send(application: Application, mail: Mail) -> Sent:
    from amanat.licensing.duties.mail import MailServer, Postbox
    from amanat.licensing.duties.notifications import send_waiting

    server = MailServer(mail.host, mail.port, mail.security, mail.sender, mail.user, mail.password)
    try:
        return send_waiting(application.store, lambda: Postbox(server), composing(application))
    except OSError as error:
        told = f"the mail server {server.host}:{server.port} takes no letters: {error}"
        raise MailServerAway(told) from error


def composing(application: Application) -> Callable[[str, str, Message, date], tuple[str, str]]:
    """Words letters in the language that their reader chose, with where to look."""
    from amanat.web.messages import Reader, message_text

    facts = {one["code"]: one for one in application.programmes()}
    origin = application.settings.sign_in.origin

    def compose(programme: str, language: str, message: Message, due: date) -> tuple[str, str]:
        del due
        reader = Reader(language, facts[programme]["zone"])
        told = message_text(reader, message)
        lines = [told, facts[programme]["name"]]
        if origin is not None:
            lines.append(f"{origin}/p/{programme}/v/licensing_calendar")
        return told, "\n\n".join(lines) + "\n"

    return compose
