"""Every refusal of the contracts, declared once.

A contract refuses with an ABI-encoded error (`contracts/refusals.vy`, generated from here by
`amanat.ledger.compile`).  `decode` turns revert data back into a `ContractRefusal`, and `ABI` is
what wallets and explorers need to do the same.  ERC-6093 and ERC-7943 names and argument types
are those of the standards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_hash.auto import keccak

from amanat.core.errors import Refusal
from amanat.core.messages import Message

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class ContractError:
    """One declared error: its name, its arguments as (name, ABI type), and its message."""

    name: str
    arguments: tuple[tuple[str, str], ...]
    template: str

    @property
    def signature(self) -> str:
        """Canonical form, for example `WrongEpoch(uint256,uint256)`."""
        return f"{self.name}({','.join(kind for _, kind in self.arguments)})"

    @property
    def selector(self) -> bytes:
        """First four bytes of the Keccak-256 digest of the signature."""
        return keccak(self.signature.encode())[:4]

    @property
    def snake(self) -> str:
        """Name of the function that raises it in `refusals.vy`."""
        return _CAMEL.sub("_", self.name).lower()


def _error(name: str, arguments: str, template: str) -> ContractError:
    pairs = (item.split() for item in arguments.split(",") if item.strip())
    return ContractError(name, tuple((pair[1], pair[0]) for pair in pairs), template)


ERRORS: tuple[ContractError, ...] = (
    # Who signs and who calls.
    _error("UnknownSigner", "address signer", "{signer} is not a key of any institution."),
    _error("DuplicateSigner", "address signer", "{signer} signed more than once."),
    _error("BadSignature", "address expected, address recovered",
           "The signature is of {recovered}, not of {expected}."),
    _error("MalformedSignature", "uint256 length", "A signature has 65 bytes, not {length}."),
    _error("SignersMissing", "uint256 required, uint256 present",
           "Institutions {required:#x} must sign; {present:#x} did."),
    _error("QuorumNotMet", "uint256 required, uint256 present",
           "{required} institutions must sign; {present} did."),
    _error("SecondKeyMissing", "uint256 institutions",
           "Two different keys must sign, at least one of institutions {institutions:#x}."),
    _error("WrongEpoch", "uint256 given, uint256 current",
           "Signed for epoch {given} of the institutions; it is epoch {current}."),
    _error("ActSpent", "bytes32 digest", "Act {digest} was already carried out."),
    _error("ActSuperseded", "uint256 number, uint256 last",
           "Act {number} is older than act {last}, which stands."),
    _error("ActWithdrawn", "uint256 institution", "Institution {institution} withdrew."),
    _error("CallerNotAllowed", "address caller", "{caller} may not call this."),
    # Directory.
    _error("AlreadyFounded", "", "The programme is already founded."),
    _error("NotFounded", "", "The programme is not founded yet."),
    _error("FoundingIncomplete", "uint256 contract_id", "Contract {contract_id} has no code."),
    _error("InstitutionUnknown", "uint256 institution", "There is no institution {institution}."),
    _error("ChangeKindUnknown", "uint256 kind", "There is no change of kind {kind}."),
    _error("ContractNotReplaceable", "uint256 contract_id",
           "Contract {contract_id} is never replaced."),
    _error("ContractReplaced", "uint256 contract_id, address current",
           "Contract {contract_id} was replaced by {current}."),
    _error("SuccessorUnfit", "address at",
           "{at} cannot take over: it serves another Directory, or has served already."),
    _error("SenderListClosed", "address list",
           "The chain's list {list} does not let the new contract write it."),
    _error("ChangeNotAnnounced", "bytes32 change", "Change {change} was not announced."),
    _error("ChangeAlreadyAnnounced", "bytes32 change", "Change {change} is already announced."),
    _error("ChangeNotDue", "bytes32 change, uint256 due",
           "Change {change} takes effect from block time {due}."),
    _error("QuorumImpossible", "uint256 quorum, uint256 institutions",
           "A quorum of {quorum} of {institutions} institutions is not possible."),
    _error("KeyInUse", "address key, uint256 institution",
           "Key {key} already belongs to institution {institution}."),
    _error("TokenAlreadyListed", "address token", "Token {token} is already listed."),
    # Business day.
    _error("DayNotForward",
           "uint256 day, uint256 phase, uint256 current_day, uint256 current_phase",
           "Day {day} phase {phase} does not follow day {current_day} phase {current_phase}."),
    _error("DayAheadOfTime", "uint256 day, uint256 latest",
           "Day {day} is ahead of block time (day {latest})."),
    _error("PhaseUnknown", "uint256 phase", "There is no phase {phase}."),
    _error("DayNotOpen", "uint256 day, uint256 phase",
           "Day {day} is not open (phase {phase})."),
    # Eligibility.
    _error("ClassUnknown", "uint256 participant_class",
           "No authority writes class {participant_class}."),
    _error("LevelUnknown", "uint256 level", "There is no level {level}."),
    _error("ParticipantUnknown", "uint256 participant", "There is no participant {participant}."),
    _error("ParticipantNumberInvalid", "uint256 participant",
           "{participant} cannot be a participant's number."),
    _error("ParticipantFieldInvalid", "uint256 country, uint256 valid_until",
           "Country {country} or last day {valid_until} does not fit."),
    _error("AccountUnknown", "address account", "{account} is no participant's account."),
    _error("AccountTaken", "address account, uint256 participant",
           "{account} already belongs to participant {participant}."),
    _error("AccountInvalid", "address account", "{account} cannot be an account."),
    _error("AccountClosed", "address account", "Account {account} is closed."),
    _error("LevelForbids", "address account, uint256 participant, uint256 level",
           "Participant {participant} (account {account}) is at level {level}."),
    _error("ParticipantExpired", "address account, uint256 participant, uint256 valid_until",
           "Participant {participant} (account {account}) was valid until day {valid_until}."),
    _error("ClassNotAllowed", "address account, uint256 participant_class",
           "Class {participant_class} of account {account} may not hold this security."),
    # Programme.
    _error("ContractHalted", "uint256 contract_id", "Contract {contract_id} is halted."),
    _error("ProgrammeHalted", "", "The programme is halted."),
    _error("TokenHalted", "address token", "Token {token} is halted."),
    _error("NotHalted", "uint256 contract_id", "Contract {contract_id} is not halted."),
    _error("CeilingPassed", "uint256 used, uint256 added, uint256 ceiling",
           "{added} on top of {used} passes the ceiling of {ceiling} US cents."),
    _error("CeilingBelowUse", "uint256 ceiling, uint256 used",
           "A ceiling of {ceiling} US cents is below the {used} in use."),
    _error("KindUnknown", "uint256 kind", "There is no rule for instruments of kind {kind}."),
    _error("ValueMismatch", "uint256 given, uint256 computed",
           "The USD value {given} is not nominal at the stated rate ({computed})."),
    _error("RateInvalid", "uint256 rate, uint256 rate_day",
           "Rate {rate} of day {rate_day} is not valid."),
    _error("AuthorisationExpired", "uint256 number, uint256 expiry_day, uint256 day",
           "Authorisation {number} expired on day {expiry_day}; it is day {day}."),
    _error("AuthorisationUnknown", "uint256 number", "There is no authorisation {number}."),
    _error("AuthorisationNumberUsed", "uint256 number, uint256 next",
           "Authorisation {number} is not the next number, {next}."),
    _error("AuthorisationExceeded", "uint256 number, uint256 asked, uint256 left",
           "{asked} is more than the {left} left under authorisation {number}."),
    _error("TermsDiffer", "bytes32 isin, bytes32 given, bytes32 registered",
           "Terms {given} of {isin} differ from those registered, {registered}."),
    _error("ReservesShort", "uint256 reserves, uint256 required",
           "Reserves of {reserves} US cents are below the {required} required."),
    _error("EvidenceLapsed", "uint256 valid_until, uint256 day",
           "Evidence of the reserves was valid until day {valid_until}; it is day {day}."),
    _error("ReservesSound", "", "Reserves suffice and their evidence is valid."),
    _error("SecurityUnknown", "address security", "{security} is no security of this programme."),
    _error("SecurityMatured", "uint256 maturity_day, uint256 day",
           "The security matured on day {maturity_day}; it is day {day}."),
    # Tokens.
    _error("ERC20InsufficientBalance", "address sender, uint256 balance, uint256 needed",
           "{sender} holds {balance} and needs {needed}."),
    _error("ERC20InsufficientAllowance", "address spender, uint256 allowance, uint256 needed",
           "{spender} may spend {allowance} and needs {needed}."),
    _error("ERC20InvalidSpender", "address spender", "{spender} cannot spend."),
    _error("ERC2612ExpiredSignature", "uint256 deadline", "The permit expired at {deadline}."),
    _error("ERC2612InvalidSigner", "address signer, address owner",
           "The permit is signed by {signer}, not by {owner}."),
    _error("ERC7943InsufficientUnfrozenBalance",
           "address account, uint256 amount, uint256 unfrozen",
           "{account} has {unfrozen} that is neither frozen nor held, and needs {amount}."),
    _error("AmountTooLarge", "uint256 amount", "{amount} is larger than a balance can be."),
    _error("AmountZero", "", "The amount is zero."),
    _error("ReferenceUsed", "bytes32 rtgs_reference",
           "RTGS reference {rtgs_reference} was already used."),
    _error("HoldUnknown", "bytes32 hold", "There is no hold {hold}."),
    _error("HoldExists", "bytes32 hold", "Hold {hold} was already placed."),
    _error("HoldExpired", "uint256 last_day, uint256 day",
           "The hold ends on day {last_day}; it is day {day}."),
    # Orders.
    _error("OrderKindUnknown", "uint256 kind", "There is no order of kind {kind}."),
    _error("ParticipantsDiffer", "address account, address other",
           "{account} and {other} belong to different participants."),
    # Settlement.
    _error("InstructionNotYetDue", "uint256 first_day, uint256 day",
           "The instruction settles from day {first_day}; it is day {day}."),
    _error("InstructionExpired", "uint256 last_day, uint256 day",
           "The instruction expired after day {last_day}; it is day {day}."),
    _error("NumberSpent", "address deliverer, uint256 number",
           "Number {number} of {deliverer} is spent or burned."),
    _error("SameAccount", "address account", "Deliverer and receiver are both {account}."),
    _error("BatchMalformed", "uint256 length", "A batch cannot have {length} bytes."),
    _error("BatchStarved", "uint256 index, uint256 gas_left",
           "{gas_left} gas left is too little for instruction {index}: the batch is undone."),
    _error("CycleUnbalanced", "address token, int256 residue",
           "The net positions in {token} sum to {residue}, not to zero."),
    # Payments.
    _error(
        "OutsideMismatch",
        "uint256 untried, uint256 amount",
        "Of this payment {untried} was not tried here, not {amount}.",
    ),
    _error("RunExists", "uint256 run", "This payment is already funded as run {run}."),
    _error("RunUnknown", "uint256 run", "There is no payment run {run}."),
    _error("RunKindUnknown", "uint256 kind", "There is no payment of kind {kind}."),
    _error("ChunkOutOfOrder", "uint256 chunk, uint256 cursor",
           "Chunk {chunk} comes before chunk {cursor} is paid."),
    _error("ChunkMalformed", "uint256 length", "The chunk has {length} entitlements."),
    _error("EntitlementUnproven", "bytes32 root", "The entitlements do not lead to root {root}."),
    _error("EntitlementNotEscrowed", "uint256 run, uint256 index",
           "Entitlement {index} of run {run} is not in escrow."),
    _error("TaxAboveGross", "uint256 gross, uint256 tax",
           "Tax {tax} is above the gross {gross}."),
    _error("PaymentStarved", "uint256 index, uint256 gas_left",
           "{gas_left} gas left is too little for entitlement {index}: the chunk is undone."),
    _error("NotYetMatured", "uint256 maturity_day, uint256 day",
           "The security matures on day {maturity_day}; it is day {day}."),
    # Tender.
    _error("TendersOpen", "uint256 tenders",
           "{tenders} tenders have no result yet and are not cancelled."),
    _error("TenderExists", "uint256 tender", "Tender {tender} is already announced."),
    _error("TenderUnknown", "uint256 tender", "There is no tender {tender}."),
    _error("TenderTimesInvalid", "uint256 opens_at, uint256 bids_due",
           "Bids cannot open at {opens_at} and be due at {bids_due}."),
    _error("TenderNotOpen", "uint256 tender, uint256 opens_at",
           "Tender {tender} opens at {opens_at}."),
    _error("BiddingOver", "uint256 tender, uint256 bids_due",
           "Bids for tender {tender} were due at {bids_due}."),
    _error("BiddingStillOpen", "uint256 tender, uint256 bids_due",
           "Bids for tender {tender} are due at {bids_due}."),
    _error("TenderAlreadyClosed", "uint256 tender", "Tender {tender} is closed."),
    _error("TenderNotClosed", "uint256 tender", "Tender {tender} is not closed."),
    _error("TenderCancelled", "uint256 tender", "Tender {tender} is cancelled."),
    _error("ClosingNotFinal", "uint256 tender, uint256 final_at",
           "The closing of tender {tender} is final from block {final_at}."),
    _error("BidderUnknown", "uint256 tender, uint256 bidder",
           "Tender {tender} has no bidder {bidder}."),
    _error("BidderExists", "uint256 tender, uint256 bidder",
           "Bidder {bidder} of tender {tender} is already admitted."),
    _error("CommitmentExists", "uint256 tender, bytes32 commitment",
           "Commitment {commitment} is already recorded in tender {tender}."),
    _error("CommitmentUnknown", "uint256 tender, bytes32 commitment",
           "Tender {tender} has no live commitment {commitment} of this bidder."),
    _error("CommitmentsUnaccounted", "uint256 recorded, uint256 accounted",
           "The result accounts for {accounted} of {recorded} commitments."),
    _error("CommitmentsDiffer", "bytes32 recorded, bytes32 given",
           "The result is over commitments {given}; the chain recorded {recorded}."),
    _error("ResultEmpty", "uint256 tender", "The result of tender {tender} has no root."),
    _error("ResultExists", "uint256 tender", "Tender {tender} already has a result."),
)  # fmt: skip

BY_NAME: Mapping[str, ContractError] = {error.name: error for error in ERRORS}
BY_SELECTOR: Mapping[bytes, ContractError] = {error.selector: error for error in ERRORS}

ABI: tuple[dict[str, Any], ...] = tuple(
    {
        "type": "error",
        "name": error.name,
        "inputs": [{"name": name, "type": kind} for name, kind in error.arguments],
    }
    for error in ERRORS
)


class ContractRefusal(Refusal):
    """A contract refused: `name` is the declared error, `arguments` its typed values.

    Revert data that no declared error explains (a compiler's bound check, an empty revert when
    gas ran out) has the name `Undeclared` and the raw bytes in hexadecimal under `data`.
    """

    template = "{message}"

    def __init__(self, name: str, arguments: Mapping[str, Any], message: str) -> None:
        self.name = name
        self.arguments = dict(arguments)
        super().__init__(name=name, message=message, error=name)

    @property
    def said(self) -> Message:
        """The declared error's own key and arguments."""
        declared = BY_NAME.get(self.name)
        if declared is None:
            return super().said
        return Message.stated(self.message, declared.template, self.arguments)


def decode(data: bytes) -> ContractRefusal:
    """The refusal that the revert bytes `data` encode; addresses and hashes become hex strings."""
    error = BY_SELECTOR.get(bytes(data[:4]))
    if error is None:
        return ContractRefusal(
            "Undeclared", {"data": data.hex()}, f"The contract reverted with 0x{data.hex()}."
        )
    kinds = [kind for _, kind in error.arguments]
    values = abi_decode(kinds, bytes(data[4:])) if kinds else ()
    named = {
        name: "0x" + value.hex() if isinstance(value, bytes) else value
        for (name, _), value in zip(error.arguments, values, strict=True)
    }
    return ContractRefusal(error.name, named, error.template.format(**named))


def vyper_module() -> str:
    """Source of `contracts/refusals.vy`: one internal function for each declared error."""
    lines = [
        "# pragma version 0.4.3",
        "# pragma evm-version cancun",
        '"""',
        "@title Refusals",
        "@license Apache-2.0",
        "@notice Every error of the contracts. Generated from `amanat/ledger/refusals.py` by",
        "        `python -m amanat.ledger.compile`: do not edit.",
        '"""',
        "",
    ]
    for error in ERRORS:
        parameters = ", ".join(f"{name}: {kind}" for name, kind in error.arguments)
        values = "".join(f"{name}, " for name, _ in error.arguments)
        selector = f'method_id("{error.signature}")'
        body = (
            f"raw_revert(abi_encode({values}method_id={selector}))"
            if error.arguments
            else f"raw_revert({selector})"
        )
        lines += ["", "@internal", "@pure", f"def _{error.snake}({parameters}):", f"    {body}", ""]
    return "\n".join(lines).rstrip() + "\n"
