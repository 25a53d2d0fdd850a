"""Names of the things that orders bring, need and change (`amanat.ledger.things`).

| thing | brought by | needed by | changed by |
|---|---|---|---|
| `day` | | whatever a business date is recorded with | a move of the day |
| `epoch` | a revocation of a stolen key | what is signed in an epoch of the keys | a planned one |
| `participant:CODE` | admission, standing, accounts | settlement, cash, payments to it | |
| `security:ISIN` | authorisation, issue | settlement, payments of it | |
| `account:ADDRESS` | what it receives, a freeze or its release | | what it delivers or pays |
| `payment:ID` | | its chunks, lines kept in escrow | its funding, its list outside |
| `tender:CODE` | | | every step of it |

A freeze, a suspension, a halt and a revocation bring and change nothing, so that they wait for no
other sender: what withdraws must not stand in a queue.
"""

from __future__ import annotations

from collections.abc import Iterable

DAY, EPOCH = "day", "epoch"


def participants(codes: Iterable[str]) -> list[str]:
    """Participants by their codes."""
    return [f"participant:{code}" for code in codes]


def securities(isins: Iterable[str]) -> list[str]:
    """Securities by their ISINs."""
    return [f"security:{isin}" for isin in isins]


def accounts(addresses: Iterable[str]) -> list[str]:
    """Accounts by their addresses."""
    return [f"account:{address.lower()}" for address in addresses]


def payment(identifier: str) -> str:
    """A payment by its id."""
    return f"payment:{identifier}"


def tender(code: str) -> str:
    """A tender by its code."""
    return f"tender:{code}"
