"""Where an installation keeps its things, which database and which nodes it uses."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from amanat.core.errors import Invalid
from amanat.ledger.evms import CANCUN, EVMS
from amanat.ledger.sender_names import OF_PURPOSE, PURPOSES

CHAIN_ID_EMBEDDED = 781_947  # of no public network
CONFIGURATION_FILE = "amanat.toml"
LOG_LEVELS = ("debug", "info", "warning", "error")
FINALITY_TAGS = ("latest", "safe", "finalized")
CONFIRMATIONS_MAX = 1000
DOCUMENT_MIB_MAX = 250
FOLLOWERS = ("server", "apart")
MAIL_SECURITIES = ("starttls", "tls", "none")
_MAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")

VARIABLES: Mapping[str, tuple[str, str]] = {
    "AMANAT_CONFIG": (
        "`amanat.toml` in the folder",
        "Configuration file; what a variable says goes before what the file says.",
    ),
    "AMANAT_DATA": (
        "`var/amanat`",
        "Folder of the installation: SQLite database, embedded node, keys, secrets.",
    ),
    "AMANAT_DATABASE": (
        "SQLite in that folder",
        "SQLAlchemy URL of another database, such as `postgresql+pg8000://user@host/name`.",
    ),
    "AMANAT_DATABASE_PASSWORD_FILE": (
        "none",
        "File whose first line is the database's password, so that the URL needs none.",
    ),
    "AMANAT_NODES_FILE": (
        "none",
        "File with the nodes' URLs, one a line, where they carry a user and password.",
    ),
    "AMANAT_NODES_TOKEN_FILE": (
        "none",
        "File whose first line is the bearer token that every node is shown; read again when a node"
        " refuses it, so that it can be rotated.",
    ),
    "AMANAT_SENDERS": (
        ",".join(PURPOSES),
        "Senders of chain transactions besides the operator, each with a key and a queue of its"
        " own, made at the first start: `settlement`, `payments`, `tenders`, and further ones of a"
        " purpose as `settlement_2`; `none` for the operator alone.",
    ),
    "AMANAT_HOST": ("`127.0.0.1`", "Where the server listens; another than loopback needs TLS."),
    "AMANAT_PORT": ("8000", "Port of the server."),
    "AMANAT_CERTIFICATE": ("none", "TLS certificate of the server, PEM."),
    "AMANAT_CERTIFICATE_KEY": ("none", "Private key of that certificate, PEM."),
    "AMANAT_LOG_LEVEL": ("`info`", "Least level of the server's log lines: `debug` to `error`."),
    "AMANAT_TRACES": (
        "none: not sent",
        "OTLP/HTTP address for traces, such as `http://127.0.0.1:4318/v1/traces`.",
    ),
    "AMANAT_TRACES_PERCENT": ("100", "How many of a hundred traces are sent, chosen by their id."),
    "AMANAT_METRICS_TOKEN_FILE": (
        "none: loopback only",
        "File whose first line is the bearer token for `/metrics` from other hosts.",
    ),
    "AMANAT_LAG_SECONDS_MAX": (
        "60",
        "Seconds without a good round of the ledger's thread until `/readyz` says no.",
    ),
    "AMANAT_LAG_BLOCKS_MAX": (
        "100",
        "Final blocks that may have no effect yet until `/readyz` says no.",
    ),
    "AMANAT_NODES": (
        "the embedded node",
        "JSON-RPC URLs of nodes, separated by commas; the next one is asked when one fails.",
    ),
    "AMANAT_CHAIN_ID": (str(CHAIN_ID_EMBEDDED), "Chain id of the network; a whole number."),
    "AMANAT_FINALITY": (
        "`finalized` with nodes, else `latest`",
        "Block up to which the ledger is final for us: a tag, or, on a chain without finality, the"
        " number of blocks that must follow.",
    ),
    "AMANAT_EVM": (
        "`cancun`",
        "Instructions that the contracts' code may use: `london` for a chain that stops there.",
    ),
    "AMANAT_NODES_AGREE": (
        "1",
        "How many of the nodes must have the same block before it takes effect here; nodes that"
        " contradict the rest are always told of and set aside.",
    ),
    "AMANAT_ORIGIN": (
        "the loopback address of the request",
        "Where browsers reach the pages, such as `https://amanat.example`; passkeys and sign-in by"
        " an OpenID provider are bound to it.",
    ),
    "AMANAT_PROXIES": (
        "none",
        "Addresses of reverse proxies, separated by commas, whose `X-Forwarded-For` and"
        " `X-Forwarded-Proto` are believed.",
    ),
    "AMANAT_SESSION_IDLE_MINUTES": ("15", "Minutes without a request after which a session ends."),
    "AMANAT_SESSION_HOURS": ("8", "Hours after which a session ends whatever happens."),
    "AMANAT_FRESH_MINUTES": (
        "5",
        "Minutes after signing in within which a proposal can be approved without proving again.",
    ),
    "AMANAT_LOCKOUT_FAILURES": (
        "10",
        "Refused sign-ins after which an address or a person is locked out; 0 for never.",
    ),
    "AMANAT_RATE_ADDRESS": ("6000", "Requests a minute of one address; 0 for no limit."),
    "AMANAT_RATE_TOKEN": ("3000", "Requests a minute with one token; 0 for no limit."),
    "AMANAT_OPENID_ISSUER": (
        "none",
        "Issuer (https) of the OpenID provider with which staff may sign in.",
    ),
    "AMANAT_OPENID_CLIENT": ("none", "Client id that the provider knows this installation by."),
    "AMANAT_OPENID_SECRET_FILE": ("none", "File with the client's secret, for this user alone."),
    "AMANAT_OPENID_CLAIM": (
        "`sub`",
        "Claim of the ID token that names the person; `email` counts only when verified.",
    ),
    "AMANAT_DOCUMENT_MIB_MAX": (
        "25",
        "MiB that one uploaded document may have; all of one institution together may have 80 times"
        " as much.",
    ),
    "AMANAT_MAIL_SERVER": (
        "none: nothing is sent",
        "Host and port of the mail server that takes reminders, such as `mail.example:587`.",
    ),
    "AMANAT_MAIL_SECURITY": (
        "`starttls`",
        "How the mail server is reached: `starttls`, `tls`, or `none`, on loopback alone.",
    ),
    "AMANAT_MAIL_FROM": ("none", "Address from which reminders are sent; needed with a server."),
    "AMANAT_MAIL_USER": ("none", "User at the mail server, where it asks for one."),
    "AMANAT_MAIL_PASSWORD_FILE": ("none", "File whose first line is that user's password."),
    "AMANAT_FOLLOWING": (
        "`server`",
        "Who screens, monitors and scores what returns bring: the `server`, in a thread, or"
        " `amanat follow`, `apart` from it.",
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
class Serving:
    """Where the faces are served, and what is told of the running installation."""

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    certificate_key: Path | None = None
    log_level: str = "info"
    traces: str | None = None
    traces_percent: int = 100
    metrics_token_file: Path | None = None
    lag_seconds_max: int = 60
    lag_blocks_max: int = 100
    follows: bool = True
    """Whether the server does what returns wait for; else `amanat follow` does."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Serving:
        """What the variables say.  Raises `SettingInvalid`."""
        level = environment.get("AMANAT_LOG_LEVEL", "info")
        if level not in LOG_LEVELS:
            raise SettingInvalid(
                setting="AMANAT_LOG_LEVEL", value=level, reason=f"one of {', '.join(LOG_LEVELS)}"
            )
        following = environment.get("AMANAT_FOLLOWING", "server")
        if following not in FOLLOWERS:
            reason = f"one of {', '.join(FOLLOWERS)}"
            raise SettingInvalid(setting="AMANAT_FOLLOWING", value=following, reason=reason)
        return cls(
            host=environment.get("AMANAT_HOST", "127.0.0.1"),
            port=_bounded("AMANAT_PORT", environment, 8000, most=65_535),
            certificate=_named_file("AMANAT_CERTIFICATE", environment),
            certificate_key=_named_file("AMANAT_CERTIFICATE_KEY", environment),
            log_level=level,
            traces=environment.get("AMANAT_TRACES") or None,
            traces_percent=_bounded("AMANAT_TRACES_PERCENT", environment, 100, most=100),
            metrics_token_file=_named_file("AMANAT_METRICS_TOKEN_FILE", environment),
            lag_seconds_max=_bounded("AMANAT_LAG_SECONDS_MAX", environment, 60),
            lag_blocks_max=_bounded("AMANAT_LAG_BLOCKS_MAX", environment, 100),
            follows=following == "server",
        )


def _bounded(
    variable: str, environment: Mapping[str, str], default: int, most: int = 2**31 - 1
) -> int:
    """A whole number, at least 0; raises `SettingInvalid`."""
    value = environment.get(variable, str(default))
    if not value.isascii() or not value.isdigit() or int(value) > most:
        raise SettingInvalid(
            setting=variable, value=value, reason=f"a whole number from 0 to {most}"
        )
    return int(value)


@dataclass(frozen=True, slots=True)
class OpenId:
    """The OpenID provider with which staff may sign in."""

    issuer: str
    client: str
    secret_file: Path
    claim: str = "sub"

    @property
    def secret(self) -> str:
        """The client's secret.  Refuses `SettingInvalid` where others may read the file."""
        try:
            if self.secret_file.stat().st_mode & 0o077:
                raise SettingInvalid(
                    setting="AMANAT_OPENID_SECRET_FILE",
                    value=str(self.secret_file),
                    reason="others may read it; set its mode to 600",
                )
            return self.secret_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingInvalid(
                setting="AMANAT_OPENID_SECRET_FILE",
                value=str(self.secret_file),
                reason=str(error.strerror),
            ) from error


_QUARTER_HOUR, _WORKING_DAY = timedelta(minutes=15), timedelta(hours=8)
_FIVE_MINUTES = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people and systems sign in, and how long that lasts.  Rates are a minute; 0 is none."""

    origin: str | None = None
    proxies: tuple[str, ...] = ()
    session_idle: timedelta = _QUARTER_HOUR
    session_life: timedelta = _WORKING_DAY
    fresh: timedelta = _FIVE_MINUTES
    lockout_failures: int = 10
    rate_address: int = 6000
    rate_token: int = 3000
    openid: OpenId | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> SignIn:
        """Each AMANAT_… of signing in; raises `SettingInvalid`."""
        proxies = environment.get("AMANAT_PROXIES", "")
        return cls(
            origin=_origin(environment),
            proxies=tuple(one.strip() for one in proxies.split(",") if one.strip()),
            session_idle=timedelta(minutes=_whole(environment, "AMANAT_SESSION_IDLE_MINUTES", 1)),
            session_life=timedelta(hours=_whole(environment, "AMANAT_SESSION_HOURS", 1)),
            fresh=timedelta(minutes=_whole(environment, "AMANAT_FRESH_MINUTES", 1)),
            lockout_failures=_whole(environment, "AMANAT_LOCKOUT_FAILURES", 0),
            rate_address=_whole(environment, "AMANAT_RATE_ADDRESS", 0),
            rate_token=_whole(environment, "AMANAT_RATE_TOKEN", 0),
            openid=_openid(environment),
        )


def _whole(environment: Mapping[str, str], name: str, least: int) -> int:
    text = environment.get(name, VARIABLES[name][0])
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise SettingInvalid(setting=name, value=text, reason=f"a whole number from {least}")
    return int(text)


def _origin(environment: Mapping[str, str]) -> str | None:
    text = environment.get("AMANAT_ORIGIN", "")
    if not text:
        return None
    parts = urlsplit(text)
    plain = parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", "localhost")
    if not plain or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
        raise SettingInvalid(
            setting="AMANAT_ORIGIN", value=text, reason="https://host, or http://localhost:port"
        )
    return text


def _openid(environment: Mapping[str, str]) -> OpenId | None:
    names = ("AMANAT_OPENID_ISSUER", "AMANAT_OPENID_CLIENT", "AMANAT_OPENID_SECRET_FILE")
    given = [environment.get(name, "") for name in names]
    if not any(given):
        return None
    for name, text in zip(names, given, strict=True):
        if not text:
            raise SettingInvalid(setting=name, value="", reason="the provider needs all three")
    issuer = urlsplit(given[0])
    local = issuer.scheme == "http" and issuer.hostname in {"localhost", "127.0.0.1"}
    if (issuer.scheme != "https" and not local) or not issuer.hostname:
        raise SettingInvalid(setting=names[0], value=given[0], reason="an https address")
    claim = environment.get("AMANAT_OPENID_CLAIM", "sub")
    return OpenId(given[0], given[1], Path(given[2]), claim)


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail server that takes reminders, and from whom they come."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password_file: Path | None = None

    @property
    def password(self) -> str:
        """The user's password; empty without one.  Refuses `SettingInvalid`."""
        if self.password_file is None:
            return ""
        named = {"AMANAT_MAIL_PASSWORD_FILE": str(self.password_file)}
        return _content("AMANAT_MAIL_PASSWORD_FILE", named).partition("\n")[0].strip()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Mail | None:
        """What the variables say; None without a server.  Raises `SettingInvalid`."""
        stated = environment.get("AMANAT_MAIL_SERVER", "")
        if not stated:
            return None
        host, _, port = stated.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
            raise SettingInvalid(setting="AMANAT_MAIL_SERVER", value=stated, reason="host:port")
        security = environment.get("AMANAT_MAIL_SECURITY", "starttls")
        local = host in {"localhost", "127.0.0.1", "[::1]"}
        if security not in MAIL_SECURITIES or (security == "none" and not local):
            reason = "starttls or tls; none on loopback alone"
            raise SettingInvalid(setting="AMANAT_MAIL_SECURITY", value=security, reason=reason)
        sender = environment.get("AMANAT_MAIL_FROM", "")
        if not _MAIL.fullmatch(sender):
            raise SettingInvalid(setting="AMANAT_MAIL_FROM", value=sender, reason="name@host")
        return cls(
            host=host.strip("[]"),
            port=int(port),
            security=security,
            sender=sender,
            user=environment.get("AMANAT_MAIL_USER", ""),
            password_file=_named_file("AMANAT_MAIL_PASSWORD_FILE", environment),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation.  `node_urls` empty means the embedded node.

    `light_keys` writes keystore files with little work against guessing: for pilots and tests,
    whose keys guard nothing.
    """

    data_dir: Path
    database_url: str = field(repr=False)  # it may carry a password
    node_urls: tuple[str, ...] = field(default=(), repr=False)
    chain_id: int = CHAIN_ID_EMBEDDED
    finality: str | int = "latest"
    evm: str = CANCUN
    nodes_agree: int = 1
    nodes_token_file: Path | None = None
    senders: tuple[str, ...] = PURPOSES
    light_keys: bool = False
    devices_file: Path | None = None
    document_mib_max: int = 25
    serving: Serving = field(default_factory=Serving)
    sign_in: SignIn = field(default_factory=SignIn)
    mail: Mail | None = None

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
        AMANAT_CHAIN_ID, AMANAT_FINALITY and the others of `VARIABLES`; each has a default.  What
        the configuration file says stands in for a variable that is not set.
        Raises `SettingInvalid`, and what `amanat.configuration.read_file` refuses.
        """
        environment = with_file(environment)
        folder = Path(environment.get("AMANAT_DATA", "var/amanat")).absolute()
        plain = cls.at(folder)
        named = _content("AMANAT_NODES_FILE", environment)
        listed = environment.get("AMANAT_NODES", ",".join(named.split()))
        nodes = tuple(u.strip() for u in listed.split(",") if u.strip())
        chain_id = environment.get("AMANAT_CHAIN_ID", str(CHAIN_ID_EMBEDDED))
        if not chain_id.isascii() or not chain_id.isdigit() or int(chain_id) == 0:
            raise SettingInvalid(
                setting="AMANAT_CHAIN_ID", value=chain_id, reason="a whole number above zero"
            )
        return cls(
            data_dir=folder,
            database_url=_database_url(environment, plain.database_url),
            node_urls=nodes,
            chain_id=int(chain_id),
            finality=_finality(environment, "finalized" if nodes else "latest"),
            evm=_evm(environment),
            nodes_agree=_agreeing(environment, len(nodes)),
            nodes_token_file=_named_file("AMANAT_NODES_TOKEN_FILE", environment),
            senders=_senders(environment),
            light_keys=environment.get("AMANAT_LIGHT_KEYS", "") == "1",
            sign_in=SignIn.from_environment(environment),
            devices_file=_named_file("AMANAT_DEVICES", environment),
            document_mib_max=_documents(environment),
            serving=Serving.from_environment(environment),
            mail=Mail.from_environment(environment),
        )


def _documents(environment: Mapping[str, str]) -> int:
    most = _bounded("AMANAT_DOCUMENT_MIB_MAX", environment, 25, most=DOCUMENT_MIB_MAX)
    if most == 0:
        raise SettingInvalid(
            setting="AMANAT_DOCUMENT_MIB_MAX", value="0", reason="a document has a content"
        )
    return most


def _finality(environment: Mapping[str, str], default: str) -> str | int:
    """A tag, or a number of confirmations; raises `SettingInvalid`."""
    text = environment.get("AMANAT_FINALITY", default)
    if text in FINALITY_TAGS:
        return text
    if text.isascii() and text.isdigit() and 1 <= int(text) <= CONFIRMATIONS_MAX:
        return int(text)
    raise SettingInvalid(
        setting="AMANAT_FINALITY",
        value=text,
        reason=f"one of {', '.join(FINALITY_TAGS)}, or a number from 1 to {CONFIRMATIONS_MAX}",
    )


def _evm(environment: Mapping[str, str]) -> str:
    text = environment.get("AMANAT_EVM", CANCUN)
    if text not in EVMS:
        raise SettingInvalid(setting="AMANAT_EVM", value=text, reason=f"one of {', '.join(EVMS)}")
    return text


def _senders(environment: Mapping[str, str]) -> tuple[str, ...]:
    text = environment.get("AMANAT_SENDERS", ",".join(PURPOSES))
    names = tuple(one.strip() for one in text.split(",") if one.strip())
    if names == ("none",):
        return ()
    if not all(map(OF_PURPOSE.fullmatch, names)) or len(set(names)) < len(names):
        raise SettingInvalid(
            setting="AMANAT_SENDERS",
            value=text,
            reason=f"each once, of {', '.join(PURPOSES)}, with _2 to _99 for more; or none",
        )
    return names


def _agreeing(environment: Mapping[str, str], nodes: int) -> int:
    least = _bounded("AMANAT_NODES_AGREE", environment, 1)
    if not 1 <= least <= max(nodes, 1):
        raise SettingInvalid(
            setting="AMANAT_NODES_AGREE",
            value=str(least),
            reason=f"at least 1 and at most the number of nodes, {max(nodes, 1)}",
        )
    return least


def with_file(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with what the configuration file says where a variable is not set.

    The file is AMANAT_CONFIG, which must be there, else `amanat.toml` in the folder, if it is.
    """
    folder = Path(environment.get("AMANAT_DATA", "var/amanat"))
    file = _named_file("AMANAT_CONFIG", environment) or folder / CONFIGURATION_FILE
    if not file.is_file():
        return environment
    from amanat.configuration import read_file  # pydantic takes a while, and few have a file

    return {**read_file(file).variables(), **environment}


def _database_url(environment: Mapping[str, str], default: str) -> str:
    url = environment.get("AMANAT_DATABASE", default)
    password = _content("AMANAT_DATABASE_PASSWORD_FILE", environment).strip()
    if not password:
        return url
    import sqlalchemy as sql

    whole = sql.make_url(url).set(password=password)
    return whole.render_as_string(hide_password=False)


def _content(variable: str, environment: Mapping[str, str]) -> str:
    """What is in the file that a setting names; empty without one.  Raises `SettingInvalid`."""
    file = _named_file(variable, environment)
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise SettingInvalid(
            setting=variable, value=str(file), reason=type(error).__name__
        ) from None


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
