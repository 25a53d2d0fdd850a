"""A real SoftHSM2 token in a folder of its own, for tests; its absence fails, never skips."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PIN = "1234-for-tests"
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


def find_module() -> Path:
    """SoftHSM2's library; raises where the system's package `softhsm2` is not installed."""
    named = os.environ.get("SOFTHSM2_MODULE")
    for place in (named, *_PLACES) if named else _PLACES:
        if Path(place).is_file():
            return Path(place)
    raise AssertionError("these tests need SoftHSM2: install the system's package 'softhsm2'")


@dataclass(frozen=True)
class Tokens:
    """The folder in which SoftHSM2 keeps its tokens."""

    folder: Path
    module: Path

    def initialise(self, label: str) -> None:
        """A fresh token of this label."""
        program = shutil.which("softhsm2-util")
        assert program, "these tests need SoftHSM2: install the system's package 'softhsm2'"
        pins = ("--so-pin", "security-officer", "--pin", PIN)
        command = [program, "--init-token", "--free", "--label", label, *pins]
        subprocess.run(command, check=True, capture_output=True)

    def terms(self, label: str, *keeps: str) -> str:
        """A `[[device]]` of devices.toml whose PIN is in a file beside the tokens."""
        pin = self.folder.parent / f"{label}.pin"
        pin.touch(mode=0o600)
        pin.write_text(PIN)
        listed = ", ".join(f'"{one}"' for one in keeps)
        return (
            f'[[device]]\nlabel = "{label}"\nmodule = "{self.module}"\n'
            f'pin_file = "{pin}"\nkeeps = [{listed}]\n'
        )

    def pull_out(self) -> None:
        """Take the tokens away, as one pulls out a device."""
        self.folder.rename(self.folder.with_name("away"))

    def put_back(self) -> None:
        """Put them back."""
        self.folder.with_name("away").rename(self.folder)


def tokens_in(folder: Path) -> Tokens:
    """SoftHSM2 keeps its tokens under `folder` from now on, for this whole program.

    The library reads its settings once, when it is initialised: so it is ended first.
    """
    import pkcs11

    module = find_module()
    made = folder / "tokens"
    made.mkdir(parents=True)
    settings = folder / "softhsm2.conf"
    settings.write_text(
        f"directories.tokendir = {made}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(settings)
    library = pkcs11.lib(str(module))
    if library.initialized:
        library.finalize()
    library.initialize()
    return Tokens(made, module)
