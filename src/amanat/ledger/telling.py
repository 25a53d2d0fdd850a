"""What the ledger tells of orders on their way: a step of their trace, a log line, counters."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from amanat.ledger.completion import Receipt
from amanat.ledger.orders import Order
from amanat.observing import metrics, tracing
from amanat.observing.logs import note

log = logging.getLogger(__name__)
_QUIET_FROM = 100  # so many at once are told in sum, not one by one


def tell_signed(
    orders: Sequence[Order], attempts: Sequence[Mapping[str, Any]], began_ns: int
) -> None:
    """These orders were signed and stored."""
    for order, attempt in zip(orders, attempts, strict=True):
        tracing.record(
            "order sign", order.trace, began_ns, **_named(order),
            tx_hash=attempt["tx_hash"], nonce=attempt["nonce"], attempt=attempt["number"],
        )  # fmt: skip


def tell_sent(rows: Sequence[Any], began_ns: int) -> None:
    """A node took these transactions: rows with `id`, `kind`, `nonce`, `trace`."""
    for row in rows:
        tracing.record(
            "order send", row.trace, began_ns, order=row.id, order_kind=row.kind, nonce=row.nonce
        )


def tell_completed(
    endings: Sequence[tuple[Order, Receipt | None, Mapping[str, Any] | None]],
    began_ns: int,
    now: datetime,
) -> None:
    """What these orders led to has been committed: with a receipt or never sent, done or refused.

    A trace gets two steps: `order receipt`, the final block that was read, and `order effect`, the
    state and the journal entry that it changed.
    """
    for order, receipt, refusal in endings:
        outcome = "done" if refusal is None else "refused"
        metrics.orders.labels(outcome).inc()
        seconds = (now - datetime.fromisoformat(order.requested_at)).total_seconds()
        metrics.order_seconds.observe(max(seconds, 0.0))
        if len(endings) < _QUIET_FROM:
            with tracing.continued(order.trace):
                note(
                    log, logging.INFO, "order completed", **_named(order), outcome=outcome,
                    duration_ms=round(seconds * 1000, 1), programme=order.programme,
                    tx_hash=receipt.tx_hash if receipt else None,
                    block_number=receipt.block_number if receipt else None,
                )  # fmt: skip
        if receipt is not None:
            tracing.record(
                "order receipt", order.trace, began_ns, order=order.id, tx_hash=receipt.tx_hash,
                block_number=receipt.block_number, block_hash=receipt.block_hash,
                receipt_status=receipt.status, gas_used=receipt.gas_used,
            )  # fmt: skip
        failed = {} if refusal is None else {"code": "refused", "error": str(refusal["error"])}
        tracing.record(
            "order effect", order.trace, began_ns, **_named(order), outcome=outcome, **failed
        )
    if len(endings) >= _QUIET_FROM:
        note(log, logging.INFO, "orders completed", orders=len(endings))


def _named(order: Order) -> dict[str, Any]:
    return {
        "order": order.id,
        "order_kind": order.kind,
        "contract": order.contract,
        "function": order.function or None,
    }
