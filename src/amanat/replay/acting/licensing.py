"""What happens to providers: applications, decisions, confirmations, licences, suspensions."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sql

from amanat.licensing.forms.form import load_form
from amanat.licensing.model import CONFIRMS, CONSULTED, Completeness, Position
from amanat.licensing.tables import licensing_file
from amanat.participants.tables import account as accounts
from amanat.replay.acting.trying import attempt
from amanat.replay.licensing_laws import GOAML
from amanat.replay.licensing_model import (
    Agreement,
    Application,
    Confirmation,
    Decision,
    Event,
    Handover,
    Licence,
    Licensing,
    Question,
    Review,
    Suspension,
    What,
)
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step
from amanat.replay.standing_in import NAME, TAKEN, answers_to, stand_in_document

_DECLARED = "Stands in for the applicant's own declaration."
_ASKED = "Is there any objection to this application?"
_ANSWERED = "Stands in for the stakeholder's own answer, which was not published."
_NOTE = "stands in for a note of the review, which was not published"
_EVIDENCE = "the application"
_UNPUBLISHED = "The text was not published: this stands in, and says what was said of it."
_NO_SELECTION = "No selection, and no other party that was asked, was published."


def happen(performer: Performer, step: Step) -> None:
    """Let one event of a pilot's licensing happen."""
    event: Event = step.about
    _TAKES[event.what](performer, step, event)


def _licensing(performer: Performer) -> Licensing:
    found = performer.pilot.licensing
    if found is None:
        raise ReplayStopped("this pilot licenses nobody")
    return found


def _as_officer(performer: Performer, key: str, act: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Whoever examines and recommends at the authority."""
    said = _licensing(performer)
    return performer.perform(key, act, fields, institution=said.authority, proposer=said.recommends)


def _as_decider(performer: Performer, key: str, act: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Whoever decides at the authority, which is nobody who recommended."""
    said = _licensing(performer)
    return performer.perform(key, act, fields, institution=said.authority, proposer=said.decides)


def file_of(performer: Performer, provider: str, kind: str) -> str:
    """The number of a provider's last file of a kind."""
    table = licensing_file
    with performer.application.store.reading() as connection:
        return str(
            connection.execute(
                sql.select(table.c.number)
                .where(
                    table.c.programme == performer.programme,
                    table.c.provider == provider,
                    table.c.kind == kind,
                )
                .order_by(table.c.id.desc())
                .limit(1)
            ).scalar_one()
        )


# -- applications ---------------------------------------------------------------------------------


def _apply(performer: Performer, step: Step, event: Event) -> None:
    """Open a file, fill every form with answers that stand in, submit it."""
    said = event.said
    assert isinstance(said, Application)
    provider = _licensing(performer).providers[event.provider]
    digest = _give_document(performer, event.provider)
    opened = performer.perform(
        f"{step.key}/open",
        "OpenFile",
        {"kind": said.kind, "categories": list(said.categories), "country": provider.country},
        institution=event.provider,
    )
    pack = _licensing(performer).pack
    for code in pack.file(said.kind).forms:
        form = load_form(pack.code, code)
        answers = answers_to(form, provider.country, event.on, digest)
        for section, content in answers.items():
            performer.perform(
                f"{step.key}/{code}/{section}",
                "SaveSection",
                {"file": opened["file"], "form": code, "section": section, "content": content},
                institution=event.provider,
            )
    performer.perform(
        f"{step.key}/submit",
        "SubmitFile",
        {"file": opened["file"], "declaration": _DECLARED},
        institution=event.provider,
    )


def _give_document(performer: Performer, provider: str) -> str:
    """The document that stands in, given by a provider; the same one again changes nothing."""
    person = performer.actor(performer.pilot.institutions[provider].proposes)
    documents = performer.application.documents
    return documents.receive(person, io.BytesIO(stand_in_document()), NAME, TAKEN).digest


def _ask(performer: Performer, step: Step, event: Event) -> None:
    said = event.said
    assert isinstance(said, Question)
    file = file_of(performer, event.provider, said.kind)
    _as_officer(performer, step.key, "AskApplicant", {"file": file, "text": said.text})


def _review(performer: Performer, step: Step, event: Event) -> None:
    """Find a file complete, score it, consult on it, recommend."""
    said = event.said
    assert isinstance(said, Review)
    pack = _licensing(performer).pack
    file = file_of(performer, event.provider, said.kind)
    complete = {"file": file, "outcome": Completeness.COMPLETE}
    _as_officer(performer, f"{step.key}/complete", "CheckCompleteness", complete)
    for area, score in said.scores.items():
        scores = [
            {"item": one.code, "score": score, "note": _NOTE, "evidence": [_EVIDENCE]}
            for one in pack.checklist(area).items
        ]
        fields = {"file": file, "area": area, "scores": scores, "rationale": said.rationale}
        _as_officer(performer, f"{step.key}/score/{area}", "ScoreReview", fields)
    for one in said.consulted:
        asked = {"file": file, "stakeholder": one, "question": _ASKED}
        _as_officer(performer, f"{step.key}/consult/{one}", "OpenConsultation", asked)
        answer = {"file": file, "position": Position.NO_OBJECTION, "answer": _ANSWERED}
        performer.perform(
            f"{step.key}/answer/{one}",
            "AnswerConsultation",
            answer,
            institution=performer.pilot.with_capacity(f"{CONSULTED}.{one}")[0].code,
        )
    recommended = {
        "file": file,
        "outcome": said.outcome,
        "conditions": list(said.conditions),
        "rationale": said.rationale,
    }
    _as_officer(performer, f"{step.key}/recommend", "Recommend", recommended)


def _decide(performer: Performer, step: Step, event: Event) -> None:
    said = event.said
    assert isinstance(said, Decision)
    fields = {
        "file": file_of(performer, event.provider, said.kind),
        "outcome": said.outcome,
        "conditions": list(said.conditions),
        "reasons": said.reasons,
        "criteria": said.criteria,
        "conflicts": said.conflicts,
    }
    _as_decider(performer, step.key, "Decide", fields)


# -- what others confirm --------------------------------------------------------------------------


def _confirm(performer: Performer, step: Step, event: Event) -> None:
    said = event.said
    assert isinstance(said, Confirmation)
    fields = {
        "provider": event.provider,
        "fact": said.fact,
        "category": said.category,
        "entity": said.entity,
        "entity_name": said.entity_name,
        "registration": said.registration,
        "reference": said.reference,
        "amount": said.amount,
        "valid_from": said.valid_from,
    }
    who = performer.pilot.with_capacity(f"{CONFIRMS}.{said.fact}")[0].code
    performer.perform(step.key, "ConfirmFact", fields, institution=who)


def _hand_over(performer: Performer, step: Step, event: Event) -> None:
    said = event.said
    assert isinstance(said, Handover)
    fields = {
        "provider": event.provider,
        "entity": said.entity,
        "entity_name": said.entity_name,
        "registration": said.registration,
        "first_day": said.first_day,
    }
    who = performer.pilot.with_capacity(f"{CONFIRMS}.{GOAML}")[0].code
    performer.perform(step.key, "HandOverReporting", fields, institution=who)


# -- what is granted and withdrawn ----------------------------------------------------------------


def _license(performer: Performer, step: Step, event: Event) -> None:
    """Grant a licence; once the ledger has it the provider's accounts are opened."""
    said = event.said
    assert isinstance(said, Licence)
    fields = {
        "file": file_of(performer, event.provider, "licence"),
        "category": said.category,
        "valid_until": said.valid_until,
        "conditions": list(said.conditions),
    }
    _as_decider(performer, f"{step.key}/grant", "GrantLicence", fields)
    performer.pump()
    performer.forget_actors()
    _open_accounts(performer, step.key, event.provider)


def _open_accounts(performer: Performer, key: str, provider: str) -> None:
    own = [one for one in performer.pilot.accounts.values() if one.participant == provider]
    with performer.application.store.reading() as connection:
        known = set(
            connection.execute(
                sql.select(accounts.c.label).where(
                    accounts.c.programme == performer.programme,
                    accounts.c.participant == provider,
                )
            ).scalars()
        )
    wanted = [one for one in own if one.code not in known]
    if not wanted:
        return
    fields = {
        "participant": provider,
        "accounts": [
            {
                "address": performer.account(one.code),
                "kind": one.kind,
                "label": one.code,
                "holder_class": one.holder_class,
                "tax_residency": one.residency,
                "holder": one.holder or None,
            }
            for one in wanted
        ],
    }
    authority = _licensing(performer).authority
    performer.perform(f"{key}/accounts", "EnrolAccounts", fields, institution=authority)
    performer.pump()


def _suspend(performer: Performer, step: Step, event: Event) -> None:
    """Suspend; that the ledger has not heard of it yet changes nothing here."""
    said = event.said
    assert isinstance(said, Suspension)
    fields = {
        "provider": event.provider,
        "level": said.level,
        "category": said.category,
        "reason": said.reason,
    }
    _as_officer(performer, step.key, "Suspend", fields)


# -- agreements -----------------------------------------------------------------------------------


def agree(performer: Performer, step: Step) -> None:
    """Enter an agreement in the public register of agreements, as the issuer that signed it."""
    said: Agreement = step.about
    text = f"{_UNPUBLISHED} {said.title}: {said.scope}. {said.source}"
    fields: dict[str, Any] = {
        "kind": said.kind,
        "title": said.title,
        "parties": [{"name": performer.pilot.institutions[said.party].name, "party": said.party}],
        "binding": said.binding,
        "advises": said.advises,
        "scope": said.scope,
        "signed_on": said.signed_on,
        "first_day": said.signed_on,
        "text": text,
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "no_selection": _NO_SELECTION,
    }
    if said.up_to_usd_cents is not None:
        fields |= {"amount": said.up_to_usd_cents, "currency": "USD"}
    issuer = performer.pilot.with_capacity("issuer")[0].code
    performer.perform(step.key, "PublishAgreement", fields, institution=issuer)


_TAKES: Mapping[What, Callable[[Performer, Step, Event], None]] = {
    What.APPLY: _apply,
    What.ASK: _ask,
    What.REVIEW: _review,
    What.DECIDE: _decide,
    What.CONFIRM: _confirm,
    What.HAND_OVER: _hand_over,
    What.LICENSE: _license,
    What.SUSPEND: _suspend,
    What.TRY: attempt,
}
