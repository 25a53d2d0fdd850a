"""The published order of elements, and which of them must be there.

After UNODC's "Standard XML Reporting Instructions and Specifications" 4.0 and the schemas 4.0 and
5.0: where a later version adds elements, they stand where it has them.
"""

from __future__ import annotations

from collections.abc import Mapping

REPORT = (
    "rentity_id", "rentity_branch", "submission_code", "report_code", "entity_reference",
    "fiu_ref_number", "submission_date", "currency_code_local", "reporting_person", "location",
    "reason", "action", "transaction", "activity", "report_indicators",
)  # fmt: skip
TRANSACTION = (
    "transactionnumber", "internal_ref_number", "transaction_location", "transaction_description",
    "date_transaction", "teller", "authorized", "late_deposit", "date_posting", "value_date",
    "transmode_code", "transmode_comment", "amount_local", "involved_parties", "t_from_my_client",
    "t_from", "t_to_my_client", "t_to", "goods_services", "comments",
)  # fmt: skip
PERSON = (
    "gender", "title", "first_name", "middle_name", "prefix", "last_name", "birthdate",
    "birth_place", "country_of_birth", "mothers_name", "alias", "full_name_frn", "ssn",
    "passport_number", "passport_country", "id_number", "nationality1", "nationality2",
    "nationality3", "residence", "phones", "addresses", "email", "occupation", "employer_name",
    "employer_address_id", "employer_phone_id", "identification", "deceased", "date_deceased",
    "tax_number", "tax_reg_number", "source_of_wealth", "comments",
)  # fmt: skip
ENTITY = (
    "name", "commercial_name", "incorporation_legal_form", "incorporation_number", "business",
    "phones", "addresses", "email", "url", "incorporation_state", "incorporation_country_code",
    "director_id", "incorporation_date", "business_closed", "date_business_closed", "tax_number",
    "tax_reg_number", "comments",
)  # fmt: skip
ACCOUNT = (
    "institution_name", "institution_code", "swift", "institution_country", "non_bank_institution",
    "branch", "account", "currency_code", "account_name", "iban", "client_number",
    "personal_account_type", "t_entity", "signatory", "opened", "closed", "balance",
    "date_balance", "status_code", "beneficiary", "beneficiary_comment", "comments",
)  # fmt: skip
ADDRESS = (
    "address_type", "address", "town", "city", "zip", "country_code", "state", "comments",
)  # fmt: skip
PHONE = (
    "tph_contact_type", "tph_communication_type", "tph_country_prefix", "tph_number",
    "tph_extension", "comments",
)  # fmt: skip
FOREIGN = ("foreign_currency_code", "foreign_amount", "foreign_exchange_rate")
SIGNATORY = ("is_primary", "t_person", "role")
PARTY = (
    "role", "person", "person_my_client", "account", "account_my_client", "entity",
    "entity_my_client", "funds_code", "funds_comment", "foreign_currency", "country",
    "significance", "comments",
)  # fmt: skip
REPORT_PARTY = ("person", "account", "entity", "significance", "reason", "comments")
IDENTIFICATION = (
    "type", "number", "issue_date", "expiry_date", "issued_by", "issue_country", "comments",
)  # fmt: skip


def _side(way: str) -> tuple[str, ...]:
    return (
        f"{way}_funds_code", f"{way}_funds_comment", f"{way}_foreign_currency", "t_conductor",
        f"{way}_account", f"{way}_person", f"{way}_entity", f"{way}_country",
    )  # fmt: skip


ORDER: Mapping[str, tuple[str, ...]] = {
    "report": REPORT,
    "transaction": TRANSACTION,
    "activity": ("report_parties", "goods_services"),
    "report_parties": ("report_party",),
    "report_party": REPORT_PARTY,
    "report_indicators": ("indicator",),
    "involved_parties": ("party",),
    "party": PARTY,
    "signatory": SIGNATORY,
    "phones": ("phone",),
    "addresses": ("address",),
    "identification": IDENTIFICATION,
    **dict.fromkeys(("t_from", "t_from_my_client"), _side("from")),
    **dict.fromkeys(("t_to", "t_to_my_client"), _side("to")),
    **dict.fromkeys(("from_foreign_currency", "to_foreign_currency", "foreign_currency"), FOREIGN),
    **dict.fromkeys(
        (
            "reporting_person", "from_person", "to_person", "t_person", "t_conductor", "person",
            "person_my_client",
        ),
        PERSON,
    ),
    **dict.fromkeys(
        ("from_account", "to_account", "account", "account_my_client"), ACCOUNT
    ),
    **dict.fromkeys(
        ("from_entity", "to_entity", "t_entity", "entity", "entity_my_client"), ENTITY
    ),
    **dict.fromkeys(("location", "employer_address_id"), ADDRESS),
    **dict.fromkeys(("phone", "employer_phone_id"), PHONE),
}  # fmt: skip
"""What may stand in an element, in its order; `address` is told apart by where it stands."""

REPEATED = frozenset(
    {
        "transaction", "indicator", "party", "report_party", "signatory", "phone", "address",
        "identification", "email", "director_id",
    }
)  # fmt: skip

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "report": (
        "rentity_id", "submission_code", "report_code", "entity_reference", "submission_date",
        "currency_code_local", "reporting_person", "location", "reason", "action",
        "report_indicators",
    ),
    "transaction": (
        "transactionnumber", "transaction_description", "date_transaction", "transmode_code",
        "amount_local",
    ),
    "t_from": ("from_funds_code", "from_country"),
    "t_from_my_client": ("from_funds_code", "from_country"),
    "t_to": ("to_funds_code", "to_country"),
    "t_to_my_client": ("to_funds_code", "to_country"),
    "reporting_person": ("first_name", "last_name"),
    "location": ("address_type", "address", "city", "country_code"),
    "signatory": ("t_person",),
    "report_party": (),
}  # fmt: skip
"""What every one of these must have, whoever's client it is."""

CLIENT_PERSON = ("first_name", "last_name", "birthdate", "nationality1", "residence", "addresses")
CLIENT_ACCOUNT = (
    "institution_name", "branch", "account", "currency_code", "personal_account_type",
    "status_code",
)  # fmt: skip
CLIENT_ENTITY = ("name", "business", "addresses", "incorporation_country_code")
OTHER_PERSON = ("first_name", "last_name")
OTHER_ACCOUNT = ("institution_name", "account")
OTHER_ENTITY = ("name",)
