"""A sound report passes; thirty-odd broken ones are each turned away for the right reason.

What is common: FMU Circular 05/2021 (districts), UNODC's "Standard XML Reporting Instructions and
Specifications" (order, MyClient, indicators, empty elements), AML Act 2010 s.7 (reasons).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from tests.supervision.goaml.reports import (
    EXPECTED,
    LAHORE,
    PACK,
    REGISTRATION,
    SCHEMA,
    TODAY,
    bank_account,
    currency,
    golden,
    suspicious,
)

from amanat.core.errors import Refusals
from amanat.supervision.goaml.content import ActivityParty
from amanat.supervision.goaml.gate import Expected, problems, require_none
from amanat.supervision.goaml.xml_in import NotSchema, NotXml, load_schema, mended, schema_from

Tree = etree._Element


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The order of elements as an XSD."""
    return load_schema(SCHEMA)


@pytest.mark.parametrize("content", [suspicious(), currency()], ids=["STR", "CTR"])
def test_a_golden_report_passes_every_rule_and_the_schema(
    content: object, schema: etree.XMLSchema
) -> None:
    assert problems(golden(content), "golden.xml", PACK, EXPECTED, schema) == []  # type: ignore[arg-type]


def test_the_same_report_gives_the_same_bytes() -> None:
    assert golden() == golden()


def test_elements_stand_in_the_published_order() -> None:
    names = [one.tag for one in etree.fromstring(golden())]
    assert names == [
        "rentity_id", "rentity_branch", "submission_code", "report_code", "entity_reference",
        "submission_date", "currency_code_local", "reporting_person", "location", "reason",
        "action", "transaction", "transaction", "transaction", "report_indicators",
    ]  # fmt: skip


def test_urdu_names_are_in_latin_with_the_original_beside_them() -> None:
    person = etree.fromstring(golden()).find(".//t_to_my_client//t_person")
    assert person is not None
    assert person.findtext("first_name") == "Muhammad Ali"
    assert person.findtext("last_name") == "Khan"
    assert person.findtext("comments") == "محمد علی خان"


# -- mutants --------------------------------------------------------------------------------------


def put(path: str, value: str) -> Callable[[Tree], None]:
    """Another text in the first element at a path."""

    def mutate(root: Tree) -> None:
        found = root.find(path)
        assert found is not None, path
        found.text = value

    return mutate


def drop(path: str) -> Callable[[Tree], None]:
    """Without the first element at a path."""

    def mutate(root: Tree) -> None:
        found = root.find(path)
        assert found is not None, path
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return mutate


def every(path: str, value: str) -> Callable[[Tree], None]:
    """Another text in all elements at a path."""

    def mutate(root: Tree) -> None:
        for one in root.findall(path):
            one.text = value

    return mutate


def rename(path: str, name: str) -> Callable[[Tree], None]:
    """Another name for all elements at a path."""

    def mutate(root: Tree) -> None:
        for one in root.findall(path):
            one.tag = name

    return mutate


def add(path: str, name: str, value: str) -> Callable[[Tree], None]:
    """A further element at the end."""

    def mutate(root: Tree) -> None:
        at = root.find(path) if path else root
        assert at is not None
        etree.SubElement(at, name).text = value

    return mutate


def no_client(root: Tree) -> None:
    """Nobody is a client of who reports."""
    rename(".//t_to_my_client", "t_to")(root)
    rename(".//t_from_my_client", "t_from")(root)


def out_of_order(root: Tree) -> None:
    """The reason before the location."""
    reason, location = root.find("reason"), root.find("location")
    assert reason is not None
    assert location is not None
    location.addprevious(reason)


def order_of_amount(root: Tree) -> None:
    """The amount before the way of payment."""
    one = root.find("transaction")
    assert one is not None
    amount, mode = one.find("amount_local"), one.find("transmode_code")
    assert amount is not None
    assert mode is not None
    mode.addprevious(amount)


def both_sides_and_parties(root: Tree) -> None:
    """Involved parties beside two sides."""
    one = root.find("transaction")
    assert one is not None
    side = one.find("t_from")
    assert side is not None
    side.addprevious(etree.Element("involved_parties"))


def twice(root: Tree) -> None:
    """Two transactions of one number."""
    for one in root.findall("transaction/transactionnumber")[:2]:
        one.text = "T-1"


def second_currency(root: Tree) -> None:
    """The currency a second time."""
    first = root.find("currency_code_local")
    assert first is not None
    first.addnext(etree.fromstring("<currency_code_local>PKR</currency_code_local>"))


def commented(root: Tree) -> None:
    """An amount of which a reader may see the first digit alone."""
    at = root.find("transaction/amount_local")
    at.text, rest = at.text[:1], at.text[1:]
    at.append(etree.Comment("x"))
    at[0].tail = rest


def nested(root: Tree) -> None:
    """An element where a name stands."""
    etree.SubElement(root.find(f"{CLIENT}/last_name"), "x").text = "y"


def passport(root: Tree) -> None:
    """A passport, and not who gave it."""
    root.find(f"{CLIENT}/ssn").addnext(etree.fromstring("<passport_number>A1</passport_number>"))


def involved_nobody(root: Tree) -> None:
    """A party of which the role alone is said."""
    one = root.find("transaction")
    for side in ("t_from", "t_to_my_client"):
        one.remove(one.find(side))
    involved = etree.fromstring(
        "<involved_parties><party><role>A</role></party></involved_parties>"
    )
    one.find("amount_local").addnext(involved)


CLIENT = ".//t_to_my_client//t_person"
MUTANTS: dict[str, tuple[Callable[[Tree], None], str, str]] = {
    "no indicator": (drop("report_indicators/indicator"), "", ""),
    "all indicators gone": (
        lambda root: [drop("report_indicators/indicator")(root) for _ in range(2)] and None,
        "no_indicator",
        "a report has at least one indicator",
    ),
    "indicators missing": (
        drop("report_indicators"), "missing_element", "report_indicators is missing",
    ),
    "unknown indicator": (
        put("report_indicators/indicator", "XYZ"), "indicator_unknown", "XYZ is no indicator",
    ),
    "indicator of a CTR": (
        put("report_indicators/indicator", "CTR"), "indicator_kind", "no indicator of such",
    ),
    "indicator twice": (
        every("report_indicators/indicator", "VA-TXN"), "indicator_twice", "given twice",
    ),
    "no district": (drop(f"{CLIENT}/addresses/address/city"), "missing_element", "city is missing"),
    "district with a space that is none": (
        put(f"{CLIENT}/addresses/address/city", "Lahore\u00a0"), "text_not_latin", "Latin letters",
    ),
    "hour of no day": (
        put("transaction/date_transaction", "2026-03-09T99:99:99"),
        "transaction_date", "is no date",
    ),
    "hour in Urdu digits": (
        put("transaction/date_transaction", "2026-03-09T۰۰:۰۰:۰۰"),
        "transaction_date", "is no date",
    ),
    "amount around a comment": (commented, "comment", "a comment or an instruction is not taken"),
    "amount with a space that is none": (
        put("transaction/amount_local", "1950000.00\u00a0"), "not_ascii", "amount_local has ASCII",
    ),
    "text between elements": (
        put("transaction", "paid twice"), "text_between", "between the elements of transaction",
    ),
    "element in a name": (nested, "unknown_element", "x may not stand in last_name"),
    "reason of dots": (put("reason", "." * 80), "reason_short", "at least 50 characters"),
    "card of nobody": (
        put(f"{CLIENT}/ssn", "1234512345671"), "identifier_placeholder", "placeholder",
    ),
    "misspelt district": (put("location/city", "Lahor"), "district", "(Lahore?)"),
    "district in small letters": (
        put(f"{CLIENT}/addresses/address/city", "lahore"), "district", "(Lahore?)",
    ),
    "district of another province": (
        put("location/state", "Sindh"), "province", "Lahore lies in Punjab, not in Sindh",
    ),
    "name in Urdu": (put(f"{CLIENT}/last_name", "خان"), "name_not_latin", "transliterate"),
    "account's name in Urdu": (
        put(".//t_to_my_client//account_name", "محمد علی"), "name_not_latin", "transliterate",
    ),
    "reason in Urdu": (
        put("reason", "اس گاہک نے حد سے ذرا کم رقوم چار دن جمع کروائیں اور فوراً نکال لیں"),
        "text_not_latin", "a text is written in Latin letters",
    ),
    "no MyClient": (no_client, "no_my_client", "no party is a client of who reports (MyClient)"),
    "negative amount": (
        put("transaction/amount_local", "-5.00"), "amount_not_positive", "above nought",
    ),
    "amount of nothing": (
        put("transaction/amount_local", "0.00"), "amount_not_positive", "above nought",
    ),
    "amount with commas": (
        put("transaction/amount_local", "1,950,000.00"), "amount", "is no amount; write 1234.50",
    ),
    "amount in tenths of a paisa": (
        put("transaction/amount_local", "10.005"), "amount_decimals", "at most 2 decimals",
    ),
    "future transaction": (
        put("transaction/date_transaction", "2026-03-14T00:00:00"),
        "transaction_date_future", "2026-03-14 lies in the future",
    ),
    "transaction of no date": (
        put("transaction/date_transaction", "09/03/2026"), "transaction_date", "is no date",
    ),
    "future submission": (
        put("submission_date", "2026-04-01T00:00:00"), "submission_date_future", "in the future",
    ),
    "wrong order of the head": (out_of_order, "element_order", "location stands after reason"),
    "wrong order in a transaction": (
        order_of_amount, "element_order", "transmode_code stands after amount_local",
    ),
    "empty reason": (put("reason", " "), "reason_empty", "reason is empty"),
    "reason of one word": (put("reason", "Suspicious"), "reason_short", "at least 50 characters"),
    "reason missing": (drop("reason"), "missing_element", "reason is missing"),
    "empty action": (put("action", ""), "action_empty", "action is empty"),
    "reason too long": (put("reason", "x" * 4_001), "reason_long", "more than 4,000 characters"),
    "unknown report code": (put("report_code", "SAR"), "report_code", "SAR is no report"),
    "unknown submission code": (put("submission_code", "X"), "submission_code", "X is no code"),
    "wrong currency": (
        put("currency_code_local", "USD"), "currency", "USD is not the local currency PKR",
    ),
    "closed entity": (
        put("rentity_id", "4000"), "entity_not_registered", "4000 is not registered",
    ),
    "entity in letters": (put("rentity_id", "EXX"), "rentity_id", "EXX is no number of an entity"),
    "way of payment unknown": (
        put("transaction/transmode_code", "ZZ"), "transmode_code", "ZZ is no code of the list",
    ),
    "funds unknown": (put(".//from_funds_code", "GOLD"), "funds_code", "GOLD is no code"),
    "transaction twice": (twice, "transaction_twice", "the number T-1 is given twice"),
    "no transactions": (
        lambda root: [drop("transaction")(root) for _ in range(3)] and None,
        "no_content", "at least one transaction",
    ),
    "a side is missing": (drop("transaction/t_from"), "sides", "exactly one source and one target"),
    "a side is nobody": (drop("transaction/t_from/from_account"), "nobody", "neither account nor"),
    "sides and parties": (both_sides_and_parties, "parties_and_sides", "not both"),
    "client without a birth date": (
        drop(f"{CLIENT}/birthdate"), "party_incomplete", "birthdate is missing of t_person",
    ),
    "client born tomorrow": (
        put(f"{CLIENT}/birthdate", "2026-03-14T00:00:00"), "birthdate", "2026-03-14 is no day",
    ),
    "client not identified": (drop(f"{CLIENT}/ssn"), "not_identified", "identity card's number"),
    "identity card with dashes": (
        put(f"{CLIENT}/ssn", "35202-1234567-1"), "identifier", "has the form [0-9]{13}",
    ),
    "placeholder for an identity card": (
        put(f"{CLIENT}/ssn", "0" * 13), "identifier_placeholder", "is a placeholder",
    ),
    "account without an owner": (
        drop(".//t_to_my_client//signatory"), "account_without_owner", "a signatory or an entity",
    ),
    "country unknown": (put(".//to_country", "ZZ"), "country", "ZZ is no country of ISO 3166"),
    "unknown element": (add("", "remark", "x"), "unknown_element", "remark may not stand"),
    "attribute": (
        lambda root: root.find("reason").set("lang", "en"), "attribute", "reason has an attribute",
    ),
    "kind of telephone unknown": (
        put(".//tph_communication_type", "ZZ"), "phone_type", "ZZ is no code of the list: L, M",
    ),
    "use of telephone unknown": (
        put(".//tph_contact_type", "99"), "contact_type", "99 is no code of the list",
    ),
    "role of a signatory unknown": (
        put(".//signatory/role", "QQ"), "account_role", "QQ is no code of the list",
    ),
    "primary perhaps": (
        put(".//is_primary", "perhaps"), "yes_or_no", "perhaps is no code of the list: true, false",
    ),
    "account opened in the future": (
        put(".//opened", "2030-01-01T00:00:00"), "date_future", "2030-01-01 lies in the future",
    ),
    "account opened on no day": (put(".//opened", "yesterday"), "date", "yesterday is no date"),
    "passport of no country": (
        passport, "missing_element", "passport_country is missing",
    ),
    "involved nobody": (involved_nobody, "nobody", "party has neither account nor person"),
    "element twice": (second_currency, "repeated_element", "stands more than once"),
    "empty element": (
        put("transaction/transaction_location", ""), "empty_element", "is empty; leave it out",
    ),
}  # fmt: skip


def mutant(change: Callable[[Tree], None], content: bytes | None = None) -> bytes:
    """The golden report, changed at one place."""
    root = etree.fromstring(content or golden())
    change(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def test_there_are_at_least_thirty_mutants() -> None:
    assert sum(bool(rule) for _change, rule, _said in MUTANTS.values()) >= 30


@pytest.mark.parametrize("name", [name for name, one in MUTANTS.items() if one[1]])
def test_each_mutant_is_caught_with_the_right_message(name: str) -> None:
    change, rule, said = MUTANTS[name]
    found = problems(mutant(change), "mutant.xml", PACK, EXPECTED)
    assert rule in {one.rule for one in found}, found
    assert any(said in str(one.message) for one in found if one.rule == rule), found


def test_one_indicator_is_enough() -> None:
    assert problems(mutant(MUTANTS["no indicator"][0]), "x", PACK, EXPECTED) == []


def test_a_ctr_below_the_threshold_of_a_day_is_no_ctr() -> None:
    """PKR 2.0m and more a day (FMU Circular 01/2025)."""
    path = "transaction/amount_local"
    found = problems(mutant(put(path, "1199999.99"), golden(currency())), "x", PACK, EXPECTED)
    assert [one.rule for one in found] == ["below_threshold"]
    assert "PKR 1,999,999.99" in str(found[0].message) or "1999999.99" in str(found[0].message)


def test_two_customers_do_not_reach_the_threshold_of_a_ctr_together() -> None:
    """Aggregated per customer and day (FMU Circular 01/2025)."""
    root = etree.fromstring(golden(currency()))
    other = root.findall("transaction")[1]
    other.find(".//t_person/ssn").text = "3520298765432"
    found = problems(etree.tostring(root), "x", PACK, EXPECTED)
    assert [(one.rule, one.path) for one in found] == [
        ("below_threshold", "report/transaction[1]"), ("below_threshold", "report/transaction[2]"),
    ]  # fmt: skip


def test_who_acts_in_an_activity_is_one_and_whole() -> None:
    party = ActivityParty(account=bank_account())
    told = suspicious(report_code="STR-A", transactions=(), activity=(party,))
    content = golden(told)
    assert problems(content, "x", PACK, EXPECTED) == []
    second = "<person><first_name>A</first_name><last_name>B</last_name></person>"
    for change, rule, said in (
        (drop(".//report_party/account"), "nobody", "report_party has neither"),
        (drop(".//report_party/account/institution_name"), "party_incomplete", "of account"),
        (put(".//significance", "99"), "significance", "99 is no code"),
        (
            lambda root: root.find(".//report_party").insert(0, etree.fromstring(second)),
            "several", "not several",
        ),
    ):  # fmt: skip
        found = problems(mutant(change, content), "x", PACK, EXPECTED)
        assert [one.rule for one in found] == [rule]
        assert said in str(found[0].message)


def test_addresses_and_accounts_in_urdu_keep_the_original() -> None:
    urdu = LAHORE.model_copy(update={"address": "مال روڈ 12"})
    root = etree.fromstring(golden(suspicious(location=urdu)))
    assert root.find("location/address").text.isascii()
    assert root.findtext("location/comments") == "مال روڈ 12"
    account = root.find(".//t_to_my_client/to_account")
    assert account.findtext("account_name") == "Muhammad Ali Khan"
    assert account.findtext("comments") == "محمد علی خان"


def test_all_problems_are_told_at_once() -> None:
    root = etree.fromstring(golden())
    for name in ("misspelt district", "negative amount", "unknown indicator", "empty reason"):
        MUTANTS[name][0](root)
    found = problems(etree.tostring(root), "many.xml", PACK, EXPECTED)
    assert {"district", "amount_not_positive", "indicator_unknown", "reason_empty"} <= {
        one.rule for one in found
    }
    with pytest.raises(Refusals) as refused:
        require_none(found, "many.xml")
    assert len(refused.value.refusals) == len(found) >= 4


def test_older_transactions_name_the_former_entity() -> None:
    """NOC regulations 11.4 and 11.5: the foreign entity reports until the handover."""
    after = Expected(
        TODAY, REGISTRATION, former="3100 Exchange X Limited", handover=date(2026, 3, 10)
    )
    found = problems(golden(), "x", PACK, after)
    assert [one.rule for one in found] == ["former_entity", "former_entity"]
    before = Expected(
        TODAY, REGISTRATION, former="3100 Exchange X Limited", handover=date(2026, 3, 9)
    )
    assert problems(golden(), "x", PACK, before) == []


# -- the operator's schema ------------------------------------------------------------------------


def test_the_schema_finds_what_is_out_of_order(schema: etree.XMLSchema) -> None:
    found = problems(mutant(out_of_order), "x", PACK, EXPECTED, schema)
    assert {"element_order", "schema"} <= {one.rule for one in found}


@pytest.mark.parametrize(
    ("published", "meant"),
    [
        ("^[a-zA-Z0-9 .'-]*$", "[a-zA-Z0-9 .'-]*"),
        ("^[A-Za-z0-9]{3,}$", "[A-Za-z0-9]{3,}"),
        ("($|(^[A-Z]{2,})x)", "(|([A-Z]{2,})x)"),
        ("[^0-9$]+", "[^0-9$]+"),
        (r"\^\$[0-9]", r"\^\$[0-9]"),
        (r"(http|https):\/\/[\w-]+", r"(http|https):/\/[\w-]+".replace(r"/\/", "//")),
    ],
)
def test_anchors_that_xsd_reads_as_letters_are_taken_out(published: str, meant: str) -> None:
    """The first two are patterns of the published schema (versions 4.0 and 5.0)."""
    assert mended(published) == meant


def test_without_mending_no_name_would_pass() -> None:
    content = SCHEMA.read_bytes()
    literal = etree.XMLSchema(etree.fromstring(content))
    assert not literal.validate(etree.fromstring(golden()))
    assert schema_from(content, "order.xsd").validate(etree.fromstring(golden()))


def test_entities_document_types_and_other_files_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    attack = f'<!DOCTYPE report [<!ENTITY x SYSTEM "file://{secret}">]><report>&x;</report>'
    with pytest.raises(NotXml) as refused:
        problems(attack.encode(), "x.xml", PACK, EXPECTED)
    assert "the secret" not in str(refused.value)
    laughs = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><report>&b;</report>'
    with pytest.raises(NotXml):
        problems(laughs.encode(), "x.xml", PACK, EXPECTED)
    for content in (b"", b"<report>", b"\x00\x01", b"not xml at all"):
        with pytest.raises(NotXml):
            problems(content, "x.xml", PACK, EXPECTED)
    xs = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    for other in ("import", "include"):
        with pytest.raises(NotSchema, match=other):
            schema_from(
                f'<xs:schema {xs}><xs:{other} schemaLocation="o.xsd"/></xs:schema>'.encode(), "s"
            )
    with pytest.raises(NotSchema):
        schema_from(b"<report/>", "s.xsd")
    with pytest.raises(NotSchema):
        load_schema(tmp_path / "none.xsd")


def test_another_document_is_no_report() -> None:
    found = problems(b"<invoice/>", "x.xml", PACK, EXPECTED)
    assert [str(one.message) for one in found] == ["the document is invoice, not report"]
