"""What the learned score looks at: every measure with its words.  Pure; the queries are elsewhere.

Two stages.  *Habits* describe an account over the whole window, and a first model makes of them the
account's likeness to accounts of confirmed cases.  *Measures* describe one movement between two
accounts: the pair, the amount against both accounts' own, what flows around it before and after,
and how alike to confirmed accounts those are who take part.

No measure is a number of an account, a label, a name or anything that a person is by birth.
"""

from __future__ import annotations

from dataclasses import dataclass

from amanat.core.messages import Message

WINDOWS = (3, 10, 20)
"""Days before and after a movement; the longest is what Snap ML's graph features look through."""
LIKENESS_UNIT = 1_000_000
"""Likenesses are added up as whole millionths, so that sums do not depend on their order."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One column that a model reads."""

    code: str
    words: str
    """What people read; a `Message` where it is shown beside an alert."""


HABITS = (
    Measure("fiat_out_count", "withdrawals of money to banks outside"),
    Measure("fiat_out_median", "median withdrawal to banks outside"),
    Measure("fiat_out_p10", "small withdrawals (10th percentile) against the median one"),
    Measure("fiat_out_p25", "lower quartile of withdrawals against the median one"),
    Measure("fiat_out_p75", "upper quartile of withdrawals against the median one"),
    Measure("fiat_out_p90", "large withdrawals (90th percentile) against the median one"),
    Measure("fiat_out_cash", "share of withdrawals that were cash"),
    Measure("fiat_in_count", "payments in from banks outside"),
    Measure("fiat_in_mean", "mean payment in from banks outside"),
    Measure("sent_count", "movements sent to other accounts"),
    Measure("sent_mean", "mean amount sent to other accounts"),
    Measure("sent_spread", "spread of amounts sent, against their mean"),
    Measure("received_count", "movements received from other accounts"),
    Measure("received_mean", "mean amount received from other accounts"),
    Measure("received_spread", "spread of amounts received, against their mean"),
    Measure("payees", "different accounts paid"),
    Measure("payees_once", "share of payees that were paid only once"),
    Measure("payers", "different accounts that paid"),
    Measure("payers_once", "share of payers that paid only once"),
    Measure("reciprocal", "accounts with which money went both ways"),
)
"""What the first model reads of an account."""

_FLOWS = {
    "from_in_count": Message("movements into the sender's account"),
    "from_in_like": Message("likeness along movements into the sender's account"),
    "from_in_once": Message("likeness along one-off movements into the sender's account"),
    "from_out_count": Message("movements out of the sender's account"),
    "from_out_like": Message("likeness along movements out of the sender's account"),
    "from_out_once": Message("likeness along one-off movements out of the sender's account"),
    "to_in_count": Message("movements into the receiver's account"),
    "to_in_like": Message("likeness along movements into the receiver's account"),
    "to_in_once": Message("likeness along one-off movements into the receiver's account"),
    "to_out_count": Message("movements out of the receiver's account"),
    "to_out_like": Message("likeness along movements out of the receiver's account"),
    "to_out_once": Message("likeness along one-off movements out of the receiver's account"),
}
"""What flows around a movement at both its ends; `once` are movements of pairs with no other."""


def _flows() -> tuple[Measure, ...]:
    """Each flow before and after a movement, in the order of the query's columns."""
    found = []
    for side in ("from", "to"):
        for when in ("before", "after"):
            for days in WINDOWS:
                for way in ("in", "out"):
                    for flow in ("count", "like", "once"):
                        words = _FLOWS[f"{side}_{way}_{flow}"]
                        said = (
                            Message("{flow} in the {days} days before", flow=words, days=days)
                            if when == "before"
                            else Message("{flow} in the {days} days after", flow=words, days=days)
                        )
                        found.append(Measure(f"{side}_{way}_{flow}_{when}_{days}", said))
    return tuple(found)


FLOWS = _flows()
MEASURES = (
    Measure("likeness", Message("likeness of both accounts to accounts of confirmed cases")),
    Measure(
        "from_likeness", Message("likeness of the sender's account to accounts of confirmed cases")
    ),
    Measure(
        "to_likeness", Message("likeness of the receiver's account to accounts of confirmed cases")
    ),
    Measure("least_likeness", Message("likeness of the less alike of the two accounts")),
    Measure("most_likeness", Message("likeness of the more alike of the two accounts")),
    Measure("pair_count", Message("movements between these two accounts in this direction")),
    Measure("pair_place", Message("which of the pair's movements it is")),
    Measure("pair_since", Message("days since the pair's movement before")),
    Measure("pair_until", Message("days until the pair's next movement")),
    Measure("pair_life", Message("days from the pair's first movement to its last")),
    Measure("back_count", Message("movements between these two accounts the other way")),
    Measure("back_gap", Message("days to the nearest end of the movements the other way")),
    Measure("across", Message("goes from one exchange to another")),
    Measure("value", Message("amount")),
    Measure("value_of_sent", Message("amount against the sender's mean amount sent")),
    Measure("value_of_received", Message("amount against the receiver's mean amount received")),
    Measure("value_of_spending", Message("amount against the sender's median withdrawal")),
    Measure("passed_on_from", Message("amount against what the sender received in 10 days before")),
    Measure("passed_on_to", Message("what the receiver sent in 10 days after, against the amount")),
    Measure("from_payees", Message("different accounts that the sender paid")),
    Measure("from_payers", Message("different accounts that paid the sender")),
    Measure("to_payees", Message("different accounts that the receiver paid")),
    Measure("to_payers", Message("different accounts that paid the receiver")),
    Measure("from_payees_once", Message("share of the sender's payees that were paid only once")),
    Measure("to_payers_once", Message("share of the receiver's payers that paid only once")),
    *FLOWS,
)
"""What the second model reads of a movement."""
EARLIER = (
    Measure(
        "from_earlier", Message("movements of the sender's account confirmed in earlier cases")
    ),
    Measure(
        "to_earlier", Message("movements of the receiver's account confirmed in earlier cases")
    ),
)
"""Read besides, where the list of earlier confirmed cases is given."""
WORDS = {one.code: one.words for one in (*HABITS, *MEASURES, *EARLIER)}
