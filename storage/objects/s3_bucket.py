"""A bucket, the keys to it, and the client that speaks to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from storage.errors import StorageConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 60
MAX_ATTEMPTS: Final = 4
POOL_CONNECTIONS: Final = 32


@dataclass(frozen=True)
class Credentials:
    """An S3 key pair. The secret is in no ``repr``."""

    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return "<S3 credentials redacted>"


@dataclass(frozen=True)
class Bucket:
    """Where the objects are, and what the service there can do."""

    name: str
    endpoint: str | None
    region: str
    prefix: str = ""
    """Empty, or ending in "/"."""
    checksums: bool = True
    """Send SHA-256 with each body. Old services (Ceph 16) ignore it; some refuse it."""
    ca_file: str | None = None


def make_client(bucket: Bucket, credentials: Credentials) -> S3Client:
    """A client for that bucket alone, reading no profile, cache or instance metadata.

    Raises StorageConfigurationError for an address or region that cannot be one.
    """
    checksum = "when_supported" if bucket.checksums else "when_required"
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=POOL_CONNECTIONS,
        request_checksum_calculation=checksum,  # type: ignore[arg-type]
        response_checksum_validation="when_required",
    )
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=bucket.endpoint,
            region_name=bucket.region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            verify=bucket.ca_file,
            config=config,
        )
    except (ValueError, BotoCoreError) as error:
        raise StorageConfigurationError(
            "L'adresse ou la région du stockage S3 n'est pas valable : écrivez l'adresse en entier, "
            "comme « https://s3.exemple.fr:9000 », et vérifiez la région."
        ) from error
