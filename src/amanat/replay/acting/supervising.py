"""What the supervisor and the FIU do: lists, hits, freezes, monitoring, cases, referrals, requests.

Whatever an act names that only the running system knows (a hit, a case, a request) is read through
the views of whoever acts, as they would on their page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from amanat.jurisdictions.supervision import load_supervision
from amanat.licensing.records import pack_of
from amanat.replay.acting import informing
from amanat.replay.acting.desks import Fields, act, of_earlier, seen
from amanat.replay.acting.kept import keep, kept_of
from amanat.replay.acting.returning import closing_of, send, supervision_of
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step
from amanat.replay.supervision_model import Does, Event

Take = Callable[[Performer, Step, Event], None]
SPILL = "supervision/spill"
MEMORY = "1GB"


def happen(performer: Performer, step: Step) -> None:
    """Let one event of a pilot's supervision happen."""
    event: Event = step.about
    TAKES[event.does](performer, step, event)


def _supervisor(performer: Performer, key: str, name: str, fields: Fields) -> dict[str, Any]:
    return act(performer, key, name, supervision_of(performer).supervisor, fields)


def _fiu(performer: Performer, key: str, name: str, fields: Fields) -> dict[str, Any]:
    return act(performer, key, name, supervision_of(performer).fiu, fields)


# -- screening ------------------------------------------------------------------------------------


def party_of(performer: Performer, person: str) -> str:
    """The pseudonym of a person of the folder, as the authority's desk knows it."""
    holder = supervision_of(performer).persons[person]
    pseudonyms = performer.application.intake.vault.pseudonyms
    return str(pseudonyms.person("cnic", "PK", holder.cnic.replace("-", "")).number)


def _take_in(performer: Performer, step: Step, event: Event) -> None:
    said = supervision_of(performer)

    def fields() -> dict[str, Any]:
        return {
            "list": event.said["list"],
            "dated_on": event.said["dated_on"],
            "content": base64.b64encode(said.lists[event.said["file"]]).decode(),
        }

    _supervisor(performer, step.key, "TakeInList", fields)


def _screen(performer: Performer, step: Step, event: Event) -> None:
    del event
    _supervisor(performer, step.key, "Rescreen", dict)


def _hit(performer: Performer, person: str, state: str) -> str:
    """The strongest hit of a person that is in a state."""
    shown = seen(
        performer,
        supervision_of(performer).supervisor,
        "screening_hits",
        state=state,
        party=party_of(performer, person),
    )
    rows = shown["rows"] if isinstance(shown, dict) else shown
    if not rows:
        raise ReplayStopped(f"screening has no {state} hit of {person}")
    return str(rows[0]["hit"])


def _decide_hit(name: str) -> Take:
    def decide(performer: Performer, step: Step, event: Event) -> None:
        def fields() -> dict[str, Any]:
            return {
                "hit": _hit(performer, event.said["person"], "open"),
                "reason": event.said["reason"],
                "until": event.said["until"],
            }

        _supervisor(performer, step.key, name, fields)

    return decide


def _freeze(performer: Performer, step: Step, event: Event) -> None:
    said = event.said

    def fields() -> dict[str, Any]:
        order = f"{said['authority']}: {said['reason']}"
        return {
            "hit": _hit(performer, said["person"], "true_match"),
            "authority": said["authority"],
            "basis": said["basis"],
            "order_hash": hashlib.sha256(order.encode()).hexdigest(),
            "until": said["until"],
            "reason": said["reason"],
        }

    _supervisor(performer, step.key, "OrderFreeze", fields)


def _number_of_freeze(performer: Performer, event: Event) -> str:
    found = of_earlier(performer, event, Does.FREEZE, "OrderFreeze", person=event.said["person"])
    return str(found["freeze"])


def _acknowledge(performer: Performer, step: Step, event: Event) -> None:
    """The exchange freezes what the person has there, and says how much that is."""
    said, exchange = supervision_of(performer), event.said["exchange"]
    own = [
        one.code
        for one in said.customers.values()
        if (one.exchange, one.person) == (exchange, event.said["person"])
    ]

    def fields() -> dict[str, Any]:
        return {
            "freeze": _number_of_freeze(performer, event),
            "accounts": len(own),
            "value": sum(closing_of(said, exchange, code, event.on) for code in own),
            "currency": performer.pilot.programme.currency,
        }

    act(performer, step.key, "AcknowledgeFreeze", exchange, fields)


def _tell(performer: Performer, step: Step, event: Event) -> None:
    def fields() -> dict[str, Any]:
        return {
            "freeze": _number_of_freeze(performer, event),
            "to": event.said["to"],
            "reference": event.said["reference"],
        }

    _supervisor(performer, step.key, "ReportFreeze", fields)


# -- monitoring and cases -------------------------------------------------------------------------


def _monitor(performer: Performer, step: Step, event: Event) -> None:
    """All scenarios over some days; killed and run again, it goes on where it was."""
    if step.key in kept_of(performer):
        return
    # Engines take a while to load: only a pilot that monitors waits for them.
    from amanat.supervision.monitoring.engines import DuckEngine
    from amanat.supervision.monitoring.running import Running, plan_run

    application, programme = performer.application, performer.programme
    folder = application.settings.data_dir
    days: tuple[date, date] = (event.said["first_day"], event.said["last_day"])
    with application.store.reading() as connection:
        table = load_supervision(pack_of(connection, programme).code)
        plan = plan_run(connection, programme, table, folder, *days)
        today = application.business_date(connection, programme)
    engine = DuckEngine(folder / SPILL, MEMORY)
    try:
        done = Running(application.store, engine, plan, today).carry_out()
    finally:
        engine.close()
    keep(
        performer,
        step,
        {"run": done.id, "transactions": done.transactions, "alerts": done.alerts},
    )


def _group(performer: Performer, step: Step, event: Event) -> None:
    _supervisor(performer, step.key, "GroupFindings", lambda: {"until": event.on})


def _most_urgent(performer: Performer) -> str:
    """The first case of the supervisor's queue that was not referred yet."""
    desk = supervision_of(performer).supervisor
    for head in seen(performer, desk, "cases", limit=500):
        if seen(performer, desk, "case", case=head["case"])["reported_on"] is None:
            return str(head["case"])
    raise ReplayStopped("the supervisor has no open case to refer")


def _refer(performer: Performer, step: Step, event: Event) -> None:
    """Assign the most urgent case, and refer it with a second person."""
    desk = supervision_of(performer).supervisor
    officer = performer.pilot.institutions[desk].proposes
    assigned = _supervisor(
        performer,
        f"{step.key}/assign",
        "AssignCase",
        lambda: {"case": _most_urgent(performer), "officer": officer},
    )
    fields = {"case": assigned["case"], "grounds": event.said["grounds"]}
    _supervisor(performer, step.key, "ReferCase", lambda: fields)


def _receive(performer: Performer, step: Step, event: Event) -> None:
    def fields() -> dict[str, Any]:
        found = of_earlier(performer, event, Does.REFER, "ReferCase")
        return {"referral": found["referral"]}

    _fiu(performer, step.key, "ReceiveReferral", fields)


def _case_of_fiu(performer: Performer, event: Event) -> str:
    return str(of_earlier(performer, event, Does.RECEIVE, "ReceiveReferral")["case"])


def _ask(performer: Performer, step: Step, event: Event) -> None:
    def fields() -> dict[str, Any]:
        return {
            "case": _case_of_fiu(performer, event),
            "asked": event.said["exchange"],
            "question": event.said["question"],
        }

    _fiu(performer, step.key, "RequestInformation", fields)


def _answer(performer: Performer, step: Step, event: Event) -> None:
    exchange = event.said["exchange"]

    def fields() -> dict[str, Any]:
        found = of_earlier(performer, event, Does.ASK, "RequestInformation", exchange=exchange)
        return {"request": found["request"], "answer": event.said["answer"]}

    act(performer, step.key, "AnswerInformationRequest", exchange, fields)


def _disseminate(performer: Performer, step: Step, event: Event) -> None:
    def fields() -> dict[str, Any]:
        return {
            "case": _case_of_fiu(performer, event),
            "recipient": event.said["recipient"],
            "text": event.said["text"],
        }

    _fiu(performer, step.key, "Disseminate", fields)


TAKES: Mapping[Does, Take] = {
    Does.SEND: send,
    Does.TAKE_IN: _take_in,
    Does.SCREEN: _screen,
    Does.CONFIRM_HIT: _decide_hit("ConfirmHit"),
    Does.DISMISS_HIT: _decide_hit("DismissHit"),
    Does.FREEZE: _freeze,
    Does.ACKNOWLEDGE: _acknowledge,
    Does.TELL: _tell,
    Does.MONITOR: _monitor,
    Does.GROUP: _group,
    Does.REFER: _refer,
    Does.RECEIVE: _receive,
    Does.ASK: _ask,
    Does.ANSWER: _answer,
    Does.DISSEMINATE: _disseminate,
    Does.SUSPECT: informing.suspect,
    Does.REPORT: informing.report,
    Does.CURRENCY: informing.currency,
    Does.BATCH: informing.batch,
    Does.FIU_ANSWERS: informing.fiu_answers,
}
