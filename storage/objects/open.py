"""From OBJECTS_URL to an object store."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from exchange.usecases.ports import Clock
from storage.errors import StorageConfigurationError
from storage.objects.filesystem import FilesystemObjects
from storage.objects.s3 import S3Objects
from storage.objects.s3_bucket import Bucket, Credentials, make_client

_OPTIONS: Final = frozenset(
    {"endpoint", "region", "ca", "checksums", "access_key_file", "secret_key_file"}
)

MAX_SECRET_BYTES: Final = 4_096
"""An S3 key has some tens of characters; more is a mistaken path."""


def open_objects(
    url: str,
    *,
    clock: Clock,
    entropy: Callable[[int], bytes],
    environment: Mapping[str, str] = os.environ,
) -> FilesystemObjects | S3Objects:
    """Open ``file:///folder`` or ``s3://bucket[/prefix]?endpoint=…``.

    S3 options: ``endpoint``, ``region``, ``ca`` (a file), ``checksums=no``, ``access_key_file``,
    ``secret_key_file``. Without these files the keys come from the files
    named by AWS_ACCESS_KEY_ID_FILE and AWS_SECRET_ACCESS_KEY_FILE, or from AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY. Raises StorageConfigurationError.
    """
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError as error:
        raise _unreadable() from error
    if parts.scheme == "file" and parts.path.startswith("/") and not (parts.netloc or options):
        return FilesystemObjects(Path(unquote(parts.path)), clock=clock, entropy=entropy)
    if parts.scheme != "s3" or not parts.netloc:
        raise _unreadable()
    if "@" in parts.netloc:
        # Addresses are printed and logged; secrets stay in files.
        raise StorageConfigurationError("Une clé S3 ne s'écrit pas dans l'adresse de stockage.")
    bucket = _bucket(parts, options)
    credentials = _credentials(options, environment)
    return S3Objects(make_client(bucket, credentials), bucket, clock=clock, entropy=entropy)


def _bucket(parts: SplitResult, options: Mapping[str, str]) -> Bucket:
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise StorageConfigurationError(
            "Option de stockage inconnue : {options}.", options=", ".join(unknown)
        )
    prefix = unquote(parts.path).strip("/")
    return Bucket(
        name=parts.netloc,
        endpoint=options.get("endpoint"),
        region=options.get("region", "us-east-1"),
        prefix=f"{prefix}/" if prefix else "",
        checksums=_yes(options, "checksums"),
        ca_file=options.get("ca"),
    )


def _yes(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "yes")
    if value not in {"yes", "no"}:
        raise StorageConfigurationError(
            "L'option de stockage « {name} » vaut « yes » ou « no ».", name=name
        )
    return value == "yes"


def _credentials(options: Mapping[str, str], environment: Mapping[str, str]) -> Credentials:
    access = _secret(options.get("access_key_file"), environment, "AWS_ACCESS_KEY_ID")
    secret = _secret(options.get("secret_key_file"), environment, "AWS_SECRET_ACCESS_KEY")
    return Credentials(access, secret)


def _secret(file: str | None, environment: Mapping[str, str], variable: str) -> str:
    path = file or environment.get(f"{variable}_FILE")
    value = _from_file(Path(path)) if path else environment.get(variable, "")
    if not value:
        raise StorageConfigurationError(
            "Le stockage S3 demande une clé : renseignez {variable}_FILE (ou {variable}).",
            variable=variable,
        )
    return value


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageConfigurationError(
            "Le fichier de clé « {path} » ne peut pas être lu.", path=str(path)
        ) from error


def _unreadable() -> StorageConfigurationError:
    return StorageConfigurationError(
        "Adresse de stockage illisible : écrivez file:///dossier ou s3://seau?endpoint=…"
    )
