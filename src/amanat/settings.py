"""Where an installation keeps its things, which database and which nodes it uses."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amanat.core.errors import Invalid

CHAIN_ID_EMBEDDED = 781_947  # of no public network

VARIABLES: Mapping[str, tuple[str, str]] = {
    "AMANAT_DATA": (
        "`var/amanat`",
        "Folder of the installation: SQLite database, embedded node, keys, secrets.",
    ),
    "AMANAT_DATABASE": (
        "SQLite in that folder",
        "SQLAlchemy URL of another database, such as `postgresql+pg8000://user@host/name`.",
    ),
    "AMANAT_NODES": (
        "the embedded node",
        "JSON-RPC URLs of nodes, separated by commas; the next one is asked when one fails.",
    ),
    "AMANAT_CHAIN_ID": (str(CHAIN_ID_EMBEDDED), "Chain id of the network; a whole number."),
    "AMANAT_FINALITY": (
        "`finalized` with nodes, else `latest`",
        "Tag of the block up to which the ledger is final for us.",
    ),
    "AMANAT_LIGHT_KEYS": (
        "off",
        "`1` writes key files with little work against guessing: for pilots and tests alone.",
    ),
    "AMANAT_DEVICES": (
        "`devices.toml` in that folder",
        "TOML file that names PKCS#11 devices, the keys in them and where their PINs are.",
    ),
}
"""What `Settings.from_environment` reads: each variable's default and what it says."""


class SettingInvalid(Invalid):
    """A setting that cannot be used, named by its environment variable."""

    template = "{setting}: {value!r}: {reason}"


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation.  `node_urls` empty means the embedded node.

    `light_keys` writes keystore files with little work against guessing: for pilots and tests,
    whose keys guard nothing.
    """

    data_dir: Path
    database_url: str
    node_urls: tuple[str, ...] = ()
    chain_id: int = CHAIN_ID_EMBEDDED
    finality: str = "latest"
    light_keys: bool = False
    devices_file: Path | None = None

    @property
    def devices_path(self) -> Path:
        """The file that names PKCS#11 devices; where it is absent there are none."""
        return self.devices_file or self.data_dir / "devices.toml"

    @classmethod
    def at(cls, data_dir: Path, *, light_keys: bool = False) -> Settings:
        """Everything in one folder: SQLite and the embedded node."""
        folder = data_dir.absolute()
        return cls(folder, f"sqlite:///{folder / 'amanat.sqlite'}", light_keys=light_keys)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """AMANAT_DATA (folder), AMANAT_DATABASE (URL), AMANAT_NODES (URLs, comma-separated),
        AMANAT_CHAIN_ID, AMANAT_FINALITY; each has a default.  Raises `SettingInvalid`.
        """
        folder = Path(environment.get("AMANAT_DATA", "var/amanat")).absolute()
        plain = cls.at(folder)
        nodes = tuple(
            u.strip() for u in environment.get("AMANAT_NODES", "").split(",") if u.strip()
        )
        chain_id = environment.get("AMANAT_CHAIN_ID", str(CHAIN_ID_EMBEDDED))
        if not chain_id.isascii() or not chain_id.isdigit() or int(chain_id) == 0:
            raise SettingInvalid(
                setting="AMANAT_CHAIN_ID", value=chain_id, reason="a whole number above zero"
            )
        return cls(
            data_dir=folder,
            database_url=environment.get("AMANAT_DATABASE", plain.database_url),
            node_urls=nodes,
            chain_id=int(chain_id),
            finality=environment.get("AMANAT_FINALITY", "finalized" if nodes else "latest"),
            light_keys=environment.get("AMANAT_LIGHT_KEYS", "") == "1",
            devices_file=_named_file("AMANAT_DEVICES", environment),
        )


def _named_file(variable: str, environment: Mapping[str, str]) -> Path | None:
    """A file that a setting names must be there; raises `SettingInvalid`."""
    value = environment.get(variable)
    if not value:
        return None
    if not Path(value).is_file():
        raise SettingInvalid(setting=variable, value=value, reason="is no file")
    return Path(value).absolute()


def read_secret(folder: Path, name: str) -> bytes:
    """32 secret bytes kept in `folder/name` (mode 0600), made on first use."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        fresh = path.with_name(f".{name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    return bytes.fromhex(path.read_text().strip())
