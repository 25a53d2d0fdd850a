# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Cash
@license Apache-2.0
@notice Tokenised central-bank money, two decimals. Created and withdrawn by two key holders of
        the central bank, against an RTGS reference that is used once.
@dev Halted and resumed through `Programme.set_halt` with number 4. Never replaced, so that no
     change of another contract moves a balance.
"""

import codes
import governed
import holding
import refusals

initializes: governed
initializes: holding[governed := governed]
exports: (
    governed.DOMAIN_SEPARATOR,
    governed.eip712Domain,
    governed.is_spent,
    governed.directory,
    holding.__interface__,
)

CREATION_TYPE: constant(bytes32) = keccak256("CashCreation(uint256 epoch,address account,uint256 amount,bytes32 rtgs_reference)")
WITHDRAWAL_TYPE: constant(bytes32) = keccak256("CashWithdrawal(uint256 epoch,address account,uint256 amount,bytes32 rtgs_reference)")
DIVISIBILITY: constant(uint8) = 2
SEND: constant(uint256) = (1 << 1) | (1 << 2) | (1 << 3)
RECEIVE: constant(uint256) = (1 << 1) | (1 << 2)
BE_PAID: constant(uint256) = (1 << 1) | (1 << 2) | (1 << 3)

struct CashMovement:
    epoch: uint256
    account: address
    amount: uint256
    rtgs_reference: bytes32

event CashCreated:
    rtgs_reference: indexed(bytes32)
    account: indexed(address)
    amount: uint256

event CashWithdrawn:
    rtgs_reference: indexed(bytes32)
    account: indexed(address)
    amount: uint256

name: public(String[35])
symbol: public(String[12])
reference_used: public(HashMap[bytes32, bool])


@deploy
def __init__(directory: address, name: String[35], symbol: String[12]):
    governed.__init__(directory)
    holding.__init__(max_value(uint256), SEND, RECEIVE, max_value(uint256), codes.CASH)
    self.name = name
    self.symbol = symbol


@external
def create(creation: CashMovement, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Creates cash on an account for money that the central bank received in its RTGS.
    @param signatures By two different keys of one institution that issues cash.
    """
    digest: bytes32 = self._check(CREATION_TYPE, creation, signatures)
    holding._mint(creation.account, creation.amount)
    log CashCreated(
        rtgs_reference=creation.rtgs_reference, account=creation.account, amount=creation.amount
    )


@external
def withdraw(withdrawal: CashMovement, signatures: DynArray[Bytes[65], 16], holder_signature: Bytes[65]):
    """
    @notice Destroys a holder's cash, which the central bank pays out in its RTGS.
    @param signatures By two different keys of one institution that issues cash.
    @param holder_signature Of the account's own key, over the same act.
    """
    digest: bytes32 = self._check(WITHDRAWAL_TYPE, withdrawal, signatures)
    governed._require_signed_by(withdrawal.account, digest, holder_signature)
    participant: uint256 = holding._participant(withdrawal.account)
    standing: uint256 = staticcall governed.DIRECTORY.standing(participant, participant, codes.CASH)
    holding._check_running(standing)
    holding._check_side(
        withdrawal.account, standing, (standing >> 64) & (2**64 - 1), participant, SEND
    )
    holding._burn(withdrawal.account, withdrawal.amount)
    log CashWithdrawn(
        rtgs_reference=withdrawal.rtgs_reference,
        account=withdrawal.account,
        amount=withdrawal.amount,
    )


@external
def escrow_in(payer: address, amount: uint256):
    """@notice Takes the funding of a payment from the payer, who signed it. Only `Payments`."""
    governed._require_caller(codes.PAYMENTS)
    participant: uint256 = holding._participant(payer)
    standing: uint256 = staticcall governed.DIRECTORY.standing(participant, participant, codes.CASH)
    holding._check_running(standing)
    holding._check_side(payer, standing, (standing >> 64) & (2**64 - 1), participant, SEND)
    holding._move(payer, msg.sender, amount, 0)


@external
def escrow_out(to: address, amount: uint256):
    """
    @notice Pays one entitlement out of escrow; a participant in wind-down is still paid. Only
            `Payments`.
    """
    governed._require_caller(codes.PAYMENTS)
    participant: uint256 = holding._participant(to)
    standing: uint256 = staticcall governed.DIRECTORY.standing(participant, participant, codes.CASH)
    holding._check_running(standing)
    holding._check_side(to, standing, (standing >> 64) & (2**64 - 1), participant, BE_PAID)
    holding._move(msg.sender, to, amount, participant)


@external
def follow_escrow(former: address):
    """
    @notice Moves what a former `Payments` still holds in escrow to the one that replaced it. Only
            `Payments`, and only from a contract that never was a participant's account.
    """
    governed._require_caller(codes.PAYMENTS)
    if not former.is_contract or holding._participant(former) != 0:
        refusals._account_invalid(former)
    amount: uint256 = holding._available(holding._slots[former])
    if amount != 0:
        holding._move(former, msg.sender, amount, 0)


@external
@view
def check_paid(to: address) -> bool:
    """
    @notice True when `escrow_out` may pay `to`, the amount aside; else refuses as it would. Of the
            zero address only what holds for everybody is asked: halts and the business day.
    """
    participant: uint256 = holding._participant(to)
    standing: uint256 = staticcall governed.DIRECTORY.standing(participant, participant, codes.CASH)
    holding._check_running(standing)
    if to != empty(address):
        holding._check_side(to, standing, (standing >> 64) & (2**64 - 1), participant, BE_PAID)
    return True


@external
@pure
def decimals() -> uint8:
    return DIVISIBILITY


@internal
def _check(type_hash: bytes32, movement: CashMovement, signatures: DynArray[Bytes[65], 16]) -> bytes32:
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                type_hash,
                movement.epoch,
                movement.account,
                movement.amount,
                movement.rtgs_reference,
            )
        )
    )
    governed._spend(digest, movement.epoch)
    if self.reference_used[movement.rtgs_reference]:
        refusals._reference_used(movement.rtgs_reference)
    self.reference_used[movement.rtgs_reference] = True
    signers: governed.Signers = governed._signers(digest, signatures)
    issuers: uint256 = staticcall governed.DIRECTORY.with_capacity(codes.CASH_ISSUER)
    if signers.twice & issuers == 0:
        refusals._second_key_missing(issuers)
    return digest
