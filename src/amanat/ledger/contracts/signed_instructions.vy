# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Signed instructions
@license Apache-2.0
@notice What the parties of a delivery versus payment sign: one instruction, or a list of those that
        are between them. A signature for a contract that `Settlement` replaced is good here too.
@dev Part of `Settlement`. An instruction's terms are one word: security, deliverer, receiver (1 byte
     each, in tables), v (1), number, first day, last day (4 each), nominal, consideration (8 each).
"""

import governed
import refusals

uses: governed

interface Former:
    def DOMAIN_SEPARATOR() -> bytes32: view
    def predecessor() -> address: view

INSTRUCTION_TYPE: constant(bytes32) = keccak256("Instruction(address security,address deliverer,address receiver,uint256 nominal,uint256 consideration,uint256 number,uint256 first_day,uint256 last_day)")
LIST_TYPE: constant(bytes32) = keccak256("InstructionList(Instruction[] instructions)Instruction(address security,address deliverer,address receiver,uint256 nominal,uint256 consideration,uint256 number,uint256 first_day,uint256 last_day)")

MASK_32: constant(uint256) = 2**32 - 1
MASK_64: constant(uint256) = 2**64 - 1
MAX_SECURITIES: constant(uint256) = 32
MAX_INSTRUCTIONS: constant(uint256) = 128
# A list: securities (1 byte), instructions (2), v (1: bit 0 first account's, bit 1 second's parity),
# r, s of the first and of the second account, the two accounts and the securities (20 each), and
# the instructions (32 each) as in a batch: deliverer and receiver are 0 or 1, and v says whether
# it is tried (1), or only part of what was signed (0).
MAX_LIST: constant(uint256) = 172 + 20 * 32 + 32 * 128
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
def _terms(instruction: Instruction, deliverer_signature: Bytes[65], receiver_signature: Bytes[65]) -> uint256:
    if len(deliverer_signature) != 65:
        refusals._malformed_signature(len(deliverer_signature))
    if len(receiver_signature) != 65:
        refusals._malformed_signature(len(receiver_signature))
    parities: uint256 = (convert(slice(deliverer_signature, 64, 1), uint256) + 1) & 1
    parities |= ((convert(slice(receiver_signature, 64, 1), uint256) + 1) & 1) << 1
    return self._terms_unsigned(instruction) | (parities << 224)


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
def _digest(terms: uint256, deliverer: address, receiver: address, security: address) -> bytes32:
    return governed._digest(self._instruction_hash(terms, deliverer, receiver, security))


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
