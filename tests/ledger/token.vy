# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A token for the ledger's tests
@notice Anyone mints; a day may be told; a child contract may be made; a wrong sum is refused.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event DayMoved:
    day: uint32

event ChildMade:
    child: address
    name: String[16]

event Noted:
    number: indexed(uint256)
    text: String[64]
    flags: DynArray[bool, 4]
    digest: bytes32
    change: int256

balanceOf: public(HashMap[address, uint256])
totalSupply: public(uint256)
gate: public(bool)
peer: public(address)

@deploy
def __init__(peer: address):
    self.peer = peer

@external
def mint(receiver: address, amount: uint256):
    self.balanceOf[receiver] += amount
    self.totalSupply += amount
    log Transfer(sender=empty(address), receiver=receiver, amount=amount)

@external
def burn(holder: address, amount: uint256):
    self._need(holder, amount)
    self.balanceOf[holder] -= amount
    self.totalSupply -= amount
    log Transfer(sender=holder, receiver=empty(address), amount=amount)

@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._need(msg.sender, amount)
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=msg.sender, receiver=receiver, amount=amount)
    return True

@external
def move(holder: address, receiver: address, amount: uint256):
    self._need(holder, amount)
    self.balanceOf[holder] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=holder, receiver=receiver, amount=amount)

@external
def move_many(holder: address, receiver: address, amount: uint256, times: uint256):
    for i: uint256 in range(times, bound=1000):
        self._need(holder, amount)
        self.balanceOf[holder] -= amount
        self.balanceOf[receiver] += amount
        log Transfer(sender=holder, receiver=receiver, amount=amount)

@external
def tell_day(day: uint32):
    log DayMoved(day=day)

@external
def open_gate():
    self.gate = True

@external
def pass_gate():
    assert self.gate, "the gate is closed"
    log Noted(number=1, text="passed", flags=[True, False], digest=keccak256("x"), change=-5)

@external
def make_child(blueprint: address, name: String[16]):
    child: address = create_from_blueprint(blueprint, self)
    log ChildMade(child=child, name=name)

@internal
@view
def _need(holder: address, amount: uint256):
    if self.balanceOf[holder] < amount:
        raw_revert(abi_encode(
            holder, self.balanceOf[holder], amount,
            method_id=method_id("ERC20InsufficientBalance(address,uint256,uint256)"),
        ))
