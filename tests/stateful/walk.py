"""Long random walks over the same acts, with a bias to acts that find something to do.

A drawn walk of independent rules seldom funds, matures, pays and redeems in one life; these do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

Draw = Callable[[Random], dict[str, Any]]
HOLDERS = ("issuer", "bank", "bank 2", "dealer", "fund")
ANYONE = (*HOLDERS, "bank", "dealer", "exchange", "stranger")
PAIRS = (("bank", "bank 2"), ("bank 2", "bank"), ("bank", "dealer"), ("fund", "stranger"),
         ("issuer", "issuer"))  # fmt: skip


def _amount(random: Random) -> int:
    return random.choice((1, random.randint(1, 20_000), random.randint(1, 300_000)))


def _trade(random: Random) -> tuple[str, str, int, int, int]:
    return (random.choice(HOLDERS), random.choice(ANYONE), _amount(random), _amount(random),
            random.randint(0, 40))  # fmt: skip


def _positions(random: Random) -> dict[str, tuple[int, int]]:
    names = random.sample(sorted({*random.choice((HOLDERS, HOLDERS, ANYONE))}), 3)
    return {name: (random.randint(-9_000, 9_000), random.randint(-9_000, 9_000)) for name in names}


def _line(random: Random) -> tuple[str, int, int, int]:
    holder = random.choice((*HOLDERS, *HOLDERS, *ANYONE))
    tax = random.choice((0, 0, 0, 1, 100, 6_000))
    return holder, _amount(random), random.randint(100, 5_000), tax


# Act -> weight, arguments, and what must be there first.
ACTS: dict[str, tuple[int, Draw]] = {
    "transfer": (8, lambda r: {"token": r.choice(("bond", "cash")), "sender": r.choice(ANYONE),
                               "receiver": r.choice(ANYONE), "amount": _amount(r)}),
    "settle_batch": (8, lambda r: {"trades": [_trade(r) for _ in range(r.randint(1, 4))]}),
    "settle_list": (5, lambda r: {"one": r.choice(HOLDERS), "two": r.choice(ANYONE), "lines": [
        (r.random() < 0.5, r.random() < 0.8, _amount(r), _amount(r), r.randint(0, 40))
        for _ in range(r.randint(1, 5))]}),
    "settle_cycle": (6, lambda r: {"positions": _positions(r), "number": r.randint(0, 40),
                                   "residue": r.choice([(0, 0)] * 5 + [(1, 0), (0, -1)])}),
    "burn_number": (2, lambda r: {"deliverer": r.choice(ANYONE), "number": r.randint(0, 40)}),
    "issue": (3, lambda r: {"authorisation": r.choice((1, 2)), "amount": _amount(r),
                            "account": r.choice(("issuer", "dealer", "exchange"))}),
    "sign_issue_ahead": (2, lambda r: {"amount": _amount(r)}),
    "send_what_was_signed": (2, lambda r: {"again": r.random() < 0.5}),
    "cancel_unsold": (2, lambda r: {"authorisation": r.choice((1, 2)), "amount": _amount(r)}),
    "release_headroom": (2, lambda r: {"authorisation": r.choice((1, 2)),
                                       "nominal": r.randint(1, 300_000)}),
    "release_redeemed": (3, lambda _: {}),
    "authorise_more": (1, lambda r: {"nominal": r.randint(1, 1_500_000)}),
    "create_cash": (2, lambda r: {"amount": _amount(r), "account": r.choice(ANYONE)}),
    "withdraw_cash": (2, lambda r: {"amount": _amount(r), "account": r.choice(ANYONE)}),
    "freeze": (4, lambda r: {"token": r.choice(("bond", "cash")), "account": r.choice(HOLDERS),
                             "amount": r.choice((0, 0, 10, 100_000, 2**90))}),
    "forced_transfer": (3, lambda r: {"sender": r.choice(HOLDERS), "receiver": r.choice(ANYONE),
                                      "amount": _amount(r)}),
    "reregister": (3, lambda r: {"pair": r.choice(PAIRS)}),
    "place_hold": (3, lambda r: {"account": r.choice(HOLDERS), "beneficiary": r.choice(HOLDERS),
                                 "amount": _amount(r), "days": r.randint(0, 2)}),
    "release_hold": (3, lambda r: {"pick": r.getrandbits(16), "who": r.choice(HOLDERS)}),
    "end_hold": (1, lambda r: {"pick": r.getrandbits(16)}),
    "fund": (6, lambda r: {"kind": r.choice((1, 2)), "record_day": r.randint(1, 4),
                           "lines": [_line(r) for _ in range(r.randint(1, 4))],
                           "whole": r.random() < 0.7, "at_once": r.random() < 0.3}),
    "record_paid_outside": (4, lambda r: {
        "kind": r.choice((1, 2)), "record_day": r.randint(1, 5),
        "lines": [(*_line(r)[:3], 0) for _ in range(r.randint(1, 3))],
        "cursor": r.choice((None, None, None, 0, 1)), "more": r.choice((0, 0, 0, 1)),
        "at_once": r.random() < 0.7}),
    "pay_chunk": (6, lambda r: {"pick": r.getrandbits(16), "chunk": r.choice((0, 0, 0, 1))}),
    "pay_escrowed": (8, lambda r: {"pick": r.getrandbits(16)}),
    "relieve": (8, lambda _: {}),
    "set_level": (7, lambda r: {"participant": r.randint(1, 5),
                                "level": r.choice((1, 1, 1, 2, 3, 4, 4))}),
    "halt": (4, lambda r: {"what": r.choice(("bond", "cash", "programme", "programme", "orders",
                                             "settlement", "payments")),
                           "halted": r.random() < 0.8}),
    "resume_all": (8, lambda _: {}),
    "advance": (5, lambda r: {"phase": r.choice((1, 1, 1, 1, 2, 3)),
                              "days": r.choice((-1, 0, 0, 1, 1))}),
    "begin_epoch": (1, lambda _: {}),
}  # fmt: skip
# What there must be for an act to have something to do.
NEEDS: dict[str, Callable[[Any], Any]] = {
    "send_what_was_signed": lambda machine: machine.signed,
    "release_hold": lambda machine: machine.model.holds,
    "end_hold": lambda machine: machine.model.holds,
    "pay_chunk": lambda machine: machine.model.payments,
    "pay_escrowed": lambda machine: machine.model.payments,
    "relieve": lambda machine: any(run.escrowed for run in machine.model.payments.values()),
    "resume_all": lambda machine: machine.model.halted,
}
LAWS = ("same_balances", "nothing_at_the_ineligible", "ceiling_holds", "payments_add_up")


def walk(machine_class: Any, seed: int, steps: int) -> Counter[tuple[str, str | None]]:
    """One life of the programme; how often each act had which outcome.  Fails as the laws do.

    Every third life begins on the day of maturity: the acts of that time are rare in the others.
    """
    random = Random(seed)
    machine = machine_class()
    if seed % 3 == 2:
        machine.advance(phase=1, days=3)
    names, weights = list(ACTS), [weight for weight, _ in ACTS.values()]
    try:
        for step in range(steps):
            [name] = random.choices(names, weights)
            arguments = ACTS[name][1](random)
            need = NEEDS.get(name)
            if need and not need(machine):
                continue
            try:
                getattr(machine, name)(**arguments)
                for law in LAWS:
                    getattr(machine, law)()
            except Exception as error:
                error.add_note(f"seed {seed}, step {step}: {name} {arguments}")
                raise
    finally:
        machine.teardown()
    return Counter(machine.outcomes)
