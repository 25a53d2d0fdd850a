# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Directory
@license Apache-2.0
@notice Where the contracts of a programme are, whose key is whose, and the board on which the
        others post what every transfer must read: day, halts, and the standing of participants.
        Changed by a quorum of institutions after an announced delay, in which whoever the change
        would replace can object. Never halted itself.
@dev Tokens read this contract alone, so replacing any other contract never moves a balance.
"""

import codes
import refusals

interface Successor:
    def directory() -> address: view
    def succeed(former: address): nonpayable

MAX_INSTITUTIONS: constant(uint256) = 63
CHANGE_CONTRACT: constant(uint256) = 1
CHANGE_KEY: constant(uint256) = 2
CHANGE_CAPACITIES: constant(uint256) = 3
CHANGE_QUORUM: constant(uint256) = 4
HALT_BIT_0: constant(uint256) = 48
HALT_BITS: constant(uint256) = 208
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1

DOMAIN_TYPE: constant(bytes32) = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
FOUNDING_TYPE: constant(bytes32) = keccak256("Founding(address business_day,address eligibility,address programme,address cash,address orders,address settlement,address payments,address tender)")
CHANGE_TYPE: constant(bytes32) = keccak256("Change(uint256 number,uint256 epoch,uint256 kind,bytes32 subject,bytes32 value)")
CANCELLATION_TYPE: constant(bytes32) = keccak256("ChangeCancellation(bytes32 change,uint256 epoch)")
REVOCATION_TYPE: constant(bytes32) = keccak256("KeyRevocation(address key,uint256 epoch)")

struct Founding:
    business_day: address
    eligibility: address
    programme: address
    cash: address
    orders: address
    settlement: address
    payments: address
    tender: address

struct Change:
    number: uint256
    epoch: uint256
    kind: uint256
    subject: bytes32
    value: bytes32

event Founded:
    founding: Founding

event ChangeAnnounced:
    change: indexed(bytes32)
    kind: uint256
    subject: bytes32
    value: bytes32

event ChangeCancelled:
    change: indexed(bytes32)

event ChangeExecuted:
    change: indexed(bytes32)

event ContractChanged:
    contract_id: indexed(uint256)
    at: address

event KeyChanged:
    key: indexed(address)
    institution: indexed(uint256)

event CapacitiesChanged:
    institution: indexed(uint256)
    capacities: uint256

event QuorumChanged:
    quorum: uint256

event EpochChanged:
    epoch: uint256

event TokenListed:
    number: indexed(uint256)
    token: indexed(address)

DOMAIN: immutable(bytes32)
DELAY_SECONDS: immutable(uint256)
SIMULATION: immutable(bool)

epoch: public(uint256)
quorum: public(uint256)
founded: public(bool)
institution_of: public(HashMap[address, uint256])
capacities_of: public(HashMap[uint256, uint256])
with_capacity: public(HashMap[uint256, uint256])
_institutions: uint256
_contracts: HashMap[uint256, address]
# Contracts that were named here once: none of them ever comes back.
_served: HashMap[address, bool]
due: public(HashMap[bytes32, uint256])
# Institutions of which each can stop an announced change alone.
objectors: public(HashMap[bytes32, uint256])
_closed_changes: HashMap[bytes32, bool]

# The board.
status: public(uint256)
_further_halts: HashMap[uint256, bool]
_standings: HashMap[uint256, uint256]
# An account: participant (0-31) and the account's own dense number (32-63), which never changes.
_accounts: HashMap[address, uint256]
accounts: public(uint256)
token_number: public(HashMap[address, uint256])
token_at: public(HashMap[uint256, address])
next_token: public(uint256)


@deploy
def __init__(
    simulation: bool,
    delay_seconds: uint256,
    quorum: uint256,
    capacities: DynArray[uint256, MAX_INSTITUTIONS],
    keys: DynArray[address, 256],
    key_institutions: DynArray[uint256, 256],
):
    """
    @param simulation Whether business days may run ahead of time; for good.
    @param delay_seconds Between a change's announcement and its effect, in block time.
    @param quorum Institutions that must sign a change or the founding.
    @param capacities Mask of capacities of institution 1, 2, ...
    @param keys Keys of persons who sign for an institution.
    @param key_institutions Institution number of each key.
    """
    SIMULATION = simulation
    DELAY_SECONDS = delay_seconds
    DOMAIN = keccak256(
        abi_encode(DOMAIN_TYPE, keccak256("Amanat"), keccak256("1"), chain.id, self)
    )
    if len(keys) != len(key_institutions):
        refusals._institution_unknown(len(key_institutions))
    institution: uint256 = 0
    for mask: uint256 in capacities:
        institution += 1
        self._set_capacities(institution, mask)
    for i: uint256 in range(256):
        if i >= len(keys):
            break
        self._set_key(keys[i], key_institutions[i])
    self._set_quorum(quorum)
    self.epoch = 1
    self.next_token = codes.FIRST_SECURITY


# Founding and change.


@external
def found(founding: Founding, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Names the programme's contracts, once. From here on nobody has a deployer's privilege.
    @param signatures By a quorum of institutions.
    """
    if self.founded:
        refusals._already_founded()
    digest: bytes32 = self._digest(
        keccak256(
            abi_encode(
                FOUNDING_TYPE,
                founding.business_day,
                founding.eligibility,
                founding.programme,
                founding.cash,
                founding.orders,
                founding.settlement,
                founding.payments,
                founding.tender,
            )
        )
    )
    self._require_quorum(digest, signatures)
    self.founded = True
    self._set_contract(codes.BUSINESS_DAY, founding.business_day)
    self._set_contract(codes.ELIGIBILITY, founding.eligibility)
    self._set_contract(codes.PROGRAMME, founding.programme)
    self._set_contract(codes.CASH, founding.cash)
    self._set_contract(codes.ORDERS, founding.orders)
    self._set_contract(codes.SETTLEMENT, founding.settlement)
    self._set_contract(codes.PAYMENTS, founding.payments)
    self._set_contract(codes.TENDER, founding.tender)
    self.token_number[founding.cash] = codes.CASH
    self.token_at[codes.CASH] = founding.cash
    log Founded(founding=founding)


@external
def announce_change(change: Change, signatures: DynArray[Bytes[65], 16]) -> bytes32:
    """
    @notice Announces a change, signed by a quorum; it can be carried out after the delay.
    @dev Kinds: 1 contract (subject: its id, value: address), 2 key (subject: key, value:
         institution, 0 removes), 3 capacities (subject: institution, value: mask), 4 quorum (value).
         A quorum of others never replaces a mandatory signer: until the change is carried out,
         an institution whose keys or capacities it touches, and every issuer where it touches
         contracts, capacities or the quorum, can cancel it alone.
    @return The change's digest, by which it is executed or cancelled.
    """
    digest: bytes32 = self._change_digest(change)
    if not self.founded:
        refusals._not_founded()
    if change.epoch != self.epoch:
        refusals._wrong_epoch(change.epoch, self.epoch)
    if change.kind < CHANGE_CONTRACT or change.kind > CHANGE_QUORUM:
        refusals._change_kind_unknown(change.kind)
    if change.kind == CHANGE_CONTRACT:
        contract_id: uint256 = convert(change.subject, uint256)
        if contract_id == codes.CASH or contract_id == 0 or contract_id > codes.TENDER:
            refusals._contract_not_replaceable(contract_id)
    if self.due[digest] != 0 or self._closed_changes[digest]:
        refusals._change_already_announced(digest)
    self._require_quorum(digest, signatures)
    self.due[digest] = block.timestamp + DELAY_SECONDS
    self.objectors[digest] = self._objectors(change)
    log ChangeAnnounced(change=digest, kind=change.kind, subject=change.subject, value=change.value)
    return digest


@external
def cancel_change(change: bytes32, epoch: uint256, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Takes back an announced change.
    @param signatures By a quorum, or by one institution that the change would replace.
    """
    if self.due[change] == 0:
        refusals._change_not_announced(change)
    if epoch != self.epoch:
        refusals._wrong_epoch(epoch, self.epoch)
    digest: bytes32 = self._digest(keccak256(abi_encode(CANCELLATION_TYPE, change, epoch)))
    institutions: uint256 = 0
    twice: uint256 = 0
    keys: uint256 = 0
    institutions, twice, keys = self._signers(digest, signatures)
    if institutions & self.objectors[change] == 0:
        self._require_quorum(digest, signatures)
    self.due[change] = 0
    self._closed_changes[change] = True
    log ChangeCancelled(change=change)


@external
def execute_change(change: Change):
    """
    @notice Carries out an announced change after its delay; anyone may send it.
    @dev A change of the institutions begins a new epoch, which voids what was not executed,
         other announced changes included. A new contract takes over from the one that it replaces
         in the same transaction, or refuses: what is open is carried over or the change waits.
    """
    digest: bytes32 = self._change_digest(change)
    due: uint256 = self.due[digest]
    if due == 0:
        refusals._change_not_announced(digest)
    if change.epoch != self.epoch:
        refusals._wrong_epoch(change.epoch, self.epoch)
    if block.timestamp < due:
        refusals._change_not_due(digest, due)
    self.due[digest] = 0
    self._closed_changes[digest] = True
    if change.kind == CHANGE_CONTRACT:
        self._replace(
            convert(change.subject, uint256), convert(convert(change.value, uint160), address)
        )
    elif change.kind == CHANGE_KEY:
        key: address = convert(convert(change.subject, uint160), address)
        institution: uint256 = convert(change.value, uint256)
        if institution == 0:
            self.institution_of[key] = 0
            log KeyChanged(key=key, institution=0)
        else:
            self._set_key(key, institution)
        self._next_epoch()
    elif change.kind == CHANGE_CAPACITIES:
        self._set_capacities(convert(change.subject, uint256), convert(change.value, uint256))
        self._set_quorum(self.quorum)
        self._next_epoch()
    else:
        self._set_quorum(convert(change.value, uint256))
        self._next_epoch()
    log ChangeExecuted(change=digest)


@external
def revoke_key(key: address, epoch: uint256, signature: Bytes[65]):
    """
    @notice Removes a key at once: a lost or stolen one. Signed by any key of its institution.
    @dev Takes only away, so one signature suffices. Begins a new epoch.
    """
    if epoch != self.epoch:
        refusals._wrong_epoch(epoch, self.epoch)
    institution: uint256 = self.institution_of[key]
    if institution == 0:
        refusals._unknown_signer(key)
    signer: address = self._recover(
        self._digest(keccak256(abi_encode(REVOCATION_TYPE, key, epoch))), signature
    )
    if self.institution_of[signer] != institution:
        refusals._unknown_signer(signer)
    self.institution_of[key] = 0
    log KeyChanged(key=key, institution=0)
    self._next_epoch()


# The board: written by the contracts that the Directory names.


@external
def post_day(day: uint256, phase: uint256):
    """
    @notice Posts the business day. Only `BusinessDay`, and only forward: a replaced calendar
            cannot turn days back either.
    """
    self._require_caller(codes.BUSINESS_DAY)
    current: uint256 = self.status & MASK_40
    if (day << 8) | phase <= ((current & MASK_32) << 8) | (current >> 32) or day > MASK_32:
        refusals._day_not_forward(day, phase, current & MASK_32, current >> 32)
    self.status = (self.status >> 40 << 40) | (phase << 32) | day


@external
def post_halt(contract_id: uint256, halted: bool):
    """@notice Posts a halt of a contract or token. Only `Programme`."""
    self._require_caller(codes.PROGRAMME)
    if contract_id >= HALT_BITS:
        self._further_halts[contract_id] = halted
    else:
        bit: uint256 = 1 << (HALT_BIT_0 + contract_id)
        self.status = self.status | bit if halted else self.status & ~bit


@external
def post_participant(participant: uint256, standing: uint256):
    """@notice Posts a participant's standing (64 bits, see codes.vy). Only `Eligibility`."""
    self._require_caller(codes.ELIGIBILITY)
    offset: uint256 = (participant & 3) * 64
    word: uint256 = self._standings[participant >> 2]
    self._standings[participant >> 2] = (word & ~(MASK_64 << offset)) | (standing << offset)


@external
def post_account(account: address, participant: uint256):
    """@notice Posts whose account it is. Only `Eligibility`."""
    self._require_caller(codes.ELIGIBILITY)
    index: uint256 = self._accounts[account] >> 32
    if index == 0:
        index = self.accounts + 1
        self.accounts = index
    self._accounts[account] = (index << 32) | participant


@external
def post_token(token: address) -> uint256:
    """@notice Lists a new security and gives it its number. Only `Programme`."""
    self._require_caller(codes.PROGRAMME)
    if self.token_number[token] != 0:
        refusals._token_already_listed(token)
    number: uint256 = self.next_token
    self.next_token = number + 1
    self.token_number[token] = number
    self.token_at[number] = token
    log TokenListed(number=number, token=token)
    return number


# What the others read.


@external
@view
def standing(from_participant: uint256, to_participant: uint256, token: uint256) -> uint256:
    """
    @notice All that a transfer must know, in one word (layout in codes.vy).
    @dev The transfer's hot path: at most three storage reads.
    """
    status: uint256 = self.status
    word: uint256 = status & MASK_40
    word |= ((status >> (HALT_BIT_0 + codes.PROGRAMME)) & 1) << 40
    if token < HALT_BITS:
        word |= ((status >> unsafe_add(HALT_BIT_0, token)) & 1) << 41
    elif self._further_halts[token]:
        word |= 1 << 41
    word |= self._standing(from_participant) << 64
    word |= self._standing(to_participant) << 128
    return word | (from_participant << 192) | (to_participant << 224)


@external
@view
def standing_of(participant: uint256) -> (uint256, uint256, uint256, uint256):
    """@return Level, class, country and last valid day of a participant; zeros when unknown."""
    standing: uint256 = self._standing(participant)
    return standing & 255, (standing >> 8) & 255, (standing >> 16) & 65535, standing >> 32


@external
@view
def standings(accounts: DynArray[address, 255]) -> DynArray[uint256, 255]:
    """
    @return For each account: 0-63 its participant's standing, 64-95 the participant's number,
            96-127 the account's own dense number; 0 when unknown.
    """
    words: DynArray[uint256, 255] = []
    for account: address in accounts:
        record: uint256 = self._accounts[account]
        words.append((record << 64) | self._standing(record & MASK_32))
    return words


@external
@view
def participant_of(account: address) -> uint256:
    """@return The participant's number; 0 when unknown, 4,294,967,295 when the account is closed."""
    return self._accounts[account] & MASK_32


@external
@view
def account_number(account: address) -> uint256:
    """@return The account's own dense number, from 1; 0 when unknown."""
    return self._accounts[account] >> 32


@external
@view
def token_flags(token: address) -> uint256:
    """@return The low 42 bits of a standing word for `token`; bit 63 set when it is listed."""
    number: uint256 = self.token_number[token]
    status: uint256 = self.status
    word: uint256 = status & MASK_40
    word |= ((status >> (HALT_BIT_0 + codes.PROGRAMME)) & 1) << 40
    halted: bool = self._is_halted(number)
    if halted:
        word |= 1 << 41
    if number != 0:
        word |= 1 << 63
    return word


@external
@view
def is_halted(contract_id: uint256) -> bool:
    return self._is_halted(contract_id)


@external
@view
def today() -> (uint256, uint256):
    """@return The business day (days since 1970-01-01) and its phase."""
    status: uint256 = self.status
    return status & MASK_32, (status >> 32) & 255


@external
@view
def contract_at(contract_id: uint256) -> address:
    return self._contracts[contract_id]


@external
@view
def signers(digest: bytes32, signatures: DynArray[Bytes[65], 16]) -> (uint256, uint256, uint256):
    """
    @notice Who signed `digest`: the mask of institutions, the mask of those with at least two
            keys, and the number of keys. Refuses unknown and repeated keys.
    """
    return self._signers(digest, signatures)


@external
@view
def simulation() -> bool:
    """@notice Whether this programme is a simulation, whose days may run ahead of time."""
    return SIMULATION


@external
@view
def delay_seconds() -> uint256:
    return DELAY_SECONDS


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return DOMAIN


@external
@view
def eip712Domain() -> (bytes1, String[16], String[8], uint256, address, bytes32, DynArray[uint256, 1]):
    """@notice The fields of the EIP-712 domain, as ERC-5267 gives them."""
    return 0x0f, "Amanat", "1", chain.id, self, empty(bytes32), []


# Internals.


@internal
@view
def _standing(participant: uint256) -> uint256:
    return (self._standings[participant >> 2] >> ((participant & 3) << 6)) & MASK_64


@internal
@view
def _is_halted(contract_id: uint256) -> bool:
    if contract_id < HALT_BITS:
        return (self.status >> (HALT_BIT_0 + contract_id)) & 1 == 1
    return self._further_halts[contract_id]


@internal
@view
def _require_caller(contract_id: uint256):
    if msg.sender != self._contracts[contract_id]:
        refusals._caller_not_allowed(msg.sender)


@internal
def _replace(contract_id: uint256, at: address):
    former: address = self._contracts[contract_id]
    self._set_contract(contract_id, at)
    if staticcall Successor(at).directory() != self:
        refusals._successor_unfit(at)
    extcall Successor(at).succeed(former)


@internal
def _set_contract(contract_id: uint256, at: address):
    if not at.is_contract:
        refusals._founding_incomplete(contract_id)
    if self._served[at]:
        refusals._successor_unfit(at)
    self._served[at] = True
    self._contracts[contract_id] = at
    log ContractChanged(contract_id=contract_id, at=at)


@internal
def _set_key(key: address, institution: uint256):
    if institution == 0 or self._institutions & (1 << institution) == 0:
        refusals._institution_unknown(institution)
    if key == empty(address) or self.institution_of[key] != 0:
        refusals._key_in_use(key, self.institution_of[key])
    self.institution_of[key] = institution
    log KeyChanged(key=key, institution=institution)


@internal
def _set_capacities(institution: uint256, capacities: uint256):
    if institution == 0 or institution > MAX_INSTITUTIONS:
        refusals._institution_unknown(institution)
    bit: uint256 = 1 << institution
    self._institutions |= bit
    self.capacities_of[institution] = capacities
    for capacity: uint256 in range(1, 9):
        if capacities & (1 << capacity) != 0:
            self.with_capacity[capacity] |= bit
        else:
            self.with_capacity[capacity] &= ~bit
    log CapacitiesChanged(institution=institution, capacities=capacities)


@internal
def _set_quorum(quorum: uint256):
    institutions: uint256 = self._count(self._institutions)
    if quorum < 2 or quorum > institutions:
        refusals._quorum_impossible(quorum, institutions)
    self.quorum = quorum
    log QuorumChanged(quorum=quorum)


@internal
def _next_epoch():
    self.epoch += 1
    log EpochChanged(epoch=self.epoch)


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(concat(x"1901", DOMAIN, struct_hash))


@internal
@view
def _change_digest(change: Change) -> bytes32:
    return self._digest(
        keccak256(
            abi_encode(
                CHANGE_TYPE, change.number, change.epoch, change.kind, change.subject, change.value
            )
        )
    )


@internal
@view
def _objectors(change: Change) -> uint256:
    """@dev Whom the change would replace: each of them can stop it."""
    if change.kind == CHANGE_KEY:
        key: address = convert(convert(change.subject, uint160), address)
        of_key: uint256 = (1 << self.institution_of[key]) | (1 << (convert(change.value, uint256) & 63))
        return of_key & ~convert(1, uint256)
    mask: uint256 = self.with_capacity[codes.ISSUER]
    if change.kind == CHANGE_CAPACITIES:
        mask |= 1 << (convert(change.subject, uint256) & 63)
    return mask & ~convert(1, uint256)


@internal
@view
def _require_quorum(digest: bytes32, signatures: DynArray[Bytes[65], 16]):
    institutions: uint256 = 0
    twice: uint256 = 0
    keys: uint256 = 0
    institutions, twice, keys = self._signers(digest, signatures)
    counted: uint256 = self._count(institutions)
    if counted < self.quorum:
        refusals._quorum_not_met(self.quorum, counted)


@internal
@view
def _signers(digest: bytes32, signatures: DynArray[Bytes[65], 16]) -> (uint256, uint256, uint256):
    institutions: uint256 = 0
    twice: uint256 = 0
    seen: DynArray[address, 16] = []
    for signature: Bytes[65] in signatures:
        signer: address = self._recover(digest, signature)
        institution: uint256 = self.institution_of[signer]
        if institution == 0 or signer == empty(address):
            refusals._unknown_signer(signer)
        if signer in seen:
            refusals._duplicate_signer(signer)
        seen.append(signer)
        twice |= institutions & (1 << institution)
        institutions |= 1 << institution
    return institutions, twice, len(seen)


@internal
@pure
def _recover(digest: bytes32, signature: Bytes[65]) -> address:
    if len(signature) != 65:
        refusals._malformed_signature(len(signature))
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    return ecrecover(
        digest, v, extract32(signature, 0, output_type=uint256), extract32(signature, 32, output_type=uint256)
    )


@internal
@pure
def _count(mask: uint256) -> uint256:
    left: uint256 = mask
    count: uint256 = 0
    for _: uint256 in range(64):
        if left == 0:
            break
        left = left & unsafe_sub(left, 1)
        count = unsafe_add(count, 1)
    return count
