# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Settlement
@license Apache-2.0
@notice Delivery versus payment: both legs move, or neither does. Single instructions, batches in
        which one failure never undoes its neighbours, and netted cycles.
@dev Halted and resumed through `Programme.set_halt` with number 6.
     Replay protection is one bit for each (deliverer, number), set in the inner call, so that a
     failure leaves it clear. Eight accounts share a word, 32 numbers each. An instruction refuses, in this order: ContractHalted,
     InstructionNotYetDue, InstructionExpired, SameAccount, AmountZero, NumberSpent, BadSignature
     (deliverer, then receiver), then what the security and the cash refuse.
     Two accounts may sign many instructions between them at once, as a list: one signature of
     each for all of it. Each of them still settles, fails and is burned on its own.
     What both parties signed for a contract that this one replaced settles here, unless its
     number was spent there; positions of a cycle are signed anew.
"""

import codes
import cycles
import governed
import refusals
import signed_instructions

initializes: governed
initializes: cycles[governed := governed]
initializes: signed_instructions[governed := governed]
exports: (
    governed.DOMAIN_SEPARATOR,
    governed.eip712Domain,
    governed.directory,
    governed.predecessor,
)

interface Board:
    def standings(accounts: DynArray[address, 255]) -> DynArray[uint256, 255]: view
    def token_flags(token: address) -> uint256: view
    def account_number(account: address) -> uint256: view
    def contract_at(contract_id: uint256) -> address: view
    def is_halted(contract_id: uint256) -> bool: view

interface Token:
    def settle_leg(sender: address, to: address, amount: uint256, standing: uint256): nonpayable
    def settle_net(accounts: DynArray[address, 64], amounts: DynArray[int256, 64], standings: DynArray[uint256, 64]): nonpayable
    def check_transfer(sender: address, to: address, amount: uint256) -> bool: view

interface Former:
    def number_spent(deliverer: address, number: uint256) -> bool: view

interface Inner:
    def settle_inner(terms: uint256, deliverer: address, receiver: address, security: address, cash_and_index: uint256, standing: uint256, cash_standing: uint256, deliverer_r: uint256, deliverer_s: uint256, receiver_r: uint256, receiver_s: uint256) -> bytes32: nonpayable
    def settle_listed(terms: uint256, deliverer: address, receiver: address, security: address, cash_and_index: uint256, standing: uint256, cash_standing: uint256, is_former: bool): nonpayable

BURN_TYPE: constant(bytes32) = keccak256("NumberBurn(address deliverer,uint256 number,address party)")

MASK_32: constant(uint256) = 2**32 - 1
MASK_64: constant(uint256) = 2**64 - 1
LISTED: constant(uint256) = 1 << 63

# A batch: accounts (1 byte), securities (1), instructions (2), then the accounts and securities
# (20 bytes each) and the instructions (160 each): security, deliverer, receiver (1 byte each, in
# those tables), v (1: bit 0 deliverer's, bit 1 receiver's parity), number, first day, last day
# (4 each), nominal, consideration (8 each), then r, s of the deliverer and r, s of the receiver.
MAX_BATCH: constant(uint256) = 4 + 20 * (255 + 32) + 160 * 128
# More than any instruction uses, even if it opens four slots. With this much left when the inner
# call starts, nothing in it can fail for want of gas.
INNER_GAS: constant(uint256) = 300_000
event InstructionsSettled:
    digests: DynArray[bytes32, signed_instructions.MAX_INSTRUCTIONS]

event InstructionFailed:
    digest: indexed(bytes32)
    index: uint256
    reason: Bytes[160]

event CycleSettled:
    trades: indexed(bytes32)
    positions: uint256

event NumberBurned:
    deliverer: indexed(address)
    number: indexed(uint256)
    party: address

_numbers: HashMap[uint256, uint256]


@deploy
def __init__(directory: address):
    governed.__init__(directory)


@external
def settle(instruction: signed_instructions.Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]):
    """
    @notice Exchanges the security for its price: both legs move, or neither does.
    @param instruction What both parties signed: accounts, amounts, number, first and last day.
    """
    signed_instructions._check_fields(instruction)
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    words: DynArray[uint256, 255] = staticcall board.standings(
        [instruction.deliverer, instruction.receiver]
    )
    cash: address = staticcall board.contract_at(codes.CASH)
    digest: bytes32 = extcall Inner(self).settle_inner(
        signed_instructions._terms(instruction, deliverer_signature, receiver_signature),
        instruction.deliverer,
        instruction.receiver,
        instruction.security,
        convert(cash, uint256) | (words[0] >> 96 << 160),
        self._standing(staticcall board.token_flags(instruction.security), words[0], words[1]),
        self._standing(staticcall board.token_flags(cash), words[1], words[0]),
        extract32(deliverer_signature, 0, output_type=uint256),
        extract32(deliverer_signature, 32, output_type=uint256),
        extract32(receiver_signature, 0, output_type=uint256),
        extract32(receiver_signature, 32, output_type=uint256),
    )
    log InstructionsSettled(digests=[digest])


@external
def settle_batch(batch: Bytes[MAX_BATCH]):
    """
    @notice Settles each instruction on its own; a failure never undoes its neighbours.
    @param batch Packed as described above.
    @dev Day, halts and standings are read once: nothing in a batch can change them.
    """
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    accounts: uint256 = convert(slice(batch, 0, 1), uint256)
    securities: uint256 = convert(slice(batch, 1, 1), uint256)
    instructions: uint256 = convert(slice(batch, 2, 2), uint256)
    start: uint256 = 4 + 20 * (accounts + securities)
    if (
        len(batch) != start + 160 * instructions
        or accounts == 0
        or securities > signed_instructions.MAX_SECURITIES
        or instructions > signed_instructions.MAX_INSTRUCTIONS
        or instructions == 0
    ):
        refusals._batch_malformed(len(batch))
    parties: DynArray[address, 255] = []
    for i: uint256 in range(255):
        if i == accounts:
            break
        parties.append(convert(extract32(batch, 4 + 20 * i, output_type=uint256) >> 96, address))
    words: DynArray[uint256, 255] = staticcall board.standings(parties)
    tokens: DynArray[address, signed_instructions.MAX_SECURITIES] = []
    flags: DynArray[uint256, signed_instructions.MAX_SECURITIES] = []
    for i: uint256 in range(signed_instructions.MAX_SECURITIES):
        if i == securities:
            break
        token: address = convert(extract32(batch, 4 + 20 * (accounts + i), output_type=uint256) >> 96, address)
        tokens.append(token)
        flags.append(staticcall board.token_flags(token))
    cash_token: address = staticcall board.contract_at(codes.CASH)
    cash: uint256 = convert(cash_token, uint256)
    cash_flags: uint256 = staticcall board.token_flags(cash_token)
    digests: DynArray[bytes32, signed_instructions.MAX_INSTRUCTIONS] = []
    at: uint256 = start
    for i: uint256 in range(signed_instructions.MAX_INSTRUCTIONS):
        if i == instructions:
            break
        terms: uint256 = extract32(batch, at, output_type=uint256)
        security: uint256 = terms >> 248
        deliverer: address = parties[(terms >> 240) & 255]
        receiver: address = parties[(terms >> 232) & 255]
        given: uint256 = words[(terms >> 240) & 255]
        taken: uint256 = words[(terms >> 232) & 255]
        if msg.gas < INNER_GAS:
            refusals._batch_starved(i, msg.gas)
        digest: bytes32 = self._settle_apart(
            i,
            terms,
            deliverer,
            receiver,
            tokens[security],
            cash | (given >> 96 << 160),
            self._standing(flags[security], given, taken),
            self._standing(cash_flags, taken, given),
            extract32(batch, unsafe_add(at, 32), output_type=uint256),
            extract32(batch, unsafe_add(at, 64), output_type=uint256),
            extract32(batch, unsafe_add(at, 96), output_type=uint256),
            extract32(batch, unsafe_add(at, 128), output_type=uint256),
        )
        if digest != empty(bytes32):
            digests.append(digest)
        at = unsafe_add(at, 160)
    log InstructionsSettled(digests=digests)


@external
def settle_inner(
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    cash_and_index: uint256,
    standing: uint256,
    cash_standing: uint256,
    deliverer_r: uint256,
    deliverer_s: uint256,
    receiver_r: uint256,
    receiver_s: uint256,
) -> bytes32:
    """
    @notice One instruction, in a call of its own. Only this contract.
    @param cash_and_index The cash token, and above its 160 bits the deliverer's account number.
    """
    if msg.sender != self:
        refusals._caller_not_allowed(msg.sender)
    self._spend(terms, deliverer, receiver, security, cash_and_index, standing)
    digest: bytes32 = signed_instructions._digest(terms, deliverer, receiver, security)
    signer: address = ecrecover(digest, unsafe_add(27, (terms >> 224) & 1), deliverer_r, deliverer_s)
    if signer != deliverer or signer == empty(address):
        digest = signed_instructions._former_digest(
            terms, deliverer, receiver, security, deliverer_r, deliverer_s
        )
        if digest == empty(bytes32):
            refusals._bad_signature(deliverer, signer)
        if self._spent_before(deliverer, (terms >> 192) & MASK_32):
            refusals._number_spent(deliverer, (terms >> 192) & MASK_32)
    signer = ecrecover(digest, unsafe_add(27, (terms >> 225) & 1), receiver_r, receiver_s)
    if signer != receiver or signer == empty(address):
        refusals._bad_signature(receiver, signer)
    self._exchange(terms, deliverer, receiver, security, cash_and_index, standing, cash_standing)
    return digest


@external
def settle_list(listed: Bytes[signed_instructions.MAX_LIST]):
    """
    @notice Settles instructions between two accounts that each signed all of them once; each on
            its own, a failure never undoes its neighbours.
    @param listed Packed as described above.
    """
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    signed: signed_instructions.SignedList = signed_instructions._signed_list(listed)
    parties: address[2] = [signed.first, signed.second]
    words: DynArray[uint256, 255] = staticcall board.standings([signed.first, signed.second])
    securities: uint256 = convert(slice(listed, 0, 1), uint256)
    flags: DynArray[uint256, signed_instructions.MAX_SECURITIES] = []
    for i: uint256 in range(signed_instructions.MAX_SECURITIES):
        if i == securities:
            break
        flags.append(
            staticcall board.token_flags(
                convert(extract32(listed, 172 + 20 * i, output_type=uint256) >> 96, address)
            )
        )
    cash: address = staticcall board.contract_at(codes.CASH)
    cash_flags: uint256 = staticcall board.token_flags(cash)
    is_former: bool = signed.separator != governed.DOMAIN
    digests: DynArray[bytes32, signed_instructions.MAX_INSTRUCTIONS] = []
    at: uint256 = 172 + 20 * securities
    for place: uint256 in range(signed_instructions.MAX_INSTRUCTIONS):
        if place == len(signed.hashes):
            break
        terms: uint256 = extract32(listed, at, output_type=uint256)
        at = unsafe_add(at, 32)
        if (terms >> 224) & 1 == 0:
            continue
        given: uint256 = words[(terms >> 240) & 1]
        taken: uint256 = words[(terms >> 232) & 1]
        if msg.gas < INNER_GAS:
            refusals._batch_starved(place, msg.gas)
        digest: bytes32 = keccak256(concat(x"1901", signed.separator, signed.hashes[place]))
        if self._settle_listed_apart(
            place,
            digest,
            terms,
            parties[(terms >> 240) & 1],
            parties[(terms >> 232) & 1],
            convert(extract32(listed, 172 + 20 * (terms >> 248), output_type=uint256) >> 96, address),
            convert(cash, uint256) | (given >> 96 << 160),
            self._standing(flags[terms >> 248], given, taken),
            self._standing(cash_flags, taken, given),
            is_former,
        ):
            digests.append(digest)
    log InstructionsSettled(digests=digests)


@external
def settle_listed(
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    cash_and_index: uint256,
    standing: uint256,
    cash_standing: uint256,
    is_former: bool,
):
    """
    @notice One instruction of a list that both signed, in a call of its own. Only this contract.
    @param is_former Whether the list was signed for a contract that this one replaced.
    """
    if msg.sender != self:
        refusals._caller_not_allowed(msg.sender)
    self._spend(terms, deliverer, receiver, security, cash_and_index, standing)
    if is_former and self._spent_before(deliverer, (terms >> 192) & MASK_32):
        refusals._number_spent(deliverer, (terms >> 192) & MASK_32)
    self._exchange(terms, deliverer, receiver, security, cash_and_index, standing, cash_standing)


@external
def settle_cycle(cycle: Bytes[cycles.MAX_CYCLE]):
    """
    @notice Settles many trades by their net positions: each participant's account signed its own
            position once. All of it or nothing.
    @param cycle Packed as described above.
    """
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    positions: uint256 = convert(slice(cycle, 0, 1), uint256)
    securities: uint256 = convert(slice(cycle, 1, 1), uint256)
    header: uint256 = extract32(cycle, 0, output_type=uint256)
    first_day: uint256 = (header >> 208) & MASK_32
    last_day: uint256 = (header >> 176) & MASK_32
    trades: bytes32 = extract32(cycle, 10)
    size: uint256 = 97 + 8 * securities
    start: uint256 = 42 + 20 * securities
    if (
        len(cycle) != start + size * positions
        or positions == 0
        or positions > cycles.MAX_POSITIONS
        or securities > 8
    ):
        refusals._batch_malformed(len(cycle))
    tokens: DynArray[address, 8] = []
    for i: uint256 in range(8):
        if i == securities:
            break
        tokens.append(convert(extract32(cycle, 42 + 20 * i, output_type=uint256) >> 96, address))
    cash: address = staticcall board.contract_at(codes.CASH)
    cash_flags: uint256 = staticcall board.token_flags(cash)
    self._check_days(first_day, last_day, cash_flags & MASK_32)
    tokens_hash: bytes32 = keccak256(slice(abi_encode(tokens), 64, 32 * securities))
    accounts: DynArray[address, 64] = []
    for i: uint256 in range(cycles.MAX_POSITIONS):
        if i == positions:
            break
        accounts.append(
            convert(extract32(cycle, start + size * i, output_type=uint256) >> 96, address)
        )
    words: DynArray[uint256, 255] = staticcall board.standings(accounts)
    for i: uint256 in range(cycles.MAX_POSITIONS):
        if i == positions:
            break
        at: uint256 = start + size * i
        cycles._check_position(
            cycle, at, securities, trades, tokens_hash, first_day, last_day, accounts[i]
        )
        self._spend_number(
            accounts[i], words[i] >> 96, extract32(cycle, at + 20, output_type=uint256) >> 224
        )
    for j: uint256 in range(9):
        if j > securities:
            break
        token: address = cash
        token_flags: uint256 = cash_flags
        offset: uint256 = 25
        if j < securities:
            token = tokens[j]
            token_flags = staticcall board.token_flags(token)
            offset = 33 + 8 * j
            if token_flags & LISTED == 0:
                refusals._security_unknown(token)
        amounts: DynArray[int256, 64] = cycles._net_amounts(cycle, start + offset, size, positions)
        standings: DynArray[uint256, 64] = []
        for word: uint256 in words:
            standings.append(self._standing(token_flags, word, word))
        extcall Token(token).settle_net(accounts, amounts, standings)
    log CycleSettled(trades=trades, positions=positions)


@external
def succeed(former: address):
    """
    @notice Takes over. Only the Directory. Instructions that were signed for the former contract
            settle here, under numbers that were not spent there.
    """
    governed._succeed(codes.SETTLEMENT, former)


@external
def burn_number(deliverer: address, number: uint256, signature: Bytes[65]):
    """@notice Spends a number so that nothing settles under it. Signed by the deliverer."""
    self._burn(deliverer, number, deliverer, signature)


@external
def burn_instruction(instruction: signed_instructions.Instruction, deliverer_signature: Bytes[65], signature: Bytes[65]):
    """
    @notice The receiver's way to burn the number of an instruction that the deliverer signed.
    @param signature The receiver's, over NumberBurn.
    """
    signed_instructions._check_fields(instruction)
    digest: bytes32 = signed_instructions._signed_digest(instruction, deliverer_signature)
    governed._require_signed_by(instruction.deliverer, digest, deliverer_signature)
    self._burn(instruction.deliverer, instruction.number, instruction.receiver, signature)


@external
def burn_listed(listed: Bytes[signed_instructions.MAX_LIST], place: uint256, signature: Bytes[65]):
    """
    @notice The receiver's way to burn the number of an instruction of a list that both signed.
    @param place Of the instruction in the list, from 0.
    @param signature The receiver's, over NumberBurn.
    """
    signed: signed_instructions.SignedList = signed_instructions._signed_list(listed)
    if place >= len(signed.hashes):
        refusals._batch_malformed(len(listed))
    securities: uint256 = convert(slice(listed, 0, 1), uint256)
    terms: uint256 = extract32(listed, 172 + 20 * securities + 32 * place, output_type=uint256)
    parties: address[2] = [signed.first, signed.second]
    self._burn(
        parties[(terms >> 240) & 1],
        (terms >> 192) & MASK_32,
        parties[(terms >> 232) & 1],
        signature,
    )


@external
@view
def can_settle(instruction: signed_instructions.Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]) -> Bytes[160]:
    """
    @return Empty when `settle` would succeed now; else the ABI-encoded refusal. Never reverts.
    """
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(
            instruction,
            deliverer_signature,
            receiver_signature,
            method_id=method_id(
                "check_settle((address,address,address,uint256,uint256,uint256,uint256,uint256),bytes,bytes)"
            ),
        ),
        max_outsize=160,
        is_static_call=True,
        revert_on_failure=False,
    )
    return reason


@external
@view
def check_settle(instruction: signed_instructions.Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]):
    """@notice Refuses as `settle` would."""
    signed_instructions._check_fields(instruction)
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    flags: uint256 = staticcall board.token_flags(instruction.security)
    self._refuse_terms(
        signed_instructions._terms(instruction, deliverer_signature, receiver_signature),
        instruction.deliverer,
        instruction.receiver,
        instruction.security,
        flags,
        self._number_spent(instruction.deliverer, instruction.number)
        or self._spent_before(instruction.deliverer, instruction.number),
    )
    digest: bytes32 = signed_instructions._signed_digest(instruction, deliverer_signature)
    governed._require_signed_by(instruction.deliverer, digest, deliverer_signature)
    governed._require_signed_by(instruction.receiver, digest, receiver_signature)
    fine: bool = staticcall Token(instruction.security).check_transfer(
        instruction.deliverer, instruction.receiver, instruction.nominal
    )
    if instruction.consideration != 0:
        fine = staticcall Token(staticcall board.contract_at(codes.CASH)).check_transfer(
            instruction.receiver, instruction.deliverer, instruction.consideration
        )


@external
@view
def number_spent(deliverer: address, number: uint256) -> bool:
    """@return Whether the deliverer's number is settled or burned, here or in a former contract."""
    return self._number_spent(deliverer, number) or self._spent_before(deliverer, number)


# Internals.


@internal
def _spend(
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    cash_and_index: uint256,
    standing: uint256,
):
    """@dev Refuses what the terms, the day and the number forbid; then the number is spent."""
    day: uint256 = standing & MASK_32
    word: uint256 = (cash_and_index >> 163 << 32) | ((terms >> 197) & (2**27 - 1))
    bits: uint256 = self._numbers[word]
    bit: uint256 = 1 << (((cash_and_index >> 160) & 7) << 5 | ((terms >> 192) & 31))
    if (
        day < (terms >> 160) & MASK_32
        or day > (terms >> 128) & MASK_32
        or deliverer == receiver
        or terms & (MASK_64 << 64) == 0
        or standing & LISTED == 0
        or bits & bit != 0
    ):
        self._refuse_terms(terms, deliverer, receiver, security, standing, bits & bit != 0)
    self._numbers[word] = bits | bit


@internal
def _exchange(
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    cash_and_index: uint256,
    standing: uint256,
    cash_standing: uint256,
):
    """@dev Both legs."""
    extcall Token(security).settle_leg(
        deliverer, receiver, (terms >> 64) & MASK_64, standing, skip_contract_check=True
    )
    if terms & MASK_64 != 0:
        extcall Token(convert(cash_and_index & (2**160 - 1), address)).settle_leg(
            receiver, deliverer, terms & MASK_64, cash_standing, skip_contract_check=True
        )


@internal
@view
def _refuse_terms(
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    standing: uint256,
    is_spent: bool,
):
    """@dev Refuses what the terms alone, the day and the number forbid; else returns."""
    self._check_days((terms >> 160) & MASK_32, (terms >> 128) & MASK_32, standing & MASK_32)
    if deliverer == receiver:
        refusals._same_account(deliverer)
    if (terms >> 64) & MASK_64 == 0:
        refusals._amount_zero()
    if standing & LISTED == 0:
        refusals._security_unknown(security)
    if is_spent:
        refusals._number_spent(deliverer, (terms >> 192) & MASK_32)


@internal
@view
def _check_days(first_day: uint256, last_day: uint256, day: uint256):
    if day < first_day:
        refusals._instruction_not_yet_due(first_day, day)
    if day > last_day:
        refusals._instruction_expired(last_day, day)


@internal
@view
def _spent_before(deliverer: address, number: uint256) -> bool:
    """@return Whether a former contract settled or burned the number."""
    if governed.former == empty(address):
        return False
    return staticcall Former(governed.former).number_spent(deliverer, number)


@internal
@pure
def _standing(flags: uint256, sender: uint256, receiver: uint256) -> uint256:
    """@dev Bit 63 of the flags (listed) stays in the word; tokens do not read it."""
    return (
        flags
        | ((sender & MASK_64) << 64)
        | ((receiver & MASK_64) << 128)
        | (((sender >> 64) & MASK_32) << 192)
        | (receiver >> 64 << 224)
    )


@internal
@view
def _number_spent(deliverer: address, number: uint256) -> bool:
    index: uint256 = staticcall Board(governed.DIRECTORY.address).account_number(deliverer)
    word: uint256 = self._numbers[(index >> 3 << 32) | (number >> 5)]
    return (word >> ((index & 7) << 5 | (number & 31))) & 1 == 1


@internal
@view
def _require_running(board: Board):
    governed._require_current(codes.SETTLEMENT)
    if staticcall board.is_halted(codes.SETTLEMENT):
        refusals._contract_halted(codes.SETTLEMENT)


@internal
def _settle_apart(
    index: uint256,
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    cash_and_index: uint256,
    standing: uint256,
    cash_standing: uint256,
    deliverer_r: uint256,
    deliverer_s: uint256,
    receiver_r: uint256,
    receiver_s: uint256,
) -> bytes32:
    """
    @dev One instruction of a batch in a call of its own, so that its refusal undoes itself alone.
    @return Its digest when it settled; empty, and the refusal logged, when it did not.
    """
    success: bool = False
    answer: Bytes[160] = b""
    success, answer = raw_call(
        self,
        abi_encode(
            terms,
            deliverer,
            receiver,
            security,
            cash_and_index,
            standing,
            cash_standing,
            deliverer_r,
            deliverer_s,
            receiver_r,
            receiver_s,
            method_id=method_id(
                "settle_inner(uint256,address,address,address,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
            ),
        ),
        max_outsize=160,
        revert_on_failure=False,
    )
    if success:
        return extract32(answer, 0)
    # Every refusal carries data: silence is a leg that ran out of gas.
    if len(answer) == 0:
        refusals._batch_starved(index, msg.gas)
    log InstructionFailed(
        digest=signed_instructions._digest_of(terms, deliverer, receiver, security, deliverer_r, deliverer_s),
        index=index,
        reason=answer,
    )
    return empty(bytes32)


@internal
def _settle_listed_apart(
    index: uint256,
    digest: bytes32,
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    cash_and_index: uint256,
    standing: uint256,
    cash_standing: uint256,
    is_former: bool,
) -> bool:
    """@dev As `_settle_apart`, of a list. @return Whether it settled; else the refusal is logged."""
    success: bool = False
    answer: Bytes[160] = b""
    success, answer = raw_call(
        self,
        abi_encode(
            terms,
            deliverer,
            receiver,
            security,
            cash_and_index,
            standing,
            cash_standing,
            is_former,
            method_id=method_id(
                "settle_listed(uint256,address,address,address,uint256,uint256,uint256,bool)"
            ),
        ),
        max_outsize=160,
        revert_on_failure=False,
    )
    if not success:
        if len(answer) == 0:
            refusals._batch_starved(index, msg.gas)
        log InstructionFailed(digest=digest, index=index, reason=answer)
    return success


@internal
def _spend_number(account: address, index: uint256, number: uint256):
    """@dev Eight accounts share a word, 32 numbers each: dense numbers cost few new words."""
    if index == 0:
        refusals._account_unknown(account)
    word: uint256 = (index >> 3 << 32) | (number >> 5)
    bits: uint256 = self._numbers[word]
    bit: uint256 = 1 << ((index & 7) << 5 | (number & 31))
    if bits & bit != 0:
        refusals._number_spent(account, number)
    self._numbers[word] = bits | bit


@internal
def _burn(deliverer: address, number: uint256, party: address, signature: Bytes[65]):
    governed._require_current(codes.SETTLEMENT)
    if number > MASK_32:
        refusals._amount_too_large(number)
    governed._require_signed_by(
        party,
        governed._digest(keccak256(abi_encode(BURN_TYPE, deliverer, number, party))),
        signature,
    )
    self._spend_number(
        deliverer,
        staticcall Board(governed.DIRECTORY.address).account_number(deliverer),
        number,
    )
    log NumberBurned(deliverer=deliverer, number=number, party=party)
