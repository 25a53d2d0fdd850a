"""A report as goAML's XML, elements in the published order; the same report gives the same bytes.

    report: rentity_id, rentity_branch, submission_code, report_code, entity_reference,
            submission_date, currency_code_local, reporting_person, location, reason, action,
            transaction* | activity, report_indicators

After UNODC's "Standard XML Reporting Instructions and Specifications" and the schemas of versions
4.0 and 5.0.  Of the elements that these allow, those are written that both have at one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from amanat.jurisdictions.goaml import GoamlPack
from amanat.supervision.goaml.content import (
    ActivityParty,
    ReportContent,
    ReportedAccount,
    ReportedAddress,
    ReportedEntity,
    ReportedPerson,
    ReportedPhone,
    ReportedSide,
    ReportedTransaction,
)
from amanat.supervision.goaml.latin import romanise_name, romanise_text
from amanat.supervision.goaml.xml_in import Element


@dataclass(frozen=True, slots=True)
class Heading:
    """What the submission fixes: the entity registered on that day, its reference, the day.

    `reason_before` names the entity that reported before a handover, where a transaction is older.
    """

    registration: str
    reference: str
    day: date
    reason_before: str = ""


def report_xml(content: ReportContent, heading: Heading, pack: GoamlPack) -> bytes:
    """The report in UTF-8, with a declaration and indentation."""
    return _Builder(pack).report(content, heading)


class _Builder:
    def __init__(self, pack: GoamlPack) -> None:
        self.pack = pack

    def report(self, content: ReportContent, heading: Heading) -> bytes:
        root = etree.Element("report")
        _add(root, "rentity_id", heading.registration)
        _add(root, "rentity_branch", self._text(content.branch))
        _add(root, "submission_code", content.submission_code)
        _add(root, "report_code", content.report_code)
        _add(root, "entity_reference", heading.reference)
        _add(root, "submission_date", _moment(heading.day))
        _add(root, "currency_code_local", self.pack.form.currency)
        self._person(_under(root, "reporting_person"), content.reporting_person)
        self._address(_under(root, "location"), content.location)
        _add(root, "reason", self._text(heading.reason_before + content.reason))
        _add(root, "action", self._text(content.action))
        for one in content.transactions:
            self._transaction(_under(root, "transaction"), one)
        if content.activity:
            self._activity(_under(root, "activity"), content.activity)
        indicators = _under(root, "report_indicators")
        for code in content.indicators:
            _add(indicators, "indicator", code)
        etree.indent(root, space="  ")
        return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")) + b"\n"

    def _text(self, text: str) -> str:
        return romanise_text(text).latin

    # -- transactions ------------------------------------------------------------------------------

    def _transaction(self, at: Element, one: ReportedTransaction) -> None:
        _add(at, "transactionnumber", one.number)
        _add(at, "internal_ref_number", one.internal_number)
        _add(at, "transaction_location", self._text(one.location) if one.location else None)
        _add(at, "transaction_description", self._text(one.description))
        _add(at, "date_transaction", _moment(one.day))
        _add(at, "transmode_code", one.transmode)
        _add(at, "amount_local", self._amount(one.amount))
        self._side(at, "from", one.source)
        self._side(at, "to", one.target)
        _add(at, "comments", self._text(one.comments) if one.comments else None)

    def _side(self, transaction: Element, way: str, side: ReportedSide) -> None:
        at = _under(transaction, f"t_{way}_my_client" if side.my_client else f"t_{way}")
        _add(at, f"{way}_funds_code", side.funds)
        comment = self._text(side.funds_comment) if side.funds_comment else None
        _add(at, f"{way}_funds_comment", comment)
        if side.foreign:
            foreign = _under(at, f"{way}_foreign_currency")
            _add(foreign, "foreign_currency_code", side.foreign.currency)
            _add(foreign, "foreign_amount", format(side.foreign.amount, "f"))
            _add(foreign, "foreign_exchange_rate", format(side.foreign.rate, "f"))
        if side.account:
            self._account(_under(at, f"{way}_account"), side.account)
        elif side.person:
            self._person(_under(at, f"{way}_person"), side.person)
        elif side.entity:
            self._entity(_under(at, f"{way}_entity"), side.entity)
        _add(at, f"{way}_country", side.country)

    def _activity(self, at: Element, parties: Sequence[ActivityParty]) -> None:
        listed = _under(at, "report_parties")
        for one in parties:
            party = _under(listed, "report_party")
            if one.person:
                self._person(_under(party, "person"), one.person)
            elif one.account:
                self._account(_under(party, "account"), one.account)
            elif one.entity:
                self._entity(_under(party, "entity"), one.entity)
            _add(party, "significance", str(one.significance))
            _add(party, "reason", self._text(one.reason) if one.reason else None)

    def _amount(self, minor: int) -> str:
        places = self.pack.form.minor_units
        return format(Decimal(minor).scaleb(-places), f".{places}f")

    # -- parties -----------------------------------------------------------------------------------

    def _person(self, at: Element, one: ReportedPerson) -> None:
        words = self.pack.transliteration
        first, last = romanise_name(one.first_name, words), romanise_name(one.last_name, words)
        written = " ".join((first.original or first.latin, last.original or last.latin))
        changed = first.original is not None or last.original is not None
        original = one.original_name or (written if changed else None)
        _add(at, "gender", one.gender)
        _add(at, "first_name", first.latin)
        _add(at, "last_name", last.latin)
        _add(at, "birthdate", _moment(one.birthdate) if one.birthdate else None)
        _add(at, self.pack.form.local_identifier, one.identifier)
        if one.passport:
            _add(at, "passport_number", one.passport)
            _add(at, "passport_country", one.passport_country)
        _add(at, "nationality1", one.nationality)
        _add(at, "residence", one.residence)
        self._phones(at, one.phones)
        self._addresses(at, one.addresses)
        _add(at, "email", one.email)
        _add(at, "occupation", self._text(one.occupation) if one.occupation else None)
        _add(at, self.pack.form.original_name_element, original)

    def _entity(self, at: Element, one: ReportedEntity) -> None:
        name = romanise_text(one.name)
        _add(at, "name", name.latin)
        _add(at, "incorporation_legal_form", one.legal_form)
        _add(at, "incorporation_number", one.number)
        _add(at, "business", self._text(one.business) if one.business else None)
        self._phones(at, one.phones)
        self._addresses(at, one.addresses)
        _add(at, "incorporation_country_code", one.country)
        _add(at, "comments", one.original_name or name.original)

    def _account(self, at: Element, one: ReportedAccount) -> None:
        name = (
            romanise_name(one.account_name, self.pack.transliteration) if one.account_name else None
        )
        _add(at, "institution_name", self._text(one.institution_name))
        _add(at, "institution_code", one.institution_code or one.institution_name[:50])
        _add(at, "non_bank_institution", "false" if one.bank else "true")
        _add(at, "branch", self._text(one.branch))
        _add(at, "account", one.account)
        _add(at, "currency_code", one.currency)
        _add(at, "account_name", name.latin if name else None)
        _add(at, "client_number", one.client_number)
        _add(at, "personal_account_type", one.account_type)
        if one.entity:
            self._entity(_under(at, "t_entity"), one.entity)
        if one.owner:
            signatory = _under(at, "signatory")
            _add(signatory, "is_primary", "true")
            self._person(_under(signatory, "t_person"), one.owner)
            _add(signatory, "role", "A")
        _add(at, "opened", _moment(one.opened) if one.opened else None)
        _add(at, "status_code", one.status)
        _add(at, "comments", name.original if name else None)

    def _addresses(self, at: Element, given: Sequence[ReportedAddress]) -> None:
        listed = _under(at, "addresses") if given else None
        for one in given:
            assert listed is not None
            self._address(_under(listed, "address"), one)

    def _address(self, at: Element, one: ReportedAddress) -> None:
        form = self.pack.form
        places = {"town": None, "city": one.district, form.district_element: one.district}
        _add(at, "address_type", one.address_type)
        address = romanise_text(one.address)
        _add(at, "address", address.latin)
        _add(at, "town", places["town"])
        _add(at, "city", places["city"])
        _add(at, "country_code", one.country)
        if form.district_element == "state":
            _add(at, "state", one.district)
        else:
            _add(at, "state", one.province or self.pack.province_of(one.district))
        _add(at, "comments", address.original)

    def _phones(self, at: Element, given: Sequence[ReportedPhone]) -> None:
        listed = _under(at, "phones") if given else None
        for one in given:
            assert listed is not None
            phone = _under(listed, "phone")
            _add(phone, "tph_contact_type", one.contact_type)
            _add(phone, "tph_communication_type", one.communication_type)
            _add(phone, "tph_number", one.number)


def _under(at: Element, name: str) -> Element:
    return etree.SubElement(at, name)


def _add(at: Element, name: str, value: str | None) -> None:
    """An element, where there is something to say: goAML rejects empty ones."""
    if value is not None and value != "":
        etree.SubElement(at, name).text = value


def _moment(on: date) -> str:
    return f"{on.isoformat()}T00:00:00"
