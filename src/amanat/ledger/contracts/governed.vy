# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Governed
@license Apache-2.0
@notice What every contract that institutions act on has in common: its place in the Directory,
        its EIP-712 domain, and the rule that a signed act is carried out once.
"""

import codes
import refusals

interface Directory:
    def signers(digest: bytes32, signatures: DynArray[Bytes[65], 16]) -> (uint256, uint256, uint256): view
    def with_capacity(capacity: uint256) -> uint256: view
    def epoch() -> uint256: view
    def contract_at(contract_id: uint256) -> address: view
    def is_halted(contract_id: uint256) -> bool: view
    def today() -> (uint256, uint256): view
    def token_number(token: address) -> uint256: view
    def participant_of(account: address) -> uint256: view
    def standing(from_participant: uint256, to_participant: uint256, token: uint256) -> uint256: view

struct Signers:
    institutions: uint256
    twice: uint256
    keys: uint256

DIRECTORY: immutable(Directory)
DOMAIN: immutable(bytes32)

DOMAIN_TYPE: constant(bytes32) = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
NAME_HASH: constant(bytes32) = keccak256("Amanat")
VERSION_HASH: constant(bytes32) = keccak256("1")

spent: HashMap[bytes32, bool]
# For what an act sets anew: the highest number of an act on it that was carried out.
latest: HashMap[bytes32, uint256]
# The contract that this one replaced: what it knows and nobody touched here is read there.
former: address


@deploy
def __init__(directory: address):
    DIRECTORY = Directory(directory)
    DOMAIN = keccak256(abi_encode(DOMAIN_TYPE, NAME_HASH, VERSION_HASH, chain.id, self))


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(concat(x"1901", DOMAIN, struct_hash))


@internal
@view
def _signers(digest: bytes32, signatures: DynArray[Bytes[65], 16]) -> Signers:
    """
    @dev `institutions` is the mask of those that signed, `twice` of those with two or more keys,
         `keys` the number of keys. Refuses unknown and repeated keys.
    """
    signers: Signers = empty(Signers)
    signers.institutions, signers.twice, signers.keys = staticcall DIRECTORY.signers(digest, signatures)
    return signers


@internal
def _spend(digest: bytes32, epoch: uint256):
    """@dev A governed act belongs to one epoch of the institutions and is carried out once."""
    current: uint256 = staticcall DIRECTORY.epoch()
    if epoch != current:
        refusals._wrong_epoch(epoch, current)
    if self.spent[digest]:
        refusals._act_spent(digest)
    self.spent[digest] = True


@internal
def _supersede(subject: bytes32, number: uint256, takes_away: bool):
    """
    @dev An act that sets something anew has a higher number than the one that it replaces: a
         grant that was signed earlier and kept back cannot undo a later withdrawal. What only
         takes away always passes.
    """
    last: uint256 = self.latest[subject]
    if number > last:
        self.latest[subject] = number
    elif not takes_away:
        refusals._act_superseded(number, last)


@internal
@view
def _require_all(required: uint256, present: uint256):
    """@dev Every institution of the mask `required` signed; others never replace one of them."""
    if required == 0 or required & present != required:
        refusals._signers_missing(required, present)


@internal
@view
def _require_capacity(capacity: uint256, present: uint256):
    """@dev At least one institution with this capacity signed."""
    holders: uint256 = staticcall DIRECTORY.with_capacity(capacity)
    if holders & present == 0:
        refusals._signers_missing(holders, present)


@internal
@pure
def _count(mask: uint256) -> uint256:
    """@dev Number of institutions in a mask."""
    left: uint256 = mask
    count: uint256 = 0
    for _: uint256 in range(64):
        if left == 0:
            break
        left = left & unsafe_sub(left, 1)
        count = unsafe_add(count, 1)
    return count


@internal
@view
def _require_quorum(capacity: uint256, present: uint256, quorum: uint256):
    """@dev At least `quorum` institutions with this capacity signed."""
    counted: uint256 = self._count(present & staticcall DIRECTORY.with_capacity(capacity))
    if counted < quorum:
        refusals._quorum_not_met(quorum, counted)


@internal
def _succeed(contract_id: uint256, former: address):
    """
    @dev The Directory alone names the contract that this one replaces, once, as it replaces it.
         From then on the former one carries out no act: what it knows no longer changes.
    """
    if msg.sender != DIRECTORY.address:
        refusals._caller_not_allowed(msg.sender)
    if self.former != empty(address) or staticcall DIRECTORY.contract_at(contract_id) != self:
        refusals._successor_unfit(self)
    self.former = former


@internal
@view
def _require_current(contract_id: uint256):
    """@dev A contract that another has replaced carries out nothing more."""
    current: address = staticcall DIRECTORY.contract_at(contract_id)
    if current == empty(address):
        refusals._not_founded()
    if current != self:
        refusals._contract_replaced(contract_id, current)


@internal
@view
def _require_running(contract_id: uint256):
    self._require_current(contract_id)
    if staticcall DIRECTORY.is_halted(codes.PROGRAMME):
        refusals._programme_halted()
    if staticcall DIRECTORY.is_halted(contract_id):
        refusals._contract_halted(contract_id)


@internal
@view
def _require_caller(contract_id: uint256):
    if msg.sender != staticcall DIRECTORY.contract_at(contract_id):
        refusals._caller_not_allowed(msg.sender)


@internal
@view
def _require_signed_by(account: address, digest: bytes32, signature: Bytes[65]):
    """@dev The signature over `digest` is that of the key of `account` itself."""
    recovered: address = self._recover(digest, signature)
    if recovered != account or account == empty(address):
        refusals._bad_signature(account, recovered)


@internal
@pure
def _recover(digest: bytes32, signature: Bytes[65]) -> address:
    if len(signature) != 65:
        refusals._malformed_signature(len(signature))
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    return ecrecover(
        digest, v, extract32(signature, 0, output_type=uint256), extract32(signature, 32, output_type=uint256)
    )


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    """@notice EIP-712 domain: name Amanat, version 1, this chain, this contract."""
    return DOMAIN


@external
@view
def eip712Domain() -> (bytes1, String[16], String[8], uint256, address, bytes32, DynArray[uint256, 1]):
    """@notice The fields of the EIP-712 domain, as ERC-5267 gives them."""
    return 0x0f, "Amanat", "1", chain.id, self, empty(bytes32), []


@external
@view
def is_spent(digest: bytes32) -> bool:
    """@notice Whether the governed act with this digest was carried out."""
    return self.spent[digest]


@external
@view
def directory() -> address:
    return DIRECTORY.address


@external
@view
def predecessor() -> address:
    """@return The contract that this one replaced; zero when it replaced none."""
    return self.former
