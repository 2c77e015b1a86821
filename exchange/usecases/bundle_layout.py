"""What an exported bundle holds, and where (DESIGN, section 9). The client writes, the replay reads.

log/checkpoint, log/tile/…       the log in the tlog-tiles layout
statements/<digest>.json         each statement that an event cites, as signed (DSSE)
disclosures/<index>.json         {"details": base64, "opening": base64} of each entry still disclosed
agendas/<digest>.json            the openings of each agenda still disclosed (``usecases.agenda_wire``)
broker/record.jsonl, broker/checkpoint   the broker's own signed record
index.json                       the exporting auditor's bundle-index: the hash of every other file
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from audit.errors import LogFormatError
from audit.ports import Disclosure
from crypto.digests import Digest
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import MalformedError
from crypto.statements.model import Strict, load_strict_json

LOG_PREFIX: Final = "log/"
STATEMENTS_PREFIX: Final = "statements/"
DISCLOSURES_PREFIX: Final = "disclosures/"
AGENDAS_PREFIX: Final = "agendas/"
RECORD_PATH: Final = "broker/record.jsonl"
RECORD_CHECKPOINT_PATH: Final = "broker/checkpoint"
INDEX_PATH: Final = "index.json"

MAX_DISCLOSURE_BYTES: Final = 32_768
"""The largest details (16 KiB) and the opening, in base64."""

_STATEMENT: Final = re.compile(r"statements/([0-9a-f]{64})\.json")
_AGENDA: Final = re.compile(r"agendas/([0-9a-f]{64})\.json")
_DISCLOSURE: Final = re.compile(r"disclosures/(0|[1-9][0-9]{0,18})\.json")


class _DisclosureFile(Strict):
    details: str
    opening: str


def statement_path(digest: Digest) -> str:
    """Where a statement lies."""
    return f"{STATEMENTS_PREFIX}{digest}.json"


def agenda_path(digest: Digest) -> str:
    """Where the openings of an agenda lie."""
    return f"{AGENDAS_PREFIX}{digest}.json"


def disclosure_path(index: int) -> str:
    """Where the disclosure of one entry lies."""
    return f"{DISCLOSURES_PREFIX}{index}.json"


def encode_disclosure(disclosure: Disclosure) -> bytes:
    """The content of a disclosure's file."""
    fields: dict[str, Any] = {
        "details": encode_base64(disclosure.details),
        "opening": encode_base64(disclosure.opening),
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def decode_disclosure(index: int, data: bytes) -> Disclosure:
    """The inverse; raises LogFormatError."""
    try:
        fields = _DisclosureFile.model_validate(load_strict_json(data, limit=MAX_DISCLOSURE_BYTES))
        return Disclosure(index, decode_base64(fields.details), decode_base64(fields.opening))
    except (ValidationError, MalformedError) as error:
        raise LogFormatError("Ce fichier de détail n'est pas conforme.") from error


def statement_digests(paths: Iterable[str]) -> Iterator[tuple[str, Digest]]:
    """(path, digest that its name claims) of each statement file."""
    return _named(_STATEMENT, paths)


def agenda_digests(paths: Iterable[str]) -> Iterator[tuple[str, Digest]]:
    """(path, agenda that its name claims) of each file of openings."""
    return _named(_AGENDA, paths)


def _named(pattern: re.Pattern[str], paths: Iterable[str]) -> Iterator[tuple[str, Digest]]:
    for path in paths:
        match = pattern.fullmatch(path)
        if match:
            yield path, Digest(match[1])


def disclosure_indices(paths: Iterable[str]) -> list[tuple[int, str]]:
    """(index, path) of each disclosure file, in order of the log."""
    matches = ((_DISCLOSURE.fullmatch(path), path) for path in paths)
    return sorted((int(match[1]), path) for match, path in matches if match)
