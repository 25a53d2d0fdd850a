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
import governed
import refusals

initializes: governed
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
    def DOMAIN_SEPARATOR() -> bytes32: view
    def number_spent(deliverer: address, number: uint256) -> bool: view
    def predecessor() -> address: view

interface Inner:
    def settle_inner(terms: uint256, deliverer: address, receiver: address, security: address, cash_and_index: uint256, standing: uint256, cash_standing: uint256, deliverer_r: uint256, deliverer_s: uint256, receiver_r: uint256, receiver_s: uint256) -> bytes32: nonpayable
    def settle_listed(terms: uint256, deliverer: address, receiver: address, security: address, cash_and_index: uint256, standing: uint256, cash_standing: uint256, is_former: bool): nonpayable

INSTRUCTION_TYPE: constant(bytes32) = keccak256("Instruction(address security,address deliverer,address receiver,uint256 nominal,uint256 consideration,uint256 number,uint256 first_day,uint256 last_day)")
LIST_TYPE: constant(bytes32) = keccak256("InstructionList(Instruction[] instructions)Instruction(address security,address deliverer,address receiver,uint256 nominal,uint256 consideration,uint256 number,uint256 first_day,uint256 last_day)")
POSITION_TYPE: constant(bytes32) = keccak256("Position(bytes32 trades,address account,uint256 number,address[] securities,int256[] nominals,int256 cash,uint256 first_day,uint256 last_day)")
BURN_TYPE: constant(bytes32) = keccak256("NumberBurn(address deliverer,uint256 number,address party)")

MASK_32: constant(uint256) = 2**32 - 1
MASK_64: constant(uint256) = 2**64 - 1
LISTED: constant(uint256) = 1 << 63

# A batch: accounts (1 byte), securities (1), instructions (2), then the accounts and securities
# (20 bytes each) and the instructions (160 each): security, deliverer, receiver (1 byte each, in
# those tables), v (1: bit 0 deliverer's, bit 1 receiver's parity), number, first day, last day
# (4 each), nominal, consideration (8 each), then r, s of the deliverer and r, s of the receiver.
MAX_SECURITIES: constant(uint256) = 32
MAX_INSTRUCTIONS: constant(uint256) = 128
MAX_BATCH: constant(uint256) = 4 + 20 * (255 + 32) + 160 * 128
# A list: securities (1 byte), instructions (2), v (1: bit 0 first account's, bit 1 second's parity),
# r, s of the first and of the second account, the two accounts and the securities (20 each), and
# the instructions (32 each) as in a batch: deliverer and receiver are 0 or 1, and v says whether
# it is tried (1), or only part of what was signed (0).
MAX_LIST: constant(uint256) = 172 + 20 * 32 + 32 * 128
# A cycle: positions (1 byte), securities (1), first day, last day (4 each), digest of the trades
# (32), the securities (20 each), then for each position: account (20), number (4), v (1), cash
# (8, signed), nominal of each security (8 each, signed), r, s (32 each).
MAX_POSITIONS: constant(uint256) = 64
MAX_CYCLE: constant(uint256) = 42 + 20 * 8 + 64 * (97 + 8 * 8)
# More than any instruction uses, even if it opens four slots. With this much left when the inner
# call starts, nothing in it can fail for want of gas.
INNER_GAS: constant(uint256) = 300_000
# Replacements whose instructions may still be settled.
MAX_FORMERS: constant(uint256) = 8

struct Instruction:
    security: address
    deliverer: address
    receiver: address
    nominal: uint256
    consideration: uint256
    number: uint256
    first_day: uint256
    last_day: uint256

struct SignedList:
    first: address
    second: address
    separator: bytes32
    hashes: DynArray[bytes32, MAX_INSTRUCTIONS]

event InstructionsSettled:
    digests: DynArray[bytes32, MAX_INSTRUCTIONS]

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
def settle(instruction: Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]):
    """
    @notice Exchanges the security for its price: both legs move, or neither does.
    @param instruction What both parties signed: accounts, amounts, number, first and last day.
    """
    self._check_fields(instruction)
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    words: DynArray[uint256, 255] = staticcall board.standings(
        [instruction.deliverer, instruction.receiver]
    )
    cash: address = staticcall board.contract_at(codes.CASH)
    digest: bytes32 = extcall Inner(self).settle_inner(
        self._terms(instruction, deliverer_signature, receiver_signature),
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
        or securities > MAX_SECURITIES
        or instructions > MAX_INSTRUCTIONS
        or instructions == 0
    ):
        refusals._batch_malformed(len(batch))
    parties: DynArray[address, 255] = []
    for i: uint256 in range(255):
        if i == accounts:
            break
        parties.append(convert(extract32(batch, 4 + 20 * i, output_type=uint256) >> 96, address))
    words: DynArray[uint256, 255] = staticcall board.standings(parties)
    tokens: DynArray[address, MAX_SECURITIES] = []
    flags: DynArray[uint256, MAX_SECURITIES] = []
    for i: uint256 in range(MAX_SECURITIES):
        if i == securities:
            break
        token: address = convert(extract32(batch, 4 + 20 * (accounts + i), output_type=uint256) >> 96, address)
        tokens.append(token)
        flags.append(staticcall board.token_flags(token))
    cash_token: address = staticcall board.contract_at(codes.CASH)
    cash: uint256 = convert(cash_token, uint256)
    cash_flags: uint256 = staticcall board.token_flags(cash_token)
    digests: DynArray[bytes32, MAX_INSTRUCTIONS] = []
    at: uint256 = start
    for i: uint256 in range(MAX_INSTRUCTIONS):
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
    digest: bytes32 = self._digest(terms, deliverer, receiver, security)
    signer: address = ecrecover(digest, unsafe_add(27, (terms >> 224) & 1), deliverer_r, deliverer_s)
    if signer != deliverer or signer == empty(address):
        digest = self._former_digest(
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
def settle_list(listed: Bytes[MAX_LIST]):
    """
    @notice Settles instructions between two accounts that each signed all of them once; each on
            its own, a failure never undoes its neighbours.
    @param listed Packed as described above.
    """
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    signed: SignedList = self._signed_list(listed)
    parties: address[2] = [signed.first, signed.second]
    words: DynArray[uint256, 255] = staticcall board.standings([signed.first, signed.second])
    securities: uint256 = convert(slice(listed, 0, 1), uint256)
    flags: DynArray[uint256, MAX_SECURITIES] = []
    for i: uint256 in range(MAX_SECURITIES):
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
    digests: DynArray[bytes32, MAX_INSTRUCTIONS] = []
    at: uint256 = 172 + 20 * securities
    for place: uint256 in range(MAX_INSTRUCTIONS):
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
def settle_cycle(cycle: Bytes[MAX_CYCLE]):
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
        or positions > MAX_POSITIONS
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
    for i: uint256 in range(MAX_POSITIONS):
        if i == positions:
            break
        accounts.append(
            convert(extract32(cycle, start + size * i, output_type=uint256) >> 96, address)
        )
    words: DynArray[uint256, 255] = staticcall board.standings(accounts)
    for i: uint256 in range(MAX_POSITIONS):
        if i == positions:
            break
        at: uint256 = start + size * i
        self._check_position(
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
        amounts: DynArray[int256, 64] = self._net_amounts(cycle, start + offset, size, positions)
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
def burn_instruction(instruction: Instruction, deliverer_signature: Bytes[65], signature: Bytes[65]):
    """
    @notice The receiver's way to burn the number of an instruction that the deliverer signed.
    @param signature The receiver's, over NumberBurn.
    """
    self._check_fields(instruction)
    digest: bytes32 = self._signed_digest(instruction, deliverer_signature)
    governed._require_signed_by(instruction.deliverer, digest, deliverer_signature)
    self._burn(instruction.deliverer, instruction.number, instruction.receiver, signature)


@external
def burn_listed(listed: Bytes[MAX_LIST], place: uint256, signature: Bytes[65]):
    """
    @notice The receiver's way to burn the number of an instruction of a list that both signed.
    @param place Of the instruction in the list, from 0.
    @param signature The receiver's, over NumberBurn.
    """
    signed: SignedList = self._signed_list(listed)
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
def can_settle(instruction: Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]) -> Bytes[160]:
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
def check_settle(instruction: Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]):
    """@notice Refuses as `settle` would."""
    self._check_fields(instruction)
    board: Board = Board(governed.DIRECTORY.address)
    self._require_running(board)
    flags: uint256 = staticcall board.token_flags(instruction.security)
    self._refuse_terms(
        self._terms(instruction, deliverer_signature, receiver_signature),
        instruction.deliverer,
        instruction.receiver,
        instruction.security,
        flags,
        self._number_spent(instruction.deliverer, instruction.number)
        or self._spent_before(instruction.deliverer, instruction.number),
    )
    digest: bytes32 = self._signed_digest(instruction, deliverer_signature)
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
def _signed_list(listed: Bytes[MAX_LIST]) -> SignedList:
    """
    @return The accounts, the domain for which both signed, and the hash of each instruction.
    @dev Refuses BatchMalformed, then BadSignature (first, then second).
    """
    securities: uint256 = convert(slice(listed, 0, 1), uint256)
    instructions: uint256 = convert(slice(listed, 1, 2), uint256)
    start: uint256 = 172 + 20 * securities
    if (
        len(listed) != start + 32 * instructions
        or securities == 0
        or securities > MAX_SECURITIES
        or instructions == 0
        or instructions > MAX_INSTRUCTIONS
    ):
        refusals._batch_malformed(len(listed))
    signed: SignedList = empty(SignedList)
    signed.first = convert(extract32(listed, 132, output_type=uint256) >> 96, address)
    signed.second = convert(extract32(listed, 152, output_type=uint256) >> 96, address)
    parties: address[2] = [signed.first, signed.second]
    at: uint256 = start
    for _: uint256 in range(MAX_INSTRUCTIONS):
        if len(signed.hashes) == instructions:
            break
        terms: uint256 = extract32(listed, at, output_type=uint256)
        # Nothing but 0 or 1 in the bytes of deliverer, receiver and v: two bytes never mean the same.
        if terms >> 248 >= securities or (terms >> 224) & 16711422 != 0:
            refusals._batch_malformed(len(listed))
        signed.hashes.append(
            self._instruction_hash(
                terms,
                parties[(terms >> 240) & 1],
                parties[(terms >> 232) & 1],
                convert(extract32(listed, 172 + 20 * (terms >> 248), output_type=uint256) >> 96, address),
            )
        )
        at = unsafe_add(at, 32)
    struct_hash: bytes32 = keccak256(
        concat(LIST_TYPE, keccak256(slice(abi_encode(signed.hashes), 64, 32 * instructions)))
    )
    parities: uint256 = convert(slice(listed, 3, 1), uint256)
    signer: address = empty(address)
    signed.separator, signer = self._signed_for(
        struct_hash,
        signed.first,
        unsafe_add(27, parities & 1),
        extract32(listed, 4, output_type=uint256),
        extract32(listed, 36, output_type=uint256),
    )
    if signer != signed.first or signer == empty(address):
        refusals._bad_signature(signed.first, signer)
    signer = ecrecover(
        keccak256(concat(x"1901", signed.separator, struct_hash)),
        unsafe_add(27, (parities >> 1) & 1),
        extract32(listed, 68, output_type=uint256),
        extract32(listed, 100, output_type=uint256),
    )
    if signer != signed.second or signer == empty(address):
        refusals._bad_signature(signed.second, signer)
    return signed


@internal
@view
def _signed_for(
    struct_hash: bytes32, account: address, v: uint256, r: uint256, s: uint256
) -> (bytes32, address):
    """
    @return The domain of this contract or of one that it replaced for which the account signed,
            and the account; where it signed for none, who signed for this one.
    """
    signer: address = ecrecover(keccak256(concat(x"1901", governed.DOMAIN, struct_hash)), v, r, s)
    if signer == account and account != empty(address):
        return governed.DOMAIN, signer
    one: address = governed.former
    for _: uint256 in range(MAX_FORMERS):
        if one == empty(address) or account == empty(address):
            break
        separator: bytes32 = staticcall Former(one).DOMAIN_SEPARATOR()
        if ecrecover(keccak256(concat(x"1901", separator, struct_hash)), v, r, s) == account:
            return separator, account
        one = staticcall Former(one).predecessor()
    return governed.DOMAIN, signer


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
def _check_fields(instruction: Instruction):
    """@dev The fields of a batch are narrower than those that are signed."""
    if instruction.nominal > MASK_64 or instruction.consideration > MASK_64:
        refusals._amount_too_large(max(instruction.nominal, instruction.consideration))
    if instruction.number > MASK_32:
        refusals._amount_too_large(instruction.number)
    if instruction.first_day > MASK_32 or instruction.last_day > MASK_32:
        refusals._amount_too_large(max(instruction.first_day, instruction.last_day))


@internal
@pure
def _terms_unsigned(instruction: Instruction) -> uint256:
    return (
        (instruction.number << 192)
        | (instruction.first_day << 160)
        | (instruction.last_day << 128)
        | (instruction.nominal << 64)
        | instruction.consideration
    )


@internal
@pure
def _terms(instruction: Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]) -> uint256:
    if len(deliverer_signature) != 65:
        refusals._malformed_signature(len(deliverer_signature))
    if len(receiver_signature) != 65:
        refusals._malformed_signature(len(receiver_signature))
    parities: uint256 = (convert(slice(deliverer_signature, 64, 1), uint256) + 1) & 1
    parities |= ((convert(slice(receiver_signature, 64, 1), uint256) + 1) & 1) << 1
    return self._terms_unsigned(instruction) | (parities << 224)


@internal
@view
def _digest(terms: uint256, deliverer: address, receiver: address, security: address) -> bytes32:
    return governed._digest(self._instruction_hash(terms, deliverer, receiver, security))


@internal
@pure
def _instruction_hash(
    terms: uint256, deliverer: address, receiver: address, security: address
) -> bytes32:
    return keccak256(
        abi_encode(
            INSTRUCTION_TYPE,
            security,
            deliverer,
            receiver,
            (terms >> 64) & MASK_64,
            terms & MASK_64,
            (terms >> 192) & MASK_32,
            (terms >> 160) & MASK_32,
            (terms >> 128) & MASK_32,
        )
    )


@internal
@view
def _former_digest(
    terms: uint256,
    deliverer: address,
    receiver: address,
    security: address,
    r: uint256,
    s: uint256,
) -> bytes32:
    """
    @return The digest of the instruction for the former contract for which the deliverer signed
            it; empty when it signed for none of them.
    @dev Off the path of what was signed for this contract: it costs only what was not.
    """
    struct_hash: bytes32 = self._instruction_hash(terms, deliverer, receiver, security)
    separator: bytes32 = empty(bytes32)
    signer: address = empty(address)
    separator, signer = self._signed_for(
        struct_hash, deliverer, unsafe_add(27, (terms >> 224) & 1), r, s
    )
    if signer != deliverer or signer == empty(address):
        return empty(bytes32)
    return keccak256(concat(x"1901", separator, struct_hash))


@internal
@view
def _signed_digest(instruction: Instruction, signature: Bytes[65]) -> bytes32:
    """@return What the deliverer signed, for this contract or a former one; else this one's."""
    terms: uint256 = self._terms(instruction, signature, signature)
    return self._digest_of(
        terms,
        instruction.deliverer,
        instruction.receiver,
        instruction.security,
        extract32(signature, 0, output_type=uint256),
        extract32(signature, 32, output_type=uint256),
    )


@internal
@view
def _digest_of(
    terms: uint256, deliverer: address, receiver: address, security: address, r: uint256, s: uint256
) -> bytes32:
    """@return As `_signed_digest`, of terms with the parity of the signature."""
    own: bytes32 = self._digest(terms, deliverer, receiver, security)
    if ecrecover(own, unsafe_add(27, (terms >> 224) & 1), r, s) == deliverer:
        return own
    before: bytes32 = self._former_digest(terms, deliverer, receiver, security, r, s)
    return own if before == empty(bytes32) else before


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
        digest=self._digest_of(terms, deliverer, receiver, security, deliverer_r, deliverer_s),
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
@pure
def _net_amounts(cycle: Bytes[MAX_CYCLE], first: uint256, size: uint256, positions: uint256) -> DynArray[int256, 64]:
    """@return Every position's amount of one token: the words at `first`, each `size` bytes on."""
    amounts: DynArray[int256, 64] = []
    at: uint256 = first
    for i: uint256 in range(MAX_POSITIONS):
        if i == positions:
            break
        amounts.append(extract32(cycle, at, output_type=int256) >> 192)
        at = unsafe_add(at, size)
    return amounts


@internal
@view
def _check_position(
    cycle: Bytes[MAX_CYCLE],
    at: uint256,
    securities: uint256,
    trades: bytes32,
    tokens_hash: bytes32,
    first_day: uint256,
    last_day: uint256,
    account: address,
):
    """@dev Checks one position's signature."""
    number: uint256 = extract32(cycle, at + 20, output_type=uint256) >> 224
    v: uint256 = convert(slice(cycle, at + 24, 1), uint256)
    cash: int256 = extract32(cycle, at + 25, output_type=int256) >> 192
    nominals: DynArray[int256, 8] = []
    for j: uint256 in range(8):
        if j == securities:
            break
        nominals.append(extract32(cycle, at + 33 + 8 * j, output_type=int256) >> 192)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                POSITION_TYPE,
                trades,
                account,
                number,
                tokens_hash,
                keccak256(slice(abi_encode(nominals), 64, 32 * securities)),
                cash,
                first_day,
                last_day,
            )
        )
    )
    signature_at: uint256 = at + 33 + 8 * securities
    signer: address = ecrecover(
        digest,
        v,
        extract32(cycle, signature_at, output_type=uint256),
        extract32(cycle, signature_at + 32, output_type=uint256),
    )
    if signer != account or signer == empty(address):
        refusals._bad_signature(account, signer)


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
