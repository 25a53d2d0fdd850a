"""What the journal says of selections, agreements, declared interests and rulebooks.

Who is recused from whose files is confidential while an application is; published decisions count
the recusals.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

CRITERIA_PUBLISHED = declare("CriteriaPublished", ("selection", "title", "criteria"))
AGREEMENT_PUBLISHED = declare(
    "AgreementPublished",
    (
        "agreement",
        "kind",
        "title",
        "parties",
        "binding",
        "advises",
        "scope",
        "signed_on",
        "first_day",
        "last_day",
        "deliverables",
        "amount",
        "text_digest",
        "selection",
        "no_selection",
        "invited",
    ),
)
AGREEMENT_ENDED = declare("AgreementEnded", ("agreement", "reason"))
PARTY_NAMED = declare("PartyNamed", ("agreement", "name", "party"))
INTEREST_DECLARED = declare(
    "InterestDeclared",
    ("provider", "nature", "of_institution", "own_word"),
    private=("recused", "reason"),
    audience=Audience.CONFIDENTIAL,
)
RECUSAL_ENDED = declare(
    "RecusalEnded",
    ("provider", "of_institution", "reason"),
    private=("recused",),
    audience=Audience.CONFIDENTIAL,
)
RULEBOOK_DRAFTED = declare("RulebookDrafted", ("rulebook", "version", "title", "text_digest"))
RULEBOOK_CONSULTED = declare("RulebookConsulted", ("rulebook", "version", "until"))
RULEBOOK_COMMENTED = declare(
    "RulebookCommented",
    ("rulebook", "version", "number", "name", "digest"),
    private=("mail",),
)
COMMENT_ANSWERED = declare(
    "CommentAnswered", ("rulebook", "version", "number", "accepted", "digest")
)
RULEBOOK_IN_FORCE = declare(
    "RulebookInForce", ("rulebook", "version", "from_day", "text_digest", "summary")
)
RULEBOOK_WITHDRAWN = declare("RulebookWithdrawn", ("rulebook", "version", "reason"))
