"""Signatures a second: a key in the keystore, and one in a PKCS#11 device beside it.

    python bench/signing.py [--quick] [--repeats N] [--seconds S] [--json FILE]
                            [--module SO --label LABEL --pin-file FILE]

Signs EIP-712 digests and chain transactions, each checked against the key's address.  The device is
SoftHSM2 (the system's package `softhsm2`), which signs on this machine's own processor; name
another with --module, --label and --pin-file: a key `bench/signing` is made in it and destroyed.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from amanat.ledger.devices import DeviceTerms
from amanat.ledger.hsm import Device, open_device
from amanat.ledger.signers import KeySigner, Signer
from amanat.ledger.wire import ChainTransaction, recover

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


def rate(call: Callable[[], object], seconds: float) -> float:
    """Calls a second over a span of time."""
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        call()
        count += 1
    return count / (time.perf_counter() - began)


def sign_digest(signer: Signer) -> None:
    """One digest, and the address that its signature recovers to."""
    digest = secrets.token_bytes(32)
    assert recover(digest, signer.sign_digest(digest)) == signer.address


def sign_transaction(signer: Signer) -> None:
    """One chain transaction with a call of 200 bytes."""
    call = secrets.token_bytes(200)
    signer.sign_transaction(ChainTransaction(1, 7, "0x" + "11" * 20, call, 500_000, 10**9, 1))


def softhsm(folder: Path) -> tuple[Path, str, Callable[[], str]]:
    """A SoftHSM2 token of its own: module, label, and where its PIN comes from."""
    program = shutil.which("softhsm2-util")
    if program is None or not MODULE.is_file():
        raise SystemExit("bench/signing.py needs SoftHSM2: install the package 'softhsm2'")
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    pin = secrets.token_hex(8)
    made = [program, "--init-token", "--free", "--label", "bench", "--so-pin", pin, "--pin", pin]
    subprocess.run(made, check=True, capture_output=True)
    return MODULE, "bench", lambda: pin


def device_of(options: argparse.Namespace, folder: Path) -> Device:
    """The device that was named, or one of SoftHSM2."""
    if options.module is None:
        module, label, pin = softhsm(folder)
    else:
        module, label = options.module, options.label
        pin = options.pin_file.read_text().strip
    return open_device(DeviceTerms(label, module, ("bench",), pin))


def measure(options: argparse.Namespace, device: Device) -> list[dict[str, Any]]:
    """Both keys in turn, so that what else the machine does disturbs both alike."""
    if "bench/signing" in device.addresses():
        device.destroy("bench/signing")
    keys: dict[str, Signer] = {
        "keystore": KeySigner.generate(),
        "device": device.create("bench/signing"),
    }
    figures = []
    for what, work in (("digest", sign_digest), ("transaction", sign_transaction)):
        found: dict[str, list[float]] = {name: [] for name in keys}
        for _ in range(options.repeats):
            for name, signer in keys.items():
                found[name].append(rate(lambda s=signer, w=work: w(s), options.seconds))
        for name, rates in found.items():
            figures.append({"what": what, "key": name, "rates": rates})
    device.destroy("bench/signing")
    return figures


def main() -> None:
    """Measure, print a table, and write the figures where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--module", type=Path)
    parser.add_argument("--label", default="amanat")
    parser.add_argument("--pin-file", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds = 3, 0.5
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options, device_of(options, Path(folder)))
    table = Table(title="signatures a second", title_justify="left")
    for name in ("what", "key", "median", "least", "most"):
        table.add_column(name, justify="left" if name in ("what", "key") else "right")
    for one in figures:
        rates = one["rates"]
        row = (f"{value:,.0f}" for value in (median(rates), min(rates), max(rates)))
        table.add_row(one["what"], one["key"], *row)
    Console().print(table)
    if options.json:
        by = {(one["what"], one["key"]): median(one["rates"]) for one in figures}
        told = [
            {
                "key": f"signatures_per_s_{what}",
                "value": round(by[what, "device"], 1),
                "unit": "1/s",
                "peer": "keystore",
                "peer_value": round(by[what, "keystore"], 1),
            }
            for what in ("digest", "transaction")
        ]
        options.json.write_text(json.dumps({"figures": told}, indent=2) + "\n")


if __name__ == "__main__":
    main()
