"""Merkle trees: what lets one hash stand for a list, and prove what is in it.

`MerkleTree` is the tree of RFC 6962 section 2.1 (the same as RFC 9162), so that any log client
checks its proofs.  `SumTree` is a Merkle-sum tree: each node also binds the sums of the amounts
below it, so that a root proves totals and a leaf's holder finds nothing left out, while salted
leaves tell nothing of one another.  All hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from amanat.core.errors import Invalid
from amanat.core.messages import Message

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without leaves (RFC 6962 section 2.1)."""

SALT_BYTES = 32
AMOUNT_MAX = 2**128 - 1

Amounts = tuple[int, ...]


class ProofInvalid(Invalid):
    """A proof does not lead from what it is for to the root: whatever it claims is not shown."""

    template: ClassVar[str] = "The {kind} proof does not hold: {reason}."


class OutOfTree(Invalid):
    """A proof was asked for a place or size that the tree does not have."""

    template: ClassVar[str] = "{what} {value} lies outside a tree of {size} leaves."


class LeafInvalid(Invalid):
    """A leaf of a sum tree has amounts from 0 to 2**128 - 1, as many as its tree, and a salt."""

    template: ClassVar[str] = "Leaf: {reason}."


def leaf_hash(content: bytes) -> bytes:
    """SHA-256(0x00 || content)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """The RFC 6962 tree over leaf hashes; O(n) to build, O(log n) for each proof.

    An odd node at the end of a level moves up unchanged, which gives the RFC's split at the
    largest power of two below the size.
    """

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self._levels: list[list[bytes]] = [list(leaf_hashes)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
            self._levels.append(above + below[len(above) * 2 :])

    @classmethod
    def of(cls, contents: Sequence[bytes]) -> MerkleTree:
        """The tree whose leaves are these contents, hashed."""
        return cls([leaf_hash(content) for content in contents])

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The root hash; `EMPTY_ROOT` for no leaves."""
        return self._levels[-1][0] if self.size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Hashes that lead from leaf `index` (from 0) to the root, lowest first.

        Refuses `OutOfTree`.  Source: RFC 6962 section 2.1.1.
        """
        if not 0 <= index < self.size:
            raise OutOfTree(what="leaf", value=index, size=self.size)
        path: list[bytes] = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling])
            index >>= 1
        return tuple(path)

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Hashes that show this tree's first `old_size` leaves to be an earlier tree's.

        Refuses `OutOfTree` unless 0 < old_size <= size.  Source: RFC 6962 section 2.1.2.
        """
        if not 0 < old_size <= self.size:
            raise OutOfTree(what="earlier size", value=old_size, size=self.size)
        return tuple(self._subproof(old_size, 0, self.size, True))

    def _subproof(self, old: int, start: int, end: int, known: bool) -> list[bytes]:
        """SUBPROOF of the RFC over leaves `start` to `end`; `known` when the verifier has it."""
        if old == end - start:
            return [] if known else [self._range(start, end)]
        split = _split(end - start)
        if old <= split:
            left = self._subproof(old, start, start + split, known)
            return [*left, self._range(start + split, end)]
        right = self._subproof(old - split, start + split, end, False)
        return [*right, self._range(start, start + split)]

    def _range(self, start: int, end: int) -> bytes:
        """Hash of the subtree over leaves `start` to `end`.

        The RFC's ranges are complete subtrees or reach the tree's right edge, and the levels hold
        both ready.
        """
        height = (end - start - 1).bit_length()
        return self._levels[height][start >> height]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash `leaf` is number `index` of the `size` leaves under `root`.

    Raises `ProofInvalid`.  Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofInvalid(kind="inclusion", reason="the leaf lies outside the tree")
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid(kind="inclusion", reason="it has too many hashes")
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid(kind="inclusion", reason="it has too few hashes")
    if computed != root:
        raise ProofInvalid(kind="inclusion", reason="it leads to another root")


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `size` leaves only appends to the one of `old_size`.

    Raises `ProofInvalid`.  Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 < old_size <= size:
        raise ProofInvalid(kind="consistency", reason="the earlier tree is empty or larger")
    if old_size == size:
        if proof or old_root != root:
            raise ProofInvalid(kind="consistency", reason="trees of one size differ")
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofInvalid(kind="consistency", reason="it has too few hashes")
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid(kind="consistency", reason="it has too many hashes")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid(kind="consistency", reason="it has too few hashes")
    if first != old_root or second != root:
        raise ProofInvalid(kind="consistency", reason="it leads to another root")


@dataclass(frozen=True, slots=True)
class SumLeaf:
    """One entry: its amounts (in a fixed order of meaning), its content, and its own salt.

    The salt is 32 random bytes per leaf; without it, content of low entropy could be guessed
    from a neighbour's proof.
    """

    amounts: Amounts
    content: bytes
    salt: bytes

    @property
    def node(self) -> SumNode:
        """The leaf as it enters the tree.  Raises `LeafInvalid`."""
        _check_amounts(self.amounts)
        if len(self.salt) != SALT_BYTES:
            raise LeafInvalid(
                reason=Message(
                    "the salt has {length} bytes, not {expected}",
                    length=len(self.salt),
                    expected=SALT_BYTES,
                )
            )
        sealed = hashlib.sha256(self.salt + self.content).digest()
        return SumNode(_sum_hash(b"\x00", (self.amounts,), (sealed,)), self.amounts)


@dataclass(frozen=True, slots=True)
class SumNode:
    """A hash and the sums of all amounts below it."""

    digest: bytes
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Root:
    """What stands for a whole list of entries: their number, their sums, and the hash of both."""

    digest: bytes
    amounts: Amounts
    size: int


class SumTree:
    """A Merkle-sum tree over `SumLeaf`s, of the shape of RFC 6962.

    leaf = SHA-256(0x00 || amounts || SHA-256(salt || content)); node = SHA-256(0x01 || left
    amounts || left hash || right amounts || right hash); root = SHA-256(0x02 || size || top
    amounts || top hash).  An amount is 16 bytes, a list of them starts with its length in 4 bytes,
    the size has 8; all big-endian.
    """

    def __init__(self, leaves: Sequence[SumLeaf], *, width: int | None = None) -> None:
        """Build over `leaves`; `width` (amounts per leaf) is needed only where there are none.

        Raises `LeafInvalid` for a bad leaf, leaves of different widths, and sums past 2**128 - 1.
        """
        nodes = [leaf.node for leaf in leaves]
        widths = {len(node.amounts) for node in nodes} | ({width} if width is not None else set())
        if len(widths) != 1:
            raise LeafInvalid(reason="all leaves of a tree have the same number of amounts")
        self._width = widths.pop()
        self._levels: list[list[SumNode]] = [nodes]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [_join(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
            self._levels.append(above + below[len(above) * 2 :])

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> Root:
        """The root over all leaves; an empty tree has zero sums."""
        top = self._levels[-1][0] if self.size else SumNode(EMPTY_ROOT, (0,) * self._width)
        return _root(top, self.size)

    def inclusion_proof(self, index: int) -> tuple[SumNode, ...]:
        """Nodes that lead from leaf `index` to the root, lowest first.  Refuses `OutOfTree`."""
        if not 0 <= index < self.size:
            raise OutOfTree(what="leaf", value=index, size=self.size)
        path: list[SumNode] = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling])
            index >>= 1
        return tuple(path)


def verify_sum_inclusion(leaf: SumLeaf, index: int, proof: Sequence[SumNode], root: Root) -> None:
    """Check that `leaf` is number `index` under `root`, and that the sums on its way add up.

    Raises `ProofInvalid`, also for a negative or too large amount in the proof: that is how a
    dishonest tree would hide a liability.
    """
    try:
        node = leaf.node
        for sibling in proof:
            _check_amounts(sibling.amounts)
    except LeafInvalid as error:
        raise ProofInvalid(kind="sum inclusion", reason=error.said) from error
    if not 0 <= index < root.size:
        raise ProofInvalid(kind="sum inclusion", reason="the leaf lies outside the tree")
    at, last, path = index, root.size - 1, list(proof)
    while last:
        if at & 1 or at < last:
            if not path:
                raise ProofInvalid(kind="sum inclusion", reason="it has too few nodes")
            sibling = path.pop(0)
            if len(sibling.amounts) != len(node.amounts):
                raise ProofInvalid(kind="sum inclusion", reason="widths differ")
            try:
                node = _join(sibling, node) if at & 1 else _join(node, sibling)
            except LeafInvalid as error:
                raise ProofInvalid(kind="sum inclusion", reason=error.said) from error
        at, last = at >> 1, last >> 1
    if path:
        raise ProofInvalid(kind="sum inclusion", reason="it has too many nodes")
    if _root(node, root.size) != root:
        raise ProofInvalid(kind="sum inclusion", reason="it leads to another root")


def _split(width: int) -> int:
    """The largest power of two below `width` (at least 2)."""
    return 1 << (width - 1).bit_length() - 1


def _check_amounts(amounts: Amounts) -> None:
    for amount in amounts:
        if not 0 <= amount <= AMOUNT_MAX:
            raise LeafInvalid(
                reason=Message("the amount {amount} is not from 0 to 2**128 - 1", amount=amount)
            )


def _sum_hash(mark: bytes, sums: Sequence[Amounts], digests: Sequence[bytes]) -> bytes:
    parts = [mark]
    for amounts, digest in zip(sums, digests, strict=True):
        parts.append(len(amounts).to_bytes(4, "big"))
        parts.extend(amount.to_bytes(16, "big") for amount in amounts)
        parts.append(digest)
    return hashlib.sha256(b"".join(parts)).digest()


def _join(left: SumNode, right: SumNode) -> SumNode:
    amounts = tuple(a + b for a, b in zip(left.amounts, right.amounts, strict=True))
    _check_amounts(amounts)
    digest = _sum_hash(b"\x01", (left.amounts, right.amounts), (left.digest, right.digest))
    return SumNode(digest, amounts)


def _root(top: SumNode, size: int) -> Root:
    mark = b"\x02" + size.to_bytes(8, "big")
    return Root(_sum_hash(mark, (top.amounts,), (top.digest,)), top.amounts, size)
