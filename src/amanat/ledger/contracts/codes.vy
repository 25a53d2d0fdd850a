# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Codes
@license Apache-2.0
@notice The numbers that all contracts share: contracts, capacities, phases and levels.
"""

# Contracts in the Directory. The same numbers are their halt bits; securities follow from 16.
BUSINESS_DAY: constant(uint256) = 1
ELIGIBILITY: constant(uint256) = 2
PROGRAMME: constant(uint256) = 3
CASH: constant(uint256) = 4
ORDERS: constant(uint256) = 5
SETTLEMENT: constant(uint256) = 6
PAYMENTS: constant(uint256) = 7
TENDER: constant(uint256) = 8
FIRST_SECURITY: constant(uint256) = 16

# Capacities of institutions: bit (1 << capacity) of an institution's mask.
ISSUER: constant(uint256) = 1
CASH_ISSUER: constant(uint256) = 2
AUCTIONEER: constant(uint256) = 3
PAYING_AGENT: constant(uint256) = 4
DAY_KEEPER: constant(uint256) = 5
ORDER_MAKER: constant(uint256) = 6
GUARDIAN: constant(uint256) = 7
REGISTRAR: constant(uint256) = 8

# Phases of a business day.
PHASE_OPEN: constant(uint256) = 1
PHASE_BIDDING_CLOSED: constant(uint256) = 2
PHASE_CLOSED: constant(uint256) = 3

# Levels of a participant.
ACTIVE: constant(uint256) = 1
CLOSE_OUT: constant(uint256) = 2
WIND_DOWN: constant(uint256) = 3
FROZEN: constant(uint256) = 4

# A participant number that stands for closed accounts; it never has a standing.
CLOSED_ACCOUNT: constant(uint256) = 2**32 - 1

# A standing word, as `Directory.standing` returns it:
#   0-31 day, 32-39 phase, 40 programme halted, 41 token halted,
#   64-127 sender's standing, 128-191 receiver's standing,
#   192-223 sender's participant number, 224-255 receiver's participant number.
# One participant's standing has 64 bits: 0-7 level, 8-15 class, 16-31 country, 32-63 valid until.
