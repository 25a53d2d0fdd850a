"""The configuration file `amanat.toml`: one section for each part, checked whole.

    [network]
    nodes = ["https://node1.example:9650/ext/bc/amanat/rpc"]
    chain_id = 4242

Every setting of the file is an environment variable too (`amanat.settings.VARIABLES`), and the
variable goes before the file.  The file holds no secret: passwords and tokens are named by the path
of a file of their own, or stand in the environment.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from amanat.core.errors import Invalid, Refusals
from amanat.settings import CONFIRMATIONS_MAX, DOCUMENT_MIB_MAX, VARIABLES


class ConfigurationInvalid(Invalid):
    """What is wrong with the configuration file, by its setting; a value is never repeated."""

    template = "{file}: {setting}: {reason}"


def _setting(variable: str, **bounds: Any) -> Any:
    said = VARIABLES[variable][1]
    return Field(None, description=said, json_schema_extra={"variable": variable}, **bounds)


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    if not parts.scheme:
        raise ValueError("is no URL")
    if parts.password is not None or parts.query:
        raise ValueError("holds a secret: name the file of it, or set the environment variable")
    return url


def _http(url: str) -> str:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("begins with http:// or https://")
    return url


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("is an absolute path: a service has no folder of its own")
    return path


Absolute = Annotated[Path, AfterValidator(_absolute)]
Url = Annotated[str, AfterValidator(_without_secret)]
HttpUrl = Annotated[str, AfterValidator(_http), AfterValidator(_without_secret)]
Confirmations = Annotated[int, Field(ge=1, le=CONFIRMATIONS_MAX)]


class Section(BaseModel):
    """A section: nothing but what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Installation(Section):
    """The folder of the installation."""

    data: Absolute | None = _setting("AMANAT_DATA")


class Database(Section):
    """The database, where it is not SQLite in the folder."""

    url: Url | None = _setting("AMANAT_DATABASE")
    password_file: Absolute | None = _setting("AMANAT_DATABASE_PASSWORD_FILE")


class Network(Section):
    """The nodes, where they are not the embedded one."""

    nodes: list[HttpUrl] | None = _setting("AMANAT_NODES")
    nodes_file: Absolute | None = _setting("AMANAT_NODES_FILE")
    token_file: Absolute | None = _setting("AMANAT_NODES_TOKEN_FILE")
    chain_id: int | None = _setting("AMANAT_CHAIN_ID", ge=1)
    finality: Literal["latest", "safe", "finalized"] | Confirmations | None = _setting(
        "AMANAT_FINALITY"
    )
    evm: Literal["cancun", "london"] | None = _setting("AMANAT_EVM")
    agree: int | None = _setting("AMANAT_NODES_AGREE", ge=1)
    senders: list[str] | None = _setting("AMANAT_SENDERS")


class Keys(Section):
    """Where keys are."""

    devices: Absolute | None = _setting("AMANAT_DEVICES")
    light: bool | None = _setting("AMANAT_LIGHT_KEYS")


class Server(Section):
    """The pages and the API."""

    host: str | None = _setting("AMANAT_HOST", min_length=1, max_length=253)
    port: int | None = _setting("AMANAT_PORT", ge=0, le=65_535)
    certificate: Absolute | None = _setting("AMANAT_CERTIFICATE")
    certificate_key: Absolute | None = _setting("AMANAT_CERTIFICATE_KEY")


class SignIn(Section):
    """How people and systems sign in."""

    origin: HttpUrl | None = _setting("AMANAT_ORIGIN")
    proxies: list[str] | None = _setting("AMANAT_PROXIES")
    session_idle_minutes: int | None = _setting("AMANAT_SESSION_IDLE_MINUTES", ge=1)
    session_hours: int | None = _setting("AMANAT_SESSION_HOURS", ge=1)
    fresh_minutes: int | None = _setting("AMANAT_FRESH_MINUTES", ge=1)
    lockout_failures: int | None = _setting("AMANAT_LOCKOUT_FAILURES", ge=0)
    rate_address: int | None = _setting("AMANAT_RATE_ADDRESS", ge=0)
    rate_token: int | None = _setting("AMANAT_RATE_TOKEN", ge=0)
    openid_issuer: HttpUrl | None = _setting("AMANAT_OPENID_ISSUER")
    openid_client: str | None = _setting("AMANAT_OPENID_CLIENT", min_length=1)
    openid_secret_file: Absolute | None = _setting("AMANAT_OPENID_SECRET_FILE")
    openid_claim: str | None = _setting("AMANAT_OPENID_CLAIM", min_length=1)


class Logs(Section):
    """Log lines of the server."""

    level: Literal["debug", "info", "warning", "error"] | None = _setting("AMANAT_LOG_LEVEL")


class Traces(Section):
    """Where traces are sent."""

    endpoint: HttpUrl | None = _setting("AMANAT_TRACES")
    percent: int | None = _setting("AMANAT_TRACES_PERCENT", ge=0, le=100)


class Metrics(Section):
    """Who may read `/metrics`."""

    token_file: Absolute | None = _setting("AMANAT_METRICS_TOKEN_FILE")


class Documents(Section):
    """Documents that are uploaded."""

    mib_max: int | None = _setting("AMANAT_DOCUMENT_MIB_MAX", ge=1, le=DOCUMENT_MIB_MAX)


class Mail(Section):
    """The mail server that takes reminders."""

    server: str | None = _setting("AMANAT_MAIL_SERVER", min_length=3)
    security: Literal["starttls", "tls", "none"] | None = _setting("AMANAT_MAIL_SECURITY")
    sender: str | None = _setting("AMANAT_MAIL_FROM", min_length=3)
    user: str | None = _setting("AMANAT_MAIL_USER", min_length=1)
    password_file: Absolute | None = _setting("AMANAT_MAIL_PASSWORD_FILE")


class Readiness(Section):
    """What `/readyz` bears."""

    lag_seconds_max: int | None = _setting("AMANAT_LAG_SECONDS_MAX", ge=1)
    lag_blocks_max: int | None = _setting("AMANAT_LAG_BLOCKS_MAX", ge=0)


class Supervision(Section):
    """What returns wait for."""

    following: Literal["server", "apart"] | None = _setting("AMANAT_FOLLOWING")


class Configuration(Section):
    """The whole file."""

    installation: Installation = Installation()
    database: Database = Database()
    network: Network = Network()
    keys: Keys = Keys()
    server: Server = Server()
    sign_in: SignIn = SignIn()
    logs: Logs = Logs()
    traces: Traces = Traces()
    metrics: Metrics = Metrics()
    documents: Documents = Documents()
    mail: Mail = Mail()
    readiness: Readiness = Readiness()
    supervision: Supervision = Supervision()

    def variables(self) -> dict[str, str]:
        """What the file says, as the environment variables that would say the same."""
        told = {}
        for section, name, variable in settings():
            value = getattr(getattr(self, section), name)
            if value is not None:
                told[variable] = _text(value)
        return told


def settings() -> list[tuple[str, str, str]]:
    """Every setting of the file: section, name, and its environment variable."""
    found = []
    for section, info in Configuration.model_fields.items():
        kind = info.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, Section)
        for name, one in kind.model_fields.items():
            extra = one.json_schema_extra
            assert isinstance(extra, Mapping)
            found.append((section, name, str(extra["variable"])))
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list):
        return ",".join(value)
    return str(value)


def read_file(file: Path) -> Configuration:
    """The configuration in a file; refuses everything that is wrong in it at once.

    Raises `ConfigurationInvalid`, or `Refusals` of several.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ConfigurationInvalid(file=file, setting="-", reason=type(error).__name__) from None
    except tomllib.TOMLDecodeError as error:
        # The parser's words tell line and column, and never repeat a line.
        raise ConfigurationInvalid(file=file, setting="-", reason=f"not TOML: {error}") from None
    try:
        return Configuration.model_validate(content)
    except ValidationError as error:
        refused = [
            ConfigurationInvalid(
                file=file, setting=".".join(map(str, one["loc"])) or "-", reason=_reason(one)
            )
            for one in error.errors(include_url=False, include_input=False)
        ]
        if len(refused) == 1:
            raise refused[0] from None
        raise Refusals(refused) from None


def _reason(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    return str(error["msg"]).removeprefix("Value error, ")
