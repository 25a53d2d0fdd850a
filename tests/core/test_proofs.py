"""Merkle trees against the vectors of the Certificate Transparency reference implementation."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.proofs import (
    EMPTY_ROOT,
    LeafInvalid,
    MerkleTree,
    OutOfTree,
    ProofInvalid,
    SumLeaf,
    SumNode,
    SumTree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
    verify_sum_inclusion,
)

# google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc: leaves, roots of each
# prefix, audit paths (leaf from 0, size) and a consistency proof (6 to 8).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
SIX_TO_EIGHT = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def split_root(contents: list[bytes]) -> bytes:
    """The definition of RFC 6962 section 2.1, word for word."""
    if not contents:
        return EMPTY_ROOT
    if len(contents) == 1:
        return leaf_hash(contents[0])
    split = 1
    while split * 2 < len(contents):
        split *= 2
    return node_hash(split_root(contents[:split]), split_root(contents[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_root_of_each_prefix_is_the_reference_one(size: int) -> None:
    assert MerkleTree.of(LEAVES[:size]).root.hex() == ROOTS[size - 1]


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert MerkleTree.of([]).root.hex() == expected


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_inclusion_proof_is_the_reference_one(index: int, size: int, path: list[str]) -> None:
    proof = MerkleTree.of(LEAVES[:size]).inclusion_proof(index)
    assert [node.hex() for node in proof] == path
    verify_inclusion(leaf_hash(LEAVES[index]), index, size, proof, bytes.fromhex(ROOTS[size - 1]))


def test_consistency_proof_is_the_reference_one() -> None:
    proof = MerkleTree.of(LEAVES).consistency_proof(6)
    assert [node.hex() for node in proof] == SIX_TO_EIGHT
    verify_consistency(6, bytes.fromhex(ROOTS[5]), 8, bytes.fromhex(ROOTS[7]), proof)


@given(st.integers(0, 70))
def test_root_is_the_definition(size: int) -> None:
    contents = [bytes([index]) for index in range(size)]
    assert MerkleTree.of(contents).root == split_root(contents)


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proved_and_no_other_place_is(size: int, data: st.DataObject) -> None:
    tree = MerkleTree.of([bytes([index]) for index in range(size)])
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(index)
    verify_inclusion(leaf_hash(bytes([index])), index, size, proof, tree.root)
    with pytest.raises(ProofInvalid):
        verify_inclusion(leaf_hash(b"other"), index, size, proof, tree.root)
    with pytest.raises(ProofInvalid):
        verify_inclusion(leaf_hash(bytes([index])), index, size, [*proof, EMPTY_ROOT], tree.root)
    if proof:
        with pytest.raises(ProofInvalid):
            verify_inclusion(leaf_hash(bytes([index])), index, size, proof[:-1], tree.root)
        other = (index + 1) % size
        with pytest.raises(ProofInvalid):
            verify_inclusion(leaf_hash(bytes([index])), other, size, proof, tree.root)


@given(st.integers(1, 70), st.data())
def test_a_tree_is_consistent_with_its_past_alone(size: int, data: st.DataObject) -> None:
    contents = [bytes([index]) for index in range(size)]
    old_size = data.draw(st.integers(1, size))
    tree, old = MerkleTree.of(contents), MerkleTree.of(contents[:old_size])
    proof = tree.consistency_proof(old_size)
    verify_consistency(old_size, old.root, size, tree.root, proof)
    rewritten = MerkleTree.of([b"rewritten", *contents[1:old_size]])
    with pytest.raises(ProofInvalid):
        verify_consistency(old_size, rewritten.root, size, tree.root, proof)
    with pytest.raises(ProofInvalid):
        verify_consistency(old_size, old.root, size, tree.root, [*proof, EMPTY_ROOT])
    if proof:
        with pytest.raises(ProofInvalid):
            verify_consistency(old_size, old.root, size, tree.root, proof[:-1])


def test_proofs_outside_the_tree_are_refused() -> None:
    tree = MerkleTree.of(LEAVES)
    for index in (-1, 8):
        with pytest.raises(OutOfTree):
            tree.inclusion_proof(index)
    for size in (0, 9):
        with pytest.raises(OutOfTree):
            tree.consistency_proof(size)
    with pytest.raises(ProofInvalid):
        verify_inclusion(leaf_hash(b""), 8, 8, (), tree.root)
    with pytest.raises(ProofInvalid):
        verify_consistency(9, tree.root, 8, tree.root, ())


def sum_leaves(count: int) -> list[SumLeaf]:
    return [
        SumLeaf((index, 2 * index), f"holder {index}".encode(), hashlib.sha256(bytes([i])).digest())
        for i, index in enumerate(range(count))
    ]


def test_sum_root_follows_its_written_definition() -> None:
    one, two = sum_leaves(3)[1:]

    def amounts(*values: int) -> bytes:
        return len(values).to_bytes(4, "big") + b"".join(v.to_bytes(16, "big") for v in values)

    def sha(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    left = sha(b"\x00", amounts(1, 2), sha(one.salt, one.content))
    right = sha(b"\x00", amounts(2, 4), sha(two.salt, two.content))
    top = sha(b"\x01", amounts(1, 2), left, amounts(2, 4), right)
    root = SumTree([one, two]).root
    assert root.digest == sha(b"\x02", (2).to_bytes(8, "big"), amounts(3, 6), top)
    assert (root.amounts, root.size) == ((3, 6), 2)


@given(st.integers(1, 40), st.data())
def test_every_sum_leaf_is_proved_and_no_changed_one_is(count: int, data: st.DataObject) -> None:
    leaves = sum_leaves(count)
    tree = SumTree(leaves)
    index = data.draw(st.integers(0, count - 1))
    leaf, proof, root = leaves[index], tree.inclusion_proof(index), tree.root
    assert root.amounts == (sum(range(count)), 2 * sum(range(count)))
    verify_sum_inclusion(leaf, index, proof, root)
    changed = [
        (replace(leaf, amounts=(leaf.amounts[0] + 1, leaf.amounts[1])), index, proof, root),
        (replace(leaf, salt=bytes(32)), index, proof, root),
        (replace(leaf, content=b"another"), index, proof, root),
        (leaf, count, proof, root),
        (leaf, index, (*proof, SumNode(EMPTY_ROOT, (0, 0))), root),
        (leaf, index, proof, replace(root, amounts=(root.amounts[0] + 1, root.amounts[1]))),
        (leaf, index, proof, replace(root, size=root.size + 1)),
    ]
    if proof:
        changed.append((leaf, index, proof[:-1], root))
        wider = (replace(proof[0], amounts=(*proof[0].amounts, 0)), *proof[1:])
        changed.append((leaf, index, wider, root))
    for arguments in changed:
        with pytest.raises(ProofInvalid):
            verify_sum_inclusion(*arguments)


def test_a_negative_sibling_cannot_hide_a_liability() -> None:
    leaves = sum_leaves(3)
    proof = list(SumTree(leaves).inclusion_proof(0))
    proof[0] = replace(proof[0], amounts=(-1, 2))
    with pytest.raises(ProofInvalid, match="amount -1"):
        verify_sum_inclusion(leaves[0], 0, proof, SumTree(leaves).root)
    proof[0] = replace(proof[0], amounts=(2**128 - 1, 2**128 - 1))
    with pytest.raises(ProofInvalid, match="amount"):
        verify_sum_inclusion(leaves[1], 1, proof, SumTree(leaves).root)


def test_bad_leaves_are_refused() -> None:
    salt = bytes(32)
    for leaves in (
        [SumLeaf((-1,), b"", salt)],
        [SumLeaf((2**128,), b"", salt)],
        [SumLeaf((1,), b"", b"short")],
        [SumLeaf((1,), b"", salt), SumLeaf((1, 2), b"", salt)],
        [SumLeaf((2**128 - 1,), b"", salt), SumLeaf((1,), b"", salt)],
        [],
    ):
        with pytest.raises(LeafInvalid):
            SumTree(leaves)


def test_an_empty_sum_tree_has_zero_sums_and_no_proofs() -> None:
    tree = SumTree([], width=2)
    assert (tree.root.amounts, tree.root.size) == ((0, 0), 0)
    with pytest.raises(OutOfTree):
        tree.inclusion_proof(0)
