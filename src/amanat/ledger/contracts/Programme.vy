# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Programme
@license Apache-2.0
@notice The ceiling in US dollars, the authorisations beneath it, and the only way to create
        securities. Halts the programme or one of its contracts.
@dev Number 3 halts the whole programme: no token moves and nothing is authorised or issued.
     Amounts in USD are US cents; rates are units of nominal per US dollar, times 1,000,000.
     A contract that replaces this one goes on with the same ceiling and the same sums: what was
     used stays used, and what was issued stays issued.
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
    def post_halt(contract_id: uint256, halted: bool): nonpayable
    def post_token(token: address) -> uint256: nonpayable
    def next_token() -> uint256: view
    def contract_at(contract_id: uint256) -> address: view

interface Security:
    def mint(to: address, amount: uint256): nonpayable
    def burn(account: address, amount: uint256): nonpayable
    def redeemed() -> uint256: view
    def maturity_day() -> uint256: view

interface Former:
    def ceiling() -> uint256: view
    def used() -> uint256: view
    def next_authorisation() -> uint256: view
    def reserves() -> uint256: view
    def evidence_valid_until() -> uint256: view
    def sums_of(isin: bytes32) -> Sums: view
    def authorised(number: uint256) -> Authorised: view
    def rule_of(kind: uint256) -> KindRule: view

AUTHORISATION_TYPE: constant(bytes32) = keccak256("Authorisation(uint256 number,uint256 epoch,bytes32 isin,uint256 kind,uint256 nominal,uint256 usd_value,uint256 rate,uint256 rate_day,bytes32 terms_hash,bytes32 authority_hash,uint256 classes,uint256 maturity_day,uint256 expiry_day,string name,uint256 capacity)")
WITHDRAWAL_TYPE: constant(bytes32) = keccak256("AuthorisationWithdrawal(bytes32 authorisation,uint256 epoch)")
ISSUE_TYPE: constant(bytes32) = keccak256("Issue(uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal,address account)")
CANCELLATION_TYPE: constant(bytes32) = keccak256("UnsoldCancellation(uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal,address account)")
RELEASE_TYPE: constant(bytes32) = keccak256("HeadroomRelease(uint256 number,uint256 epoch,uint256 authorisation,uint256 nominal)")
CEILING_TYPE: constant(bytes32) = keccak256("CeilingChange(uint256 number,uint256 epoch,uint256 ceiling)")
KIND_TYPE: constant(bytes32) = keccak256("KindRule(uint256 number,uint256 epoch,uint256 kind,uint256 clearances,uint256 confirmations)")
ATTESTATION_TYPE: constant(bytes32) = keccak256("ReserveAttestation(uint256 number,uint256 epoch,uint256 reserves,uint256 valid_until)")
HALT_TYPE: constant(bytes32) = keccak256("Halt(uint256 number,uint256 epoch,uint256 contract_id,bool halted,bytes32 reason)")

AUTHORISE: constant(uint256) = 1
CLEAR: constant(uint256) = 2
CONFIRM: constant(uint256) = 3
MICRO_CENTS: constant(uint256) = 100_000_000
# Beyond this a rate is not one, and the value's arithmetic could overflow.
RATE_MAX: constant(uint256) = 2**128
# What acts with numbers set anew (see governed._supersede); above all contract ids.
CEILING_SUBJECT: constant(bytes32) = keccak256("ceiling")
RESERVES_SUBJECT: constant(bytes32) = keccak256("reserves")
KIND_SUBJECT: constant(bytes32) = keccak256("kind")

struct Authorisation:
    number: uint256
    epoch: uint256
    isin: bytes32
    kind: uint256
    nominal: uint256
    usd_value: uint256
    rate: uint256
    rate_day: uint256
    terms_hash: bytes32
    authority_hash: bytes32
    classes: uint256
    maturity_day: uint256
    expiry_day: uint256
    name: String[35]

struct KindRule:
    kind: uint256
    clearances: uint256
    confirmations: uint256

struct Issue:
    number: uint256
    epoch: uint256
    authorisation: uint256
    nominal: uint256
    account: address

struct HeadroomRelease:
    number: uint256
    epoch: uint256
    authorisation: uint256
    nominal: uint256

struct ReserveAttestation:
    number: uint256
    epoch: uint256
    reserves: uint256
    valid_until: uint256

struct Halt:
    number: uint256
    epoch: uint256
    contract_id: uint256
    halted: bool
    reason: bytes32

struct Authorised:
    isin: bytes32
    kind: uint256
    nominal: uint256
    usd_value: uint256
    issued: uint256
    expiry_day: uint256

struct Sums:
    security: address
    terms: bytes32
    nominal: uint256
    usd: uint256
    freed: uint256
    issued: uint256
    issued_usd: uint256

event SecurityCreated:
    isin: indexed(bytes32)
    security: indexed(address)
    number: uint256
    terms_hash: bytes32
    classes: uint256
    maturity_day: uint256

event NominalAuthorised:
    number: indexed(uint256)
    isin: indexed(bytes32)
    kind: uint256
    nominal: uint256
    usd_value: uint256
    rate: uint256
    rate_day: uint256
    terms_hash: bytes32
    authority_hash: bytes32
    expiry_day: uint256

event AuthorisationWithdrawn:
    authorisation: indexed(bytes32)
    institutions: uint256

event NominalIssued:
    authorisation: indexed(uint256)
    isin: indexed(bytes32)
    account: indexed(address)
    nominal: uint256

event UnsoldCancelled:
    authorisation: indexed(uint256)
    isin: indexed(bytes32)
    account: indexed(address)
    nominal: uint256

event HeadroomReleased:
    isin: indexed(bytes32)
    authorisation: uint256
    nominal: uint256
    usd_value: uint256

event CeilingChanged:
    ceiling: uint256

event KindRuleChanged:
    kind: indexed(uint256)
    clearances: uint256
    confirmations: uint256

event ReservesAttested:
    reserves: uint256
    valid_until: uint256

event HaltChanged:
    contract_id: indexed(uint256)
    halted: bool
    reason: bytes32

BLUEPRINT: immutable(address)
REDEMPTION_FREES_HEADROOM: immutable(bool)
CEILING_SIGNERS: immutable(uint256)
ATTESTORS: immutable(uint256)
RESERVES_REASON: constant(bytes32) = keccak256("reserves")

ceiling: public(uint256)
used: public(uint256)
next_authorisation: public(uint256)
reserves: public(uint256)
evidence_valid_until: public(uint256)
# Of each ISIN: its security, what a reopening may not change, nominal and USD value authorised, USD
# freed by redemption, what is issued, and its part of the USD values, rounded down.
_sums: HashMap[bytes32, Sums]
_authorised: HashMap[uint256, Authorised]
_rules: HashMap[uint256, KindRule]
withdrawn: public(HashMap[bytes32, uint256])


@deploy
def __init__(
    directory: address,
    blueprint: address,
    ceiling: uint256,
    redemption_frees_headroom: bool,
    ceiling_signers: uint256,
    attestors: uint256,
    kinds: DynArray[KindRule, 16],
):
    """
    @param blueprint ERC-5202 blueprint of `Security`.
    @param ceiling In US cents.
    @param redemption_frees_headroom Whether what is redeemed can be authorised again.
    @param ceiling_signers Mask of the institutions that all sign a new ceiling.
    @param attestors Mask of the institutions that attest reserves; 0 when nothing backs the
           securities but the issuer's credit.
    @param kinds For each kind of instrument the masks of mandatory clearances and confirmations.
    """
    governed.__init__(directory)
    BLUEPRINT = blueprint
    REDEMPTION_FREES_HEADROOM = redemption_frees_headroom
    CEILING_SIGNERS = ceiling_signers
    ATTESTORS = attestors
    self.ceiling = ceiling
    self.next_authorisation = 1
    log CeilingChanged(ceiling=ceiling)
    for rule: KindRule in kinds:
        self._set_rule(rule)


# Authorisation.


@external
def authorise(
    authorisation: Authorisation,
    authorising: DynArray[Bytes[65], 16],
    clearing: DynArray[Bytes[65], 16],
    confirming: DynArray[Bytes[65], 16],
) -> address:
    """
    @notice Authorises nominal of an ISIN under the ceiling; creates its security the first time.
    @param authorising By the issuer (capacity 1); `clearing` by every institution whose clearance
           is mandatory for this kind (capacity 2); `confirming` by its agents (capacity 3).
    @return The security.
    @dev Refuses, in order: ProgrammeHalted, ActSpent, WrongEpoch, KindUnknown,
         AuthorisationNumberUsed, AuthorisationExpired, AmountZero, RateInvalid, ValueMismatch,
         EvidenceLapsed, ReservesShort, CeilingPassed, TermsDiffer, ActWithdrawn, SignersMissing.
    """
    governed._require_running(codes.PROGRAMME)
    governed._spend(self._authorisation_digest(authorisation, 0), authorisation.epoch)
    self._carry(authorisation.isin)
    self._check_authorisation(authorisation)
    self._check_signers(authorisation, authorising, clearing, confirming)
    self.next_authorisation = authorisation.number + 1
    self.used += authorisation.usd_value
    self._authorised[authorisation.number] = Authorised(
        isin=authorisation.isin,
        kind=authorisation.kind,
        nominal=authorisation.nominal,
        usd_value=authorisation.usd_value,
        issued=0,
        expiry_day=authorisation.expiry_day,
    )
    self._sums[authorisation.isin].nominal += authorisation.nominal
    self._sums[authorisation.isin].usd += authorisation.usd_value
    security: address = self._sums[authorisation.isin].security
    if security == empty(address):
        security = self._create_security(authorisation)
    log NominalAuthorised(
        number=authorisation.number,
        isin=authorisation.isin,
        kind=authorisation.kind,
        nominal=authorisation.nominal,
        usd_value=authorisation.usd_value,
        rate=authorisation.rate,
        rate_day=authorisation.rate_day,
        terms_hash=authorisation.terms_hash,
        authority_hash=authorisation.authority_hash,
        expiry_day=authorisation.expiry_day,
    )
    return security


@external
def withdraw_authorisation(authorisation: bytes32, epoch: uint256, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Takes back what the signing institutions signed, in whatever capacity, until the
            authorisation is executed.
    @param authorisation Its digest with capacity 0.
    """
    governed._require_current(codes.PROGRAMME)
    if governed.spent[authorisation]:
        refusals._act_spent(authorisation)
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(WITHDRAWAL_TYPE, authorisation, epoch))
    )
    current: uint256 = staticcall governed.DIRECTORY.epoch()
    if epoch != current:
        refusals._wrong_epoch(epoch, current)
    # Not spent: one institution's withdrawal never keeps another from withdrawing too.
    signers: governed.Signers = governed._signers(digest, signatures)
    if signers.institutions == 0:
        refusals._quorum_not_met(1, 0)
    if signers.institutions & ~self.withdrawn[authorisation] == 0:
        refusals._act_spent(digest)
    self.withdrawn[authorisation] |= signers.institutions
    log AuthorisationWithdrawn(authorisation=authorisation, institutions=signers.institutions)


@external
@view
def can_authorise(authorisation: Authorisation) -> Bytes[160]:
    """
    @return Empty when the authorisation would stand, signatures aside; else the ABI-encoded
            refusal. Never reverts.
    """
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(
            authorisation,
            method_id=method_id(
                "check_authorisation((uint256,uint256,bytes32,uint256,uint256,uint256,uint256,uint256,bytes32,bytes32,uint256,uint256,uint256,string))"
            ),
        ),
        max_outsize=160,
        is_static_call=True,
        revert_on_failure=False,
    )
    return reason


@external
@view
def check_authorisation(authorisation: Authorisation):
    """@notice Refuses as `authorise` would, signatures aside."""
    governed._require_running(codes.PROGRAMME)
    digest: bytes32 = self._authorisation_digest(authorisation, 0)
    if governed.spent[digest]:
        refusals._act_spent(digest)
    current: uint256 = staticcall governed.DIRECTORY.epoch()
    if authorisation.epoch != current:
        refusals._wrong_epoch(authorisation.epoch, current)
    self._check_authorisation(authorisation)


# Issue, cancellation, headroom.


@external
def issue(issue: Issue, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Creates nominal on a distribution account, within an authorisation.
    @param signatures By the issuer and by every agent that confirms this kind.
    """
    governed._require_running(codes.PROGRAMME)
    self._check_evidence()
    authorised: Authorised = self._spend_issue(ISSUE_TYPE, issue, signatures)
    day: uint256 = (staticcall governed.DIRECTORY.today())[0]
    if day > authorised.expiry_day:
        refusals._authorisation_expired(issue.authorisation, authorised.expiry_day, day)
    left: uint256 = authorised.nominal - authorised.issued
    if issue.nominal > left:
        refusals._authorisation_exceeded(issue.authorisation, issue.nominal, left)
    self._set_issued(issue.authorisation, authorised, authorised.issued + issue.nominal)
    extcall Security(self._sums[authorised.isin].security).mint(issue.account, issue.nominal)
    log NominalIssued(
        authorisation=issue.authorisation,
        isin=authorised.isin,
        account=issue.account,
        nominal=issue.nominal,
    )


@external
def cancel_unsold(cancellation: Issue, account_signature: Bytes[65], signatures: DynArray[Bytes[65], 16]):
    """
    @notice Destroys nominal that was not sold; it can be issued again under its authorisation.
            Not from the maturity on: what is then left is redeemed like all the rest.
    @param account_signature Of the distribution account's own key, over the same act.
    @param signatures By the issuer and by every agent that confirms this kind.
    """
    governed._require_running(codes.PROGRAMME)
    authorised: Authorised = self._spend_issue(CANCELLATION_TYPE, cancellation, signatures)
    governed._require_signed_by(
        cancellation.account, self._issue_digest(CANCELLATION_TYPE, cancellation), account_signature
    )
    day: uint256 = (staticcall governed.DIRECTORY.today())[0]
    maturity_day: uint256 = staticcall Security(self._sums[authorised.isin].security).maturity_day()
    if day >= maturity_day:
        refusals._security_matured(maturity_day, day)
    if cancellation.nominal > authorised.issued:
        refusals._authorisation_exceeded(
            cancellation.authorisation, cancellation.nominal, authorised.issued
        )
    self._set_issued(
        cancellation.authorisation, authorised, authorised.issued - cancellation.nominal
    )
    extcall Security(self._sums[authorised.isin].security).burn(
        cancellation.account, cancellation.nominal
    )
    log UnsoldCancelled(
        authorisation=cancellation.authorisation,
        isin=authorised.isin,
        account=cancellation.account,
        nominal=cancellation.nominal,
    )


@external
def release_headroom(release: HeadroomRelease, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Gives up nominal that was authorised and not issued; its USD value becomes headroom.
    @param signatures By the issuer and by every agent that confirms this kind.
    """
    governed._require_current(codes.PROGRAMME)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                RELEASE_TYPE, release.number, release.epoch, release.authorisation, release.nominal
            )
        )
    )
    governed._spend(digest, release.epoch)
    authorised: Authorised = self._known(release.authorisation)
    self._carry(authorised.isin)
    self._check_issue_signers(release.authorisation, authorised, digest, signatures)
    if release.nominal == 0:
        refusals._amount_zero()
    left: uint256 = authorised.nominal - authorised.issued
    if release.nominal > left:
        refusals._authorisation_exceeded(release.authorisation, release.nominal, left)
    freed: uint256 = authorised.usd_value * release.nominal // authorised.nominal
    self._sums[authorised.isin].issued_usd -= self._issued_usd(authorised)
    authorised.nominal -= release.nominal
    authorised.usd_value -= freed
    self._authorised[release.authorisation] = authorised
    self._sums[authorised.isin].issued_usd += self._issued_usd(authorised)
    self._sums[authorised.isin].nominal -= release.nominal
    self._sums[authorised.isin].usd -= freed
    self.used -= freed
    log HeadroomReleased(
        isin=authorised.isin,
        authorisation=release.authorisation,
        nominal=release.nominal,
        usd_value=freed,
    )


@external
def release_redeemed(isin: bytes32):
    """
    @notice Frees the USD value of what was redeemed, if this programme's rule says so; anyone
            may send it, and repeating it has no effect.
    @dev The value of what was issued, in proportion: authorisations at different rates, or not
         fully issued, then never free more than was authorised. Nothing is redeemed before the
         maturity, and nothing issued or cancelled after it, so the proportion no longer moves.
    """
    governed._require_current(codes.PROGRAMME)
    self._carry(isin)
    sums: Sums = self._sums[isin]
    if sums.security == empty(address):
        refusals._security_unknown(sums.security)
    if REDEMPTION_FREES_HEADROOM:
        redeemed: uint256 = staticcall Security(sums.security).redeemed()
        freed: uint256 = sums.freed
        due: uint256 = 0
        if sums.issued != 0:
            due = sums.issued_usd * redeemed // sums.issued
        if due > freed:
            self._sums[isin].freed = due
            self.used -= due - freed
            log HeadroomReleased(isin=isin, authorisation=0, nominal=redeemed, usd_value=due - freed)


# Rules of the programme.


@external
def set_ceiling(number: uint256, epoch: uint256, ceiling: uint256, signatures: DynArray[Bytes[65], 16]):
    """@notice Changes the ceiling; signed by the issuer and all institutions named for it."""
    governed._require_current(codes.PROGRAMME)
    digest: bytes32 = governed._digest(keccak256(abi_encode(CEILING_TYPE, number, epoch, ceiling)))
    governed._spend(digest, epoch)
    if ceiling < self.used:
        refusals._ceiling_below_use(ceiling, self.used)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    governed._require_all(CEILING_SIGNERS, signers.institutions)
    self._require_two(signers.institutions)
    governed._supersede(CEILING_SUBJECT, number, False)
    self.ceiling = ceiling
    log CeilingChanged(ceiling=ceiling)


@external
def set_kind_rule(number: uint256, epoch: uint256, rule: KindRule, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Changes which clearances and confirmations a kind needs; signed by the issuer and by
            every institution that the old or the new rule names.
    """
    governed._require_current(codes.PROGRAMME)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(KIND_TYPE, number, epoch, rule.kind, rule.clearances, rule.confirmations)
        )
    )
    governed._spend(digest, epoch)
    old: KindRule = self._rule(rule.kind)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    governed._require_all(
        rule.clearances | rule.confirmations | old.clearances | old.confirmations,
        signers.institutions,
    )
    governed._supersede(
        keccak256(concat(KIND_SUBJECT, convert(rule.kind, bytes32))), number, False
    )
    self._set_rule(rule)


@external
def attest_reserves(attestation: ReserveAttestation, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Records reserves in US cents and the last day of their evidence; all attestors sign.
            Reserves that are short halt the programme at once.
    """
    governed._require_current(codes.PROGRAMME)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                ATTESTATION_TYPE,
                attestation.number,
                attestation.epoch,
                attestation.reserves,
                attestation.valid_until,
            )
        )
    )
    governed._spend(digest, attestation.epoch)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_all(ATTESTORS, signers.institutions)
    governed._supersede(RESERVES_SUBJECT, attestation.number, False)
    self.reserves = attestation.reserves
    self.evidence_valid_until = attestation.valid_until
    log ReservesAttested(reserves=attestation.reserves, valid_until=attestation.valid_until)
    if attestation.reserves < self.used:
        self._post_halt(codes.PROGRAMME, True, RESERVES_REASON)


@external
def succeed(former: address):
    """
    @notice Takes over: ceiling, use, reserves and every number. Sums of an ISIN, authorisations and
            rules follow when something first changes them. Only the Directory.
    """
    governed._succeed(codes.PROGRAMME, former)
    self.ceiling = staticcall Former(former).ceiling()
    self.used = staticcall Former(former).used()
    self.next_authorisation = staticcall Former(former).next_authorisation()
    self.reserves = staticcall Former(former).reserves()
    self.evidence_valid_until = staticcall Former(former).evidence_valid_until()


# Halts.


@external
def set_halt(halt: Halt, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Halts or resumes: 3 the whole programme, 4 cash, 5 orders, 6 settlement, 7 payments,
            8 tenders, from 16 one security.
    @param signatures One guardian halts; two guardian institutions resume.
    @dev A resumption whose number is not above that of the last halt of the same contract is
         refused: one that was signed before it and kept back cannot undo it.
    """
    governed._require_current(codes.PROGRAMME)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                HALT_TYPE, halt.number, halt.epoch, halt.contract_id, halt.halted, halt.reason
            )
        )
    )
    governed._spend(digest, halt.epoch)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_quorum(codes.GUARDIAN, signers.institutions, 1 if halt.halted else 2)
    if not halt.halted and not staticcall governed.DIRECTORY.is_halted(halt.contract_id):
        refusals._not_halted(halt.contract_id)
    if not halt.halted and halt.contract_id == codes.PROGRAMME:
        self._check_evidence()
    governed._supersede(convert(halt.contract_id, bytes32), halt.number, halt.halted)
    self._post_halt(halt.contract_id, halt.halted, halt.reason)


@external
def halt_for_reserves():
    """@notice Halts the programme when reserves are short or their evidence lapsed; anyone may."""
    success: bool = raw_call(
        self,
        method_id("check_evidence()"),
        is_static_call=True,
        revert_on_failure=False,
    )
    if success:
        refusals._reserves_sound()
    self._post_halt(codes.PROGRAMME, True, RESERVES_REASON)


@external
@view
def check_evidence():
    """@notice Refuses when reserves are short or their evidence has lapsed."""
    self._check_evidence()


# Views.


@external
@view
def authorised(number: uint256) -> Authorised:
    """@return What authorisation `number` allows and how much of it is issued."""
    return self._known(number)


@external
@view
def sums_of(isin: bytes32) -> Sums:
    """@return All that this contract, or the former one, keeps of an ISIN; zeros when unknown."""
    return self._sums_of(isin)


@external
@view
def security_of(isin: bytes32) -> address:
    return self._sums_of(isin).security


@external
@view
def terms_of(isin: bytes32) -> bytes32:
    return self._sums_of(isin).terms


@external
@view
def nominal_of(isin: bytes32) -> uint256:
    return self._sums_of(isin).nominal


@external
@view
def usd_of(isin: bytes32) -> uint256:
    return self._sums_of(isin).usd


@external
@view
def freed_of(isin: bytes32) -> uint256:
    return self._sums_of(isin).freed


@external
@view
def issued_of(isin: bytes32) -> uint256:
    return self._sums_of(isin).issued


@external
@view
def issued_usd_of(isin: bytes32) -> uint256:
    return self._sums_of(isin).issued_usd


@external
@view
def rule_of(kind: uint256) -> KindRule:
    return self._rule(kind)


@external
@view
def headroom() -> uint256:
    """@return What can still be authorised, in US cents."""
    return self.ceiling - self.used


@external
@view
def blueprint() -> address:
    return BLUEPRINT


@external
@view
def redemption_frees_headroom() -> bool:
    return REDEMPTION_FREES_HEADROOM


@external
@view
def ceiling_signers() -> uint256:
    return CEILING_SIGNERS


@external
@view
def attestors() -> uint256:
    return ATTESTORS


# Internals.


@internal
@view
def _sums_of(isin: bytes32) -> Sums:
    """@dev What a former contract knew is read there until something changes it here."""
    if self._sums[isin].security == empty(address) and governed.former != empty(address):
        return staticcall Former(governed.former).sums_of(isin)
    return self._sums[isin]


@internal
def _carry(isin: bytes32):
    """@dev What a former contract knew of an ISIN is kept here from now on."""
    if self._sums[isin].security == empty(address) and governed.former != empty(address):
        self._sums[isin] = staticcall Former(governed.former).sums_of(isin)


@internal
@view
def _known(number: uint256) -> Authorised:
    if self._authorised[number].isin == empty(bytes32) and governed.former != empty(address):
        return staticcall Former(governed.former).authorised(number)
    return self._authorised[number]


@internal
@view
def _rule(kind: uint256) -> KindRule:
    if self._rules[kind].kind == 0 and governed.former != empty(address):
        return staticcall Former(governed.former).rule_of(kind)
    return self._rules[kind]


@internal
@view
def _authorisation_digest(authorisation: Authorisation, capacity: uint256) -> bytes32:
    return governed._digest(
        keccak256(
            abi_encode(
                AUTHORISATION_TYPE,
                authorisation.number,
                authorisation.epoch,
                authorisation.isin,
                authorisation.kind,
                authorisation.nominal,
                authorisation.usd_value,
                authorisation.rate,
                authorisation.rate_day,
                authorisation.terms_hash,
                authorisation.authority_hash,
                authorisation.classes,
                authorisation.maturity_day,
                authorisation.expiry_day,
                keccak256(authorisation.name),
                capacity,
            )
        )
    )


@internal
@view
def _check_authorisation(authorisation: Authorisation):
    if self._rule(authorisation.kind).kind == 0:
        refusals._kind_unknown(authorisation.kind)
    if authorisation.number != self.next_authorisation:
        refusals._authorisation_number_used(authorisation.number, self.next_authorisation)
    day: uint256 = (staticcall governed.DIRECTORY.today())[0]
    if day > authorisation.expiry_day:
        refusals._authorisation_expired(authorisation.number, authorisation.expiry_day, day)
    if authorisation.nominal == 0:
        refusals._amount_zero()
    if authorisation.nominal >= 2**80:
        refusals._amount_too_large(authorisation.nominal)
    if authorisation.rate == 0 or authorisation.rate >= RATE_MAX or authorisation.rate_day > day:
        refusals._rate_invalid(authorisation.rate, authorisation.rate_day)
    # Rounded up, so that rounding never passes the ceiling.
    value: uint256 = (
        authorisation.nominal * MICRO_CENTS + authorisation.rate - 1
    ) // authorisation.rate
    if authorisation.usd_value != value:
        refusals._value_mismatch(authorisation.usd_value, value)
    self._check_evidence()
    if self.used + value > self.ceiling:
        refusals._ceiling_passed(self.used, value, self.ceiling)
    if ATTESTORS != 0 and self.used + value > self.reserves:
        refusals._reserves_short(self.reserves, self.used + value)
    sums: Sums = self._sums_of(authorisation.isin)
    if sums.security != empty(address) and sums.terms != self._terms(authorisation):
        refusals._terms_differ(authorisation.isin, self._terms(authorisation), sums.terms)


@internal
@view
def _check_signers(
    authorisation: Authorisation,
    authorising: DynArray[Bytes[65], 16],
    clearing: DynArray[Bytes[65], 16],
    confirming: DynArray[Bytes[65], 16],
):
    rule: KindRule = self._rule(authorisation.kind)
    withdrawn: uint256 = self.withdrawn[self._authorisation_digest(authorisation, 0)]
    issuers: uint256 = staticcall governed.DIRECTORY.with_capacity(codes.ISSUER)
    authorised: governed.Signers = governed._signers(
        self._authorisation_digest(authorisation, AUTHORISE), authorising
    )
    cleared: governed.Signers = governed._signers(
        self._authorisation_digest(authorisation, CLEAR), clearing
    )
    confirmed: governed.Signers = governed._signers(
        self._authorisation_digest(authorisation, CONFIRM), confirming
    )
    if withdrawn & (authorised.institutions | cleared.institutions | confirmed.institutions) != 0:
        refusals._act_withdrawn(self._first(withdrawn))
    if issuers & authorised.institutions == 0:
        refusals._signers_missing(issuers, authorised.institutions)
    governed._require_all(rule.clearances, cleared.institutions)
    governed._require_all(rule.confirmations, confirmed.institutions)
    self._require_two(
        authorised.institutions | cleared.institutions | confirmed.institutions
    )


@internal
@pure
def _first(mask: uint256) -> uint256:
    for institution: uint256 in range(1, 64):
        if mask & (1 << institution) != 0:
            return institution
    return 0


@internal
@pure
def _terms(authorisation: Authorisation) -> bytes32:
    """@dev What a reopening may not change: terms, classes and maturity."""
    return keccak256(
        abi_encode(
            authorisation.terms_hash,
            authorisation.kind,
            authorisation.classes,
            authorisation.maturity_day,
        )
    )


@internal
def _create_security(authorisation: Authorisation) -> address:
    board: Board = Board(governed.DIRECTORY.address)
    number: uint256 = staticcall board.next_token()
    symbol: String[12] = convert(slice(authorisation.isin, 0, 12), String[12])
    security: address = create_from_blueprint(
        BLUEPRINT,
        board.address,
        number,
        authorisation.isin,
        authorisation.terms_hash,
        authorisation.classes,
        authorisation.maturity_day,
        authorisation.name,
        symbol,
        code_offset=3,
    )
    self._sums[authorisation.isin].security = security
    self._sums[authorisation.isin].terms = self._terms(authorisation)
    extcall board.post_token(security)
    log SecurityCreated(
        isin=authorisation.isin,
        security=security,
        number=number,
        terms_hash=authorisation.terms_hash,
        classes=authorisation.classes,
        maturity_day=authorisation.maturity_day,
    )
    return security


@internal
@view
def _issue_digest(type_hash: bytes32, issue: Issue) -> bytes32:
    return governed._digest(
        keccak256(
            abi_encode(
                type_hash, issue.number, issue.epoch, issue.authorisation, issue.nominal, issue.account
            )
        )
    )


@internal
def _spend_issue(type_hash: bytes32, issue: Issue, signatures: DynArray[Bytes[65], 16]) -> Authorised:
    digest: bytes32 = self._issue_digest(type_hash, issue)
    governed._spend(digest, issue.epoch)
    authorised: Authorised = self._known(issue.authorisation)
    self._check_issue_signers(issue.authorisation, authorised, digest, signatures)
    self._carry(authorised.isin)
    return authorised


@internal
@view
def _check_issue_signers(
    number: uint256, authorised: Authorised, digest: bytes32, signatures: DynArray[Bytes[65], 16]
):
    if authorised.isin == empty(bytes32):
        refusals._authorisation_unknown(number)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    governed._require_all(self._rule(authorised.kind).confirmations, signers.institutions)
    self._require_two(signers.institutions)


@internal
@view
def _require_two(present: uint256):
    """@dev Whatever rules and capacities say: no institution does this alone."""
    counted: uint256 = governed._count(present)
    if counted < 2:
        refusals._quorum_not_met(2, counted)


@internal
def _set_issued(number: uint256, authorised: Authorised, issued: uint256):
    """@dev Keeps the ISIN's sums beside what is issued under one authorisation."""
    after: Authorised = authorised
    after.issued = issued
    self._authorised[number] = after
    self._sums[authorised.isin].issued = (
        self._sums[authorised.isin].issued - authorised.issued + issued
    )
    self._sums[authorised.isin].issued_usd = (
        self._sums[authorised.isin].issued_usd
        - self._issued_usd(authorised)
        + self._issued_usd(after)
    )


@internal
@pure
def _issued_usd(authorised: Authorised) -> uint256:
    """@dev The issued part of an authorisation's USD value, rounded down."""
    if authorised.nominal == 0:
        return 0
    return authorised.usd_value * authorised.issued // authorised.nominal


@internal
def _set_rule(rule: KindRule):
    """@dev Clearances and confirmations are never empty: nobody issues alone."""
    if rule.kind == 0:
        refusals._kind_unknown(rule.kind)
    if rule.clearances == 0 or rule.confirmations == 0:
        refusals._signers_missing(rule.clearances, rule.confirmations)
    self._rules[rule.kind] = rule
    log KindRuleChanged(
        kind=rule.kind, clearances=rule.clearances, confirmations=rule.confirmations
    )


@internal
@view
def _check_evidence():
    if ATTESTORS != 0:
        day: uint256 = (staticcall governed.DIRECTORY.today())[0]
        if day > self.evidence_valid_until:
            refusals._evidence_lapsed(self.evidence_valid_until, day)
        if self.reserves < self.used:
            refusals._reserves_short(self.reserves, self.used)


@internal
def _post_halt(contract_id: uint256, halted: bool, reason: bytes32):
    extcall Board(governed.DIRECTORY.address).post_halt(contract_id, halted)
    log HaltChanged(contract_id=contract_id, halted=halted, reason=reason)
