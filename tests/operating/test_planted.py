"""Secrets and personal data, planted through every face, reach no log, trace or metric."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.operating.served import OPERATOR, ROOT, Served
from tests.web.installation import APPROVER, DEALER, OFFICER

PIN = "493817"
KEY = "9f2c41d05e7ab8830c6f1be27d4a95c3e8f01726b54d9a3c7e60f8b1d2a4c5e6"
CNIC = "35202-7654321-9"
PHONE = "+923007654321"
NAME = "Planted Full Name"
PERSON = "planted_person"
WORD = "planted-password-in-the-clear"
TOKEN = "amanat_PlantedTokenThatNobodyHas0123456789abcdef"
PLANTED = (PIN, KEY, CNIC, PHONE, NAME, PERSON, WORD, TOKEN)


def plant_in_the_api(served: Served) -> None:
    fields = {"person": PERSON, "institution": "ministry", "role": "viewer", "name": NAME}
    with served.caller(OFFICER, **{"User-Agent": WORD, "Referer": f"http://{WORD}/"}) as client:
        proposed = client.post(f"{served.api}/acts/EnterPerson", json=fields).json()
    with served.caller(APPROVER) as client:
        path = f"{served.api}/proposals/{proposed['proposal']}/approve"
        assert client.post(path, json={}).json()["state"] == "carried_out"
        # The same again is refused, with the person's code in the message.
        assert client.post(f"{served.api}/acts/EnterPerson", json=fields).status_code == 409
        for body in (
            {**fields, "name": [NAME, CNIC], "pin": PIN},
            {"person": f"{CNIC} {PHONE}", "role": KEY},
        ):
            refused = client.post(f"{served.api}/acts/EnterPerson", json=body)
            assert refused.status_code == 422
        broken = client.post(
            f"{served.api}/acts/EnterPerson", content=f'{{"{WORD}": {PIN}'.encode()
        )
        assert broken.status_code == 422
    for headers in (
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"Basic {WORD}"},
        {"Idempotency-Key": KEY},
        {"X-Request-Id": WORD, "traceparent": f"00-{KEY}-{PIN}-01", "tracestate": f"a={WORD}"},
        {"baggage": f"person={PERSON}", "Cookie": f"amanat_session={TOKEN}"},
    ):
        with served.caller(DEALER) as client:
            given = {"Authorization": f"Bearer {served.tokens[DEALER]}"} | headers
            client.get(f"{served.api}/views/securities", headers=given)
            client.post(f"{served.api}/acts/Instruct", json={"isin": NAME}, headers=given)


def plant_in_addresses(served: Served) -> None:
    with served.caller(None) as client:
        for path in (
            f"/v1/programmes/{PERSON}/views/securities",
            f"{served.api}/views/{PERSON}",
            f"{served.api}/views/participant?participant={CNIC}",
            f"{served.api}/views/securities?cursor={WORD}&pin={PIN}",
            f"{served.api}/proposals/{KEY}/approve",
            f"/{NAME}/{PHONE}?token={TOKEN}",
            f"/p/{served.programme}/v/participant?participant={NAME}",
            f"/p/{PERSON}",
            f"/static/{WORD}",
        ):
            client.get(path)
        client.request("GET", "/", content=WORD.encode())
        client.request(f"X{PIN}", "/")


def plant_in_the_console(served: Served) -> None:
    with served.reader(OFFICER) as reader:
        page = f"/p/{served.programme}/acts/EnterPerson"
        reader.post(page, data={"name": NAME, "person": PERSON, "form_token": TOKEN})
        reader.post("/sign-in", data={"token": TOKEN, "password": WORD, "next": f"/{CNIC}"})
        reader.get(f"{page}?name={NAME}&phone={PHONE}")


def plant_on_the_command_line(served: Served) -> None:
    program = "from amanat.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        "act",
        "EnterPerson",
        f"name={NAME}",
        f"person={CNIC}",
    ]
    environment = {
        "AMANAT_URL": served.address,
        "AMANAT_TOKEN": TOKEN,
        "AMANAT_PROGRAMME": served.programme,
        "PYTHONPATH": str(ROOT / "src"),
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1


@pytest.fixture(scope="module")
def told(served: Served) -> dict[str, bytes]:
    """Everything that the server told, after it was planted with secrets through every face."""
    plant_in_the_api(served)
    plant_in_addresses(served)
    plant_in_the_console(served)
    plant_on_the_command_line(served)
    bodies = len(served.collector.bodies)
    with served.caller(None) as client:
        metrics = client.get("/metrics").content
        client.get("/readyz")
    limit = time.monotonic() + 20
    while len(served.collector.bodies) <= bodies and time.monotonic() < limit:
        time.sleep(0.1)
    time.sleep(0.5)
    return {
        "log": served.log.read_bytes(),
        "traces": b"".join(served.collector.bodies),
        "metrics": metrics,
    }


@pytest.mark.parametrize("where", ["log", "traces", "metrics"])
def test_nothing_planted_is_told(told: dict[str, bytes], where: str) -> None:
    assert len(told[where]) > 2_000, "it told of the requests"
    found = {text for text in PLANTED if text.encode() in told[where]}
    assert found == set()


@pytest.mark.parametrize("where", ["log", "traces", "metrics"])
def test_no_secret_of_the_installation_is_told(
    served: Served, told: dict[str, bytes], where: str
) -> None:
    folder = Path(served.log).parent
    kept = [one.read_text().strip() for one in (folder / "secrets").iterdir() if one.is_file()]
    assert len(kept) >= 3
    kept += [*served.tokens.values(), *served.sessions.values()]
    assert [text for text in kept if text.encode() in told[where]] == []


def test_people_are_not_told_but_their_institutions(served: Served, told: dict[str, bytes]) -> None:
    people = [OFFICER, APPROVER, DEALER, OPERATOR]
    everything = b"".join(told.values())
    assert [one for one in people if one.encode() in everything] == []
    assert any(one.get("institution") == "ministry" for one in served.lines())


def test_every_log_line_has_fields_of_the_list_alone(
    served: Served, told: dict[str, bytes]
) -> None:
    from amanat.observing.fields import names

    assert told["log"]
    own = {"time", "level", "logger", "event", "values", "exception"}
    strange = {key for line in served.lines() for key in line} - names() - own
    assert strange == set()
