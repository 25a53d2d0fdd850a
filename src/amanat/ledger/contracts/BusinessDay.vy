# pragma version 0.4.3
# pragma evm-version cancun
"""
@title BusinessDay
@license Apache-2.0
@notice The programme's day and phase, moved by two institutions, only forward, and never ahead
        of block time unless the programme is a simulation.
@dev Each change is an event; its block and time are those of the event's block. The day is
     posted to the Directory, which every transfer reads anyway. Halting the programme does not
     stop the calendar.
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
    def post_day(day: uint256, phase: uint256): nonpayable
    def simulation() -> bool: view

ADVANCE_TYPE: constant(bytes32) = keccak256("DayAdvance(uint256 epoch,uint256 day,uint256 phase)")
SECONDS_A_DAY: constant(uint256) = 86400

struct DayAdvance:
    epoch: uint256
    day: uint256
    phase: uint256

struct Moment:
    block_number: uint256
    block_time: uint256

event DayAdvanced:
    day: indexed(uint256)
    phase: indexed(uint256)

SIMULATION: immutable(bool)
ZONE_SECONDS: immutable(uint256)

day: public(uint256)
phase: public(uint256)
_moments: HashMap[uint256, Moment]


@deploy
def __init__(directory: address, zone_seconds: uint256):
    """@param zone_seconds How far the programme's zone is ahead of UTC (18,000 for Pakistan)."""
    governed.__init__(directory)
    SIMULATION = staticcall Board(directory).simulation()
    ZONE_SECONDS = zone_seconds


@external
def advance(to: DayAdvance, signatures: DynArray[Bytes[65], 16]):
    """
    @notice Moves to a later phase of the day, or to a later day.
    @param to Day (since 1970-01-01) and phase: 1 open, 2 bidding closed, 3 closed.
    @param signatures By two institutions that keep the day.
    """
    digest: bytes32 = governed._digest(
        keccak256(abi_encode(ADVANCE_TYPE, to.epoch, to.day, to.phase))
    )
    governed._require_current(codes.BUSINESS_DAY)
    governed._spend(digest, to.epoch)
    self._check(to.day, to.phase)
    signers: governed.Signers = governed._signers(digest, signatures)
    governed._require_quorum(codes.DAY_KEEPER, signers.institutions, 2)
    self.day = to.day
    self.phase = to.phase
    self._moments[(to.day << 8) | to.phase] = Moment(
        block_number=block.number, block_time=block.timestamp
    )
    extcall Board(governed.DIRECTORY.address).post_day(to.day, to.phase)
    log DayAdvanced(day=to.day, phase=to.phase)


@external
def succeed(former: address):
    """@notice Takes the calendar over on the day and in the phase that it has. Only the Directory."""
    governed._succeed(codes.BUSINESS_DAY, former)
    self.day, self.phase = staticcall governed.DIRECTORY.today()


@external
@view
def can_advance(day: uint256, phase: uint256) -> Bytes[160]:
    """@return Empty when the day may move there; else the ABI-encoded refusal. Never reverts."""
    success: bool = False
    reason: Bytes[160] = b""
    success, reason = raw_call(
        self,
        abi_encode(day, phase, method_id=method_id("check_advance(uint256,uint256)")),
        max_outsize=160,
        is_static_call=True,
        revert_on_failure=False,
    )
    return reason


@external
@view
def check_advance(day: uint256, phase: uint256):
    """@notice Refuses as `advance` would, signatures aside."""
    self._check(day, phase)


@external
@view
def moment_of(day: uint256, phase: uint256) -> Moment:
    """@return Block and block time at which the day entered the phase; zeros when it did not."""
    return self._moments[(day << 8) | phase]


@external
@view
def latest_day() -> uint256:
    """@return The day of block time in the programme's zone."""
    return (block.timestamp + ZONE_SECONDS) // SECONDS_A_DAY


@internal
@view
def _check(day: uint256, phase: uint256):
    if phase < codes.PHASE_OPEN or phase > codes.PHASE_CLOSED:
        refusals._phase_unknown(phase)
    if day >= 2**32 or (day << 8) | phase <= (self.day << 8) | self.phase:
        refusals._day_not_forward(day, phase, self.day, self.phase)
    latest: uint256 = (block.timestamp + ZONE_SECONDS) // SECONDS_A_DAY
    if day > latest and not SIMULATION:
        refusals._day_ahead_of_time(day, latest)
