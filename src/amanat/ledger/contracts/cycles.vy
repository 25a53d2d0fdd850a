# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Cycles
@license Apache-2.0
@notice Positions of a netted cycle: how they are packed, and that each account signed its own.
@dev Part of `Settlement`.
"""

import governed
import refusals

uses: governed

POSITION_TYPE: constant(bytes32) = keccak256("Position(bytes32 trades,address account,uint256 number,address[] securities,int256[] nominals,int256 cash,uint256 first_day,uint256 last_day)")

# A cycle: positions (1 byte), securities (1), first day, last day (4 each), digest of the trades
# (32), the securities (20 each), then for each position: account (20), number (4), v (1), cash
# (8, signed), nominal of each security (8 each, signed), r, s (32 each).
MAX_POSITIONS: constant(uint256) = 64
MAX_CYCLE: constant(uint256) = 42 + 20 * 8 + 64 * (97 + 8 * 8)


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
