"""The bill of materials: valid CycloneDX 1.6, whole, and without copyleft in the Python runtime."""

from __future__ import annotations

import importlib.util
import json
import re
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]
COPYLEFT = re.compile(
    r"GPL|MPL|EPL|CDDL|EUPL|CECILL|OSL|SSPL|CC-BY-SA|QPL|Sleepycat", re.IGNORECASE
)
# Used as they are, through their own interfaces: a library under the LGPL, and the list of
# certification authorities, whose MPL ends at its own files.
EXCEPTED = {
    "python-stdnum": "LGPL-2.1-or-later",
    "certifi": "MPL-2.0",
    "orjson": "MPL-2.0 AND (Apache-2.0 OR MIT)",
    "pathspec": "MPL-2.0",
}
# The validators' programs run beside the application; docs/security.md speaks of the last.
BESIDE = {
    "github.com/ava-labs/coreth": "LGPL-3.0-only",
    "github.com/ava-labs/libevm": "LGPL-3.0-only",
    "github.com/ava-labs/subnet-evm": "LGPL-3.0-only",
    "github.com/hashicorp/go-bexpr": "MPL-2.0",
    "github.com/hashicorp/golang-lru": "MPL-2.0",
    "github.com/status-im/keycard-go": "MPL-2.0",
    "github.com/ava-labs/firewood-go-ethhash/ffi": "LicenseRef-Ava-Labs-Ecosystem-1.1",
}


@pytest.fixture(scope="module")
def bom() -> ModuleType:
    """The program that writes it."""
    spec = importlib.util.spec_from_file_location("bom", ROOT / "deploy" / "bom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def document(bom: ModuleType) -> str:
    """The document as `make bom` writes it."""
    return str(bom.written(bom.bill()))


def parts(document: str, part: str) -> dict[str, dict[str, Any]]:
    """The components of a part, by the name in their package URL."""
    found = {}
    for one in json.loads(document)["components"]:
        if {"name": "amanat:part", "value": part} in one["properties"]:
            found[one["name"]] = one
    return found


def licence(component: dict[str, Any]) -> str:
    """The licence of a component: an identifier, a name or an expression."""
    (stated,) = component["licenses"]
    return str(stated.get("expression") or stated["license"].get("id") or stated["license"]["name"])


def test_it_is_valid_and_a_broken_one_is_not(document: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(document) is None
    assert json.loads(document)["specVersion"] == "1.6"
    assert validator.validate_str(document.replace('"scope": "required"', '"scope": "x"', 1))


def test_every_locked_package_is_in_it_with_its_digests(document: str) -> None:
    found = parts(document, "python")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", "\n" + lock)
    locked = 0
    for block in blocks:
        head = re.match(r"\s*([a-z0-9_.-]+)(?:\[[^]]*])?==([^ \n]+)", block)
        if head is None:
            continue
        locked += 1
        name, version = head[1], head[2]
        digests = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
        assert (found[name]["version"], distribution(name).version) == (version, version), name
        assert {one["content"] for one in found[name]["hashes"]} == digests, name
        assert found[name]["purl"] == f"pkg:pypi/{name}@{version}"
    assert locked == len(found) > 60


def test_the_parts_of_others_are_in_it(document: str) -> None:
    """The embedded node and typefaces of npm; each module of the validators' programs."""
    npm = parts(document, "npm")
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: one["version"] for name, one in npm.items()} == wanted
    assert all(one["hashes"][0]["alg"] == "SHA-512" for one in npm.values())
    modules = re.findall(
        r"^\s+(\S+) (v\S+)", (ROOT / "network" / "go.mod").read_text(encoding="utf-8"), re.MULTILINE
    )
    go = parts(document, "validators")
    assert {(name, one["version"]) for name, one in go.items()} == set(modules)
    assert len(modules) > 100


def test_no_copyleft_in_the_python_runtime(document: str) -> None:
    found = {name: licence(one) for name, one in parts(document, "python").items()}
    assert {name: one for name, one in found.items() if COPYLEFT.search(one)} == EXCEPTED


def test_no_licence_file_says_otherwise(bom: ModuleType) -> None:
    """What a package's own licence files say, whatever its metadata state."""
    said = {}
    for name in bom.locked_python():
        files = [bom.licence_of_text(text) for _, text in bom.licence_files(distribution(name))]
        assert files, f"{name} carries no licence file"
        copyleft = [one for one in files if one and COPYLEFT.search(one)]
        if copyleft:
            said[name] = copyleft
    assert set(said) == set(EXCEPTED)


def test_what_was_read_is_what_the_files_say(bom: ModuleType) -> None:
    """The table names exactly the packages that state no expression, each as its file says."""
    silent = {
        name
        for name in bom.locked_python()
        if not distribution(name).metadata.get("License-Expression")
    }
    assert silent == set(bom.READ)
    for name, stated in bom.READ.items():
        files = {bom.licence_of_text(text) for _, text in bom.licence_files(distribution(name))}
        wanted = re.split(" AND | OR ", stated)[0].replace("-or-later", "-only")
        assert wanted in files, (name, stated, files)


def test_what_is_not_permissive_beside_it_is_named(document: str) -> None:
    found = {name: licence(one) for name, one in parts(document, "validators").items()}
    strict = {
        name: one
        for name, one in found.items()
        if COPYLEFT.search(one) or one.startswith("LicenseRef")
    }
    assert strict == BESIDE
