"""Checks of the machine: configuration, Python, the embedded node's program, files, disk, port."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from amanat.core.errors import AmanatError, Refusals
from amanat.ledger.node import PartsMissing, find_anvil
from amanat.operating.backups import last_backup
from amanat.operating.doctor.findings import Finding, Patient, skipped, watch, well, wrong
from amanat.settings import VARIABLES, Settings, with_file

PYTHON_MIN = (3, 11)
DISK_FREE_MIN_BYTES = 512 * 2**20
DISK_FREE_MIN_PERCENT = 10
CERTIFICATE_RENEW_WITHIN = timedelta(days=30)
BACKUP_AT_MOST = timedelta(hours=26)
VERIFIED_AT_MOST = timedelta(days=35)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def configuration(patient: Patient) -> list[Finding]:
    """The configuration file and the environment can be read, and every name in them is known."""
    name = "configuration"
    environment = {**patient.environment, "AMANAT_DATA": str(patient.data_dir)}
    try:
        patient.settings = Settings.from_environment(environment)
    except AmanatError as error:
        several = error.refusals if isinstance(error, Refusals) else (error,)
        mend = "Mend it; `amanat config check` tells the same, `amanat config schema` what may be."
        return [one for problem in several for one in wrong(name, str(problem), mend)]
    known = set(VARIABLES) | set(patient.facts.get("known_variables", ()))
    strange = sorted(
        one for one in patient.environment if one.startswith("AMANAT_") and one not in known
    )
    if strange:
        found = f"nothing reads {', '.join(strange)}"
        return watch(name, found, "Look for a slip in the name; see docs/reference/settings.md.")
    return well(name, f"{patient.data_dir}")


def python(patient: Patient) -> list[Finding]:
    """Python is one that this version is made for."""
    running = tuple(patient.facts.get("python", sys.version_info[:3]))
    found = ".".join(map(str, running))
    if running < PYTHON_MIN:
        return wrong("python", f"Python {found}", "Use Python 3.11 or newer.")
    return well("python", f"Python {found}")


def embedded_node(patient: Patient) -> list[Finding]:
    """The embedded node's program is installed and starts; only where no nodes are named."""
    name = "anvil"
    settings = patient.settings
    if settings is None:
        return skipped(name, "the configuration cannot be read")
    if settings.node_urls:
        return well(name, "not needed: nodes are named")
    mend = "Run `make setup`, or name nodes with AMANAT_NODES."
    try:
        program = find_anvil(settings.data_dir / "node", settings.data_dir)
    except PartsMissing as error:
        return wrong(name, str(error), mend)
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return wrong(name, f"{program} does not run: {type(error).__name__}", mend)
    return well(name, done.stdout.splitlines()[0] if done.stdout else str(program))


def folder(patient: Patient) -> list[Finding]:
    """The folder of the installation is there, is ours, and closed to others."""
    name, place = "folder", patient.data_dir
    if not place.exists():
        mend = "Start the server or run a pilot there; or name another folder with --data."
        return watch(name, f"{place} is not there yet", mend)
    if not place.is_dir() or not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return wrong(name, f"{place} cannot be written", f"Give it to this user: chown {place}")
    mode = stat.S_IMODE(place.stat().st_mode)
    if mode & stat.S_IRWXO:
        return wrong(name, f"{place} is open to everyone ({mode:o})", f"chmod 700 {place}")
    if mode & stat.S_IWGRP:
        return watch(name, f"{place} can be written by its group", f"chmod 700 {place}")
    return well(name, str(place))


def secrets(patient: Patient) -> list[Finding]:
    """Files that hold keys, passwords or tokens are read by this user alone."""
    name = "secrets"
    files = list(_secret_files(patient))
    found: list[Finding] = []
    for file in files:
        if not file.exists():
            mend = "Put it there, or change the setting that names it."
            found += wrong(name, f"{file} is not there", mend)
            continue
        state = file.stat()
        mode = stat.S_IMODE(state.st_mode)
        closed = 0o700 if file.is_dir() else 0o600
        if mode & _OTHERS:
            found += wrong(name, f"{file} is open to others ({mode:o})", f"chmod {closed:o} {file}")
        elif state.st_uid != os.getuid() and not os.access(file, os.R_OK):
            found += wrong(name, f"{file} cannot be read by this user", f"chown it: {file}")
    keys, password = patient.data_dir / "keys", patient.data_dir / "secrets" / "keystore"
    if any(keys.glob("*/*.json")) and not password.exists():
        mend = "Restore secrets/ from its backup: without it no key here can be opened."
        found += wrong(name, f"there are keys, and {password} is lost", mend)
    return found or well(name, f"{len(files)} files and folders, closed to others")


def _secret_files(patient: Patient) -> Iterator[Path]:
    for part in ("secrets", "keys"):
        place = patient.data_dir / part
        if place.is_dir():
            yield place
            yield from sorted(place.rglob("*"))
    try:
        environment = with_file({**patient.environment, "AMANAT_DATA": str(patient.data_dir)})
    except AmanatError:
        environment = patient.environment  # told by `configuration`
    for variable in (
        "AMANAT_DATABASE_PASSWORD_FILE",
        "AMANAT_NODES_FILE",
        "AMANAT_NODES_TOKEN_FILE",
        "AMANAT_METRICS_TOKEN_FILE",
        "AMANAT_OPENID_SECRET_FILE",
        "AMANAT_CERTIFICATE_KEY",
    ):
        if environment.get(variable):
            yield Path(environment[variable])


def disk(patient: Patient) -> list[Finding]:
    """There is room for what comes."""
    name = "disk"
    place = patient.data_dir
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    percent = 100 * usage.free // usage.total
    found = f"{usage.free / 2**30:.1f} GiB free at {place}, {percent} %"
    mend = "Make room, or move the folder to a larger disk: a full one stops every act."
    if usage.free < patient.facts.get("disk_free_min_bytes", DISK_FREE_MIN_BYTES):
        return wrong(name, found, mend)
    if percent < DISK_FREE_MIN_PERCENT:
        return watch(name, found, mend)
    return well(name, found)


def port(patient: Patient) -> list[Finding]:
    """The server's port is free, or it is our server that has it; then whether it is ready."""
    name = "port"
    settings = patient.settings
    if settings is None:
        return skipped(name, "the configuration cannot be read")
    serving = settings.serving
    scheme = "https" if serving.certificate else "http"
    host = "127.0.0.1" if serving.host in {"0.0.0.0", "::"} else serving.host
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, serving.port))
        except OSError:
            return _who_listens(f"{scheme}://{host}:{serving.port}")
    return well(name, f"{host}:{serving.port} is free; no server runs")


def _who_listens(address: str) -> list[Finding]:
    name = "port"
    # Only whether it is ours is asked; whom the certificate names is another check.
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    try:
        with httpx.Client(timeout=8, verify=unverified, trust_env=False) as client:
            health = client.get(f"{address}/healthz").json()
            ready = client.get(f"{address}/readyz").json()
        version, reasons = health["version"], ready["reasons"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        mend = "End the other program, or choose another port with AMANAT_PORT."
        return wrong(name, f"another program has {address}", mend)
    found = f"Amanat {version} serves at {address}"
    if not reasons:
        return well(name, f"{found}, and is ready")
    told = "; ".join(f"{one['code']} ({one['detail']})" for one in reasons)
    return wrong(name, f"{found}, and is not ready: {told}", "See docs/how-to/operate.md.")


def certificate(patient: Patient) -> list[Finding]:
    """TLS: there where it is needed, valid, not about to expire, and with its own key."""
    name = "tls"
    settings = patient.settings
    if settings is None:
        return skipped(name, "the configuration cannot be read")
    serving = settings.serving
    local = serving.host in {"127.0.0.1", "::1", "localhost"}
    if serving.certificate is None or serving.certificate_key is None:
        if local:
            return well(name, "not needed: loopback only")
        mend = "Name AMANAT_CERTIFICATE and AMANAT_CERTIFICATE_KEY, or serve on 127.0.0.1."
        return wrong(name, f"{serving.host} without certificate and key", mend)
    mend = "Renew it, and restart the server."
    try:
        found = x509.load_pem_x509_certificate(serving.certificate.read_bytes())
        key = serialization.load_pem_private_key(serving.certificate_key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        return wrong(name, f"certificate or key cannot be read: {type(error).__name__}", mend)
    if _public(key.public_key()) != _public(found.public_key()):
        return wrong(name, "the key is not the certificate's", "Name the two that belong together.")
    left = found.not_valid_after_utc - patient.now()
    until = found.not_valid_after_utc.date().isoformat()
    if left <= timedelta(0):
        return wrong(name, f"the certificate expired on {until}", mend)
    if found.not_valid_before_utc > patient.now():
        return wrong(name, "the certificate is not valid yet", "Look at this machine's clock.")
    if left < CERTIFICATE_RENEW_WITHIN:
        return watch(name, f"the certificate expires on {until}", mend)
    return well(name, f"valid until {until}")


def _public(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined,no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def backup(patient: Patient) -> list[Finding]:
    """There is a recent backup, and one was restored and compared not long ago."""
    name = "backup"
    mend = "Make one and restore it elsewhere to compare; see docs/how-to/operate.md."
    try:
        found = last_backup(patient.data_dir)
    except ValueError as error:
        return wrong(name, f"backups.json cannot be read: {error}", mend)
    if found is None:
        return watch(name, "no backup is noted", mend)
    now = patient.now().astimezone(UTC)
    if now - found.at > BACKUP_AT_MOST:
        return watch(name, f"the last one is of {_day(found.at)}", mend)
    if found.verified_at is None or now - found.verified_at > VERIFIED_AT_MOST:
        return watch(name, f"of {_day(found.at)}, not restored and compared lately", mend)
    return well(name, f"of {_day(found.at)}, compared {_day(found.verified_at)}")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
