"""Institutions, people and applicants of a programme that licenses, and what they usually do."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from amanat.access.actors import Role
from amanat.app import Application
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.commands import (
    AnswerConsultation,
    CheckCompleteness,
    ConfirmFact,
    Decide,
    GrantLicence,
    OpenConsultation,
    OpenFile,
    Recommend,
    SaveSection,
    Score,
    ScoreReview,
    SubmitFile,
)
from amanat.licensing.documents.received import find
from amanat.licensing.documents.tables import document
from amanat.licensing.forms.form import SCANS, load_form
from amanat.licensing.model import Completeness, Entity, Outcome, Position
from amanat.programme.founding import found
from amanat.programme.terms import (
    ClassTerms,
    ExchangeRateTerms,
    InstitutionTerms,
    PersonTerms,
    ProgrammeTerms,
)

from ..programme.world import CLASSES, CODE, VALID_UNTIL, World, terms
from .forms.test_answers import DOCUMENT, PAPER, answered

MARCH = date(2026, 3, 9)
"""A Monday after the Virtual Assets Act 2026 came into force, as the pack has it."""
PACK = load_licensing("pk")
INSTITUTIONS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "ministry": (1, ("issuer", "day_keeper", "guardian", "orders", "participant")),
    "central_bank": (
        2,
        (
            "cash_issuer",
            "auctioneer",
            "agent",
            "day_keeper",
            "guardian",
            "orders",
            "registrar",
            "tax_agent",
            "confirms.deposit_confirmed",
            "consulted.sbp",
        ),
    ),
    "secp": (
        3,
        (
            "clears.debt_law",
            "guardian",
            "orders",
            "confirms.incorporated",
            "confirms.capital_paid",
            "consulted.secp",
        ),
    ),
    "pvara": (4, ("orders",)),
    "fmu": (0, ("confirms.goaml_registered", "consulted.fmu")),
    "interior": (0, ("confirms.security_cleared",)),
    "bank_a": (0, ("participant", "primary_dealer")),
    "exchange_x": (0, ("applicant",)),
    "exchange_y": (0, ("applicant",)),
    "dealer_v": (0, ("applicant", "primary_dealer")),
    "auditor": (0, ("auditor",)),
}
ALL_CLASSES = (*CLASSES, ClassTerms(code="vasp", authority="pvara"))


def people(keys: Mapping[str, str]) -> list[PersonTerms]:
    """An officer and an approver of each institution, and a second officer of the authority."""
    roles = [
        (f"{institution}_{role.value}", institution, role)
        for institution in INSTITUTIONS
        for role in (Role.OFFICER, Role.APPROVER)
    ]
    roles += [("pvara_second", "pvara", Role.OFFICER), ("pvara_board", "pvara", Role.APPROVER)]
    roles += [("exchange_x_viewer", "exchange_x", Role.VIEWER)]
    return [
        PersonTerms(
            code=code,
            institution=institution,
            role=role,
            name=f"{role.value.title()} of {institution}",
            address=keys.get(code),
        )
        for code, institution, role in roles
    ]


def licensing_terms(keys: Mapping[str, str], **changes: Any) -> ProgrammeTerms:
    """Terms of a simulation that licenses, in March 2026."""
    return terms(
        keys,
        institutions=tuple(
            InstitutionTerms(code=code, number=number, name=code.upper(), capacities=capacities)
            for code, (number, capacities) in INSTITUTIONS.items()
        ),
        people=tuple(people(keys)),
        classes=ALL_CLASSES,
        first_business_date=changes.pop("first_business_date", MARCH),
        simulation=True,
        exchange_rates=(
            ExchangeRateTerms(
                rate_date=MARCH, rate="280.00", source="made for tests", assumed=True
            ),
        ),
        **changes,
    )


class LicensingWorld(World):
    """A programme that licenses."""

    def do_as(self, person: str, command: Any, *approvers: str, pump: bool = False) -> Any:
        """Submitted by a person, approved by others, in their order; the result."""
        outcome = self.app.desk.submit(self.actor(person), command)
        for one in approvers:
            assert outcome.proposal is not None
            outcome = self.app.desk.approve(self.actor(one), outcome.proposal)
        assert outcome.state == "carried_out", outcome
        if pump:
            self.app.pump()
        return outcome.result

    # -- what usually happens -----------------------------------------------------------------

    def opened(self, provider: str, kind: str, *categories: str, **more: Any) -> str:
        """An open file of a provider; its number."""
        command = OpenFile(kind=kind, categories=categories, country="AE", **more)
        return str(self.do_as(f"{provider}_officer", command)["file"])

    def fill(self, provider: str, number: str, kind: str) -> None:
        """Every form that the kind needs, with answers that its rules take."""
        self.give_document(provider)
        for form in PACK.file(kind).forms:
            answers = answered(load_form("pk", form))
            if form == "A3":
                answers["plan"]["start"] = VALID_UNTIL.isoformat()
            for section, content in answers.items():
                self.do_as(
                    f"{provider}_officer",
                    SaveSection(file=number, form=form, section=section, content=content),
                )

    def give_document(self, provider: str) -> str:
        """The document that `answered` names, given by the provider; its digest."""
        digest = str(DOCUMENT["digest"])
        with self.app.store.reading() as connection:
            known = find(connection, CODE, provider, digest) is not None
        if not known and hasattr(self.app, "documents"):
            officer = self.actor(f"{provider}_officer")
            self.app.documents.receive(officer, io.BytesIO(PAPER), DOCUMENT["name"], SCANS)
        elif not known:
            self._note_document(provider, digest)
        return digest

    def _note_document(self, provider: str, digest: str) -> None:
        """As if it had been given, where there is no folder to keep it in."""
        with self.app.store.engine.begin() as connection:
            connection.execute(
                document.insert().values(
                    programme=CODE,
                    institution=provider,
                    digest=digest,
                    name=DOCUMENT["name"],
                    size=len(PAPER),
                    media_type="application/pdf",
                    person=f"{provider}_officer",
                    received_at="2026-03-09T05:00:00+00:00",
                    entry="-",
                )
            )

    def submitted(self, provider: str, kind: str, *categories: str, **more: Any) -> str:
        """A file that was filled and submitted; its number."""
        number = self.opened(provider, kind, *categories, **more)
        self.fill(provider, number, kind)
        self.do_as(f"{provider}_officer", SubmitFile(file=number, declaration="true and complete"))
        return number

    def examined(self, number: str, kind: str) -> None:
        """Complete, scored, consulted on."""
        listed = PACK.file(kind)
        if listed.checklists:
            self.do_as(
                "pvara_officer", CheckCompleteness(file=number, outcome=Completeness.COMPLETE)
            )
        for area in listed.checklists:
            self.do_as("pvara_officer", scored(number, area, 4))
        for code, institution in (("sbp", "central_bank"), ("secp", "secp"), ("fmu", "fmu")):
            if kind not in PACK.stakeholder(code).files:
                continue
            self.do_as(
                "pvara_officer",
                OpenConsultation(file=number, stakeholder=code, question="any objection?"),
            )
            self.do_as(
                f"{institution}_officer",
                AnswerConsultation(file=number, position=Position.NO_OBJECTION, answer="none"),
            )

    def decided(self, number: str, kind: str, outcome: Outcome = Outcome.GRANT) -> Any:
        """Recommended by an officer and decided by two others; the decision's result."""
        self.examined(number, kind)
        self.do_as(
            "pvara_officer", Recommend(file=number, outcome=outcome, rationale="on the whole")
        )
        return self.do_as("pvara_second", decision(number, outcome), "pvara_approver")

    def noc(self, provider: str, *categories: str) -> str:
        """A provider with an NOC; the file's number."""
        number = self.submitted(provider, "noc", *(categories or ("exchange",)))
        self.decided(number, "noc")
        return number

    def confirm(self, institution: str, provider: str, fact: str, **more: Any) -> Any:
        """A fact confirmed by two people of an institution."""
        fields: dict[str, Any] = {
            "provider": provider,
            "fact": fact,
            "reference": "made for tests",
            "valid_from": MARCH,
        }
        if fact == "goaml_registered":
            fields |= {"entity": Entity.FOREIGN, "entity_name": "Abroad", "registration": "4700"}
        command = ConfirmFact.model_validate(fields | more)
        return self.do_as(f"{institution}_officer", command, f"{institution}_approver")

    def licensed(self, provider: str, category: str = "exchange", *, pump: bool = True) -> str:
        """A provider with a licence, from its first file on; the licence file's number."""
        self.noc(provider, category)
        self.confirm("fmu", provider, "goaml_registered")
        self.confirm("secp", provider, "incorporated")
        number = self.submitted(provider, "licence", category)
        self.decided(number, "licence")
        self.confirm_means(provider, category)
        grant = GrantLicence(file=number, category=category, valid_until=VALID_UNTIL)
        self.do_as("pvara_second", grant, "pvara_approver", pump=pump)
        return number

    def confirm_means(self, provider: str, category: str) -> None:
        """Capital, deposit and clearance of a category."""
        listed = PACK.category(category)
        amounts = {
            "capital_paid": listed.paid_up_capital,
            "deposit_confirmed": listed.security_deposit,
        }
        self.confirm("secp", provider, "capital_paid", category=category,
                     amount=amounts["capital_paid"])  # fmt: skip
        self.confirm("central_bank", provider, "deposit_confirmed", category=category,
                     amount=amounts["deposit_confirmed"])  # fmt: skip
        self.confirm("interior", provider, "security_cleared", category=category)


def scored(number: str, area: str, score: int) -> ScoreReview:
    """Every point of an area with one score."""
    return ScoreReview(
        file=number,
        area=area,
        scores=tuple(
            Score(item=one.code, score=score, note="seen", evidence=("form A1",))
            for one in PACK.checklist(area).items
        ),
        rationale="as the evidence shows",
    )


def decision(number: str, outcome: Outcome = Outcome.GRANT, **more: Any) -> Decide:
    """A decision with what is published of it."""
    fields: dict[str, Any] = {
        "file": number,
        "outcome": outcome,
        "reasons": "it meets what the rules ask" if outcome is Outcome.GRANT else "it does not",
        "criteria": "governance, readiness, risk, alignment",
        "conflicts": "none declared",
    }
    return Decide.model_validate(fields | more)


def make_keys(app: Application) -> dict[str, str]:
    """A key for everyone who signs."""
    return {
        one.code: app.keys.create(one.institution, one.code.removeprefix(f"{one.institution}_"))
        for one in people({})
        if one.role is not Role.VIEWER
    }


def found_licensing_world(app: Application, **changes: Any) -> LicensingWorld:
    """Found the programme on a started application."""
    found(app, licensing_terms(make_keys(app), **changes))
    return LicensingWorld(app)


__all__ = ["CODE", "MARCH", "PACK", "LicensingWorld", "decision", "found_licensing_world", "scored"]
