# pragma version 0.4.3
# pragma evm-version cancun
"""
@title A chain's own list of who may send transactions
@license Apache-2.0
@notice Stands for Subnet-EVM's precompiled contract, which no chain in these tests has. It keeps
        its rules: roles 0 none, 1 enabled, 2 admin, 3 manager; a manager changes none and enabled
        alone.
"""

roles: HashMap[address, uint256]


@deploy
def __init__(admin: address):
    self.roles[admin] = 2


@external
def setManager(account: address):
    assert self.roles[msg.sender] == 2
    self.roles[account] = 3


@external
def setEnabled(account: address):
    self._change(account, 1)


@external
def setNone(account: address):
    self._change(account, 0)


@external
@view
def readAllowList(account: address) -> uint256:
    return self.roles[account]


@internal
def _change(account: address, role: uint256):
    by: uint256 = self.roles[msg.sender]
    assert by == 2 or (by == 3 and self.roles[account] < 2)
    self.roles[account] = role
