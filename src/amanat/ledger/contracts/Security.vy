# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Security
@license Apache-2.0
@notice One security: nominal in units of its smallest denomination. Created by `Programme` alone,
        under an authorisation; redeemed by `Payments` alone, against cash.
@dev Halted and resumed through `Programme.set_halt` with this security's number.
"""

import codes
import governed
import holding
import refusals

initializes: governed
initializes: holding[governed := governed]
exports: (
    governed.DOMAIN_SEPARATOR,
    governed.eip712Domain,
    governed.directory,
    holding.__interface__,
)

DIVISIBILITY: constant(uint8) = 0
SEND: constant(uint256) = (1 << 1) | (1 << 2) | (1 << 3)
RECEIVE: constant(uint256) = 1 << 1

ISIN: immutable(bytes32)
TERMS_HASH: immutable(bytes32)
CLASS_MASK: immutable(uint256)
MATURITY: immutable(uint256)
TOKEN_NUMBER: immutable(uint256)

name: public(String[35])
symbol: public(String[12])
redeemed: public(uint256)


@deploy
def __init__(
    directory: address,
    number: uint256,
    isin: bytes32,
    terms_hash: bytes32,
    classes: uint256,
    maturity_day: uint256,
    name: String[35],
    symbol: String[12],
):
    """
    @param number The security's number on the Directory's board.
    @param isin The ISIN's twelve characters, left-aligned.
    @param terms_hash Keccak-256 of the canonical terms.
    @param classes Mask of the classes of participants that may hold it.
    @param maturity_day First day on which it no longer moves, in days since 1970-01-01.
    @param name FISN; `symbol` is the ISIN.
    """
    governed.__init__(directory)
    holding.__init__(classes, SEND, RECEIVE, maturity_day, number)
    ISIN = isin
    TERMS_HASH = terms_hash
    CLASS_MASK = classes
    MATURITY = maturity_day
    TOKEN_NUMBER = number
    self.name = name
    self.symbol = symbol


@external
def mint(to: address, amount: uint256):
    """@notice Issues nominal to a distribution account. Only `Programme`."""
    governed._require_caller(codes.PROGRAMME)
    holding._mint(to, amount)


@external
def burn(account: address, amount: uint256):
    """@notice Cancels nominal that was not sold. Only `Programme`."""
    governed._require_caller(codes.PROGRAMME)
    holding._burn(account, amount)


@external
def redeem(account: address, amount: uint256):
    """
    @notice Burns a holder's nominal against the cash that is paid in the same call. What is
            frozen or held stays. Only `Payments`.
    """
    governed._require_caller(codes.PAYMENTS)
    holding._burn(account, amount)
    self.redeemed += amount


@external
@pure
def decimals() -> uint8:
    return DIVISIBILITY


@external
@view
def isin() -> bytes32:
    return ISIN


@external
@view
def terms_hash() -> bytes32:
    return TERMS_HASH


@external
@view
def classes() -> uint256:
    return CLASS_MASK


@external
@view
def maturity_day() -> uint256:
    return MATURITY


@external
@view
def number() -> uint256:
    return TOKEN_NUMBER
