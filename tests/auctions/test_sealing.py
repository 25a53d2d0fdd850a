"""Sealed bids: round trip, constant length, and the attacks that must fail."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.auctions.sealing import (
    FORM_BYTES_MAX,
    SEALED_BYTES,
    CommitmentInvalid,
    FormTooLong,
    KeyInvalid,
    SealBroken,
    Share,
    ShareWrong,
    TenderKey,
    _context,
    _decrypt,
    _encrypt,
    check_share,
    commitment,
    committed,
    new_salt,
    new_share,
    seal,
    unseal,
)

TENDER, OTHER_TENDER = bytes(range(32)), bytes(32)
MINISTRY, CENTRAL_BANK = new_share("ministry"), new_share("central_bank")
STRANGER = new_share("stranger")


def sealed_by(number: int, form: bytes = b"a form", tender: bytes = TENDER) -> bytes:
    return seal(form, tender=tender, number=number, inner=MINISTRY.key, outer=CENTRAL_BANK.key)


def unsealed(
    sealed: bytes,
    number: int = 7,
    tender: bytes = TENDER,
    inner: Share = MINISTRY,
    outer: Share = CENTRAL_BANK,
) -> bytes:
    return unseal(sealed, tender=tender, number=number, inner=inner, outer=outer)


@given(st.binary(max_size=200) | st.just(b"x" * FORM_BYTES_MAX), st.integers(1, 2**32 - 1))
def test_a_form_comes_back_and_its_length_tells_nothing(form: bytes, number: int) -> None:
    sealed = sealed_by(number, form)
    assert len(sealed) == SEALED_BYTES
    assert unsealed(sealed, number) == form


def test_equal_forms_look_different() -> None:
    assert sealed_by(7) != sealed_by(7)


def test_a_form_that_does_not_fit_is_refused() -> None:
    with pytest.raises(FormTooLong):
        sealed_by(7, b"x" * (FORM_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (MINISTRY, MINISTRY),
        (CENTRAL_BANK, CENTRAL_BANK),
        (MINISTRY, STRANGER),
        (STRANGER, CENTRAL_BANK),
        (CENTRAL_BANK, MINISTRY),
    ],
)
def test_early_opening_with_one_institutions_secrets_fails(inner: Share, outer: Share) -> None:
    sealed = sealed_by(7)
    with pytest.raises(SealBroken):
        unsealed(sealed, inner=inner, outer=outer)


def test_the_central_bank_alone_reaches_only_the_ministrys_layer() -> None:
    sealed = sealed_by(7, b"secret price 95.6713")
    once = _decrypt(sealed, _context(b"\x02", TENDER, 7), CENTRAL_BANK)
    assert b"95.6713" not in once
    for share in (CENTRAL_BANK, STRANGER):
        with pytest.raises(SealBroken):
            _decrypt(once, _context(b"\x01", TENDER, 7), share)
    assert b"95.6713" in _decrypt(once, _context(b"\x01", TENDER, 7), MINISTRY)


def test_copied_ciphertext_does_not_open_for_the_copier() -> None:
    victims = sealed_by(7)
    assert unsealed(victims, 7) == b"a form"
    with pytest.raises(SealBroken):
        unsealed(victims, 8)


def test_copied_inner_layer_sealed_again_by_a_colluding_institution_does_not_open() -> None:
    # The central bank strips its own layer and wraps what is inside under the copier's number.
    once = _decrypt(sealed_by(7), _context(b"\x02", TENDER, 7), CENTRAL_BANK)
    forged = _encrypt(once, _context(b"\x02", TENDER, 8), CENTRAL_BANK.key)
    with pytest.raises(SealBroken, match="ministry"):
        unsealed(forged, 8)


def test_a_bid_of_another_tender_does_not_open() -> None:
    with pytest.raises(SealBroken):
        unsealed(sealed_by(7, tender=OTHER_TENDER))


@given(st.integers(0, SEALED_BYTES - 1), st.integers(0, 7))
def test_an_altered_bit_anywhere_breaks_the_seal(place: int, bit: int) -> None:
    altered = bytearray(SEALED)
    altered[place] ^= 1 << bit
    with pytest.raises(SealBroken):
        unsealed(bytes(altered))


SEALED = sealed_by(7)


@pytest.mark.parametrize("sealed", [b"", SEALED[:-1], SEALED + b"\x00", bytes(SEALED_BYTES)])
def test_rubbish_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        unsealed(sealed)


@pytest.mark.parametrize(
    "padded",
    [
        (1).to_bytes(4, "big") + b"x" + b"\x01" + bytes(FORM_BYTES_MAX - 2),
        (FORM_BYTES_MAX + 1).to_bytes(4, "big") + bytes(FORM_BYTES_MAX),
    ],
)
def test_hidden_content_in_the_padding_is_refused(padded: bytes) -> None:
    once = _encrypt(padded, _context(b"\x01", TENDER, 7), MINISTRY.key)
    with pytest.raises(SealBroken, match="padding"):
        unsealed(_encrypt(once, _context(b"\x02", TENDER, 7), CENTRAL_BANK.key))


def test_commitment_is_sha_256_over_its_fixed_length_parts() -> None:
    salt = bytes(range(100, 132))
    expected = hashlib.sha256(
        TENDER + b"\x00\x00\x00\x07" + hashlib.sha256(b"sealed").digest() + salt
    ).digest()
    assert commitment(TENDER, 7, b"sealed", salt) == expected
    assert committed(TENDER, 7, hashlib.sha256(b"sealed").digest(), salt) == expected


def test_copied_commitment_cannot_be_met_by_its_copier() -> None:
    salt = new_salt()
    victims = commitment(TENDER, 7, SEALED, salt)
    # Whoever copies the 32 bytes under number 8 has nothing to deliver, not even the victim's bid.
    assert commitment(TENDER, 8, SEALED, salt) != victims
    assert commitment(OTHER_TENDER, 7, SEALED, salt) != victims


@pytest.mark.parametrize(
    ("tender", "number", "digest", "salt"),
    [
        (b"short", 7, bytes(32), bytes(32)),
        (TENDER, 0, bytes(32), bytes(32)),
        (TENDER, 2**32, bytes(32), bytes(32)),
        (TENDER, 7, bytes(31), bytes(32)),
        (TENDER, 7, bytes(32), bytes(33)),
    ],
)
def test_commitments_over_other_lengths_are_refused(
    tender: bytes, number: int, digest: bytes, salt: bytes
) -> None:
    with pytest.raises(CommitmentInvalid):
        committed(tender, number, digest, salt)


def test_sealing_for_no_tender_or_number_is_refused() -> None:
    with pytest.raises(CommitmentInvalid):
        sealed_by(0)
    with pytest.raises(CommitmentInvalid):
        sealed_by(7, tender=b"short")


def test_a_share_is_checked_against_the_announced_key() -> None:
    check_share(MINISTRY, MINISTRY.key)
    with pytest.raises(ShareWrong):
        check_share(replace(STRANGER, institution="ministry"), MINISTRY.key)
    with pytest.raises(ShareWrong):
        check_share(CENTRAL_BANK, MINISTRY.key)


def test_keys_that_are_none_are_refused() -> None:
    for public in (b"short", bytes(32)):  # of low order: RFC 7748 section 6.1
        with pytest.raises(KeyInvalid):
            seal(
                b"",
                tender=TENDER,
                number=7,
                inner=TenderKey("ministry", public),
                outer=CENTRAL_BANK.key,
            )
    with pytest.raises(KeyInvalid):
        _ = Share("ministry", b"short").key


def test_a_share_is_not_printed() -> None:
    assert MINISTRY.private.hex() not in repr(MINISTRY)
    assert str(MINISTRY.private) not in repr(MINISTRY)
