"""What a chain can run, and whether it calls any block final: asked of its nodes.

The contracts are compiled twice (`amanat.ledger.artifacts`).  Code for Cancun on a chain that stops
at London fails in the midst of a call, with nothing said: so a node is asked before.
"""

from __future__ import annotations

from typing import Any

from amanat.core.errors import Corrupt
from amanat.ledger.evms import CANCUN, LONDON
from amanat.ledger.rpc import RpcClient, RpcFault

# A call to an address that is given this code for the length of the call: it returns one.
_ASKED = "0x" + "e5" * 20
# PUSH0, MCOPY and TLOAD, then PUSH1 1, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
_NEEDS_CANCUN = "0x5f5f5f5e5f5c5060015f5260205ff3"
# The same return without them.
_NEEDS_LITTLE = "0x600160005260206000f3"
_ONE = "0x" + "1".zfill(64)


class EvmTooOld(Corrupt):
    """The chain does not run the instructions that the contracts of this setting are made of."""

    def __init__(self) -> None:
        super().__init__(
            "The chain stops before Cancun (it lacks PUSH0, MCOPY or TLOAD), and AMANAT_EVM says"
            f" {CANCUN}: set AMANAT_EVM to {LONDON}."
        )


def evm_of(rpc: RpcClient) -> str | None:
    """The newest EVM of ours that the chain runs, by asking a node; None where it does not tell.

    Raises `NodeUnavailable`.
    """
    old, new = rpc.batch([_question(_NEEDS_LITTLE), _question(_NEEDS_CANCUN)])
    if old != _ONE:
        return None  # the node lends no code to a call
    if new == _ONE:
        return CANCUN
    return LONDON if isinstance(new, RpcFault) and "opcode" in new.text.lower() else None


def require_evm(rpc: RpcClient, evm: str) -> None:
    """Raises `EvmTooOld` where the chain cannot run code for `evm`; `NodeUnavailable`."""
    if evm == CANCUN and evm_of(rpc) == LONDON:
        raise EvmTooOld


def tells_finality(rpc: RpcClient) -> bool:
    """Whether a node knows of final blocks.  Raises `NodeUnavailable`."""
    return isinstance(rpc.batch([("eth_getBlockByNumber", ("finalized", False))])[0], dict)


def _question(code: str) -> tuple[str, Any]:
    return ("eth_call", ({"to": _ASKED}, "latest", {_ASKED: {"code": code}}))
