# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Payments
@license Apache-2.0
@notice Coupons and redemptions to many holders. A run is funded whole into this escrow in one
        transaction, with the root of the entitlements, and then paid in chunks by a cursor; a
        chunk may be sent again without effect. Who cannot receive stays in escrow with a reason.
        Paid + tax + escrow always equals the funding. A redemption burns the holder's nominal
        against the cash in the same call.
@dev Entitlements are the leaves of a Merkle-sum tree over gross amounts, so the root proves that
     they add up to the funding. Leaf: keccak(abi(ENTITLEMENT_TYPE, index, holder, nominal, gross,
     tax)), sum gross. Node: keccak(abi(left hash, left sum, right hash, right sum)). The tree is
     padded with zero leaves to 64 * 2^n; a chunk is 64 leaves.
     What was paid through other systems while the ledger could not be reached is recorded by two
     institutions and never paid again: paid + tax + escrow + outside equals the funding.
     A contract that replaces this one takes the escrow with it and pays on from the cursor of
     every run; no payment is ever funded in both.
     Halted and resumed through `Programme.set_halt` with number 7.
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

interface Cash:
    def escrow_in(payer: address, amount: uint256): nonpayable
    def escrow_out(to: address, amount: uint256): nonpayable
    def follow_escrow(former: address): nonpayable
    def check_paid(to: address) -> bool: view

interface Security:
    def redeem(account: address, amount: uint256): nonpayable
    def maturity_day() -> uint256: view

interface Former:
    def next_run() -> uint256: view
    def run(number: uint256) -> Run: view
    def run_of(security: address, kind: uint256, record_day: uint256) -> uint256: view
    def escrowed(run: uint256, index: uint256) -> bytes32: view

FUNDING_TYPE: constant(bytes32) = keccak256("Funding(uint256 epoch,address security,uint256 kind,uint256 record_day,bytes32 root,uint256 funding,uint256 entitlements,address payer,address tax_account)")
OUTSIDE_TYPE: constant(bytes32) = keccak256("OutsidePayment(uint256 epoch,address security,uint256 kind,uint256 record_day,bytes32 root,uint256 funding,uint256 entitlements,uint256 cursor,uint256 amount,bytes32 list_digest)")
ENTITLEMENT_TYPE: constant(bytes32) = keccak256("Entitlement(uint256 index,address holder,uint256 nominal,uint256 gross,uint256 tax)")
COUPON: constant(uint256) = 1
REDEMPTION: constant(uint256) = 2
CHUNK: constant(uint256) = 64
INNER_GAS: constant(uint256) = 300_000
# In the place of an entitlement that a former contract kept and this one paid.
PAID: constant(bytes32) = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff

struct Funding:
    epoch: uint256
    security: address
    kind: uint256
    record_day: uint256
    root: bytes32
    funding: uint256
    entitlements: uint256
    payer: address
    tax_account: address

struct Outside:
    epoch: uint256
    security: address
    kind: uint256
    record_day: uint256
    root: bytes32
    funding: uint256
    entitlements: uint256
    cursor: uint256
    amount: uint256
    list_digest: bytes32

struct Entitlement:
    index: uint256
    holder: address
    nominal: uint256
    gross: uint256
    tax: uint256

struct Node:
    hash: bytes32
    sum: uint256

struct Run:
    security: address
    kind: uint256
    record_day: uint256
    root: bytes32
    funding: uint256
    entitlements: uint256
    payer: address
    tax_account: address
    cursor: uint256
    paid: uint256
    tax: uint256
    kept: uint256
    outside: uint256
    outside_from: uint256

event RunFunded:
    run: indexed(uint256)
    security: indexed(address)
    kind: uint256
    record_day: uint256
    root: bytes32
    funding: uint256
    entitlements: uint256
    payer: address
    tax_account: address

event EntitlementPaid:
    run: indexed(uint256)
    holder: indexed(address)
    index: uint256
    nominal: uint256
    gross: uint256
    tax: uint256

event EntitlementEscrowed:
    run: indexed(uint256)
    holder: indexed(address)
    index: uint256
    gross: uint256
    reason: Bytes[160]

event PaidOutside:
    run: indexed(uint256)
    security: indexed(address)
    kind: uint256
    record_day: uint256
    root: bytes32
    cursor: uint256
    amount: uint256
    list_digest: bytes32

event EntitlementRedeemedOutside:
    run: indexed(uint256)
    holder: indexed(address)
    index: uint256
    nominal: uint256
    gross: uint256

event ChunkPaid:
    run: indexed(uint256)
    chunk: uint256

next_run: public(uint256)
_run_of: HashMap[address, HashMap[uint256, HashMap[uint256, uint256]]]
_escrowed: HashMap[uint256, HashMap[uint256, bytes32]]
_runs: HashMap[uint256, Run]
# Runs below this number were funded in former contracts; 0 where there is none.
first_run: public(uint256)


@deploy
def __init__(directory: address):
    governed.__init__(directory)
    self.next_run = 1


@external
def fund(funding: Funding, payer_signature: Bytes[65], signatures: DynArray[Bytes[65], 16]) -> uint256:
    """
    @notice Takes the whole funding of a payment into escrow, or refuses.
    @param funding Kind 1 coupon, 2 redemption; one run for each (security, kind, record day).
    @param payer_signature Of the key of the payer's cash account.
    @param signatures By an issuer and a paying agent.
    @return The run's number.
    @dev Refuses, in order: ProgrammeHalted, ContractHalted, ActSpent, WrongEpoch,
         SecurityUnknown, RunKindUnknown, RunExists, AmountZero, NotYetMatured, SignersMissing,
         BadSignature, then what the cash refuses.
    """
    governed._require_running(codes.PAYMENTS)
    digest: bytes32 = governed._digest(
        keccak256(
            abi_encode(
                FUNDING_TYPE,
                funding.epoch,
                funding.security,
                funding.kind,
                funding.record_day,
                funding.root,
                funding.funding,
                funding.entitlements,
                funding.payer,
                funding.tax_account,
            )
        )
    )
    governed._spend(digest, funding.epoch)
    self._check_funding(funding)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    governed._require_capacity(codes.PAYING_AGENT, signers.institutions)
    governed._require_signed_by(funding.payer, digest, payer_signature)
    run: uint256 = self.next_run
    self.next_run = run + 1
    self._run_of[funding.security][funding.kind][funding.record_day] = run
    self._runs[run] = Run(
        security=funding.security,
        kind=funding.kind,
        record_day=funding.record_day,
        root=funding.root,
        funding=funding.funding,
        entitlements=funding.entitlements,
        payer=funding.payer,
        tax_account=funding.tax_account,
        cursor=0,
        paid=0,
        tax=0,
        kept=0,
        outside=0,
        outside_from=max_value(uint256),
    )
    extcall self._cash().escrow_in(funding.payer, funding.funding)
    log RunFunded(
        run=run,
        security=funding.security,
        kind=funding.kind,
        record_day=funding.record_day,
        root=funding.root,
        funding=funding.funding,
        entitlements=funding.entitlements,
        payer=funding.payer,
        tax_account=funding.tax_account,
    )
    return run


@external
def record_paid_outside(outside: Outside, signatures: DynArray[Bytes[65], 16]) -> uint256:
    """
    @notice Records that every entitlement from chunk `cursor` on was paid through other systems,
            so that none of them is ever paid here. What is still in escrow for them returns to
            the payer. A payment that was never funded gets its run by this, without any cash.
    @dev A chunk that was paid since the list was made moves the cursor, and the record is refused:
         a line is paid here or outside, never both. Chunks of a coupon are closed at once; those
         of a redemption are still sent, and burn the nominal without paying.
         Refuses, in order: ProgrammeHalted, ContractHalted, ActSpent, WrongEpoch,
         SecurityUnknown, RunKindUnknown, AmountZero, NotYetMatured, RunExists (recorded outside
         already), EntitlementUnproven (another root), ChunkOutOfOrder, OutsideMismatch,
         SignersMissing, then what the cash refuses.
    @param outside `amount` is the gross of all lines from chunk `cursor` on; `list_digest` is of
           the payment list that was carried out.
    @param signatures By an issuer and a paying agent.
    @return The run's number.
    """
    governed._require_running(codes.PAYMENTS)
    digest: bytes32 = self._outside_digest(outside)
    governed._spend(digest, outside.epoch)
    self._check_payment(outside.security, outside.kind, outside.funding, outside.entitlements)
    run: uint256 = self._run_number(outside.security, outside.kind, outside.record_day)
    stored: Run = self._carry(run)
    if run != 0:
        if stored.outside_from != max_value(uint256):
            refusals._run_exists(run)
        if stored.root != outside.root or stored.funding != outside.funding:
            refusals._entitlement_unproven(stored.root)
    if outside.cursor != stored.cursor:
        refusals._chunk_out_of_order(outside.cursor, stored.cursor)
    untried: uint256 = outside.funding - stored.paid - stored.tax - stored.kept
    if outside.amount != untried:
        refusals._outside_mismatch(untried, outside.amount)
    if untried == 0:
        refusals._amount_zero()
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_capacity(codes.ISSUER, signers.institutions)
    governed._require_capacity(codes.PAYING_AGENT, signers.institutions)
    if run == 0:
        run = self.next_run
        self.next_run = run + 1
        self._run_of[outside.security][outside.kind][outside.record_day] = run
        self._runs[run].security = outside.security
        self._runs[run].kind = outside.kind
        self._runs[run].record_day = outside.record_day
        self._runs[run].root = outside.root
        self._runs[run].funding = outside.funding
        self._runs[run].entitlements = outside.entitlements
    else:
        extcall self._cash().escrow_out(stored.payer, untried)
    self._runs[run].outside = untried
    self._runs[run].outside_from = outside.cursor
    if outside.kind == COUPON:
        self._runs[run].cursor = (outside.entitlements + CHUNK - 1) // CHUNK
    log PaidOutside(
        run=run,
        security=outside.security,
        kind=outside.kind,
        record_day=outside.record_day,
        root=outside.root,
        cursor=outside.cursor,
        amount=untried,
        list_digest=outside.list_digest,
    )
    return run


@external
def pay_chunk(run: uint256, chunk: uint256, entitlements: DynArray[Entitlement, CHUNK], proof: DynArray[Node, 24]):
    """
    @notice Pays the next 64 entitlements; anyone may send it. A chunk already paid has no effect.
    @dev While the security or the cash is halted, or the day closed, a chunk is refused: what
         hinders everybody must not send everybody's money into escrow. When the tax account
         cannot receive, what is taxed stays in escrow with that reason.
    @param entitlements Leaves 64 * chunk and following, all of them.
    @param proof Siblings on the way from the chunk's subtree to the root.
    """
    governed._require_running(codes.PAYMENTS)
    stored: Run = self._carry(run)
    if stored.entitlements == 0:
        refusals._run_unknown(run)
    if chunk < stored.cursor:
        return
    self._require_open(stored.security)
    first: uint256 = chunk * CHUNK
    if chunk > stored.cursor or first >= stored.entitlements:
        refusals._chunk_out_of_order(chunk, stored.cursor)
    if len(entitlements) != min(CHUNK, stored.entitlements - first):
        refusals._chunk_malformed(len(entitlements))
    self._prove(stored, chunk, entitlements, proof)
    self._runs[run].cursor = chunk + 1
    if chunk >= stored.outside_from:
        self._redeem_outside(run, stored.security, entitlements)
        log ChunkPaid(run=run, chunk=chunk)
        return
    if msg.gas < INNER_GAS:
        refusals._payment_starved(first, msg.gas)
    hindered: address = empty(address)
    if not raw_call(
        self._cash().address,
        abi_encode(stored.tax_account, method_id=method_id("check_paid(address)")),
        is_static_call=True,
        revert_on_failure=False,
    ):
        hindered = stored.tax_account
    paid: uint256 = 0
    tax: uint256 = 0
    kept: uint256 = 0
    for entitlement: Entitlement in entitlements:
        if msg.gas < INNER_GAS:
            refusals._payment_starved(entitlement.index, msg.gas)
        if self._pay_apart(run, stored.security, stored.kind, entitlement, hindered):
            paid += entitlement.gross - entitlement.tax
            tax += entitlement.tax
        else:
            kept += entitlement.gross
    self._book(run, stored, paid, tax)
    if kept != 0:
        self._runs[run].kept = stored.kept + kept
    log ChunkPaid(run=run, chunk=chunk)


@external
def pay_escrowed(run: uint256, entitlement: Entitlement):
    """
    @notice Pays one entitlement that stayed in escrow, once its holder can receive; anyone may
            send it. Refuses with the reason that still stands.
    """
    governed._require_running(codes.PAYMENTS)
    if self._kept(run, entitlement.index) != self._leaf(entitlement):
        refusals._entitlement_not_escrowed(run, entitlement.index)
    self._escrowed[run][entitlement.index] = empty(bytes32)
    if run < self.first_run:
        self._escrowed[run][entitlement.index] = PAID
    stored: Run = self._carry(run)
    self._require_open(stored.security)
    self._pay(stored.security, stored.kind, entitlement)
    self._log_paid(run, entitlement)
    self._book(run, stored, entitlement.gross - entitlement.tax, entitlement.tax)
    self._runs[run].kept = stored.kept - entitlement.gross


@external
def succeed(former: address):
    """
    @notice Takes over: the former contract's escrow, its runs and their cursors. Only the
            Directory.
    """
    governed._succeed(codes.PAYMENTS, former)
    self.next_run = staticcall Former(former).next_run()
    self.first_run = self.next_run
    extcall self._cash().follow_escrow(former)


@external
def pay_inner(security: address, kind: uint256, entitlement: Entitlement, hindered: address):
    """
    @notice One entitlement of a chunk, in a call of its own. Only this contract.
    @param hindered The tax account when it cannot receive, else zero.
    """
    if msg.sender != self:
        refusals._caller_not_allowed(msg.sender)
    if hindered != empty(address) and entitlement.tax != 0:
        fine: bool = staticcall self._cash().check_paid(hindered)
    self._pay(security, kind, entitlement)


@external
@view
def run(number: uint256) -> Run:
    """@return A run: what was funded, the cursor in chunks, and what is paid, net and tax."""
    return self._known(number)


@external
@view
def run_of(security: address, kind: uint256, record_day: uint256) -> uint256:
    """@return The run of a payment, here or in a former contract; 0 when it has none."""
    return self._run_number(security, kind, record_day)


@external
@view
def escrowed(run: uint256, index: uint256) -> bytes32:
    """@return The leaf of an entitlement that is kept in escrow; zero when it is not."""
    return self._kept(run, index)


@external
@view
def escrow_of(number: uint256) -> uint256:
    """@return What is still in escrow of a run: funding less paid, tax and paid outside."""
    stored: Run = self._known(number)
    return stored.funding - stored.paid - stored.tax - stored.outside


@external
@view
def can_fund(funding: Funding) -> Bytes[160]:
    """
    @return Empty when the run could be funded, signatures and cash aside; else the ABI-encoded
            refusal. Never reverts.
    """
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(
            funding,
            method_id=method_id(
                "check_funding((uint256,address,uint256,uint256,bytes32,uint256,uint256,address,address))"
            ),
        ),
        max_outsize=160,
        is_static_call=True,
        revert_on_failure=False,
    )
    return reason


@external
@view
def check_funding(funding: Funding):
    """@notice Refuses as `fund` would, signatures and cash aside."""
    governed._require_running(codes.PAYMENTS)
    self._check_funding(funding)


# Internals.


@internal
@view
def _known(number: uint256) -> Run:
    """@dev A run of a former contract is read there until something changes it here."""
    if number < self.first_run and self._runs[number].entitlements == 0:
        return staticcall Former(governed.former).run(number)
    return self._runs[number]


@internal
def _carry(number: uint256) -> Run:
    """@dev As `_known`, and what a former contract knew is kept here from now on."""
    stored: Run = self._known(number)
    if number < self.first_run and number != 0 and self._runs[number].entitlements == 0:
        self._runs[number] = stored
    return stored


@internal
@view
def _run_number(security: address, kind: uint256, record_day: uint256) -> uint256:
    run: uint256 = self._run_of[security][kind][record_day]
    if run == 0 and governed.former != empty(address):
        return staticcall Former(governed.former).run_of(security, kind, record_day)
    return run


@internal
@view
def _kept(run: uint256, index: uint256) -> bytes32:
    leaf: bytes32 = self._escrowed[run][index]
    if leaf == PAID:
        return empty(bytes32)
    if leaf == empty(bytes32) and run < self.first_run:
        return staticcall Former(governed.former).escrowed(run, index)
    return leaf


@internal
@view
def _cash() -> Cash:
    return Cash(staticcall governed.DIRECTORY.contract_at(codes.CASH))


@internal
@view
def _require_open(security: address):
    """@dev Nothing that holds for everybody forbids the payment now."""
    if staticcall governed.DIRECTORY.is_halted(staticcall governed.DIRECTORY.token_number(security)):
        refusals._token_halted(security)
    fine: bool = staticcall self._cash().check_paid(empty(address))


@internal
@view
def _check_funding(funding: Funding):
    if staticcall governed.DIRECTORY.token_number(funding.security) < codes.FIRST_SECURITY:
        refusals._security_unknown(funding.security)
    if funding.kind != COUPON and funding.kind != REDEMPTION:
        refusals._run_kind_unknown(funding.kind)
    existing: uint256 = self._run_number(funding.security, funding.kind, funding.record_day)
    if existing != 0:
        refusals._run_exists(existing)
    self._check_amounts(funding.security, funding.kind, funding.funding, funding.entitlements)


@internal
@view
def _check_payment(security: address, kind: uint256, funding: uint256, entitlements: uint256):
    if staticcall governed.DIRECTORY.token_number(security) < codes.FIRST_SECURITY:
        refusals._security_unknown(security)
    if kind != COUPON and kind != REDEMPTION:
        refusals._run_kind_unknown(kind)
    self._check_amounts(security, kind, funding, entitlements)


@internal
@view
def _check_amounts(security: address, kind: uint256, funding: uint256, entitlements: uint256):
    if funding == 0 or entitlements == 0:
        refusals._amount_zero()
    if kind == REDEMPTION:
        day: uint256 = (staticcall governed.DIRECTORY.today())[0]
        maturity_day: uint256 = staticcall Security(security).maturity_day()
        if day < maturity_day:
            refusals._not_yet_matured(maturity_day, day)


@internal
def _pay_apart(
    run: uint256, security: address, kind: uint256, entitlement: Entitlement, hindered: address
) -> bool:
    """
    @dev One entitlement of a chunk in a call of its own; what is refused goes into escrow with
         its reason.
    @return Whether it was paid.
    """
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(
            security,
            kind,
            entitlement,
            hindered,
            method_id=method_id(
                "pay_inner(address,uint256,(uint256,address,uint256,uint256,uint256),address)"
            ),
        ),
        max_outsize=160,
        revert_on_failure=False,
    )
    if success:
        self._log_paid(run, entitlement)
        return True
    if len(reason) == 0:
        refusals._payment_starved(entitlement.index, msg.gas)
    self._escrowed[run][entitlement.index] = self._leaf(entitlement)
    log EntitlementEscrowed(
        run=run,
        holder=entitlement.holder,
        index=entitlement.index,
        gross=entitlement.gross,
        reason=reason,
    )
    return False


@internal
@view
def _outside_digest(outside: Outside) -> bytes32:
    return governed._digest(
        keccak256(
            abi_encode(
                OUTSIDE_TYPE,
                outside.epoch,
                outside.security,
                outside.kind,
                outside.record_day,
                outside.root,
                outside.funding,
                outside.entitlements,
                outside.cursor,
                outside.amount,
                outside.list_digest,
            )
        )
    )


@internal
def _redeem_outside(run: uint256, security: address, entitlements: DynArray[Entitlement, CHUNK]):
    """@dev What was paid outside leaves the register; a frozen holder's chunk waits as a whole."""
    for entitlement: Entitlement in entitlements:
        extcall Security(security).redeem(entitlement.holder, entitlement.nominal)
        log EntitlementRedeemedOutside(
            run=run,
            holder=entitlement.holder,
            index=entitlement.index,
            nominal=entitlement.nominal,
            gross=entitlement.gross,
        )


@internal
def _pay(security: address, kind: uint256, entitlement: Entitlement):
    if entitlement.tax > entitlement.gross:
        refusals._tax_above_gross(entitlement.gross, entitlement.tax)
    if kind == REDEMPTION:
        extcall Security(security).redeem(entitlement.holder, entitlement.nominal)
    extcall self._cash().escrow_out(entitlement.holder, entitlement.gross - entitlement.tax)


@internal
def _book(run: uint256, stored: Run, paid: uint256, tax: uint256):
    """@dev Tax goes to the tax account with the payment from which it is withheld."""
    if tax != 0:
        extcall self._cash().escrow_out(stored.tax_account, tax)
    self._runs[run].paid = stored.paid + paid
    self._runs[run].tax = stored.tax + tax


@internal
def _log_paid(run: uint256, entitlement: Entitlement):
    log EntitlementPaid(
        run=run,
        holder=entitlement.holder,
        index=entitlement.index,
        nominal=entitlement.nominal,
        gross=entitlement.gross,
        tax=entitlement.tax,
    )


@internal
@pure
def _leaf(entitlement: Entitlement) -> bytes32:
    return keccak256(
        abi_encode(
            ENTITLEMENT_TYPE,
            entitlement.index,
            entitlement.holder,
            entitlement.nominal,
            entitlement.gross,
            entitlement.tax,
        )
    )


@internal
@view
def _prove(stored: Run, chunk: uint256, entitlements: DynArray[Entitlement, CHUNK], proof: DynArray[Node, 24]):
    hashes: bytes32[CHUNK] = empty(bytes32[CHUNK])
    sums: uint256[CHUNK] = empty(uint256[CHUNK])
    position: uint256 = 0
    for entitlement: Entitlement in entitlements:
        if entitlement.index != chunk * CHUNK + position:
            refusals._entitlement_unproven(stored.root)
        hashes[position] = self._leaf(entitlement)
        sums[position] = entitlement.gross
        position = unsafe_add(position, 1)
    width: uint256 = CHUNK
    for _: uint256 in range(6):
        width = width >> 1
        for i: uint256 in range(32):
            if i == width:
                break
            hashes[i] = keccak256(
                abi_encode(hashes[2 * i], sums[2 * i], hashes[2 * i + 1], sums[2 * i + 1])
            )
            sums[i] = sums[2 * i] + sums[2 * i + 1]
    node: bytes32 = hashes[0]
    sum: uint256 = sums[0]
    path: uint256 = chunk
    for sibling: Node in proof:
        if path & 1 == 0:
            node = keccak256(abi_encode(node, sum, sibling.hash, sibling.sum))
        else:
            node = keccak256(abi_encode(sibling.hash, sibling.sum, node, sum))
        sum += sibling.sum
        path = path >> 1
    if node != stored.root or sum != stored.funding or path != 0:
        refusals._entitlement_unproven(stored.root)
