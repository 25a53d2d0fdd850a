# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Orders
@license Apache-2.0
@notice Freezes, forced transfers, re-registrations and ends of holds, upon a quorum of
        institutions over (security, from, to, amount, order hash, reason, number).
@dev Halted and resumed through `Programme.set_halt` with number 5.
"""

import codes
import governed
import refusals

initializes: governed
exports: (
    governed.DOMAIN_SEPARATOR,
    governed.eip712Domain,
    governed.is_spent,
    governed.directory,
    governed.predecessor,
)

interface Token:
    def setFrozenTokens(account: address, amount: uint256) -> bool: nonpayable
    def forcedTransfer(sender: address, to: address, amount: uint256) -> bool: nonpayable
    def reregister(sender: address, to: address) -> uint256: nonpayable
    def end_hold(hold: bytes32): nonpayable

ORDER_TYPE: constant(bytes32) = keccak256("Order(uint256 number,uint256 epoch,uint256 kind,address security,address from,address to,uint256 amount,bytes32 order_hash,uint256 reason)")
BATCH_TYPE: constant(bytes32) = keccak256("OrderBatch(uint256 number,uint256 epoch,uint256[] kinds,address[] securities,address[] from,address[] to,uint256[] amounts,bytes32 order_hash,uint256 reason)")
MAX_STEPS: constant(uint256) = 64
FREEZE: constant(uint256) = 1
FORCED_TRANSFER: constant(uint256) = 2
REREGISTRATION: constant(uint256) = 3
HOLD_END: constant(uint256) = 4

struct Order:
    number: uint256
    epoch: uint256
    kind: uint256
    security: address
    sender: address
    receiver: address
    amount: uint256
    order_hash: bytes32
    reason: uint256

struct OrderBatch:
    number: uint256
    epoch: uint256
    kinds: DynArray[uint256, MAX_STEPS]
    securities: DynArray[address, MAX_STEPS]
    senders: DynArray[address, MAX_STEPS]
    receivers: DynArray[address, MAX_STEPS]
    amounts: DynArray[uint256, MAX_STEPS]
    order_hash: bytes32
    reason: uint256

event OrderExecuted:
    number: indexed(uint256)
    kind: indexed(uint256)
    security: indexed(address)
    sender: address
    receiver: address
    amount: uint256
    order_hash: bytes32
    reason: uint256

QUORUM: immutable(uint256)


@deploy
def __init__(directory: address, quorum: uint256):
    """@param quorum Institutions with the capacity to order that must sign; at least two."""
    governed.__init__(directory)
    if quorum < 2:
        refusals._quorum_impossible(quorum, 63)
    QUORUM = quorum


@external
def execute(order: Order, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Carries out one order.
    @param order Kind 1 sets the frozen amount of `sender` (0 releases); kind 2 moves `amount`
           to `receiver`; kind 3 moves the whole holding to another account of the participant;
           kind 4 ends the hold whose digest is `amount`, so that no hold evades a court.
    @dev A freeze sets an amount, so one that was signed before another on the same holding and
         kept back is refused.
    """
    self._authorise(
        keccak256(
            abi_encode(
                ORDER_TYPE,
                order.number,
                order.epoch,
                order.kind,
                order.security,
                order.sender,
                order.receiver,
                order.amount,
                order.order_hash,
                order.reason,
            )
        ),
        order.epoch,
        signatures,
    )
    self._carry_out(order)


@external
def execute_all(batch: OrderBatch, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Carries out several steps or none, under one signature of each institution: the freeze
            of an account in every security, or a release and the transfer of what it released,
            so that nothing can happen between them.
    @param batch The steps in their order, each as in an order; the lists have one length.
    """
    steps: uint256 = len(batch.kinds)
    if (
        steps == 0
        or steps != len(batch.securities)
        or steps != len(batch.senders)
        or steps != len(batch.receivers)
        or steps != len(batch.amounts)
    ):
        refusals._batch_malformed(steps)
    self._authorise(
        keccak256(
            abi_encode(
                BATCH_TYPE,
                batch.number,
                batch.epoch,
                keccak256(slice(abi_encode(batch.kinds), 64, 32 * steps)),
                keccak256(slice(abi_encode(batch.securities), 64, 32 * steps)),
                keccak256(slice(abi_encode(batch.senders), 64, 32 * steps)),
                keccak256(slice(abi_encode(batch.receivers), 64, 32 * steps)),
                keccak256(slice(abi_encode(batch.amounts), 64, 32 * steps)),
                batch.order_hash,
                batch.reason,
            )
        ),
        batch.epoch,
        signatures,
    )
    for i: uint256 in range(MAX_STEPS):
        if i >= steps:
            break
        self._carry_out(
            Order(
                number=batch.number,
                epoch=batch.epoch,
                kind=batch.kinds[i],
                security=batch.securities[i],
                sender=batch.senders[i],
                receiver=batch.receivers[i],
                amount=batch.amounts[i],
                order_hash=batch.order_hash,
                reason=batch.reason,
            )
        )


@external
def succeed(former: address):
    """
    @notice Takes over. Only the Directory. Freezes and holds lie in the tokens, so nothing is
            carried; an order that was signed for the former contract is void.
    """
    governed._succeed(codes.ORDERS, former)


@external
@view
def quorum() -> uint256:
    return QUORUM


@internal
def _authorise(struct_hash: bytes32, epoch: uint256, signatures: DynArray[Bytes[65], 16]):
    """@dev Once only, by a quorum of the institutions that order, while orders are not halted."""
    governed._require_running(codes.ORDERS)
    digest: bytes32 = governed._digest(struct_hash)
    governed._spend(digest, epoch)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_quorum(codes.ORDER_MAKER, signers.institutions, QUORUM)


@internal
def _carry_out(order: Order):
    if staticcall governed.DIRECTORY.token_number(order.security) == 0:
        refusals._security_unknown(order.security)
    amount: uint256 = order.amount
    if order.kind == FREEZE:
        governed._supersede(
            keccak256(abi_encode(order.security, order.sender)), order.number, False
        )
        extcall Token(order.security).setFrozenTokens(order.sender, amount)
    elif order.kind == FORCED_TRANSFER:
        extcall Token(order.security).forcedTransfer(order.sender, order.receiver, amount)
    elif order.kind == REREGISTRATION:
        amount = extcall Token(order.security).reregister(order.sender, order.receiver)
    elif order.kind == HOLD_END:
        extcall Token(order.security).end_hold(convert(amount, bytes32))
    else:
        refusals._order_kind_unknown(order.kind)
    log OrderExecuted(
        number=order.number,
        kind=order.kind,
        security=order.security,
        sender=order.sender,
        receiver=order.receiver,
        amount=amount,
        order_hash=order.order_hash,
        reason=order.reason,
    )
