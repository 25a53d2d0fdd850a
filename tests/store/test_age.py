"""Encrypted files against the published vectors of the format, and against themselves."""

from __future__ import annotations

import hashlib
import io
import zlib
from pathlib import Path

import pytest

from amanat.core.errors import AmanatError
from amanat.store.age import (
    CHUNK_BYTES,
    Decrypting,
    Encrypting,
    FileAltered,
    KeyDoesNotOpen,
    KeyTextInvalid,
    Lock,
    NotEncrypted,
    Opener,
    identities_of,
    new_identity,
    recipient_of,
)

VECTORS = sorted(
    path for path in (Path(__file__).parent / "age_vectors").iterdir() if not path.suffix
)
# What the format's test kit expects, and how this reader says so.
SAID: dict[str, tuple[type[AmanatError], ...]] = {
    "no match": (KeyDoesNotOpen,),
    "HMAC failure": (FileAltered,),
    "header failure": (NotEncrypted,),
    "payload failure": (FileAltered,),
}


def read_vector(path: Path) -> tuple[dict[str, list[str]], bytes]:
    head, _, body = path.read_bytes().partition(b"\n\n")
    told: dict[str, list[str]] = {}
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        told.setdefault(key, []).append(value)
    return told, zlib.decompress(body) if told.get("compressed") == ["zlib"] else body


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.name)
def test_the_published_vectors(path: Path) -> None:
    told, body = read_vector(path)
    identities = identities_of("\n".join(told["identity"])) if "identity" in told else ()
    opener = Opener(identities, told.get("passphrase", [None])[0])
    released = bytearray()

    def open_and_read() -> None:
        reader = Decrypting(io.BytesIO(body), opener)
        while part := reader.read(1000):
            released.extend(part)

    if told["expect"] == ["success"]:
        open_and_read()
    else:
        with pytest.raises(SAID[told["expect"][0]]):
            open_and_read()
    if "payload" in told:
        assert hashlib.sha256(released).hexdigest() == told["payload"][0]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000])
def test_what_is_written_is_read(size: int) -> None:
    secret, public = new_identity()
    content = bytes(range(256)) * (size // 256 + 1)
    sealed = encrypted(content[:size], Lock(recipients=(recipient_of(public),)))
    opener = Opener(identities_of(f"# kept in a safe\n{secret}\n"))
    assert io.BufferedReader(Decrypting(io.BytesIO(sealed), opener)).read() == content[:size]


def test_a_passphrase_opens_it_and_another_does_not() -> None:
    sealed = encrypted(b"ledger", Lock(passphrase="correct horse battery"))
    assert Decrypting(io.BytesIO(sealed), Opener(passphrase="correct horse battery")).read() == (
        b"ledger"
    )
    with pytest.raises(KeyDoesNotOpen):
        Decrypting(io.BytesIO(sealed), Opener(passphrase="correct horse"))


def test_each_of_several_recipients_opens_it_and_a_stranger_does_not() -> None:
    held = [new_identity() for _ in range(2)]
    sealed = encrypted(b"ledger", Lock(tuple(recipient_of(public) for _, public in held)))
    for secret, _ in held:
        assert Decrypting(io.BytesIO(sealed), Opener(identities_of(secret))).read() == b"ledger"
    stranger, _ = new_identity()
    with pytest.raises(KeyDoesNotOpen):
        Decrypting(io.BytesIO(sealed), Opener(identities_of(stranger)))


@pytest.mark.parametrize("cut", [1, 100, CHUNK_BYTES + 16, CHUNK_BYTES + 17])
def test_a_file_cut_short_is_noticed(cut: int) -> None:
    sealed = encrypted(bytes(2 * CHUNK_BYTES + 5), Lock(passphrase="correct horse battery"))
    with pytest.raises(FileAltered):
        Decrypting(io.BytesIO(sealed[:-cut]), Opener(passphrase="correct horse battery")).readall()


def test_a_mistyped_key_is_refused() -> None:
    secret, public = new_identity()
    with pytest.raises(KeyTextInvalid):
        recipient_of(public[:-1] + ("q" if public[-1] != "q" else "p"))
    with pytest.raises(KeyTextInvalid) as refused:
        identities_of(secret.replace("1", "2", 1))
    assert secret not in str(refused.value)
    with pytest.raises(KeyTextInvalid):
        identities_of("# nothing\n")
    with pytest.raises(KeyTextInvalid):
        encrypted(b"", Lock())


def encrypted(content: bytes, lock: Lock) -> bytes:
    target = io.BytesIO()
    writer = Encrypting(target, lock, work=10)
    writer.write(content)
    writer.finish()
    return target.getvalue()
