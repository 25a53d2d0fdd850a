# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Eligibility
@license Apache-2.0
@notice Which account belongs to which participant, and the participant's class, country, level
        and validity. Each class is written by its own authority; one act changes a participant
        in every token at once. A fact that the authority writes, never a claim of the holder.
@dev Facts are posted on the Directory's board, where transfers read them. Taking away needs one
     key of the authority; granting (admission, a better level, longer validity, an account)
     needs a second key, of the authority or of a registrar. Not halted: a suspension must
     always get through. Where the chain keeps a list of its own of who may send transactions,
     this contract is one of its managers: the act that admits or suspends writes both.
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

interface Board:
    def post_participant(participant: uint256, standing: uint256): nonpayable
    def post_account(account: address, participant: uint256): nonpayable
    def standing_of(participant: uint256) -> (uint256, uint256, uint256, uint256): view

interface Token:
    def sync_account(account: address): nonpayable

interface SenderList:
    def setEnabled(account: address): nonpayable
    def setNone(account: address): nonpayable
    def readAllowList(account: address) -> uint256: view

interface Former:
    def authority_of(participant_class: uint256) -> uint256: view
    def senders_of(participant: uint256) -> DynArray[address, 64]: view

SENDERS_MAX: constant(uint256) = 64
# Role on a chain's list from which on a contract changes others' roles: 2 admin, 3 manager.
LIST_ADMIN: constant(uint256) = 2

PARTICIPANT_TYPE: constant(bytes32) = keccak256("Participant(uint256 number,uint256 epoch,uint256 participant,uint256 participant_class,uint256 country,uint256 level,uint256 valid_until)")
OPENING_TYPE: constant(bytes32) = keccak256("AccountOpening(uint256 number,uint256 epoch,uint256 participant,address[] accounts)")
CLOSING_TYPE: constant(bytes32) = keccak256("AccountClosing(uint256 number,uint256 epoch,address account)")
AUTHORITY_TYPE: constant(bytes32) = keccak256("ClassAuthority(uint256 number,uint256 epoch,uint256 participant_class,uint256 institution)")

struct Participant:
    number: uint256
    epoch: uint256
    participant: uint256
    participant_class: uint256
    country: uint256
    level: uint256
    valid_until: uint256

struct AccountOpening:
    number: uint256
    epoch: uint256
    participant: uint256
    accounts: DynArray[address, 64]

struct AccountClosing:
    number: uint256
    epoch: uint256
    account: address

struct ClassAuthority:
    number: uint256
    epoch: uint256
    participant_class: uint256
    institution: uint256

event ParticipantChanged:
    participant: indexed(uint256)
    participant_class: indexed(uint256)
    country: uint256
    level: uint256
    valid_until: uint256

event AccountOpened:
    account: indexed(address)
    participant: indexed(uint256)

event AccountWasClosed:
    account: indexed(address)
    participant: indexed(uint256)

event ClassAuthorityChanged:
    participant_class: indexed(uint256)
    institution: indexed(uint256)

SENDER_LIST: immutable(SenderList)

_authority_of: HashMap[uint256, uint256]
# A participant's first accounts, which may send by themselves; empty without a sender list.
senders: HashMap[uint256, DynArray[address, SENDERS_MAX]]
# Participants whose senders were brought over from a former contract.
_carried: HashMap[uint256, bool]


@deploy
def __init__(directory: address, authorities: DynArray[uint256, 32], sender_list: address):
    """
    @param authorities The institution that writes class 1, 2, ...; 0 leaves a class out.
    @param sender_list The chain's own list of who may send transactions; zero where the chain
           keeps none.
    """
    governed.__init__(directory)
    SENDER_LIST = SenderList(sender_list)
    participant_class: uint256 = 0
    for institution: uint256 in authorities:
        participant_class += 1
        self._authority_of[participant_class] = institution
        log ClassAuthorityChanged(participant_class=participant_class, institution=institution)


@external
def set_participant(to: Participant, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Admits a participant, or changes its class, country, level or validity.
    @param to The whole new standing; levels: 1 active, 2 close-out only, 3 wind-down, 4 frozen.
    @param signatures One key of the class's authority when the change only takes away; two keys
           when it grants. A change of class is signed by both authorities.
    @dev A grant whose number is not above that of the last act on this participant is refused:
         one that was signed before a suspension and kept back cannot lift it.
    """
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                PARTICIPANT_TYPE,
                to.number,
                to.epoch,
                to.participant,
                to.participant_class,
                to.country,
                to.level,
                to.valid_until,
            )
        )
    )
    governed._spend(digest, to.epoch)
    governed._require_current(codes.ELIGIBILITY)
    self._check_fields(to)
    level: uint256 = 0
    old_class: uint256 = 0
    country: uint256 = 0
    valid_until: uint256 = 0
    level, old_class, country, valid_until = staticcall Board(
        governed.DIRECTORY.address
    ).standing_of(to.participant)
    signers: governed.Signers = governed._signers(digest, signatures)
    self._require_authority(to.participant_class, signers)
    takes_away: bool = (
        level != 0
        and to.level >= level
        and to.valid_until <= valid_until
        and to.country == country
        and to.participant_class == old_class
    )
    if not takes_away:
        self._require_second(to.participant_class, signers)
        if old_class != 0 and old_class != to.participant_class:
            self._require_authority(old_class, signers)
    governed._supersede(convert(to.participant, bytes32), to.number, takes_away)
    extcall Board(governed.DIRECTORY.address).post_participant(
        to.participant,
        (to.valid_until << 32) | (to.country << 16) | (to.participant_class << 8) | to.level,
    )
    if (level == codes.FROZEN) != (to.level == codes.FROZEN):
        self._list_all(to.participant, to.level != codes.FROZEN)
    log ParticipantChanged(
        participant=to.participant,
        participant_class=to.participant_class,
        country=to.country,
        level=to.level,
        valid_until=to.valid_until,
    )


@external
def open_accounts(opening: AccountOpening, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Gives a participant further accounts. An account never changes its participant.
    @param signatures Two keys, at least one of the authority of the participant's class.
    """
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                OPENING_TYPE,
                opening.number,
                opening.epoch,
                opening.participant,
                self._hash_accounts(opening.accounts),
            )
        )
    )
    governed._spend(digest, opening.epoch)
    governed._require_current(codes.ELIGIBILITY)
    participant_class: uint256 = self._class_of(opening.participant)
    signers: governed.Signers = governed._signers(digest, signatures)
    self._require_authority(participant_class, signers)
    self._require_second(participant_class, signers)
    for account: address in opening.accounts:
        if account == empty(address) or account.is_contract:
            refusals._account_invalid(account)
        taken: uint256 = staticcall governed.DIRECTORY.participant_of(account)
        if taken != 0:
            refusals._account_taken(account, taken)
        extcall Board(governed.DIRECTORY.address).post_account(account, opening.participant)
        self._add_sender(opening.participant, account)
        log AccountOpened(account=account, participant=opening.participant)


@external
def close_account(
    closing: AccountClosing, tokens: DynArray[address, 32], signatures: DynArray[Bytes[65], 16]
):
    """
    @notice Closes one account for good, for instance because its key is lost or stolen.
    @param tokens Tokens in which the account holds, told at once; anyone can tell others later
           through their `sync_account`.
    @param signatures One key of the authority of the participant's class, or of a registrar.
    """
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(CLOSING_TYPE, closing.number, closing.epoch, closing.account))
    )
    governed._spend(digest, closing.epoch)
    governed._require_current(codes.ELIGIBILITY)
    participant: uint256 = staticcall governed.DIRECTORY.participant_of(closing.account)
    if participant == 0:
        refusals._account_unknown(closing.account)
    if participant == codes.CLOSED_ACCOUNT:
        refusals._account_closed(closing.account)
    signers: governed.Signers = governed._signers(digest, signatures)
    allowed: uint256 = (1 << self._authority(self._class_of(participant))) | (
        staticcall governed.DIRECTORY.with_capacity(codes.REGISTRAR)
    )
    if signers.institutions & allowed == 0:
        refusals._signers_missing(allowed, signers.institutions)
    extcall Board(governed.DIRECTORY.address).post_account(closing.account, codes.CLOSED_ACCOUNT)
    if self._keeps_senders() and closing.account in self._senders_of(participant):
        extcall SENDER_LIST.setNone(closing.account)
    log AccountWasClosed(account=closing.account, participant=participant)
    for token: address in tokens:
        if staticcall governed.DIRECTORY.token_number(token) == 0:
            refusals._security_unknown(token)
        extcall Token(token).sync_account(closing.account)


@external
def set_class_authority(to: ClassAuthority, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Gives a class to an institution.
    @param signatures The old and the new authority, and an issuer.
    """
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(AUTHORITY_TYPE, to.number, to.epoch, to.participant_class, to.institution)
        )
    )
    governed._spend(digest, to.epoch)
    governed._require_current(codes.ELIGIBILITY)
    if to.participant_class == 0 or to.participant_class > 255:
        refusals._class_unknown(to.participant_class)
    if to.institution == 0 or to.institution > 63:
        refusals._institution_unknown(to.institution)
    signers: governed.Signers = governed._signers(digest, signatures)
    required: uint256 = 1 << to.institution
    old: uint256 = self._authority(to.participant_class)
    if old != 0:
        required |= 1 << old
    governed._require_all(required, signers.institutions)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    self._authority_of[to.participant_class] = to.institution
    log ClassAuthorityChanged(participant_class=to.participant_class, institution=to.institution)


@external
def succeed(former: address):
    """
    @notice Takes over: classes' authorities and senders are read in the former contract until they
            change here; standings and accounts lie on the board. Only the Directory.
    """
    governed._succeed(codes.ELIGIBILITY, former)
    self._check_succession(former)


@external
@view
def check_succession(former: address):
    """@notice Refuses as `succeed` would: a chain's list must let this contract write it."""
    self._check_succession(former)


@external
@view
def participant_of(account: address) -> uint256:
    """@return The participant's number; 0 when unknown, 4,294,967,295 when the account is closed."""
    return staticcall governed.DIRECTORY.participant_of(account)


@external
@view
def standing_of(participant: uint256) -> (uint256, uint256, uint256, uint256):
    """@return Level, class, country and last valid day; zeros when unknown."""
    return staticcall Board(governed.DIRECTORY.address).standing_of(participant)


@external
@view
def sender_list() -> address:
    """@return The chain's own list of who may send transactions; zero where there is none."""
    return SENDER_LIST.address


@external
@view
def senders_of(participant: uint256) -> DynArray[address, SENDERS_MAX]:
    """@return The accounts that send by themselves while the participant is not frozen."""
    return self._senders_of(participant)


@external
@view
def authority_of(participant_class: uint256) -> uint256:
    """@return The institution that writes a class; 0 when there is no such class."""
    return self._authority(participant_class)


@external
@view
def may_send(account: address) -> bool:
    """@return Whether the chain's own list must name this account, as `fsck` compares it."""
    participant: uint256 = staticcall governed.DIRECTORY.participant_of(account)
    if participant == 0 or participant == codes.CLOSED_ACCOUNT:
        return False
    return account in self._senders_of(participant) and not self._is_frozen(participant)


@internal
@view
def _authority(participant_class: uint256) -> uint256:
    """@dev What a former contract knew is read there until something changes it here."""
    institution: uint256 = self._authority_of[participant_class]
    if institution == 0 and governed.former != empty(address):
        return staticcall Former(governed.former).authority_of(participant_class)
    return institution


@internal
@view
def _senders_of(participant: uint256) -> DynArray[address, SENDERS_MAX]:
    if governed.former != empty(address) and not self._carried[participant]:
        return staticcall Former(governed.former).senders_of(participant)
    return self.senders[participant]


@internal
@view
def _keeps_senders() -> bool:
    return SENDER_LIST.address != empty(address)


@internal
@view
def _check_succession(former: address):
    if self._keeps_senders() and staticcall SENDER_LIST.readAllowList(self) < LIST_ADMIN:
        refusals._sender_list_closed(SENDER_LIST.address)


@internal
@view
def _is_frozen(participant: uint256) -> bool:
    level: uint256 = 0
    participant_class: uint256 = 0
    country: uint256 = 0
    valid_until: uint256 = 0
    level, participant_class, country, valid_until = staticcall Board(
        governed.DIRECTORY.address
    ).standing_of(participant)
    return level == codes.FROZEN


@internal
def _add_sender(participant: uint256, account: address):
    """@dev Later accounts than the first 64 trade through the operator: a suspension must fit."""
    if not self._keeps_senders():
        return
    if governed.former != empty(address) and not self._carried[participant]:
        self.senders[participant] = self._senders_of(participant)
        self._carried[participant] = True
    if len(self.senders[participant]) == SENDERS_MAX:
        return
    self.senders[participant].append(account)
    if not self._is_frozen(participant):
        extcall SENDER_LIST.setEnabled(account)


@internal
def _list_all(participant: uint256, enabled: bool):
    if not self._keeps_senders():
        return
    senders: DynArray[address, SENDERS_MAX] = self._senders_of(participant)
    for account: address in senders:
        if not enabled:
            extcall SENDER_LIST.setNone(account)
        elif staticcall governed.DIRECTORY.participant_of(account) == participant:
            extcall SENDER_LIST.setEnabled(account)


@internal
@view
def _check_fields(to: Participant):
    if to.participant == 0 or to.participant >= codes.CLOSED_ACCOUNT:
        refusals._participant_number_invalid(to.participant)
    if to.participant_class > 255 or self._authority(to.participant_class) == 0:
        refusals._class_unknown(to.participant_class)
    if to.level < codes.ACTIVE or to.level > codes.FROZEN:
        refusals._level_unknown(to.level)
    if to.country >= 2**16 or to.valid_until >= 2**32:
        refusals._participant_field_invalid(to.country, to.valid_until)


@internal
@view
def _class_of(participant: uint256) -> uint256:
    level: uint256 = 0
    participant_class: uint256 = 0
    country: uint256 = 0
    valid_until: uint256 = 0
    level, participant_class, country, valid_until = staticcall Board(
        governed.DIRECTORY.address
    ).standing_of(participant)
    if level == 0:
        refusals._participant_unknown(participant)
    return participant_class


@internal
@view
def _require_authority(participant_class: uint256, signers: governed.Signers):
    governed._require_all(1 << self._authority(participant_class), signers.institutions)


@internal
@view
def _require_second(participant_class: uint256, signers: governed.Signers):
    """@dev A second key: of the same authority, or of a registrar that is another institution."""
    authority: uint256 = 1 << self._authority(participant_class)
    registrars: uint256 = staticcall governed.DIRECTORY.with_capacity(codes.REGISTRAR)
    others: uint256 = signers.institutions & registrars & ~authority
    if signers.twice & authority == 0 and others == 0:
        refusals._second_key_missing(authority | registrars)


@internal
@pure
def _hash_accounts(accounts: DynArray[address, 64]) -> bytes32:
    """@dev EIP-712 hash of an array: its elements as words, one after another."""
    return keccak256(slice(abi_encode(accounts), 64, 32 * len(accounts)))
