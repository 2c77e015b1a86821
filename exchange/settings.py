"""What the operator chose: one frozen object, read once, from the environment and one TOML file.

The environment (``DOSSIER_DATABASE_URL``) wins over the file (``database_url``). An unknown key in
either is an error: a misspelt limit must not silently become the default. Secrets are never values
here but paths; where a path is not given, systemd's credentials directory is looked into.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from crypto.errors import ExplainedError
from crypto.keys import SecretBytes

PREFIX: Final = "DOSSIER_"
SETTINGS_VARIABLE: Final = "DOSSIER_SETTINGS"
"""Names the TOML file, where ``--settings`` does not."""

CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
"""Set by systemd (``LoadCredential=``): a directory that only this unit can read."""

CLIENT_VARIABLES: Final = frozenset(
    {
        SETTINGS_VARIABLE,
        "DOSSIER_PROFILE",
        "DOSSIER_PASSPHRASE_FILE",
        "DOSSIER_LANG",
        "DOSSIER_DEBUG",
        "DOSSIER_CI",
        "DOSSIER_BROKER_SETTINGS",
    }
)
"""Variables of the same prefix that are not settings of the service."""

CREDENTIALS: Final = {
    "log_key_file": "log-key",
    "cookie_secret_file": "cookie-secret",
    "database_url_file": "database-url",
}
"""Settings that name a secret's file, and the credential that takes its place."""

MAX_SETTINGS_BYTES: Final = 65_536
"""Twenty short lines, many times over."""

MAX_SECRET_BYTES: Final = 4_096
"""A database URL or a key line; more is the wrong file."""

MAX_RETENTION_MONTHS: Final = 36
"""Three years: the most that CNIL's recommendation 2021-122 accepts for an access log."""

MAX_PURGE_DAYS: Final = 730
"""Two years, as long as a whole pathway: transit copies have no use beyond it."""

_LISTEN: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(?P<port>\d{1,5})")


class SettingsError(ExplainedError):
    """The configuration cannot be used as it stands."""


class CookieSecret(SecretBytes):
    """Authenticates the login cookies of this instance; lost or changed, everybody logs in anew."""


def _whole(value: object) -> object:
    """The environment knows only texts: accept digits there, and nothing looser."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _flag(value: object) -> object:
    """The environment knows only texts: accept the two words of TOML, and nothing looser."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _check_public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected https://host[:port]")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
        raise ValueError("expected no path, query or user: https://host[:port]")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _check_broker_url(text: str) -> str:
    # Never in clear, on the loopback neither: a setting copied to another host must stay safe.
    if not text.startswith("https://"):
        raise ValueError("expected https://host:port, plain http is never used")
    return _check_public_url(text)


def _check_smtp_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.password:
        raise ValueError("expected smtp://[user@]host[:port] or smtps://, the password in a file")
    return text


def check_listen(text: str) -> str:
    """``host:port``, or ValueError."""
    found = _LISTEN.fullmatch(text)
    if not found or int(found["port"]) > 65_535:
        raise ValueError("expected host:port")
    return text


Whole = BeforeValidator(_whole)
FilePath = Annotated[Path, Field(strict=False)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class Settings(BaseModel):
    """Everything that may differ between two instances."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    database_url: Annotated[Url, Field(repr=False)]
    """``sqlite:///PATH`` or ``postgresql+psycopg://…``; may hold a password, hence no repr."""
    objects_url: Url
    """``file:///DIRECTORY`` or ``s3://BUCKET?…``, whose options name the files of its keys."""
    origin: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.:-]+(/[a-z0-9._-]+)*$")]
    """The log's origin (C2SP tlog-checkpoint), and what logins and manifests are bound to."""
    public_url: Annotated[str, AfterValidator(_check_public_url)]
    """Where browsers reach the service; ``https`` makes the cookies ``Secure``."""
    log_key_file: FilePath
    high_water_file: FilePath
    trust_file: FilePath
    broker_directory: FilePath | None = None
    """Of the in-process broker; outside the database's and the objects' backups."""
    broker_url: Annotated[str, AfterValidator(_check_broker_url)] | None = None
    """Of a broker in a process of its own: ``https`` alone. Excludes ``broker_directory``."""
    broker_tls_directory: FilePath | None = None
    """``ca.pem``, ``client.pem`` and ``client.key`` of the link to that broker."""
    cookie_secret_file: FilePath
    retention_months: Annotated[int, Whole, Field(ge=1, le=MAX_RETENTION_MONTHS)] = 12
    purge_after_days: Annotated[int, Whole, Field(ge=0, le=MAX_PURGE_DAYS)] = 60
    """From a sitting's closing to the purge of its ciphertexts: appeals have two months."""
    decrypted_download: Annotated[bool, BeforeValidator(_flag)] = False
    """Whether the member's page offers decrypted files to keep on disk, where no log sees them."""
    workers: Annotated[int, Whole, Field(ge=1, le=64)] = 2
    """One process a core: Python runs one thread of Python code at a time in each."""
    threads: Annotated[int, Whole, Field(ge=1, le=256)] = 16
    """Slow downloads hold a thread each; behind a buffering proxy 16 are plenty."""
    listen: Annotated[str, AfterValidator(check_listen)] = "127.0.0.1:8080"
    metrics_listen: Annotated[str, AfterValidator(check_listen)] | None = None
    """Where Prometheus reads figures: a port of its own, never behind the public proxy."""
    smtp_url: Annotated[str, AfterValidator(_check_smtp_url)] | None = None
    """``smtp://[user@]host[:587]`` (STARTTLS) or ``smtps://[user@]host[:465]``; none: no messages."""
    smtp_from: Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$")] | None = None
    smtp_password_file: FilePath | None = None
    publisher: Annotated[str, StringConstraints(max_length=500)] = ""
    """Who publishes this instance, with address and contact, for the legal pages."""
    security_contact: Annotated[str, StringConstraints(pattern=r"^(mailto:|https://|tel:).+$")] = (
        "mailto:secretariat@commission.example"
    )
    """Where a weakness is reported (RFC 9116, ``Contact``): an address that somebody reads."""

    @property
    def secure(self) -> bool:
        """Whether browsers reach the service over TLS."""
        return self.public_url.startswith("https:")


def load_settings(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the TOML ``file`` (or the one that the environment names) under the environment.

    Relative paths in the file are relative to the file. Raises SettingsError, naming the key.
    """
    if file is None and SETTINGS_VARIABLE in environment:
        file = Path(environment[SETTINGS_VARIABLE])
    values = read_settings_file(file) if file else {}
    values |= _read_environment(environment)
    credentials = environment.get(CREDENTIALS_VARIABLE)
    if credentials:
        values = _credentials(Path(credentials)) | values
    values = _secret_url(values)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise explained_settings(error) from error
    _require_one_broker(settings)
    return settings


def _require_one_broker(settings: Settings) -> None:
    """Exactly one broker: with two it would be unclear whose keys protect what."""
    if (settings.broker_directory is None) == (settings.broker_url is None):
        raise SettingsError(
            "Il faut un gardien des clés, et un seul : « broker_directory » (dans ce processus) ou "
            "« broker_url » (à part)."
        )
    if settings.broker_url is not None and settings.broker_tls_directory is None:
        raise SettingsError(
            "Le réglage « broker_tls_directory » manque : indiquez le répertoire des certificats du "
            "lien avec le gardien des clés."
        )


def read_secret(path: Path) -> str:
    """The one ASCII line of a secret's file; raises SettingsError."""
    return read_secret_text(path, encoding="ascii")


def read_secret_text(path: Path, *, encoding: str = "utf-8") -> str:
    """The one line of a secret's file, of any script; raises SettingsError."""
    try:
        text = path.read_text(encoding=encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            "Le fichier secret « {path} » ne peut pas être lu : vérifiez son chemin et ses droits.",
            path=path,
        ) from error
    if not text.strip() or len(text) > MAX_SECRET_BYTES:
        raise SettingsError("Le fichier secret « {path} » est vide ou trop long.", path=path)
    return text.strip()


def read_cookie_secret(settings: Settings) -> CookieSecret:
    """The key of the login cookies: 64 hexadecimal digits in its file; raises SettingsError."""
    try:
        raw = bytes.fromhex(read_secret(settings.cookie_secret_file))
    except ValueError:
        raw = b""
    if len(raw) != CookieSecret.LENGTH:
        raise SettingsError(
            "Le secret des cookies (« {path} ») s'écrit en 64 chiffres hexadécimaux.",
            path=settings.cookie_secret_file,
        )
    return CookieSecret(raw)


def read_settings_file(file: Path) -> dict[str, Any]:
    """The values of a TOML file, its relative paths made absolute; raises SettingsError."""
    try:
        data = file.read_bytes()
        if len(data) > MAX_SETTINGS_BYTES:
            raise SettingsError("Le fichier de configuration « {path} » est trop long.", path=file)
        values = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        raise SettingsError(
            "Le fichier de configuration « {path} » ne peut pas être lu : lancez « dossier init » "
            "ou vérifiez --settings.",
            path=file,
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            "Le fichier de configuration « {path} » n'est pas du TOML correct : {detail}.",
            path=file,
            detail=str(error),
        ) from error
    return {key: _anchored(key, value, file.absolute().parent) for key, value in values.items()}


def _anchored(key: str, value: object, directory: Path) -> object:
    """Make a path of the file absolute, so that the working directory does not matter."""
    if key.endswith(("_file", "_directory")) and isinstance(value, str):
        return str(directory / value)
    return value


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in CLIENT_VARIABLES
    }


def _credentials(directory: Path) -> dict[str, Any]:
    return {
        key: str(directory / name)
        for key, name in CREDENTIALS.items()
        if (directory / name).is_file()
    }


def _secret_url(values: dict[str, Any]) -> dict[str, Any]:
    """A database URL with a password may stand in a file of its own."""
    rest = dict(values)
    path = rest.pop("database_url_file", None)
    if path is not None and "database_url" not in rest:
        rest["database_url"] = read_secret(Path(str(path)))
    return rest


def explained_settings(error: ValidationError) -> SettingsError:
    """The first thing that is wrong, named by its key."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(step) for step in first["loc"]) or "?"
    if first["type"] == "extra_forbidden":
        return SettingsError(
            "Le réglage « {key} » est inconnu : corrigez ou retirez-le (fichier de configuration, ou "
            "variable {variable}).",
            key=key,
            variable=PREFIX + key.upper(),
        )
    if first["type"] == "missing":
        return SettingsError(
            "Le réglage « {key} » manque : ajoutez-le au fichier de configuration ou donnez la "
            "variable {variable}.",
            key=key,
            variable=PREFIX + key.upper(),
        )
    return SettingsError(
        "Le réglage « {key} » n'est pas valable : {detail}.", key=key, detail=first["msg"]
    )
