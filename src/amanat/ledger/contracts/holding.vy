# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Holding
@license Apache-2.0
@notice The balances of one token and every rule on moving them: halts, business day, level and
        validity of both participants, class, maturity, freezes and holds. Shared by `Security`
        and `Cash`. ERC-20, ERC-2612, ERC-165 and ERC-7943 (fungible, multi-party profile).
@dev One slot holds an account's balance, frozen amount, held amount and participant number, so a
     transfer between existing holders writes two slots and reads the Directory's board once.
     A transfer refuses, in this order: ProgrammeHalted, TokenHalted, DayNotOpen, SecurityMatured,
     then for the sender and next the receiver AccountUnknown, LevelForbids, ParticipantExpired,
     then ClassNotAllowed, ERC20InsufficientBalance, ERC7943InsufficientUnfrozenBalance.
"""

import codes
import governed
import refusals

uses: governed

PERMIT_TYPE: constant(bytes32) = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")
HOLD_TYPE: constant(bytes32) = keccak256("Hold(address account,uint256 amount,address beneficiary,uint256 number,uint256 last_day)")
HOLD_RELEASE_TYPE: constant(bytes32) = keccak256("HoldRelease(bytes32 hold)")

# One account's slot: 0-79 balance, 80-159 frozen, 160-223 held, 224-255 participant.
MASK_80: constant(uint256) = 2**80 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_32: constant(uint256) = 2**32 - 1
FROZEN_AND_HELD: constant(uint256) = (2**144 - 1) << 80
HALTED: constant(uint256) = 3 << 40
OPEN_PHASES: constant(uint256) = (1 << 1) | (1 << 2)

struct Hold:
    account: address
    amount: uint256
    beneficiary: address
    number: uint256
    last_day: uint256

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event ForcedTransfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Frozen:
    account: indexed(address)
    amount: uint256

event HoldPlaced:
    hold: indexed(bytes32)
    account: indexed(address)
    beneficiary: indexed(address)
    amount: uint256
    last_day: uint256

event HoldReleased:
    hold: indexed(bytes32)

CLASSES: immutable(uint256)
SEND_LEVELS: immutable(uint256)
RECEIVE_LEVELS: immutable(uint256)
MATURITY_DAY: immutable(uint256)
NUMBER: immutable(uint256)

_slots: HashMap[address, uint256]
totalSupply: public(uint256)
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
_holds: HashMap[bytes32, Hold]
_ended_holds: HashMap[bytes32, bool]
_trusted: transient(address)


@deploy
def __init__(classes: uint256, send_levels: uint256, receive_levels: uint256, maturity_day: uint256, number: uint256):
    """
    @param classes Mask of classes that may hold.
    @param send_levels Mask of levels that may send; `receive_levels` of those that may receive.
    @param maturity_day First day without transfers; the largest uint256 when there is none.
    @param number The token's number on the board.
    """
    CLASSES = classes
    SEND_LEVELS = send_levels
    RECEIVE_LEVELS = receive_levels
    MATURITY_DAY = maturity_day
    NUMBER = number


# ERC-20 and ERC-2612.


@external
@view
def balanceOf(account: address) -> uint256:
    return self._slots[account] & MASK_80


@external
def transfer(to: address, amount: uint256) -> bool:
    """@notice Moves `amount` of the caller's own holding."""
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """@notice Moves `amount` of `sender`, who allowed it to the caller."""
    allowed: uint256 = self.allowance[sender][msg.sender]
    if allowed < amount:
        refusals._erc20_insufficient_allowance(msg.sender, allowed, amount)
    if allowed != max_value(uint256):
        self.allowance[sender][msg.sender] = unsafe_sub(allowed, amount)
    self._transfer(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self._approve(msg.sender, spender, amount)
    return True


@external
def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """@notice ERC-2612: an allowance by signature; the deadline is in block time."""
    if block.timestamp > deadline:
        refusals._erc2612_expired_signature(deadline)
    nonce: uint256 = self.nonces[owner]
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(PERMIT_TYPE, owner, spender, amount, nonce, deadline))
    )
    signer: address = ecrecover(digest, v, r, s)
    if signer != owner or owner == empty(address):
        refusals._erc2612_invalid_signer(signer, owner)
    self.nonces[owner] = nonce + 1
    self._approve(owner, spender, amount)


# ERC-165 and ERC-7943.


@external
@view
def supportsInterface(interface_id: bytes4) -> bool:
    """@notice ERC-165, ERC-20, ERC-2612 and ERC-7943 (fungible)."""
    return interface_id in [0x01ffc9a7, 0x36372b07, 0x9d8ff7da, 0x3edbb4c4]


@external
@view
def canSend(account: address) -> bool:
    """@notice ERC-7943: whether the account's participant may send. Never reverts."""
    participant: uint256 = self._participant(account)
    standing: uint256 = staticcall governed.DIRECTORY.standing(participant, 0, NUMBER)
    return self._may(standing, (standing >> 64) & MASK_64, SEND_LEVELS)


@external
@view
def canReceive(account: address) -> bool:
    """@notice ERC-7943: whether the account's participant may receive. Never reverts."""
    participant: uint256 = self._participant(account)
    standing: uint256 = staticcall governed.DIRECTORY.standing(0, participant, NUMBER)
    side: uint256 = (standing >> 128) & MASK_64
    return self._may(standing, side, RECEIVE_LEVELS) and (CLASSES >> ((side >> 8) & 255)) & 1 == 1


@external
@view
def canTransfer(sender: address, to: address, amount: uint256) -> bool:
    """@notice ERC-7943: whether the rules permit the transfer, the balance aside. Never reverts."""
    slot: uint256 = self._slots[sender]
    if slot & FROZEN_AND_HELD != 0 and amount > self._available(slot):
        return False
    return raw_call(
        self,
        abi_encode(sender, to, method_id=method_id("check_rules(address,address)")),
        is_static_call=True,
        revert_on_failure=False,
    )


@external
@view
def can_transfer(sender: address, to: address, amount: uint256) -> Bytes[160]:
    """
    @return Empty when the transfer would succeed; else the ABI-encoded refusal. Never reverts.
    """
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(sender, to, amount, method_id=method_id("check_transfer(address,address,uint256)")),
        max_outsize=160,
        is_static_call=True,
        revert_on_failure=False,
    )
    return b"" if success else reason


@external
@view
def check_rules(sender: address, to: address):
    """@notice Refuses as a transfer would, the amount aside."""
    self._check_rules(
        sender,
        to,
        staticcall governed.DIRECTORY.standing(
            self._participant(sender), self._participant(to), NUMBER
        ),
    )


@external
@view
def check_transfer(sender: address, to: address, amount: uint256) -> bool:
    """@notice True when `transfer` would succeed; else refuses as it would."""
    self._check_rules(
        sender,
        to,
        staticcall governed.DIRECTORY.standing(
            self._participant(sender), self._participant(to), NUMBER
        ),
    )
    self._check_amount(sender, self._slots[sender], amount)
    return True


@external
@view
def getFrozenTokens(account: address) -> uint256:
    """@notice ERC-7943: the frozen amount; the largest uint256 when the whole account is."""
    frozen: uint256 = (self._slots[account] >> 80) & MASK_80
    return max_value(uint256) if frozen == MASK_80 else frozen


@external
@view
def heldTokens(account: address) -> uint256:
    """@notice The amount under holds that the holder placed."""
    return (self._slots[account] >> 160) & MASK_64


@external
@view
def availableOf(account: address) -> uint256:
    """@notice What is neither frozen nor held."""
    return self._available(self._slots[account])


@external
def setFrozenTokens(account: address, amount: uint256) -> bool:
    """
    @notice ERC-7943: sets the frozen amount, which may exceed the balance; 2^80 - 1 and more
            freeze the whole account. Only `Orders`, upon a quorum.
    """
    governed._require_caller(codes.ORDERS)
    self._set_frozen(account, amount)
    return True


@external
def forcedTransfer(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice ERC-7943, multi-party profile: moves without the holder, within every rule: what is
            frozen stays until an order releases it. Only `Orders`, upon a quorum.
    """
    governed._require_caller(codes.ORDERS)
    self._transfer(sender, to, amount)
    log ForcedTransfer(sender=sender, receiver=to, amount=amount)
    return True


@external
def reregister(sender: address, to: address) -> uint256:
    """
    @notice Moves a whole holding, its freeze included, to another account of the same
            participant, whose key was lost. Holds must be released first. Only `Orders`.
    @return The amount moved.
    """
    governed._require_caller(codes.ORDERS)
    participant: uint256 = self._slots[sender] >> 224
    receiver: uint256 = staticcall governed.DIRECTORY.participant_of(to)
    if sender == to:
        refusals._same_account(to)
    if receiver == 0:
        refusals._account_unknown(to)
    if participant == codes.CLOSED_ACCOUNT:
        # The slot was told of the closing; the owner is then in the order that the quorum signed.
        participant = receiver
    if participant != receiver:
        refusals._participants_differ(sender, to)
    self._check_rules(
        to, to, staticcall governed.DIRECTORY.standing(receiver, receiver, NUMBER)
    )
    slot: uint256 = self._slots[sender]
    held: uint256 = (slot >> 160) & MASK_64
    amount: uint256 = slot & MASK_80
    if held != 0:
        refusals._erc7943_insufficient_unfrozen_balance(sender, amount, self._available(slot))
    frozen: uint256 = (slot >> 80) & MASK_80
    if frozen != 0:
        self._set_frozen(sender, 0)
        self._set_frozen(to, min(MASK_80, ((self._slots[to] >> 80) & MASK_80) + frozen))
    self._debit(sender, amount)
    self._credit(to, amount, receiver)
    log Transfer(sender=sender, receiver=to, value=amount)
    log ForcedTransfer(sender=sender, receiver=to, amount=amount)
    return amount


# Holds.


@external
def place_hold(hold: Hold, signature: Bytes[65]) -> bytes32:
    """
    @notice Sets part of a holding aside until the beneficiary releases it or its last day passes.
    @param signature By the holder's own key.
    @return The hold's digest, by which it is released.
    """
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                HOLD_TYPE, hold.account, hold.amount, hold.beneficiary, hold.number, hold.last_day
            )
        )
    )
    if self._holds[digest].amount != 0 or self._ended_holds[digest]:
        refusals._hold_exists(digest)
    if hold.amount == 0:
        refusals._amount_zero()
    day: uint256 = (staticcall governed.DIRECTORY.today())[0]
    if hold.last_day < day:
        refusals._hold_expired(hold.last_day, day)
    governed._require_signed_by(hold.account, digest, signature)
    slot: uint256 = self._slots[hold.account]
    self._check_amount(hold.account, slot, hold.amount)
    if hold.amount + ((slot >> 160) & MASK_64) > MASK_64:
        refusals._amount_too_large(hold.amount)
    self._holds[digest] = hold
    self._slots[hold.account] = slot + (hold.amount << 160)
    log HoldPlaced(
        hold=digest,
        account=hold.account,
        beneficiary=hold.beneficiary,
        amount=hold.amount,
        last_day=hold.last_day,
    )
    return digest


@external
def release_hold(hold: bytes32, signature: Bytes[65]):
    """
    @notice Ends a hold: by the beneficiary's signature, or by anyone once its last day has passed.
    """
    placed: Hold = self._holds[hold]
    if placed.amount == 0:
        refusals._hold_unknown(hold)
    day: uint256 = (staticcall governed.DIRECTORY.today())[0]
    if day <= placed.last_day:
        governed._require_signed_by(
            placed.beneficiary,
            governed._digest(keccak256(abi_encode(HOLD_RELEASE_TYPE, hold))),
            signature,
        )
    self._end_hold(hold, placed)


@external
def end_hold(hold: bytes32):
    """
    @notice Ends a hold that stands in the way of an order, such as one that a debtor placed in
            favour of a friend. Only `Orders`, upon a quorum.
    """
    governed._require_caller(codes.ORDERS)
    placed: Hold = self._holds[hold]
    if placed.amount == 0:
        refusals._hold_unknown(hold)
    self._end_hold(hold, placed)


@external
@view
def hold_of(hold: bytes32) -> Hold:
    """@return The hold; zeros when there is none, or no more."""
    return self._holds[hold]


# What other contracts of the programme move.


@external
def settle_leg(sender: address, to: address, amount: uint256, standing: uint256):
    """
    @notice Moves one leg of an instruction whose signatures `Settlement` checked. Every rule of a
            transfer holds here too; `standing` is what the Directory told Settlement in this
            transaction. Only `Settlement`.
    """
    if self._trusted != msg.sender:
        governed._require_caller(codes.SETTLEMENT)
        self._trusted = msg.sender
    self._check_rules(sender, to, standing)
    self._move(sender, to, amount, standing >> 224)


@external
def settle_net(accounts: DynArray[address, 64], amounts: DynArray[int256, 64], standings: DynArray[uint256, 64]):
    """
    @notice Moves the net positions of a cycle: payers first into the cycle, then receivers out of
            it. The amounts sum to zero. Only `Settlement`.
    @param standings For each account the standing word with that account on both sides.
    """
    governed._require_caller(codes.SETTLEMENT)
    residue: int256 = 0
    for i: uint256 in range(64):
        if i >= len(accounts):
            break
        residue += amounts[i]
        if amounts[i] < 0:
            amount: uint256 = convert(-amounts[i], uint256)
            self._check_running(standings[i])
            self._check_side(accounts[i], standings[i], (standings[i] >> 64) & MASK_64, standings[i] >> 224, SEND_LEVELS)
            self._debit(accounts[i], amount)
            log Transfer(sender=accounts[i], receiver=msg.sender, value=amount)
    if residue != 0:
        refusals._cycle_unbalanced(self, residue)
    for i: uint256 in range(64):
        if i >= len(accounts):
            break
        if amounts[i] > 0:
            amount: uint256 = convert(amounts[i], uint256)
            self._check_running(standings[i])
            self._check_side(accounts[i], standings[i], (standings[i] >> 64) & MASK_64, standings[i] >> 224, RECEIVE_LEVELS)
            self._check_class(accounts[i], (standings[i] >> 64) & MASK_64)
            self._credit(accounts[i], amount, standings[i] >> 224)
            log Transfer(sender=msg.sender, receiver=accounts[i], value=amount)


@external
def sync_account(account: address):
    """@notice Reads again to which participant an account belongs; anyone may ask for it."""
    slot: uint256 = self._slots[account]
    if slot >> 224 != 0:
        participant: uint256 = staticcall governed.DIRECTORY.participant_of(account)
        self._slots[account] = (slot & (2**224 - 1)) | (participant << 224)


# Internals.


@internal
def _transfer(sender: address, to: address, amount: uint256):
    from_participant: uint256 = self._slots[sender] >> 224
    to_participant: uint256 = self._slots[to] >> 224
    if from_participant == 0:
        from_participant = staticcall governed.DIRECTORY.participant_of(sender)
    if to_participant == 0:
        to_participant = staticcall governed.DIRECTORY.participant_of(to)
    standing: uint256 = staticcall governed.DIRECTORY.standing(
        from_participant, to_participant, NUMBER
    )
    self._check_rules(sender, to, standing)
    self._move(sender, to, amount, to_participant)


@internal
def _move(sender: address, to: address, amount: uint256, to_participant: uint256):
    """@dev `_debit` and `_credit` in one piece: the hot path of transfers and settlement."""
    slot: uint256 = self._slots[sender]
    if amount > slot & MASK_80 or slot & FROZEN_AND_HELD != 0:
        self._check_amount(sender, slot, amount)
    self._slots[sender] = unsafe_sub(slot, amount)
    slot = self._slots[to]
    if slot >> 224 == 0:
        slot |= to_participant << 224
    self._slots[to] = unsafe_add(slot, amount)
    log Transfer(sender=sender, receiver=to, value=amount)


@internal
def _debit(sender: address, amount: uint256):
    slot: uint256 = self._slots[sender]
    self._check_amount(sender, slot, amount)
    self._slots[sender] = unsafe_sub(slot, amount)


@internal
def _credit(to: address, amount: uint256, participant: uint256):
    """@dev The total supply stays below 2^80, so a balance cannot overflow its field."""
    slot: uint256 = self._slots[to]
    if slot >> 224 == 0:
        slot |= participant << 224
    self._slots[to] = unsafe_add(slot, amount)


@internal
def _mint(to: address, amount: uint256):
    if amount == 0:
        refusals._amount_zero()
    participant: uint256 = self._participant(to)
    self._check_rules(
        to, to, staticcall governed.DIRECTORY.standing(participant, participant, NUMBER)
    )
    supply: uint256 = self.totalSupply
    if amount > MASK_80 or supply + amount > MASK_80 - 1:
        refusals._amount_too_large(amount)
    self.totalSupply = supply + amount
    self._credit(to, amount, participant)
    log Transfer(sender=empty(address), receiver=to, value=amount)


@internal
def _burn(account: address, amount: uint256):
    if amount == 0:
        refusals._amount_zero()
    self._debit(account, amount)
    self.totalSupply -= amount
    log Transfer(sender=account, receiver=empty(address), value=amount)


@internal
def _end_hold(hold: bytes32, placed: Hold):
    self._holds[hold] = empty(Hold)
    self._ended_holds[hold] = True
    self._slots[placed.account] -= placed.amount << 160
    log HoldReleased(hold=hold)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    if spender == empty(address):
        refusals._erc20_invalid_spender(spender)
    self.allowance[owner][spender] = amount
    log Approval(owner=owner, spender=spender, value=amount)


@internal
def _set_frozen(account: address, amount: uint256):
    slot: uint256 = self._slots[account]
    if slot >> 224 == 0:
        slot |= (staticcall governed.DIRECTORY.participant_of(account)) << 224
    frozen: uint256 = min(amount, MASK_80)
    self._slots[account] = (slot & ~(MASK_80 << 80)) | (frozen << 80)
    log Frozen(account=account, amount=max_value(uint256) if frozen == MASK_80 else frozen)


@internal
@view
def _participant(account: address) -> uint256:
    participant: uint256 = self._slots[account] >> 224
    if participant == 0:
        return staticcall governed.DIRECTORY.participant_of(account)
    return participant


@internal
@pure
def _available(slot: uint256) -> uint256:
    balance: uint256 = slot & MASK_80
    bound: uint256 = ((slot >> 80) & MASK_80) + ((slot >> 160) & MASK_64)
    return balance - bound if balance > bound else 0


@internal
@view
def _check_amount(account: address, slot: uint256, amount: uint256):
    if amount > slot & MASK_80:
        refusals._erc20_insufficient_balance(account, slot & MASK_80, amount)
    if slot & FROZEN_AND_HELD != 0 and amount > self._available(slot):
        refusals._erc7943_insufficient_unfrozen_balance(account, amount, self._available(slot))


@internal
@view
def _check_rules(sender: address, to: address, standing: uint256):
    """@dev All rules in one test; only when it fails are they looked at one by one."""
    day: uint256 = standing & MASK_32
    fine: uint256 = (
        (SEND_LEVELS >> ((standing >> 64) & 255))
        & (RECEIVE_LEVELS >> ((standing >> 128) & 255))
        & (CLASSES >> ((standing >> 136) & 255))
        & (OPEN_PHASES >> ((standing >> 32) & 255))
        & 1
    )
    if (
        fine == 0
        or standing & HALTED != 0
        or day >= MATURITY_DAY
        or (standing >> 96) & MASK_32 < day
        or (standing >> 160) & MASK_32 < day
    ):
        self._refuse_transfer(sender, to, standing)


@internal
@view
def _refuse_transfer(sender: address, to: address, standing: uint256):
    self._check_running(standing)
    side: uint256 = (standing >> 64) & MASK_64
    self._check_side(sender, standing, side, (standing >> 192) & MASK_32, SEND_LEVELS)
    side = (standing >> 128) & MASK_64
    self._check_side(to, standing, side, standing >> 224, RECEIVE_LEVELS)
    self._check_class(to, side)


@internal
@view
def _check_running(standing: uint256):
    if standing & HALTED != 0:
        if (standing >> 40) & 1 == 1:
            refusals._programme_halted()
        refusals._token_halted(self)
    phase: uint256 = (standing >> 32) & 255
    if (OPEN_PHASES >> phase) & 1 == 0:
        refusals._day_not_open(standing & MASK_32, phase)
    if standing & MASK_32 >= MATURITY_DAY:
        refusals._security_matured(MATURITY_DAY, standing & MASK_32)


@internal
@view
def _check_side(account: address, standing: uint256, side: uint256, participant: uint256, levels: uint256):
    if (levels >> (side & 255)) & 1 == 0:
        if participant == codes.CLOSED_ACCOUNT:
            refusals._account_closed(account)
        if side == 0:
            refusals._account_unknown(account)
        refusals._level_forbids(account, participant, side & 255)
    if side >> 32 < standing & MASK_32:
        refusals._participant_expired(account, participant, side >> 32)


@internal
@view
def _check_class(account: address, side: uint256):
    if (CLASSES >> ((side >> 8) & 255)) & 1 == 0:
        refusals._class_not_allowed(account, (side >> 8) & 255)


@internal
@view
def _may(standing: uint256, side: uint256, levels: uint256) -> bool:
    return (levels >> (side & 255)) & 1 == 1 and side >> 32 >= standing & MASK_32
