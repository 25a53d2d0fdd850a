"""Where machines cannot be made, the drill that needs them fails and says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.network.machines import Machines, NamespacesRefused
from tests.network.test_home import FOUNDED

from amanat.network.home import Home, Parts


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (None, "there is no `ip`"),
        ("#!/bin/sh\necho 'Operation not permitted' >&2\nexit 1\n", "Operation not permitted"),
    ],
)
def test_a_kernel_that_refuses_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str | None, told: str
) -> None:
    if refusal is not None:
        (tmp_path / "ip").write_text(refusal)
        (tmp_path / "ip").chmod(0o755)
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    home.keep(FOUNDED)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NamespacesRefused, match=f"{told}.*nothing is proved"):
        Machines(home, Parts(tmp_path, tmp_path, tmp_path)).__enter__()
