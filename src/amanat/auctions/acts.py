"""All acts of the auctions room; importing this module declares them.

In their order: `acts_offer` (calendar, target), `acts_announce` (announcement and changes),
`acts_investors` and `acts_bids` (bidding), `acts_opening` (close, keys, book), `acts_award`
(decision, result, defaults).
"""

from __future__ import annotations

from amanat.auctions.acts_announce import (
    admit_bidders,
    announce_tender,
    cancel_tender,
    extend_tender,
    postpone_tender,
)
from amanat.auctions.acts_award import (
    award_tender,
    fix_cut_off,
    no_award,
    record_default,
    settle_allotment,
)
from amanat.auctions.acts_bids import (
    compose_sheet,
    deliver_sheet,
    enter_letter,
    revise_bid,
    submit_bid,
    submit_non_competitive_bid,
    withdraw_bid,
)
from amanat.auctions.acts_investors import name_investor
from amanat.auctions.acts_offer import amend_target, publish_calendar, set_target
from amanat.auctions.acts_opening import close_tender, open_bids, open_letter, release_share

__all__ = [
    "admit_bidders",
    "amend_target",
    "announce_tender",
    "award_tender",
    "cancel_tender",
    "close_tender",
    "compose_sheet",
    "deliver_sheet",
    "enter_letter",
    "extend_tender",
    "fix_cut_off",
    "name_investor",
    "no_award",
    "open_bids",
    "open_letter",
    "postpone_tender",
    "publish_calendar",
    "record_default",
    "release_share",
    "revise_bid",
    "set_target",
    "settle_allotment",
    "submit_bid",
    "submit_non_competitive_bid",
    "withdraw_bid",
]
