# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Tender
@license Apache-2.0
@notice Commitments to sealed bids before the close, the result's root after it.
@dev A commitment is SHA-256(tender, bidder's number in this tender, digest of the ciphertext,
     salt), signed by the key that this tender knows for that bidder number; numbers and keys
     differ in every tender. A copy of another's commitment opens to a foreign number and is void.
     Bids are due at a block time: later ones are void whatever day the operator says, and a time
     that has passed cannot be extended. Only a sealed letter that two institutions vouch for may
     be entered until the close; it is marked and counted apart. All digests but EIP-712's are
     SHA-256, which whoever checks a result offline has in their standard library. Halted and
     resumed with number 8. While a tender is announced without a result, another contract cannot
     replace this one: sealed bids are never moved.
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

ANNOUNCEMENT_TYPE: constant(bytes32) = keccak256("TenderAnnouncement(uint256 epoch,uint256 tender,bytes32 isin,uint256 target,uint256 opens_at,uint256 bids_due,bytes32 terms_hash)")
TIMES_TYPE: constant(bytes32) = keccak256("TenderTimes(uint256 number,uint256 epoch,uint256 tender,uint256 opens_at,uint256 bids_due)")
TARGET_TYPE: constant(bytes32) = keccak256("TenderTarget(uint256 number,uint256 epoch,uint256 tender,uint256 target)")
CANCELLATION_TYPE: constant(bytes32) = keccak256("TenderCancellation(uint256 epoch,uint256 tender,bytes32 reason)")
ROLL_TYPE: constant(bytes32) = keccak256("BidderRoll(uint256 number,uint256 epoch,uint256 tender,uint256[] bidders,address[] keys)")
COMMITMENT_TYPE: constant(bytes32) = keccak256("Commitment(uint256 tender,uint256 bidder,bytes32 commitment,bytes32 replaces)")
BID_WITHDRAWAL_TYPE: constant(bytes32) = keccak256("BidWithdrawal(uint256 tender,uint256 bidder,bytes32 commitment)")
LETTER_TYPE: constant(bytes32) = keccak256("CommitmentLetter(uint256 epoch,uint256 tender,uint256 bidder,bytes32 commitment)")
CLOSING_TYPE: constant(bytes32) = keccak256("TenderClosing(uint256 epoch,uint256 tender)")
SHARE_TYPE: constant(bytes32) = keccak256("KeyShareRelease(uint256 epoch,uint256 tender,bytes32 share_hash)")
RESULT_TYPE: constant(bytes32) = keccak256("TenderResult(uint256 epoch,uint256 tender,bytes32 root,bytes32 commitments_head,uint256 accepted,uint256 unsuccessful,uint256 void,uint256 allotted)")

struct Announcement:
    epoch: uint256
    tender: uint256
    isin: bytes32
    target: uint256
    opens_at: uint256
    bids_due: uint256
    terms_hash: bytes32

struct TenderTimes:
    number: uint256
    epoch: uint256
    tender: uint256
    opens_at: uint256
    bids_due: uint256

struct TenderTarget:
    number: uint256
    epoch: uint256
    tender: uint256
    target: uint256

struct BidderRoll:
    number: uint256
    epoch: uint256
    tender: uint256
    bidders: DynArray[uint256, 64]
    keys: DynArray[address, 64]

struct Result:
    epoch: uint256
    tender: uint256
    root: bytes32
    commitments_head: bytes32
    accepted: uint256
    unsuccessful: uint256
    void: uint256
    allotted: uint256

interface Former:
    def open_tenders() -> uint256: view
    def tender(number: uint256) -> State: view
    def bidder_key(tender: uint256, bidder: uint256) -> address: view
    def live(tender: uint256, bidder: uint256, commitment: bytes32) -> uint256: view

struct State:
    isin: bytes32
    target: uint256
    opens_at: uint256
    bids_due: uint256
    terms_hash: bytes32
    commitments: uint256
    withdrawn: uint256
    commitments_head: bytes32
    closing_block: uint256
    cancelled: bool
    result_root: bytes32
    letters: uint256

event TenderAnnounced:
    tender: indexed(uint256)
    isin: indexed(bytes32)
    target: uint256
    opens_at: uint256
    bids_due: uint256
    terms_hash: bytes32

event TenderTimesChanged:
    tender: indexed(uint256)
    opens_at: uint256
    bids_due: uint256

event TenderTargetChanged:
    tender: indexed(uint256)
    target: uint256

event TenderWasCancelled:
    tender: indexed(uint256)
    reason: bytes32

event BidderAdmitted:
    tender: indexed(uint256)
    bidder: indexed(uint256)
    key: address

event CommitmentRecorded:
    tender: indexed(uint256)
    bidder: indexed(uint256)
    commitment: indexed(bytes32)
    index: uint256
    by_letter: bool

event CommitmentWithdrawn:
    tender: indexed(uint256)
    bidder: indexed(uint256)
    commitment: indexed(bytes32)

event TenderClosed:
    tender: indexed(uint256)
    commitments: uint256
    withdrawn: uint256
    commitments_head: bytes32
    letters: uint256

event KeyShareReleased:
    tender: indexed(uint256)
    institutions: uint256
    share_hash: bytes32

event ResultPublished:
    tender: indexed(uint256)
    root: bytes32
    accepted: uint256
    unsuccessful: uint256
    void: uint256
    allotted: uint256
    letters: uint256

CONFIRMATIONS: immutable(uint256)

_tenders: HashMap[uint256, State]
_bidder_key: HashMap[uint256, HashMap[uint256, address]]
# Live commitments: tender, bidder, commitment -> index + 1; 0 when unknown or withdrawn.
_live: HashMap[uint256, HashMap[uint256, HashMap[bytes32, uint256]]]
# Tenders that are neither cancelled nor have a result.
open_tenders: public(uint256)
_recorded: HashMap[bytes32, bool]


@deploy
def __init__(directory: address, confirmations: uint256):
    """@param confirmations Blocks after the closing block until it is final."""
    governed.__init__(directory)
    CONFIRMATIONS = confirmations


@external
def announce(announcement: Announcement, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Announces a tender: its target, and from when to when bids come in, in block time.
    @param signatures By an issuer and an auctioneer.
    """
    governed._require_running(codes.TENDER)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                ANNOUNCEMENT_TYPE,
                announcement.epoch,
                announcement.tender,
                announcement.isin,
                announcement.target,
                announcement.opens_at,
                announcement.bids_due,
                announcement.terms_hash,
            )
        )
    )
    governed._spend(digest, announcement.epoch)
    if self._known(announcement.tender).bids_due != 0:
        refusals._tender_exists(announcement.tender)
    self.open_tenders += 1
    self._check_times(announcement.opens_at, announcement.bids_due)
    self._require_both(digest, signatures)
    self._tenders[announcement.tender] = State(
        isin=announcement.isin,
        target=announcement.target,
        opens_at=announcement.opens_at,
        bids_due=announcement.bids_due,
        terms_hash=announcement.terms_hash,
        commitments=0,
        withdrawn=0,
        commitments_head=empty(bytes32),
        closing_block=0,
        cancelled=False,
        result_root=empty(bytes32),
        letters=0,
    )
    log TenderAnnounced(
        tender=announcement.tender,
        isin=announcement.isin,
        target=announcement.target,
        opens_at=announcement.opens_at,
        bids_due=announcement.bids_due,
        terms_hash=announcement.terms_hash,
    )


@external
def extend(times: TenderTimes, signatures: DynArray[Bytes[65], 16]):
    """@notice Lets bids come in longer. Only while they still may; `opens_at` stays as it is."""
    state: State = self._changeable(times.tender)
    self._require_before_due(times.tender, state)
    if times.opens_at != state.opens_at or times.bids_due <= state.bids_due:
        refusals._tender_times_invalid(times.opens_at, times.bids_due)
    self._set_times(times, signatures)


@external
def postpone(times: TenderTimes, signatures: DynArray[Bytes[65], 16]):
    """@notice Moves a tender that has not opened yet."""
    state: State = self._changeable(times.tender)
    if block.timestamp >= state.opens_at:
        refusals._tender_times_invalid(state.opens_at, state.bids_due)
    self._check_times(times.opens_at, times.bids_due)
    self._set_times(times, signatures)


@external
def amend_target(target: TenderTarget, signatures: DynArray[Bytes[65], 16]):
    """@notice Changes the target while bids come in, or before."""
    state: State = self._changeable(target.tender)
    self._require_before_due(target.tender, state)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(TARGET_TYPE, target.number, target.epoch, target.tender, target.target)
        )
    )
    governed._spend(digest, target.epoch)
    self._require_both(digest, signatures)
    self._tenders[target.tender].target = target.target
    log TenderTargetChanged(tender=target.tender, target=target.target)


@external
def cancel(tender: uint256, epoch: uint256, reason: bytes32, signatures: DynArray[Bytes[65], 16]):
    """@notice Cancels a tender that has no result. Its commitments stay sealed."""
    self._existing(tender)
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(CANCELLATION_TYPE, epoch, tender, reason))
    )
    governed._spend(digest, epoch)
    if self._tenders[tender].result_root != empty(bytes32):
        refusals._result_exists(tender)
    self._require_both(digest, signatures)
    self._tenders[tender].cancelled = True
    self.open_tenders -= 1
    log TenderWasCancelled(tender=tender, reason=reason)


@external
def admit_bidders(roll: BidderRoll, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Gives bidders their numbers in this tender and the keys with which they sign here.
    @param signatures By an auctioneer.
    """
    self._changeable(roll.tender)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                ROLL_TYPE,
                roll.number,
                roll.epoch,
                roll.tender,
                keccak256(slice(abi_encode(roll.bidders), 64, 32 * len(roll.bidders))),
                keccak256(slice(abi_encode(roll.keys), 64, 32 * len(roll.keys))),
            )
        )
    )
    governed._spend(digest, roll.epoch)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.AUCTIONEER, signers.institutions)
    for i: uint256 in range(64):
        if i >= len(roll.bidders):
            break
        if self._bidder_key[roll.tender][roll.bidders[i]] != empty(address):
            refusals._bidder_exists(roll.tender, roll.bidders[i])
        if roll.keys[i] == empty(address):
            refusals._account_invalid(roll.keys[i])
        self._bidder_key[roll.tender][roll.bidders[i]] = roll.keys[i]
        log BidderAdmitted(tender=roll.tender, bidder=roll.bidders[i], key=roll.keys[i])


@external
def commit(tender: uint256, bidder: uint256, commitment: bytes32, replaces: bytes32, signature: Bytes[65]):
    """
    @notice Records the commitment to a sealed bid; bidders may send it themselves.
    @param replaces An earlier commitment of the same bidder that this one revises; 0 for none.
    @param signature By the bidder's key in this tender.
    @dev Refuses, in order: ProgrammeHalted, ContractHalted, TenderUnknown, TenderCancelled,
         TenderAlreadyClosed, TenderNotOpen, BiddingOver, BidderUnknown, BadSignature,
         CommitmentExists, CommitmentUnknown.
    """
    governed._require_running(codes.TENDER)
    self._require_bidding(tender)
    self._require_bidder(
        tender,
        bidder,
        governed._digest(
            keccak256(abi_encode(COMMITMENT_TYPE, tender, bidder, commitment, replaces))
        ),
        signature,
    )
    self._record(tender, bidder, commitment, replaces, False)


@external
def commit_letter(
    tender: uint256,
    bidder: uint256,
    commitment: bytes32,
    epoch: uint256,
    signatures: DynArray[Bytes[65], 16],
):
    """
    @notice Records a commitment that came as a sealed letter during an outage, before the close.
    @param signatures By an issuer and an auctioneer.
    @dev Both vouch that the letter came in time, so it may be entered until the close, after
         which alone a key share can be released. It never replaces a bid: only the bidder's own
         key takes a commitment back.
    """
    governed._require_running(codes.TENDER)
    state: State = self._changeable(tender)
    if block.timestamp < state.opens_at:
        refusals._tender_not_open(tender, state.opens_at)
    if self._bidder_key[tender][bidder] == empty(address):
        refusals._bidder_unknown(tender, bidder)
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(LETTER_TYPE, epoch, tender, bidder, commitment))
    )
    governed._spend(digest, epoch)
    self._require_both(digest, signatures)
    self._tenders[tender].letters = state.letters + 1
    self._record(tender, bidder, commitment, empty(bytes32), True)


@external
def withdraw_commitment(tender: uint256, bidder: uint256, commitment: bytes32, signature: Bytes[65]):
    """@notice Withdraws a bid until the close; it stays on record as withdrawn."""
    governed._require_running(codes.TENDER)
    self._require_bidding(tender)
    self._require_bidder(
        tender,
        bidder,
        governed._digest(keccak256(abi_encode(BID_WITHDRAWAL_TYPE, tender, bidder, commitment))),
        signature,
    )
    self._withdraw(tender, bidder, commitment)


@external
def close(tender: uint256, epoch: uint256, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Closes the bidding, never before it is due by block time.
    @param signatures By an auctioneer.
    """
    governed._require_running(codes.TENDER)
    state: State = self._changeable(tender)
    if block.timestamp < state.bids_due:
        refusals._bidding_still_open(tender, state.bids_due)
    digest: bytes32 = governed._digest(keccak256(abi_encode(CLOSING_TYPE, epoch, tender)))
    governed._spend(digest, epoch)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.AUCTIONEER, signers.institutions)
    self._tenders[tender].closing_block = block.number
    log TenderClosed(
        tender=tender,
        commitments=state.commitments,
        withdrawn=state.withdrawn,
        commitments_head=state.commitments_head,
        letters=state.letters,
    )


@external
def release_share(tender: uint256, share_hash: bytes32, epoch: uint256, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Notes that institutions release their key share, once the closing block is final.
    @param share_hash SHA-256 of the released share; the share itself stays off the chain.
    """
    self._require_final(tender)
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(SHARE_TYPE, epoch, tender, share_hash))
    )
    governed._spend(digest, epoch)
    signers: governed.Signers = governed._signers(digest, signatures)
    if signers.institutions == 0:
        refusals._quorum_not_met(1, 0)
    log KeyShareReleased(
        tender=tender, institutions=signers.institutions, share_hash=share_hash
    )


@external
def publish_result(result: Result, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Publishes the result's root. It accounts for every commitment that was not withdrawn:
            accepted, unsuccessful, or void; and tells how many came by letter.
    @param signatures By an issuer and an auctioneer.
    """
    governed._require_running(codes.TENDER)
    self._require_final(result.tender)
    state: State = self._tenders[result.tender]
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                RESULT_TYPE,
                result.epoch,
                result.tender,
                result.root,
                result.commitments_head,
                result.accepted,
                result.unsuccessful,
                result.void,
                result.allotted,
            )
        )
    )
    governed._spend(digest, result.epoch)
    if state.result_root != empty(bytes32):
        refusals._result_exists(result.tender)
    if result.root == empty(bytes32):
        refusals._result_empty(result.tender)
    if result.commitments_head != state.commitments_head:
        refusals._commitments_differ(state.commitments_head, result.commitments_head)
    accounted: uint256 = result.accepted + result.unsuccessful + result.void
    if accounted != state.commitments - state.withdrawn:
        refusals._commitments_unaccounted(state.commitments - state.withdrawn, accounted)
    self._require_both(digest, signatures)
    self._tenders[result.tender].result_root = result.root
    self.open_tenders -= 1
    log ResultPublished(
        tender=result.tender,
        root=result.root,
        accepted=result.accepted,
        unsuccessful=result.unsuccessful,
        void=result.void,
        allotted=result.allotted,
        letters=state.letters,
    )


@external
def succeed(former: address):
    """@notice Takes over once no tender of the former contract is open. Only the Directory."""
    governed._succeed(codes.TENDER, former)
    self._check_succession(former)


@external
@view
def check_succession(former: address):
    """@notice Refuses as `succeed` would for what is open."""
    self._check_succession(former)


@external
@view
def tender(number: uint256) -> State:
    """@return All that the chain knows of a tender; zeros when there is none."""
    return self._known(number)


@external
@view
def bidder_key(tender: uint256, bidder: uint256) -> address:
    """@return The key with which this tender knows a bidder; zero when it does not."""
    if self._is_before(tender):
        return staticcall Former(governed.former).bidder_key(tender, bidder)
    return self._bidder_key[tender][bidder]


@external
@view
def live(tender: uint256, bidder: uint256, commitment: bytes32) -> uint256:
    """@return The index of a live commitment plus 1; 0 when it is unknown or withdrawn."""
    if self._is_before(tender):
        return staticcall Former(governed.former).live(tender, bidder, commitment)
    return self._live[tender][bidder][commitment]


@external
@view
def final_at(number: uint256) -> uint256:
    """@return First block in which key shares may be released; 0 when the tender is not closed."""
    closing_block: uint256 = self._tenders[number].closing_block
    return 0 if closing_block == 0 else closing_block + CONFIRMATIONS


@external
@view
def can_commit(tender: uint256, bidder: uint256) -> Bytes[160]:
    """@return Empty when this bidder may commit now; else the ABI-encoded refusal. Never reverts."""
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(tender, bidder, method_id=method_id("check_commit(uint256,uint256)")),
        max_outsize=160,
        is_static_call=True,
        revert_on_failure=False,
    )
    return reason


@external
@view
def check_commit(tender: uint256, bidder: uint256):
    """@notice Refuses as `commit` would, signature and commitment aside."""
    governed._require_running(codes.TENDER)
    self._require_bidding(tender)
    if self._bidder_key[tender][bidder] == empty(address):
        refusals._bidder_unknown(tender, bidder)


# Internals.


@internal
@view
def _check_succession(former: address):
    open_tenders: uint256 = staticcall Former(former).open_tenders()
    if open_tenders != 0:
        refusals._tenders_open(open_tenders)


@internal
@view
def _is_before(tender: uint256) -> bool:
    """@return Whether only a former contract can know the tender."""
    return self._tenders[tender].bids_due == 0 and governed.former != empty(address)


@internal
@view
def _known(tender: uint256) -> State:
    if self._is_before(tender):
        return staticcall Former(governed.former).tender(tender)
    return self._tenders[tender]


@internal
@view
def _existing(tender: uint256) -> State:
    governed._require_current(codes.TENDER)
    state: State = self._tenders[tender]
    if state.bids_due == 0:
        refusals._tender_unknown(tender)
    if state.cancelled:
        refusals._tender_cancelled(tender)
    return state


@internal
@view
def _changeable(tender: uint256) -> State:
    state: State = self._existing(tender)
    if state.closing_block != 0:
        refusals._tender_already_closed(tender)
    return state


@internal
@view
def _require_before_due(tender: uint256, state: State):
    if block.timestamp >= state.bids_due:
        refusals._bidding_over(tender, state.bids_due)


@internal
@view
def _require_bidding(tender: uint256):
    state: State = self._changeable(tender)
    if block.timestamp < state.opens_at:
        refusals._tender_not_open(tender, state.opens_at)
    self._require_before_due(tender, state)


@internal
@view
def _require_final(tender: uint256):
    state: State = self._existing(tender)
    if state.closing_block == 0:
        refusals._tender_not_closed(tender)
    if block.number < state.closing_block + CONFIRMATIONS:
        refusals._closing_not_final(tender, state.closing_block + CONFIRMATIONS)


@internal
@view
def _check_times(opens_at: uint256, bids_due: uint256):
    if bids_due <= opens_at or bids_due <= block.timestamp:
        refusals._tender_times_invalid(opens_at, bids_due)


@internal
@view
def _require_bidder(tender: uint256, bidder: uint256, digest: bytes32, signature: Bytes[65]):
    key: address = self._bidder_key[tender][bidder]
    if key == empty(address):
        refusals._bidder_unknown(tender, bidder)
    governed._require_signed_by(key, digest, signature)


@internal
@view
def _require_both(digest: bytes32, signatures: DynArray[Bytes[65], 16]):
    """@dev Issuer and auctioneer, two institutions."""
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    governed._require_capacity(codes.AUCTIONEER, signers.institutions)
    if governed._count(signers.institutions) < 2:
        refusals._quorum_not_met(2, 1)


@internal
def _set_times(times: TenderTimes, signatures: DynArray[Bytes[65], 16]):
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                TIMES_TYPE, times.number, times.epoch, times.tender, times.opens_at, times.bids_due
            )
        )
    )
    governed._spend(digest, times.epoch)
    self._require_both(digest, signatures)
    self._tenders[times.tender].opens_at = times.opens_at
    self._tenders[times.tender].bids_due = times.bids_due
    log TenderTimesChanged(
        tender=times.tender, opens_at=times.opens_at, bids_due=times.bids_due
    )


@internal
def _record(tender: uint256, bidder: uint256, commitment: bytes32, replaces: bytes32, by_letter: bool):
    """
    @dev The head chains all commitments in their order, so none can be left out or moved:
         SHA-256(head before, bidder, commitment, by letter), 32 bytes each; at first zeros.
    """
    key: bytes32 = keccak256(abi_encode(tender, bidder, commitment))
    if self._recorded[key]:
        refusals._commitment_exists(tender, commitment)
    self._recorded[key] = True
    if replaces != empty(bytes32):
        self._withdraw(tender, bidder, replaces)
    index: uint256 = self._tenders[tender].commitments
    self._tenders[tender].commitments = index + 1
    self._tenders[tender].commitments_head = sha256(
        abi_encode(self._tenders[tender].commitments_head, bidder, commitment, by_letter)
    )
    self._live[tender][bidder][commitment] = index + 1
    log CommitmentRecorded(
        tender=tender, bidder=bidder, commitment=commitment, index=index, by_letter=by_letter
    )


@internal
def _withdraw(tender: uint256, bidder: uint256, commitment: bytes32):
    if self._live[tender][bidder][commitment] == 0:
        refusals._commitment_unknown(tender, commitment)
    self._live[tender][bidder][commitment] = 0
    self._tenders[tender].withdrawn += 1
    log CommitmentWithdrawn(tender=tender, bidder=bidder, commitment=commitment)
