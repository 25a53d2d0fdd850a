# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Refusals
@license Apache-2.0
@notice Every error of the contracts. Generated from `amanat/ledger/refusals.py` by
        `python -m amanat.ledger.compile`: do not edit.
"""


@internal
@pure
def _unknown_signer(signer: address):
    raw_revert(abi_encode(signer, method_id=method_id("UnknownSigner(address)")))


@internal
@pure
def _duplicate_signer(signer: address):
    raw_revert(abi_encode(signer, method_id=method_id("DuplicateSigner(address)")))


@internal
@pure
def _bad_signature(expected: address, recovered: address):
    raw_revert(abi_encode(expected, recovered, method_id=method_id("BadSignature(address,address)")))


@internal
@pure
def _malformed_signature(length: uint256):
    raw_revert(abi_encode(length, method_id=method_id("MalformedSignature(uint256)")))


@internal
@pure
def _signers_missing(required: uint256, present: uint256):
    raw_revert(abi_encode(required, present, method_id=method_id("SignersMissing(uint256,uint256)")))


@internal
@pure
def _quorum_not_met(required: uint256, present: uint256):
    raw_revert(abi_encode(required, present, method_id=method_id("QuorumNotMet(uint256,uint256)")))


@internal
@pure
def _second_key_missing(institutions: uint256):
    raw_revert(abi_encode(institutions, method_id=method_id("SecondKeyMissing(uint256)")))


@internal
@pure
def _wrong_epoch(given: uint256, current: uint256):
    raw_revert(abi_encode(given, current, method_id=method_id("WrongEpoch(uint256,uint256)")))


@internal
@pure
def _act_spent(digest: bytes32):
    raw_revert(abi_encode(digest, method_id=method_id("ActSpent(bytes32)")))


@internal
@pure
def _act_superseded(number: uint256, last: uint256):
    raw_revert(abi_encode(number, last, method_id=method_id("ActSuperseded(uint256,uint256)")))


@internal
@pure
def _act_withdrawn(institution: uint256):
    raw_revert(abi_encode(institution, method_id=method_id("ActWithdrawn(uint256)")))


@internal
@pure
def _caller_not_allowed(caller: address):
    raw_revert(abi_encode(caller, method_id=method_id("CallerNotAllowed(address)")))


@internal
@pure
def _already_founded():
    raw_revert(method_id("AlreadyFounded()"))


@internal
@pure
def _not_founded():
    raw_revert(method_id("NotFounded()"))


@internal
@pure
def _founding_incomplete(contract_id: uint256):
    raw_revert(abi_encode(contract_id, method_id=method_id("FoundingIncomplete(uint256)")))


@internal
@pure
def _institution_unknown(institution: uint256):
    raw_revert(abi_encode(institution, method_id=method_id("InstitutionUnknown(uint256)")))


@internal
@pure
def _change_kind_unknown(kind: uint256):
    raw_revert(abi_encode(kind, method_id=method_id("ChangeKindUnknown(uint256)")))


@internal
@pure
def _contract_not_replaceable(contract_id: uint256):
    raw_revert(abi_encode(contract_id, method_id=method_id("ContractNotReplaceable(uint256)")))


@internal
@pure
def _contract_replaced(contract_id: uint256, current: address):
    raw_revert(abi_encode(contract_id, current, method_id=method_id("ContractReplaced(uint256,address)")))


@internal
@pure
def _successor_unfit(at: address):
    raw_revert(abi_encode(at, method_id=method_id("SuccessorUnfit(address)")))


@internal
@pure
def _sender_list_closed(list: address):
    raw_revert(abi_encode(list, method_id=method_id("SenderListClosed(address)")))


@internal
@pure
def _change_not_announced(change: bytes32):
    raw_revert(abi_encode(change, method_id=method_id("ChangeNotAnnounced(bytes32)")))


@internal
@pure
def _change_already_announced(change: bytes32):
    raw_revert(abi_encode(change, method_id=method_id("ChangeAlreadyAnnounced(bytes32)")))


@internal
@pure
def _change_not_due(change: bytes32, due: uint256):
    raw_revert(abi_encode(change, due, method_id=method_id("ChangeNotDue(bytes32,uint256)")))


@internal
@pure
def _quorum_impossible(quorum: uint256, institutions: uint256):
    raw_revert(abi_encode(quorum, institutions, method_id=method_id("QuorumImpossible(uint256,uint256)")))


@internal
@pure
def _key_in_use(key: address, institution: uint256):
    raw_revert(abi_encode(key, institution, method_id=method_id("KeyInUse(address,uint256)")))


@internal
@pure
def _token_already_listed(token: address):
    raw_revert(abi_encode(token, method_id=method_id("TokenAlreadyListed(address)")))


@internal
@pure
def _day_not_forward(day: uint256, phase: uint256, current_day: uint256, current_phase: uint256):
    raw_revert(abi_encode(day, phase, current_day, current_phase, method_id=method_id("DayNotForward(uint256,uint256,uint256,uint256)")))


@internal
@pure
def _day_ahead_of_time(day: uint256, latest: uint256):
    raw_revert(abi_encode(day, latest, method_id=method_id("DayAheadOfTime(uint256,uint256)")))


@internal
@pure
def _phase_unknown(phase: uint256):
    raw_revert(abi_encode(phase, method_id=method_id("PhaseUnknown(uint256)")))


@internal
@pure
def _day_not_open(day: uint256, phase: uint256):
    raw_revert(abi_encode(day, phase, method_id=method_id("DayNotOpen(uint256,uint256)")))


@internal
@pure
def _class_unknown(participant_class: uint256):
    raw_revert(abi_encode(participant_class, method_id=method_id("ClassUnknown(uint256)")))


@internal
@pure
def _level_unknown(level: uint256):
    raw_revert(abi_encode(level, method_id=method_id("LevelUnknown(uint256)")))


@internal
@pure
def _participant_unknown(participant: uint256):
    raw_revert(abi_encode(participant, method_id=method_id("ParticipantUnknown(uint256)")))


@internal
@pure
def _participant_number_invalid(participant: uint256):
    raw_revert(abi_encode(participant, method_id=method_id("ParticipantNumberInvalid(uint256)")))


@internal
@pure
def _participant_field_invalid(country: uint256, valid_until: uint256):
    raw_revert(abi_encode(country, valid_until, method_id=method_id("ParticipantFieldInvalid(uint256,uint256)")))


@internal
@pure
def _account_unknown(account: address):
    raw_revert(abi_encode(account, method_id=method_id("AccountUnknown(address)")))


@internal
@pure
def _account_taken(account: address, participant: uint256):
    raw_revert(abi_encode(account, participant, method_id=method_id("AccountTaken(address,uint256)")))


@internal
@pure
def _account_invalid(account: address):
    raw_revert(abi_encode(account, method_id=method_id("AccountInvalid(address)")))


@internal
@pure
def _account_closed(account: address):
    raw_revert(abi_encode(account, method_id=method_id("AccountClosed(address)")))


@internal
@pure
def _level_forbids(account: address, participant: uint256, level: uint256):
    raw_revert(abi_encode(account, participant, level, method_id=method_id("LevelForbids(address,uint256,uint256)")))


@internal
@pure
def _participant_expired(account: address, participant: uint256, valid_until: uint256):
    raw_revert(abi_encode(account, participant, valid_until, method_id=method_id("ParticipantExpired(address,uint256,uint256)")))


@internal
@pure
def _class_not_allowed(account: address, participant_class: uint256):
    raw_revert(abi_encode(account, participant_class, method_id=method_id("ClassNotAllowed(address,uint256)")))


@internal
@pure
def _contract_halted(contract_id: uint256):
    raw_revert(abi_encode(contract_id, method_id=method_id("ContractHalted(uint256)")))


@internal
@pure
def _programme_halted():
    raw_revert(method_id("ProgrammeHalted()"))


@internal
@pure
def _token_halted(token: address):
    raw_revert(abi_encode(token, method_id=method_id("TokenHalted(address)")))


@internal
@pure
def _not_halted(contract_id: uint256):
    raw_revert(abi_encode(contract_id, method_id=method_id("NotHalted(uint256)")))


@internal
@pure
def _ceiling_passed(used: uint256, added: uint256, ceiling: uint256):
    raw_revert(abi_encode(used, added, ceiling, method_id=method_id("CeilingPassed(uint256,uint256,uint256)")))


@internal
@pure
def _ceiling_below_use(ceiling: uint256, used: uint256):
    raw_revert(abi_encode(ceiling, used, method_id=method_id("CeilingBelowUse(uint256,uint256)")))


@internal
@pure
def _kind_unknown(kind: uint256):
    raw_revert(abi_encode(kind, method_id=method_id("KindUnknown(uint256)")))


@internal
@pure
def _value_mismatch(given: uint256, computed: uint256):
    raw_revert(abi_encode(given, computed, method_id=method_id("ValueMismatch(uint256,uint256)")))


@internal
@pure
def _rate_invalid(rate: uint256, rate_day: uint256):
    raw_revert(abi_encode(rate, rate_day, method_id=method_id("RateInvalid(uint256,uint256)")))


@internal
@pure
def _authorisation_expired(number: uint256, expiry_day: uint256, day: uint256):
    raw_revert(abi_encode(number, expiry_day, day, method_id=method_id("AuthorisationExpired(uint256,uint256,uint256)")))


@internal
@pure
def _authorisation_unknown(number: uint256):
    raw_revert(abi_encode(number, method_id=method_id("AuthorisationUnknown(uint256)")))


@internal
@pure
def _authorisation_number_used(number: uint256, next: uint256):
    raw_revert(abi_encode(number, next, method_id=method_id("AuthorisationNumberUsed(uint256,uint256)")))


@internal
@pure
def _authorisation_exceeded(number: uint256, asked: uint256, left: uint256):
    raw_revert(abi_encode(number, asked, left, method_id=method_id("AuthorisationExceeded(uint256,uint256,uint256)")))


@internal
@pure
def _terms_differ(isin: bytes32, given: bytes32, registered: bytes32):
    raw_revert(abi_encode(isin, given, registered, method_id=method_id("TermsDiffer(bytes32,bytes32,bytes32)")))


@internal
@pure
def _reserves_short(reserves: uint256, required: uint256):
    raw_revert(abi_encode(reserves, required, method_id=method_id("ReservesShort(uint256,uint256)")))


@internal
@pure
def _evidence_lapsed(valid_until: uint256, day: uint256):
    raw_revert(abi_encode(valid_until, day, method_id=method_id("EvidenceLapsed(uint256,uint256)")))


@internal
@pure
def _reserves_sound():
    raw_revert(method_id("ReservesSound()"))


@internal
@pure
def _security_unknown(security: address):
    raw_revert(abi_encode(security, method_id=method_id("SecurityUnknown(address)")))


@internal
@pure
def _security_matured(maturity_day: uint256, day: uint256):
    raw_revert(abi_encode(maturity_day, day, method_id=method_id("SecurityMatured(uint256,uint256)")))


@internal
@pure
def _erc20_insufficient_balance(sender: address, balance: uint256, needed: uint256):
    raw_revert(abi_encode(sender, balance, needed, method_id=method_id("ERC20InsufficientBalance(address,uint256,uint256)")))


@internal
@pure
def _erc20_insufficient_allowance(spender: address, allowance: uint256, needed: uint256):
    raw_revert(abi_encode(spender, allowance, needed, method_id=method_id("ERC20InsufficientAllowance(address,uint256,uint256)")))


@internal
@pure
def _erc20_invalid_spender(spender: address):
    raw_revert(abi_encode(spender, method_id=method_id("ERC20InvalidSpender(address)")))


@internal
@pure
def _erc2612_expired_signature(deadline: uint256):
    raw_revert(abi_encode(deadline, method_id=method_id("ERC2612ExpiredSignature(uint256)")))


@internal
@pure
def _erc2612_invalid_signer(signer: address, owner: address):
    raw_revert(abi_encode(signer, owner, method_id=method_id("ERC2612InvalidSigner(address,address)")))


@internal
@pure
def _erc7943_insufficient_unfrozen_balance(account: address, amount: uint256, unfrozen: uint256):
    raw_revert(abi_encode(account, amount, unfrozen, method_id=method_id("ERC7943InsufficientUnfrozenBalance(address,uint256,uint256)")))


@internal
@pure
def _amount_too_large(amount: uint256):
    raw_revert(abi_encode(amount, method_id=method_id("AmountTooLarge(uint256)")))


@internal
@pure
def _amount_zero():
    raw_revert(method_id("AmountZero()"))


@internal
@pure
def _reference_used(rtgs_reference: bytes32):
    raw_revert(abi_encode(rtgs_reference, method_id=method_id("ReferenceUsed(bytes32)")))


@internal
@pure
def _hold_unknown(hold: bytes32):
    raw_revert(abi_encode(hold, method_id=method_id("HoldUnknown(bytes32)")))


@internal
@pure
def _hold_exists(hold: bytes32):
    raw_revert(abi_encode(hold, method_id=method_id("HoldExists(bytes32)")))


@internal
@pure
def _hold_expired(last_day: uint256, day: uint256):
    raw_revert(abi_encode(last_day, day, method_id=method_id("HoldExpired(uint256,uint256)")))


@internal
@pure
def _order_kind_unknown(kind: uint256):
    raw_revert(abi_encode(kind, method_id=method_id("OrderKindUnknown(uint256)")))


@internal
@pure
def _participants_differ(account: address, other: address):
    raw_revert(abi_encode(account, other, method_id=method_id("ParticipantsDiffer(address,address)")))


@internal
@pure
def _instruction_not_yet_due(first_day: uint256, day: uint256):
    raw_revert(abi_encode(first_day, day, method_id=method_id("InstructionNotYetDue(uint256,uint256)")))


@internal
@pure
def _instruction_expired(last_day: uint256, day: uint256):
    raw_revert(abi_encode(last_day, day, method_id=method_id("InstructionExpired(uint256,uint256)")))


@internal
@pure
def _number_spent(deliverer: address, number: uint256):
    raw_revert(abi_encode(deliverer, number, method_id=method_id("NumberSpent(address,uint256)")))


@internal
@pure
def _same_account(account: address):
    raw_revert(abi_encode(account, method_id=method_id("SameAccount(address)")))


@internal
@pure
def _batch_malformed(length: uint256):
    raw_revert(abi_encode(length, method_id=method_id("BatchMalformed(uint256)")))


@internal
@pure
def _batch_starved(index: uint256, gas_left: uint256):
    raw_revert(abi_encode(index, gas_left, method_id=method_id("BatchStarved(uint256,uint256)")))


@internal
@pure
def _cycle_unbalanced(token: address, residue: int256):
    raw_revert(abi_encode(token, residue, method_id=method_id("CycleUnbalanced(address,int256)")))


@internal
@pure
def _outside_mismatch(untried: uint256, amount: uint256):
    raw_revert(abi_encode(untried, amount, method_id=method_id("OutsideMismatch(uint256,uint256)")))


@internal
@pure
def _run_exists(run: uint256):
    raw_revert(abi_encode(run, method_id=method_id("RunExists(uint256)")))


@internal
@pure
def _run_unknown(run: uint256):
    raw_revert(abi_encode(run, method_id=method_id("RunUnknown(uint256)")))


@internal
@pure
def _run_kind_unknown(kind: uint256):
    raw_revert(abi_encode(kind, method_id=method_id("RunKindUnknown(uint256)")))


@internal
@pure
def _chunk_out_of_order(chunk: uint256, cursor: uint256):
    raw_revert(abi_encode(chunk, cursor, method_id=method_id("ChunkOutOfOrder(uint256,uint256)")))


@internal
@pure
def _chunk_malformed(length: uint256):
    raw_revert(abi_encode(length, method_id=method_id("ChunkMalformed(uint256)")))


@internal
@pure
def _entitlement_unproven(root: bytes32):
    raw_revert(abi_encode(root, method_id=method_id("EntitlementUnproven(bytes32)")))


@internal
@pure
def _entitlement_not_escrowed(run: uint256, index: uint256):
    raw_revert(abi_encode(run, index, method_id=method_id("EntitlementNotEscrowed(uint256,uint256)")))


@internal
@pure
def _tax_above_gross(gross: uint256, tax: uint256):
    raw_revert(abi_encode(gross, tax, method_id=method_id("TaxAboveGross(uint256,uint256)")))


@internal
@pure
def _payment_starved(index: uint256, gas_left: uint256):
    raw_revert(abi_encode(index, gas_left, method_id=method_id("PaymentStarved(uint256,uint256)")))


@internal
@pure
def _not_yet_matured(maturity_day: uint256, day: uint256):
    raw_revert(abi_encode(maturity_day, day, method_id=method_id("NotYetMatured(uint256,uint256)")))


@internal
@pure
def _tenders_open(tenders: uint256):
    raw_revert(abi_encode(tenders, method_id=method_id("TendersOpen(uint256)")))


@internal
@pure
def _tender_exists(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("TenderExists(uint256)")))


@internal
@pure
def _tender_unknown(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("TenderUnknown(uint256)")))


@internal
@pure
def _tender_times_invalid(opens_at: uint256, bids_due: uint256):
    raw_revert(abi_encode(opens_at, bids_due, method_id=method_id("TenderTimesInvalid(uint256,uint256)")))


@internal
@pure
def _tender_not_open(tender: uint256, opens_at: uint256):
    raw_revert(abi_encode(tender, opens_at, method_id=method_id("TenderNotOpen(uint256,uint256)")))


@internal
@pure
def _bidding_over(tender: uint256, bids_due: uint256):
    raw_revert(abi_encode(tender, bids_due, method_id=method_id("BiddingOver(uint256,uint256)")))


@internal
@pure
def _bidding_still_open(tender: uint256, bids_due: uint256):
    raw_revert(abi_encode(tender, bids_due, method_id=method_id("BiddingStillOpen(uint256,uint256)")))


@internal
@pure
def _tender_already_closed(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("TenderAlreadyClosed(uint256)")))


@internal
@pure
def _tender_not_closed(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("TenderNotClosed(uint256)")))


@internal
@pure
def _tender_cancelled(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("TenderCancelled(uint256)")))


@internal
@pure
def _closing_not_final(tender: uint256, final_at: uint256):
    raw_revert(abi_encode(tender, final_at, method_id=method_id("ClosingNotFinal(uint256,uint256)")))


@internal
@pure
def _bidder_unknown(tender: uint256, bidder: uint256):
    raw_revert(abi_encode(tender, bidder, method_id=method_id("BidderUnknown(uint256,uint256)")))


@internal
@pure
def _bidder_exists(tender: uint256, bidder: uint256):
    raw_revert(abi_encode(tender, bidder, method_id=method_id("BidderExists(uint256,uint256)")))


@internal
@pure
def _commitment_exists(tender: uint256, commitment: bytes32):
    raw_revert(abi_encode(tender, commitment, method_id=method_id("CommitmentExists(uint256,bytes32)")))


@internal
@pure
def _commitment_unknown(tender: uint256, commitment: bytes32):
    raw_revert(abi_encode(tender, commitment, method_id=method_id("CommitmentUnknown(uint256,bytes32)")))


@internal
@pure
def _commitments_unaccounted(recorded: uint256, accounted: uint256):
    raw_revert(abi_encode(recorded, accounted, method_id=method_id("CommitmentsUnaccounted(uint256,uint256)")))


@internal
@pure
def _commitments_differ(recorded: bytes32, given: bytes32):
    raw_revert(abi_encode(recorded, given, method_id=method_id("CommitmentsDiffer(bytes32,bytes32)")))


@internal
@pure
def _result_empty(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("ResultEmpty(uint256)")))


@internal
@pure
def _result_exists(tender: uint256):
    raw_revert(abi_encode(tender, method_id=method_id("ResultExists(uint256)")))
