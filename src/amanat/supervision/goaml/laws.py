"""The rules by which a report is turned away; the tuple at the end is the rulebook.

Common rejections: no MyClient party, no indicator, an empty reason, a district that is not spelt as
on the list (FMU Circular 05/2021), names that are not in Latin letters, elements out of order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from amanat.core.messages import Message
from amanat.core.money import Money
from amanat.jurisdictions.countries import COUNTRIES
from amanat.supervision.goaml.gate import Law, Problem, Report, day_of
from amanat.supervision.goaml.laws_form import (
    elements,
    elements_in_order,
    latin_letters,
    no_attributes,
    nothing_between,
    nothing_empty,
    required_elements,
)
from amanat.supervision.goaml.order import (
    CLIENT_ACCOUNT,
    CLIENT_ENTITY,
    CLIENT_PERSON,
    OTHER_ACCOUNT,
    OTHER_ENTITY,
    OTHER_PERSON,
)
from amanat.supervision.goaml.xml_in import Element

EARLIEST = date(1900, 1, 1)
_PERSONS = ("from_person", "to_person", "t_person", "t_conductor", "person", "person_my_client")
_ACCOUNTS = ("from_account", "to_account", "account", "account_my_client")
_ENTITIES = ("from_entity", "to_entity", "t_entity", "entity", "entity_my_client")


_YES_OR_NO = (
    "is_primary", "non_bank_institution", "late_deposit", "deceased", "business_closed",
)  # fmt: skip
_DATES = (
    "opened", "closed", "date_balance", "date_posting", "issue_date", "date_deceased",
    "incorporation_date", "date_business_closed",
)  # fmt: skip
_DATES_AHEAD = ("value_date", "expiry_date")


# -- head -----------------------------------------------------------------------------------------


def entity_registered(report: Report) -> Iterator[Problem]:
    """The entity is a number of goAML, and the one registered on the submission date."""
    at = report.root.find("rentity_id")
    if at is None:
        return
    text = report.text("rentity_id")
    if not re.fullmatch(report.pack.form.registration_pattern, text):
        said = Message("{value} is no number of an entity on goAML", value=text[:60])
        yield report.problem("rentity_id", at, said)
    known = report.expected.registration
    if known is not None and text != known:
        said = Message(
            "{value} is not registered on the submission date; {known} is", value=text, known=known
        )
        yield report.problem("entity_not_registered", at, said)


def codes_known(report: Report) -> Iterator[Problem]:
    """Submission, report, way of payment and kind of funds have codes of the lists."""
    form, codes = report.pack.form, report.pack.codes
    lists = {
        "submission_code": ("submission_code", form.submission_codes),
        "transmode_code": ("transmode_code", codes["transmode"]),
        "from_funds_code": ("funds_code", codes["funds"]),
        "to_funds_code": ("funds_code", codes["funds"]),
        "funds_code": ("funds_code", codes["funds"]),
        "gender": ("gender", codes["gender"]),
        "address_type": ("address_type", codes["address_type"]),
        "personal_account_type": ("account_type", codes["account_type"]),
        "status_code": ("account_status", codes["account_status"]),
        "tph_contact_type": ("contact_type", codes["address_type"]),
        "tph_communication_type": ("phone_type", codes["phone_type"]),
        "signatory/role": ("account_role", codes["account_role"]),
        "identification/type": ("identifier_type", codes["identifier"]),
        **dict.fromkeys(_YES_OR_NO, ("yes_or_no", ("true", "false", "1", "0"))),
        "significance": ("significance", tuple(str(one) for one in range(11))),
    }
    for at in elements(report):
        parent = at.getparent()
        inside = "" if parent is None else f"{parent.tag}/{at.tag}"
        rule, allowed = lists.get(str(at.tag)) or lists.get(inside) or ("", ())
        text = (at.text or "").strip()
        if rule and text and text not in allowed:
            said = Message(
                "{value} is no code of the list: {codes}", value=text[:60], codes=", ".join(allowed)
            )
            yield report.problem(rule, at, said)


def report_code_taken(report: Report) -> Iterator[Problem]:
    """The FIU takes a report of this code on the submission date."""
    at = report.root.find("report_code")
    if at is not None and report.code is None:
        said = Message(
            "{code} is no report that the FIU takes on that day: {codes}",
            code=report.text("report_code")[:60],
            codes=", ".join(one.code for one in report.pack.reports),
        )
        yield report.problem("report_code", at, said)


def submitted_today_or_before(report: Report) -> Iterator[Problem]:
    """The submission date is a date and not in the future."""
    at = report.root.find("submission_date")
    if at is None:
        return
    if report.submitted is None:
        said = Message("{value} is no date; write YYYY-MM-DDTHH:MM:SS", value=(at.text or "")[:40])
        yield report.problem("submission_date", at, said)
    elif report.submitted > report.expected.today:
        said = Message("{day} lies in the future", day=report.submitted)
        yield report.problem("submission_date_future", at, said)


def local_currency(report: Report) -> Iterator[Problem]:
    """Local amounts are in the country's currency."""
    at = report.root.find("currency_code_local")
    wanted = report.pack.form.currency
    if at is not None and report.text("currency_code_local") != wanted:
        said = Message(
            "{value} is not the local currency {wanted}", value=(at.text or "")[:20], wanted=wanted
        )
        yield report.problem("currency", at, said)


def reason_given(report: Report) -> Iterator[Problem]:
    """A suspicion is reasoned, at a length that says something; the action taken is said."""
    form = report.pack.form
    for name in ("reason", "action"):
        at = report.root.find(name)
        if at is None:
            continue
        text = (at.text or "").strip()
        if not text:
            yield report.problem(f"{name}_empty", at, Message("{name} is empty", name=name))
        elif len(text) > form.text_length_max:
            said = Message(
                "{name} has more than {most} characters", name=name, most=form.text_length_max
            )
            yield report.problem(f"{name}_long", at, said)
        elif (
            name == "reason"
            and report.code is not None
            and report.code.kind == "str"
            and (len(text) < form.reason_length_min or _letters(text) < form.reason_length_min // 2)
        ):
            said = Message(
                "a suspicion is reasoned in at least {least} characters",
                least=form.reason_length_min,
            )
            yield report.problem("reason_short", at, said)


def _letters(text: str) -> int:
    return sum(one.isalnum() for one in text)


def former_entity_named(report: Report) -> Iterator[Problem]:
    """Where a transaction is older than the handover, reason and reference name who reported."""
    expected = report.expected
    if expected.handover is None or not expected.former:
        return
    days = [day_of(report.text("date_transaction", one)) for one in report.transactions]
    if not any(one is not None and one < expected.handover for one in days):
        return
    for name in ("reason", "entity_reference"):
        at = report.root.find(name)
        if at is not None and expected.former not in (at.text or ""):
            said = Message(
                "a transaction is older than the handover of {day}: name {former}, which reported",
                day=expected.handover,
                former=expected.former,
            )
            yield report.problem("former_entity", at, said)


def content_of_its_kind(report: Report) -> Iterator[Problem]:
    """A report has transactions or an activity, as its code asks, and not both."""
    activity = report.root.find("activity")
    if report.transactions and activity is not None:
        said = Message("a report has transactions or an activity, not both")
        yield report.problem("both_contents", activity, said)
    if not report.transactions and activity is None:
        said = Message("a report has at least one transaction, or an activity")
        yield report.problem("no_content", report.root, said)
    wanted = report.code.content if report.code else "either"
    if wanted == "transactions" and not report.transactions and activity is not None:
        said = Message("{code} is reported with transactions", code=report.text("report_code"))
        yield report.problem("wrong_content", activity, said)
    if wanted == "activity" and report.transactions:
        said = Message("{code} is reported with an activity", code=report.text("report_code"))
        yield report.problem("wrong_content", report.transactions[0], said)


# -- transactions ---------------------------------------------------------------------------------


def transactions_numbered(report: Report) -> Iterator[Problem]:
    """Numbers of transactions are not given twice."""
    seen: set[str] = set()
    for one in report.transactions:
        number, at = report.text("transactionnumber", one), one.find("transactionnumber")
        if at is not None and number and number in seen:
            said = Message("the number {number} is given twice", number=number[:60])
            yield report.problem("transaction_twice", at, said)
        seen.add(number)


def transactions_dated(report: Report) -> Iterator[Problem]:
    """A transaction happened: not in the future, not after the submission, not before 1900."""
    latest = report.submitted or report.expected.today
    for one in report.transactions:
        at = one.find("date_transaction")
        if at is None:
            continue
        day = day_of((at.text or "").strip())
        if day is None:
            said = Message(
                "{value} is no date; write YYYY-MM-DDTHH:MM:SS", value=(at.text or "")[:40]
            )
            yield report.problem("transaction_date", at, said)
        elif day > min(latest, report.expected.today):
            said = Message("{day} lies in the future", day=day)
            yield report.problem("transaction_date_future", at, said)
        elif day < EARLIEST:
            said = Message("{day} lies before 1900", day=day)
            yield report.problem("transaction_date", at, said)


def amounts_positive(report: Report) -> Iterator[Problem]:
    """Amounts are decimals above nought, with no more decimals than the currency has."""
    places = report.pack.form.minor_units
    for one in report.transactions:
        at = one.find("amount_local")
        if at is None:
            continue
        amount = _decimal((at.text or "").strip())
        if amount is None:
            said = Message("{value} is no amount; write 1234.50", value=(at.text or "")[:40])
            yield report.problem("amount", at, said)
        elif amount <= 0:
            yield report.problem("amount_not_positive", at, Message("an amount is above nought"))
        elif -int(amount.as_tuple().exponent) > places:
            said = Message("an amount has at most {places} decimals", places=places)
            yield report.problem("amount_decimals", at, said)


def _decimal(text: str) -> Decimal | None:
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def sides_complete(report: Report) -> Iterator[Problem]:
    """A transaction has involved parties, or one source and one target; each is somebody."""
    for one in report.transactions:
        parties = one.find("involved_parties") is not None
        sources = [one.find(name) for name in ("t_from", "t_from_my_client")]
        targets = [one.find(name) for name in ("t_to", "t_to_my_client")]
        given = [sum(at is not None for at in some) for some in (sources, targets)]
        if parties and any(given):
            said = Message("a transaction has involved parties or two sides, not both")
            yield report.problem("parties_and_sides", one, said)
        elif not parties and given != [1, 1]:
            said = Message("a transaction has exactly one source and one target")
            yield report.problem("sides", one, said)
        for at in (*sources, *targets):
            if at is not None and not _somebody(at):
                said = Message("{name} has neither account nor person nor entity", name=str(at.tag))
                yield report.problem("nobody", at, said)


_SOMEBODY = ("account", "person", "entity")


def _somebody(side: Element) -> bool:
    way = "from" if str(side.tag).startswith("t_from") else "to"
    return any(side.find(f"{way}_{kind}") is not None for kind in _SOMEBODY)


def parties_named(report: Report) -> Iterator[Problem]:
    """Whoever is involved in a transaction or an activity is one account, person or entity."""
    for at in elements(report):
        if at.tag not in ("party", "report_party") or not len(at):
            continue
        given = sum(str(one.tag).removesuffix("_my_client") in _SOMEBODY for one in at)
        if not given:
            said = Message("{name} has neither account nor person nor entity", name=str(at.tag))
            yield report.problem("nobody", at, said)
        elif given > 1:
            said = Message("{name} is one account, person or entity, not several", name=str(at.tag))
            yield report.problem("several", at, said)


def client_in_each(report: Report) -> Iterator[Problem]:
    """Each transaction has a party that is a client of who reports (MyClient)."""
    for one in report.transactions:
        mine = [at for at in one.iter() if str(at.tag).endswith("_my_client")]
        if not mine:
            said = Message("no party is a client of who reports (MyClient)")
            yield report.problem("no_my_client", one, said)


# -- parties --------------------------------------------------------------------------------------


def parties_complete(report: Report) -> Iterator[Problem]:
    """Parties have what is asked of a client, or of another."""
    kinds = (
        (_PERSONS, CLIENT_PERSON, OTHER_PERSON),
        (_ACCOUNTS, CLIENT_ACCOUNT, OTHER_ACCOUNT),
        (_ENTITIES, CLIENT_ENTITY, OTHER_ENTITY),
    )
    for at in elements(report):
        for names, client, other in kinds:
            if at.tag not in names or not len(at):
                continue
            for name in client if _of_client(at) else other:
                if at.find(name) is None:
                    said = Message("{name} is missing of {party}", name=name, party=str(at.tag))
                    yield report.problem("party_incomplete", at, said)


def clients_identified(report: Report) -> Iterator[Problem]:
    """A client has an identity card or a passport; an account of a client has an owner."""
    form = report.pack.form
    for at in elements(report):
        if at.tag in _PERSONS and len(at) and _of_client(at):
            papers = (form.local_identifier, "passport_number", "id_number", "identification")
            if all(at.find(name) is None for name in papers):
                said = Message("a client has an identity card's number or a passport's")
                yield report.problem("not_identified", at, said)
        if at.tag in _ACCOUNTS and len(at) and _of_client(at):
            owned = at.find("signatory") is not None or at.find("t_entity") is not None
            if not owned:
                said = Message("an account of a client has a signatory or an entity")
                yield report.problem("account_without_owner", at, said)


def _of_client(at: Element) -> bool:
    return any(str(one.tag).endswith("_my_client") for one in (at, *at.iterancestors()))


def identifiers_formed(report: Report) -> Iterator[Problem]:
    """The number of an identity card has its form, and is no placeholder."""
    form = report.pack.form
    for at in report.root.iter(form.local_identifier):
        text = (at.text or "").strip()
        if not text:
            continue
        if not re.fullmatch(form.local_identifier_pattern, text):
            said = Message(
                "an identity card's number has the form {pattern}",
                pattern=form.local_identifier_pattern,
            )
            yield report.problem("identifier", at, said)
        elif len(set(text)) == 1 or text in form.local_identifier_placeholders:
            said = Message("the identity card's number is a placeholder")
            yield report.problem("identifier_placeholder", at, said)


def born_before(report: Report) -> Iterator[Problem]:
    """A person was born, and not before 1900."""
    for at in report.root.iter("birthdate"):
        day = day_of((at.text or "").strip())
        if day is None:
            said = Message(
                "{value} is no date; write YYYY-MM-DDTHH:MM:SS", value=(at.text or "")[:40]
            )
            yield report.problem("birthdate", at, said)
        elif not EARLIEST <= day <= report.expected.today:
            said = Message("{day} is no day on which a living person was born", day=day)
            yield report.problem("birthdate", at, said)


def dates_written(report: Report) -> Iterator[Problem]:
    """Every other date is one, and not in the future where it says what has happened."""
    for at in elements(report):
        text = (at.text or "").strip()
        if at.tag not in (*_DATES, *_DATES_AHEAD) or not text:
            continue
        day = day_of(text)
        if day is None:
            said = Message("{value} is no date; write YYYY-MM-DDTHH:MM:SS", value=text[:40])
            yield report.problem("date", at, said)
        elif day > report.expected.today and at.tag in _DATES:
            yield report.problem("date_future", at, Message("{day} lies in the future", day=day))


def passports_complete(report: Report) -> Iterator[Problem]:
    """A passport has the country that gave it."""
    for at in report.root.iter("passport_number"):
        person = at.getparent()
        if person is not None and person.find("passport_country") is None:
            said = Message("{name} is missing", name="passport_country")
            yield report.problem("missing_element", person, said)


def districts_listed(report: Report) -> Iterator[Problem]:
    """A district is spelt as on the FIU's list, and lies in the province that is named."""
    form = report.pack.form
    for at in elements(report):
        if at.tag not in ("address", "location", "employer_address_id") or not len(at):
            continue
        if report.text("country_code", at) != form.country:
            continue
        where = at.find(form.district_element)
        if where is None:
            said = Message("{name} is missing", name=form.district_element)
            yield report.problem("missing_element", at, said)
            continue
        district = (where.text or "").strip()
        province = report.pack.province_of(district)
        if province is None:
            said = Message(
                "{district} is no district of the list{near}",
                district=district[:60],
                near=_near(report, district),
            )
            yield report.problem("district", where, said)
            continue
        state = at.find("state")
        named = report.text("state", at)
        if state is not None and form.district_element != "state" and named != province:
            said = Message(
                "{district} lies in {province}, not in {named}",
                district=district,
                province=province,
                named=named[:60],
            )
            yield report.problem("province", state, said)


def _near(report: Report, district: str) -> str:
    folded = re.sub(r"[^a-z]", "", district.casefold())
    for names in report.pack.districts.values():
        for name in names:
            plain = re.sub(r"[^a-z]", "", name.casefold())
            if folded and (plain == folded or plain[:4] == folded[:4]):
                return f" ({name}?)"
    return ""


def countries_known(report: Report) -> Iterator[Problem]:
    """Countries are ISO 3166-1 alpha-2."""
    tags = (
        "country_code", "from_country", "to_country", "country", "nationality1", "nationality2",
        "nationality3", "residence", "passport_country", "incorporation_country_code",
    )  # fmt: skip
    for at in elements(report):
        text = (at.text or "").strip()
        if at.tag in tags and text and text not in COUNTRIES:
            said = Message("{value} is no country of ISO 3166", value=text[:20])
            yield report.problem("country", at, said)


def foreign_amounts(report: Report) -> Iterator[Problem]:
    """A foreign amount is above nought and in another currency."""
    for at in elements(report):
        if not str(at.tag).endswith("foreign_currency"):
            continue
        for name in ("foreign_amount", "foreign_exchange_rate"):
            amount = _decimal(report.text(name, at))
            if at.find(name) is not None and (amount is None or amount <= 0):
                said = Message("{name} is a decimal above nought", name=name)
                yield report.problem("foreign_amount", at, said)
        if report.text("foreign_currency_code", at) == report.pack.form.currency:
            said = Message("the local currency is not foreign")
            yield report.problem("foreign_currency", at, said)


# -- indicators and thresholds --------------------------------------------------------------------


def indicators_fit(report: Report) -> Iterator[Problem]:
    """A report has at least one indicator, each of the list and for this kind of report."""
    listed = report.root.find("report_indicators")
    if listed is None:
        return
    given = listed.findall("indicator")
    if not given:
        said = Message("a report has at least one indicator")
        yield report.problem("no_indicator", listed, said)
    seen: set[str] = set()
    for at in given:
        code = (at.text or "").strip()
        known = report.pack.indicator(code)
        if known is None:
            said = Message("{code} is no indicator of the list", code=code[:60])
            yield report.problem("indicator_unknown", at, said)
        elif report.code is not None and report.code.kind not in known.kinds:
            said = Message("{code} is no indicator of such a report", code=code)
            yield report.problem("indicator_kind", at, said)
        if code in seen:
            said = Message("the indicator {code} is given twice", code=code[:60])
            yield report.problem("indicator_twice", at, said)
        seen.add(code)


def threshold_reached(report: Report) -> Iterator[Problem]:
    """A report by a threshold has customers whose transactions of a day reach it together."""
    if report.code is None or report.code.amount_min is None or not report.transactions:
        return
    form = report.pack.form
    sums: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Element] = {}
    for one in report.transactions:
        amount = _decimal(report.text("amount_local", one))
        minor = 0 if amount is None else int(amount.scaleb(form.minor_units))
        key = (report.text("date_transaction", one)[:10], _customer(report, one))
        sums[key] += minor
        first.setdefault(key, one)
    for (day, customer), total in sorted(sums.items()):
        if total < report.code.amount_min:
            said = Message(
                "a customer's transactions of {day} are {total}; {code} begins at {least}",
                day=day[:10],
                total=Money(total, form.currency),
                code=report.code.code,
                least=Money(report.code.amount_min, form.currency),
            )
            yield report.problem("below_threshold", first[day, customer], said)


def _customer(report: Report, transaction: Element) -> str:
    """Whose transaction it is: by their papers, else by what who reports calls them."""
    papers = (report.pack.form.local_identifier, "passport_number", "incorporation_number")
    for side in transaction.iter():
        if str(side.tag).endswith("_my_client"):
            for name in (*papers, "client_number", "account"):
                for at in side.iter(name):
                    if not len(at) and (at.text or "").strip():
                        return f"{name}:{(at.text or '').strip()}"
    return ""


LAWS: tuple[Law, ...] = (
    elements_in_order,
    nothing_between,
    nothing_empty,
    no_attributes,
    required_elements,
    entity_registered,
    codes_known,
    report_code_taken,
    submitted_today_or_before,
    local_currency,
    reason_given,
    former_entity_named,
    content_of_its_kind,
    transactions_numbered,
    transactions_dated,
    amounts_positive,
    sides_complete,
    parties_named,
    client_in_each,
    parties_complete,
    clients_identified,
    identifiers_formed,
    latin_letters,
    born_before,
    dates_written,
    passports_complete,
    districts_listed,
    countries_known,
    foreign_amounts,
    indicators_fit,
    threshold_reached,
)
