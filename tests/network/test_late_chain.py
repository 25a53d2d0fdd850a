"""A node whose chain's program answers too late for avalanchego, which then goes on without it."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import pytest

from amanat.network.home import VM_ID, Home
from amanat.network.status import wait_ready
from amanat.network.supervisor import hold, release, running

pytestmark = pytest.mark.network
NAME = "secp"


def test_a_node_that_goes_on_without_its_chain_is_started_anew(
    validators: Home, tmp_path: Path
) -> None:
    config = validators.node_folder(NAME) / "config.json"
    kept = config.read_text()
    found = json.loads(kept)
    program, late = Path(found["plugin-dir"]) / VM_ID, tmp_path / "late"
    slow = tmp_path / "plugins" / VM_ID
    slow.parent.mkdir()
    # The node asks it for its version, then starts it for the chain: this one is late, by 3 s.
    asked = tmp_path / "asked"
    slow.write_text(
        f"#!/bin/sh\nif [ ! -e {asked} ]; then touch {asked}\n"
        f"elif [ ! -e {late} ]; then touch {late}; sleep 8; fi\n"
        f'exec {shlex.quote(str(program))} "$@"\n'
    )
    slow.chmod(0o755)
    hold(validators, NAME)
    started = running(validators)["nodes"][NAME]["started"]
    try:
        config.write_text(json.dumps(found | {"plugin-dir": str(slow.parent)}))
        began = time.monotonic()
        release(validators, NAME)
        wait_ready(validators)
        seconds = time.monotonic() - began
        assert late.exists()
        assert running(validators)["nodes"][NAME]["started"] == started + 2
        assert f"node of {NAME} has no chain" in (validators.folder / "supervisor.log").read_text()
        print(f"its chain's program late once: healthy {seconds:.1f} s after it was started")
    finally:
        hold(validators, NAME)
        config.write_text(kept)
        release(validators, NAME)
        wait_ready(validators)
