"""The folder of secrets is split into parts, lost, and restored from enough of them."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest
from tests.programme.world import World, found_world

from amanat.app import Application
from amanat.core.errors import NotFound
from amanat.keeping.shared_secrets import (
    PartsDiffer,
    PartsMeaningless,
    PartsTooFew,
    PartUnreadable,
    SecretsThere,
    join,
    restore,
    split,
)
from amanat.ledger.keystore import PasswordWrong
from amanat.programme.commands import Halt
from amanat.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of secrets, with something half-written beside them."""
    made = tmp_path / "secrets"
    made.mkdir()
    (made / "keystore").write_text("ab" * 32)
    (made / "openings").write_text("cd" * 32)
    (made / ".keystore.77").write_text("half")
    return made


def chosen(parts: list[bytes], *numbers: int) -> dict[str, bytes]:
    return {f"part-{one}": parts[one] for one in numbers}


def test_any_three_of_five_restore_it_and_two_do_not(folder: Path) -> None:
    parts = split(folder, 5, 3)
    for three in itertools.combinations(range(5), 3):
        assert join(chosen(parts, *three)) == {
            "keystore": b"ab" * 32,
            "openings": b"cd" * 32,
        }
    assert len(join(chosen(parts, 0, 1, 2, 3, 4))) == 2
    with pytest.raises(PartsTooFew, match="2 different parts"):
        join(chosen(parts, 1, 4))
    with pytest.raises(PartsTooFew):  # one part twice is one
        join({"a": parts[0], "b": parts[0], "c": parts[1]})
    # Nothing of the secrets stands in a part; four letters of hexadecimal would, by chance.
    assert all(b"ab" * 8 not in one and b"cd" * 8 not in one for one in parts)


def test_parts_of_another_splitting_and_altered_ones_are_refused(folder: Path) -> None:
    parts, others = split(folder, 3, 2), split(folder, 3, 2)
    with pytest.raises(PartsDiffer):
        join({"a": parts[0], "b": others[1]})
    told = json.loads(parts[1])
    share = bytearray.fromhex(told["share"])
    share[0] ^= 1
    for changes, refusal in (
        ({"share": share.hex()}, PartsDiffer),
        ({"part": 3}, PartsDiffer),
        ({"sealed": "00"}, PartUnreadable),
        ({"share": "00"}, PartUnreadable),
        ({"schema": "other"}, PartUnreadable),
        ({"part": "1"}, PartUnreadable),
    ):
        with pytest.raises(refusal):
            join({"a": parts[0], "b": json.dumps(told | changes).encode()})
    with pytest.raises(PartUnreadable):
        join({"a": b"no json"})
    with pytest.raises(PartsTooFew):
        join({})


def test_what_cannot_be_split_is_refused(folder: Path, tmp_path: Path) -> None:
    for parts, needed in ((5, 1), (2, 3), (33, 3), (1, 1)):
        with pytest.raises(PartsMeaningless):
            split(folder, parts, needed)
    with pytest.raises(NotFound):
        split(tmp_path / "nothing", 3, 2)


def test_an_installation_that_lost_its_secrets_has_them_again(tmp_path: Path) -> None:
    """Keys open and private fields of the journal too; nothing is written over."""
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    folder = settings.data_dir / "secrets"
    with Application(settings) as app:
        found_world(app)
        app.pump()
    parts = split(folder, 5, 3)
    shutil.rmtree(folder)
    # Without them a start makes other secrets, which open no key.
    with pytest.raises(PasswordWrong):
        Application(settings).keys.signer(address_of_officer(settings))
    with pytest.raises(SecretsThere):
        restore(chosen(parts, 0, 2, 4), folder)
    shutil.rmtree(folder)
    names = ["documents", "identities", "keystore", "openings"]
    assert restore(chosen(parts, 0, 2, 4), folder) == names
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    with Application(settings) as app:
        world = World(app)
        world.do("ministry", Halt(scope="programme", reason="signed again"))
        assert app.ledger.check() == []


def address_of_officer(settings: Settings) -> str:
    found = Application(settings).keys.find("ministry", "officer")
    assert found is not None
    return found
