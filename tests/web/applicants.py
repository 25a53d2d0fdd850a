"""A served installation that licenses, for tests of an applicant's pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from tests.licensing.forms.test_answers import answered
from tests.licensing.world import LicensingWorld, found_licensing_world
from tests.programme.world import CODE
from tests.web.installation import UNBOUND, serving

from amanat.access.tokens import issue_token
from amanat.app import Application
from amanat.licensing.forms.answers import asked
from amanat.licensing.forms.form import Form, Question
from amanat.settings import Settings
from amanat.web.answering import spot_of
from amanat.web.server import create_app

DOCUMENT_MIB_MAX = 1
"""What these installations take, so that a document above it is soon made."""


@dataclass
class ApplicantsSite:
    """A programme that licenses, served."""

    world: LicensingWorld
    address: str
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def apply(self) -> str:
        """The path under which applicants' pages stand."""
        return f"/p/{CODE}/apply"

    def token(self, person: str) -> str:
        """A token of a person of the world."""
        if person not in self.tokens:
            app = self.world.app
            with app.engine.begin() as connection:
                month = timedelta(days=30)
                self.tokens[person] = issue_token(
                    connection, CODE, person, app.store.clock(), month
                )
        return self.tokens[person]

    def caller(self, person: str | None) -> httpx.Client:
        """A program that calls the API as a person."""
        headers = {"Authorization": f"Bearer {self.token(person)}"} if person else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60)

    def reader(self, person: str | None, language: str = "en") -> httpx.Client:
        """A browser without scripts, signed in as a person."""
        client = httpx.Client(
            base_url=self.address, cookies={"lang": language}, timeout=60, follow_redirects=True
        )
        if person:
            answer = client.post("/sign-in", data={"token": self.token(person)})
            assert answer.status_code == 200, answer.text
        return client


def form_token(html: str) -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    assert found is not None
    return found[1]


@contextmanager
def applicants_site(folder: Path) -> Iterator[ApplicantsSite]:
    """Founded on the embedded node, and served."""
    settings = replace(
        Settings.at(folder, light_keys=True), sign_in=UNBOUND, document_mib_max=DOCUMENT_MIB_MAX
    )
    with Application(settings) as app:
        world = found_licensing_world(app)
        app.pump()
        with serving(create_app(app)) as address:
            yield ApplicantsSite(world, address)


def answers_for(form: Form, future: str) -> dict[str, Any]:
    """Right answers to every question of a form, with days to come as `future`."""
    found = answered(form)
    for section in form.sections:
        rows = found[section.code] if section.repeats else [found[section.code]]
        for question in section.questions:
            if question.time == "future":
                for row in rows:
                    row[question.code] = future
    return found


def pages_of(form: Form, answers: dict[str, Any]) -> Iterator[tuple[str, Question, Any]]:
    """Each question's page below the file in order, the question, and what is answered there."""
    for one in asked(form, answers):
        yield spot_of(form, one).address, one.question, one.answer
