"""The wheel alone: in an environment with `cryptography` and nothing else, all pure laws work."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from tests.licensing.credentials.test_credentials import KEY, NOW, TOKEN, URI

from amanat.licensing.credentials.key_certificates import published_key, published_keys
from amanat.licensing.credentials.status_lists import StatusList, issue_status_list

ROOT = Path(__file__).resolve().parents[2]
# What `pip install amanat` brings along: cryptography and what it needs itself.
BARE = ("cryptography", "cffi", "_cffi_backend", "pycparser")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree with the locked build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("amanat-*.whl"))


@pytest.fixture(scope="module")
def empty_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel and `cryptography`; nothing of this environment is visible."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python3*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in BARE:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        origin = Path(found.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (site / source.name).symlink_to(source)
    return folder / "bin" / "python"


def run(python: Path, program: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "AMANAT", "COV"))}
    return subprocess.run(
        [python, "-I", "-c", program], capture_output=True, text=True, env=clean, timeout=120
    )


def test_every_pure_module_imports_without_the_platform(empty_python: Path) -> None:
    program = """
import importlib, json, pkgutil, sys
import amanat
wanted = []
for room in ("core", "jurisdictions", "instruments"):
    package = importlib.import_module(f"amanat.{room}")
    wanted += [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
wanted += [f"amanat.{room}.model" for room in (
    "participants", "licensing", "assets", "programme", "auctions", "register", "settlement",
    "servicing")]
wanted += [f"amanat.licensing.{name}" for name in (
    "path", "clocks", "register.model", "register.columns", "register.files", "register.feed",
    *(f"credentials.{part}" for part in (
        "jose", "sd_jwt", "status_lists", "licence", "verifying")))]
wanted += [f"amanat.auctions.{name}" for name in (
    "laws", "allotment", "sealing", "sheet", "book", "forms", "records", "recompute", "pricing")]
for name in wanted:
    importlib.import_module(name)
outside = sorted({name.split(".")[0] for name in sys.modules} & {
    "sqlalchemy", "pydantic", "fastapi", "httpx", "typer", "rich", "eth_abi", "coincurve"})
print(json.dumps({"imported": len(wanted), "outside": outside}))
"""
    done = run(empty_python, program)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["imported"] > 30
    assert told["outside"] == []


def test_the_command_says_what_is_missing(empty_python: Path) -> None:
    done = run(
        empty_python, "import sys; sys.argv = ['amanat', 'serve']; import amanat.cli as c; c.main()"
    )
    assert done.returncode == 1
    assert "amanat[platform]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_bare_command_checks_a_licence(empty_python: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(published_keys([published_key(KEY.public_key, b"")]))
    statuses = StatusList.of(1024, {})
    for name, made in (("fresh", NOW), ("old", NOW - 86_400)):
        (tmp_path / name).write_text(issue_status_list(URI, statuses, KEY, made, 3_600, 86_400))

    def verify(status_list: str, *more: str) -> subprocess.CompletedProcess[str]:
        arguments = ["amanat", "licence", "verify", TOKEN, "--keys", str(tmp_path / "keys.json")]
        arguments += ["--status-list", str(tmp_path / status_list), "--at", "2026-09-21T15:00:00Z"]
        return run(
            empty_python,
            f"import sys; sys.argv = {[*arguments, *more]!r}; import amanat.cli as c; c.main()",
        )

    done = verify("fresh", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["number"] == "PK/2026-0001"
    done = verify("old")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The status list is stale")


def test_the_wheel_carries_what_running_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for needed in (
        "amanat/access/policies.cedar",
        "amanat/ledger/artifacts/Security.json",
        "amanat/ledger/artifacts/london/Security.json",
        "amanat/ledger/parts/package-lock.json",
        "amanat/store/migrations/env.py",
        "amanat/web/templates/base.html",
        "amanat/web/static/amanat.css",
        "amanat/web/locale/ur/LC_MESSAGES/amanat.mo",
        "amanat/licensing/credentials/certificate/certificate.typ",
        "amanat/licensing/credentials/certificate/fonts/noto-nastaliq-urdu.ttf",
        "amanat/py.typed",
    ):
        assert needed in names
    assert any(name.startswith("amanat/store/migrations/versions/0001") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "pilots/"))]
