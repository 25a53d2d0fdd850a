"""Laws of a pilot about payments: what pays when, at which tax, authorised at which rate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal
from amanat.instruments.model import Terms
from amanat.instruments.schedule import coupon_schedule, payment_dates
from amanat.jurisdictions.conventions import load_convention
from amanat.participants.model import AccountKind, TaxStatus, tax_status_refusals
from amanat.participants.model import Certificate as CertificateKind
from amanat.programme.model import usd_value_cents
from amanat.replay.model import Pilot, TaxStanding
from amanat.replay.reading import Located
from amanat.replay.refusals import DaysDisorderly, Unknown


class TaxRateMissing(Invalid):
    """Each payment to each class of holder has a rate for its date; none is carried on."""

    template: ClassVar[str] = "no rate of tax for {holder_class} on {day}, when {isin} pays."


class TaxRatesOverlap(Invalid):
    """One class of holder has one rate for a day."""

    template: ClassVar[str] = "a second rate of tax for {holder_class} on {day}."


class TaxStandingMissing(Invalid):
    """Of each account that may be paid it is known how its holder is taxed on the day."""

    template: ClassVar[str] = "no tax status of {account} for {day}, when {isin} pays."


class ExchangeRateMissing(Invalid):
    """The dollar value of an authorisation comes from a rate of its day."""

    template: ClassVar[str] = "no rate of {currency} to the US dollar for {day}."


class CeilingPassed(Invalid):
    """What is authorised never passes the programme's ceiling."""

    template: ClassVar[str] = (
        "authorisations come to USD {value} cents, over the ceiling {ceiling}."
    )


def tax_rates_cover(pilot: Pilot) -> Iterator[Refusal]:
    """Every payment date has one rate for every class of holder."""
    at = pilot.tax_rates[0].where if pilot.tax_rates else Located("rates.toml", 1)
    classes = {
        account.holder_class
        for account in pilot.accounts.values()
        if account.kind in (AccountKind.OWN, AccountKind.CLIENT)
    }
    for isin, day in payments_of(pilot):
        for holder_class in sorted(classes):
            rates = [
                rate
                for rate in pilot.tax_rates
                if holder_class in rate.holder_classes and rate.first_day <= day <= rate.last_day
            ]
            if not rates:
                yield TaxRateMissing(place=at.of(), holder_class=holder_class, day=day, isin=isin)
            for extra in rates[1:]:
                yield TaxRatesOverlap(place=extra.where.of(), holder_class=holder_class, day=day)


def payments_of(pilot: Pilot) -> list[tuple[str, date]]:
    """Each security with the days on which it pays within the programme."""
    found = []
    for instrument in pilot.instruments.values():
        for due in due_dates(instrument.terms):
            try:
                convention = load_convention(instrument.terms.convention, due)
                day = payment_dates(due, convention, pilot.calendar).payment_date
            except Refusal:
                continue  # `instruments_payable` reports it
            if day <= pilot.programme.last_day:
                found.append((instrument.isin, day))
    return found


def due_dates(terms: Terms) -> list[date]:
    """The unadjusted days on which a security pays; [] where its convention is unknown."""
    try:
        convention = load_convention(terms.convention, terms.issue_date)
        periods = coupon_schedule(terms, convention)
    except Refusal:
        return []
    return sorted({period.end for period in periods} | {terms.maturity_date})


def instruments_payable(pilot: Pilot) -> Iterator[Refusal]:
    """Conventions and calendar reach over the whole life of every security."""
    for instrument in pilot.instruments.values():
        terms = instrument.terms
        try:
            convention = load_convention(terms.convention, terms.issue_date)
            coupon_schedule(terms, convention)
            for due in due_dates(terms):
                if due <= pilot.programme.last_day:
                    payment_dates(due, load_convention(terms.convention, due), pilot.calendar)
        except Refusal as refusal:
            yield refusal.at(instrument.where.of("convention"))


def tax_standings_cover(pilot: Pilot) -> Iterator[Refusal]:
    """Each account that may be paid has a tax status on every payment date, sound in itself."""
    for standing in pilot.tax_standings:
        yield from _standing_sound(pilot, standing)
    by_account: dict[str, list[TaxStanding]] = {}
    for standing in pilot.tax_standings:
        by_account.setdefault(standing.account, []).append(standing)
    for account in pilot.accounts.values():
        if account.kind not in (AccountKind.OWN, AccountKind.CLIENT):
            continue
        for isin, day in payments_of(pilot):
            if not any(
                one.first_day <= day and (one.last_day is None or day <= one.last_day)
                for one in by_account.get(account.code, ())
            ):
                yield TaxStandingMissing(
                    place=account.where.of(), account=account.code, day=day, isin=isin
                )


def _standing_sound(pilot: Pilot, standing: TaxStanding) -> Iterator[Refusal]:
    account = pilot.accounts.get(standing.account)
    if account is None:
        return
    if standing.certificate and standing.certificate not in list(CertificateKind):
        yield Unknown(
            place=standing.where.of("certificate"),
            thing="certificate",
            value=standing.certificate,
            file="the law",
        )
        return
    status = TaxStatus(
        holder_class=account.holder_class,
        active_taxpayer=standing.active,
        valid_from=standing.first_day,
        valid_to=standing.last_day,
        tax_residency=account.residency,
        certificate=CertificateKind(standing.certificate) if standing.certificate else None,
        certificate_number=standing.certificate_number or None,
        reduced_rate=standing.reduced_rate,
    )
    for refusal in tax_status_refusals(status):
        yield refusal.at(standing.where.of())


def authorisations_fit(pilot: Pilot) -> Iterator[Refusal]:
    """Each has a rate of its day, expires later, and all of them stay under the ceiling."""
    rates = {rate.on: rate for rate in pilot.exchange_rates}
    total = 0
    for instrument in pilot.instruments.values():
        if instrument.expires_on <= instrument.authorised_on:
            yield DaysDisorderly(
                place=instrument.where.of("expires_on"),
                earlier="the authorisation",
                first=instrument.authorised_on,
                later="its expiry",
                second=instrument.expires_on,
            )
        rate = rates.get(instrument.authorised_on)
        if rate is None:
            yield ExchangeRateMissing(
                place=instrument.where.of("authorised_on"),
                currency=pilot.programme.currency,
                day=instrument.authorised_on,
            )
            continue
        total += usd_value_cents(instrument.authorised, rate.per_usd)
    if total > pilot.programme.ceiling_usd_cents:
        yield CeilingPassed(
            place=pilot.programme.where.of("ceiling"),
            value=total,
            ceiling=pilot.programme.ceiling_usd_cents,
        )
