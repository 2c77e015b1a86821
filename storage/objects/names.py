"""How objects and uploads are called. Neither name says anything of a deposit."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from crypto.digests import Digest
from crypto.encoding import OPAQUE_ID_BYTES, parse_opaque_id
from crypto.errors import MalformedError

MAX_PARTS: Final = 10_000
"""As many as S3 allows in one multipart upload; 80 GB in parts of 8 MiB."""


def object_name(upload: str, length: int, sha256: Digest) -> str:
    """The name under which an upload with this content is committed.

    The upload id is 128 random bits that never leave the server, and keys an HMAC: the name is as
    unguessable as the id. It also fixes the content, so that a commit can be repeated after any
    crash, by any process, without a note of what was done, and can never meet another's object.
    """
    message = f"{length}:{sha256}".encode()
    mac = hmac.digest(upload.encode(), message, hashlib.sha256)[:OPAQUE_ID_BYTES]
    return base64.b32encode(mac).decode("ascii").rstrip("=").lower()


def is_name(text: str) -> bool:
    """Whether ``text`` can be the name of an object or upload; all else ("../x") is no name."""
    try:
        parse_opaque_id(text)
    except MalformedError:
        return False
    return True
