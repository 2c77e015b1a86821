"""From OBJECTS_URL to an object store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from exchange.usecases.ports import Clock, ObjectStore
from storage.errors import StorageConfigurationError
from storage.objects.filesystem import FilesystemObjects


def open_objects(url: str, *, clock: Clock, entropy: Callable[[int], bytes]) -> ObjectStore:
    """Open ``file:///folder``; raises StorageConfigurationError."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return FilesystemObjects(Path(unquote(parts.path)), clock=clock, entropy=entropy)
    raise StorageConfigurationError(
        "Adresse de stockage illisible : écrivez file:///dossier ou s3://seau?endpoint=…"
    )
