"""Opening a pack on the member's machine: verified again, without the network, then unpacked.

A pack may have travelled: nothing in it is believed because of where it lies. Every statement is
verified again under the pinned trust, and each dossier against its manifest.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.policy import VerifiedCheckpoint
from crypto.age.streams import Readable
from crypto.digests import Digest, parse_digest, sha256
from crypto.edge.identity import Identity
from crypto.edge.unseal import check_commitment, open_payload, unwrap_header
from crypto.envelope import HEADER_BYTES
from crypto.errors import ExplainedError
from crypto.statements import Statement, parse, payload_type_of
from crypto.statements.custody import Emergency
from crypto.statements.exchange import Manifest, Purpose
from crypto.statements.model import load_strict_json
from crypto.statements.registry import TrustPolicy
from crypto.trust import Trust
from exchange.client.api import attested
from exchange.client.card_check import check_container
from exchange.client.errors import NotTrustworthyError, UnsafeFileError
from exchange.client.files import appearing_directory, write_new
from exchange.client.pack_get import HEAD_NAME, OPENINGS_NAME
from exchange.client.registry import Deposited, deposits_of, grants_of
from exchange.client.trusted_view import TrustedView
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.agendas import listed
from exchange.usecases.facts import latest_agenda
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

MAX_PAPER_BYTES: Final = 4_194_304
"""A statement and its receipt; the largest (a sitting) takes a few hundred KiB."""

MAX_PAPERS: Final = 20_000
"""A year's roster versions, and the certificates and manifests of the busiest sitting."""

COPY_BYTES: Final = 1_048_576

_DOSSIER: Final = re.compile(
    r"[0-9]{2}-[a-z0-9-]{1,40}/[a-z2-7]{5}-[a-z2-7]{5}(-c[0-9]{1,3})?\.tar\.age"
)


class OfflineSource:
    """A view's source without a network: what is not in the pack does not exist."""

    def __init__(self, papers: dict[Digest, Attested]) -> None:
        self._papers = papers

    def begin(self) -> None:
        """Nothing leaves."""

    def permit(self, recovery: Digest, checkpoint: Checkpoint) -> None:
        """Nothing was seen before that could be contradicted."""

    def accept(self, checkpoints: Iterable[VerifiedCheckpoint], now: datetime) -> None:
        """Receipts of one pack were checked for consistency when the pack was taken."""

    def statement(self, digest: Digest) -> Attested:
        """One statement of the pack."""
        try:
            return self._papers[digest]
        except KeyError as error:
            raise NotTrustworthyError(
                "Il manque à cette archive une déclaration dont les autres dépendent : elle est "
                "incomplète. Reprenez-la avec « dossier pack get »."
            ) from error


@dataclass(frozen=True)
class PackContent:
    """What a pack's tar holds, unverified: papers and receipts read, dossiers by entry."""

    member: Digest
    sitting: str
    papers: dict[Digest, Attested]
    agenda: AgendaShown
    receipts: dict[str, bytes]
    dossiers: dict[str, tarfile.TarInfo]


@dataclass(frozen=True)
class _Opening:
    """What opening each dossier of one pack needs."""

    tar: tarfile.TarFile
    view: TrustedView
    content: PackContent
    identity: Identity
    folder: Path


@dataclass(frozen=True)
class OpenedDossier:
    """A dossier unpacked into ``folder`` (relative to the output directory)."""

    reference: str
    folder: str
    files: int
    absent: tuple[str, ...] = ()
    """Codes of the pieces that its depositor expected and did not have."""


@dataclass(frozen=True)
class SpoiltDossier:
    """A dossier of the pack that does not verify: nothing of it was unpacked."""

    folder: str
    error: ExplainedError


@dataclass(frozen=True)
class OpenedPack:
    """What was unpacked, and what was not."""

    dossiers: tuple[OpenedDossier, ...]
    spoilt: tuple[SpoiltDossier, ...]


def open_pack(pack: Path, out: Path, trust: Trust, identity: Identity, now: datetime) -> OpenedPack:
    """Verify a pack and unpack its dossiers into ``out``, which appears when all were tried.

    Each dossier is verified by itself, so one that is spoilt does not keep its reader, in a room
    without network, from the others. What the pack says of itself and of the sitting must verify
    whole; else ``out`` does not appear.
    """
    try:
        with pack.open("rb") as handle, tarfile.open(fileobj=handle, mode="r:") as tar:
            content = _read(tar)
            view = offline_view(trust, content.papers, now)
            view.take_openings(content.agenda.agenda, content.agenda.shown())
            with appearing_directory(out) as folder:
                return _open_all(_Opening(tar, view, content, identity, folder))
    except (tarfile.TarError, EOFError) as error:
        raise NotTrustworthyError(
            "« {pack} » n'est pas une archive de séance, ou elle est coupée : reprenez-la avec "
            "« dossier pack get ».",
            pack=pack,
        ) from error
    except FileNotFoundError as error:
        raise UnsafeFileError("« {pack} » n'existe pas : vérifiez le chemin.", pack=pack) from error


def _open_all(opening: _Opening) -> OpenedPack:
    opened: list[OpenedDossier] = []
    spoilt: list[SpoiltDossier] = []
    for name, entry in sorted(opening.content.dossiers.items()):
        stem = name.removesuffix(".tar.age")
        try:
            opened.append(_open_one(opening, stem, entry))
        except ExplainedError as error:
            # Files are written while the content is still being verified: none of them stays.
            shutil.rmtree(opening.folder / stem, ignore_errors=True)
            spoilt.append(SpoiltDossier(stem, error))
    if spoilt and not opened:
        raise spoilt[0].error
    return OpenedPack(tuple(opened), tuple(spoilt))


def offline_view(trust: Trust, papers: dict[Digest, Attested], now: datetime) -> TrustedView:
    """A view of a pack's papers, verified like a server's answers."""
    view = TrustedView(trust, OfflineSource(papers), lambda: now)
    policies = [item for item in papers.values() if _is_a(TrustPolicy, item)]
    policies.sort(key=lambda item: parse(TrustPolicy, item.envelope).statement.version)
    view.take_policies(policies, [item for item in papers.values() if _is_a(Emergency, item)])
    view.take(item for item in papers.values() if not _is_a(TrustPolicy, item))
    return view


def _is_a(kind: type[Statement], item: Attested) -> bool:
    return payload_type_of(item.envelope) == kind.payload_type()


def _read(tar: tarfile.TarFile) -> PackContent:
    about: dict[str, bytes] = {}
    papers: dict[Digest, Attested] = {}
    receipts: dict[str, bytes] = {}
    dossiers: dict[str, tarfile.TarInfo] = {}
    seen: set[str] = set()
    for entry in _regular_entries(tar):
        name = entry.name
        if name in seen:
            raise _strange(name)
        seen.add(name)
        if _DOSSIER.fullmatch(name):
            dossiers[name] = entry
        elif name in {HEAD_NAME, OPENINGS_NAME}:
            about[name] = _small(tar, entry)
        elif name.startswith("statements/"):
            digest = parse_digest(name.removeprefix("statements/").removesuffix(".json"))
            papers[digest] = _attested(_small(tar, entry))
        elif name.endswith(".receipt"):
            receipts[name.removesuffix(".receipt")] = _small(tar, entry)
        elif name not in {"sitting.json", "agenda.json"}:
            raise _strange(name)
    member, sitting = _head(about.get(HEAD_NAME, b""))
    agenda = AgendaShown.parse(about.get(OPENINGS_NAME, b""))
    return PackContent(member, sitting, papers, agenda, receipts, dossiers)


def _head(data: bytes) -> tuple[Digest, str]:
    """Whose pack it is, and of which sitting."""
    head = load_strict_json(data, limit=MAX_PAPER_BYTES)
    if not isinstance(head, dict):
        raise _strange(HEAD_NAME)
    return parse_digest(str(head.get("member"))), str(head.get("sitting"))


def _regular_entries(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, entry in enumerate(tar):
        if not entry.isreg() or number >= MAX_PAPERS:
            raise _strange(entry.name)
        yield entry


def _small(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(entry)
    if source is None or entry.size > MAX_PAPER_BYTES:
        raise _strange(entry.name)
    return source.read()


def _attested(data: bytes) -> Attested:
    try:
        return attested(json.loads(data))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _strange("statements/…") from error


def _strange(name: str) -> NotTrustworthyError:
    return NotTrustworthyError(
        "Cette archive de séance contient une entrée inattendue ou en double (« {name} ») : rien n'a été "
        "ouvert. Reprenez-la avec « dossier pack get ».",
        name=name,
    )


def _open_one(opening: _Opening, stem: str, entry: tarfile.TarInfo) -> OpenedDossier:
    view, content = opening.view, opening.content
    deposited = _deposited(view, content, stem)
    manifest = deposited.manifest
    _check_receipt(view, content, stem, manifest)
    _require_listed(view, content, stem, manifest)
    source = opening.tar.extractfile(entry)
    assert source is not None
    header = source.read(HEADER_BYTES)
    _require_own_header(view, content.member, manifest, header)
    file_key = unwrap_header(header, opening.identity.age_identity)
    check_commitment(file_key, manifest.statement.nonce, manifest.statement.commitment)
    count = 0

    def keep(path: str, _size: int, stream: Readable) -> None:
        nonlocal count
        count += 1
        write_new(opening.folder, f"{stem}/{path}", _pieces(stream))

    card = check_container(view.ledger, manifest, open_payload(file_key, source), keep)
    write_new(opening.folder, f"{stem}/dossier.json", iter([card.to_json()]))
    absent = tuple(each.piece for each in card.checklist if not each.present)
    return OpenedDossier(deposited.reference, stem, count, absent)


def _pieces(stream: Readable) -> Iterator[bytes]:
    while piece := stream.read(COPY_BYTES):
        yield piece


def _deposited(view: TrustedView, content: PackContent, stem: str) -> Deposited:
    association, file_stem = stem.split("/")
    for each in deposits_of(view.ledger, content.sitting):
        if each.file_stem == file_stem and each.association == association[3:]:
            return each
    raise NotTrustworthyError(
        "Le dossier « {name} » de l'archive n'a pas de manifeste signé : rien n'a été ouvert.",
        name=stem,
    )


def _check_receipt(
    view: TrustedView, content: PackContent, stem: str, manifest: Accepted[Manifest]
) -> None:
    receipt = content.receipts.get(stem)
    if receipt is None:
        raise NotTrustworthyError(
            "Le dossier « {name} » de l'archive n'a pas de récépissé : rien n'a été ouvert.",
            name=stem,
        )
    view.check_receipt(
        receipt,
        EventType.RELEASE_AUTHORISED,
        {"certificate": content.member, "manifest": manifest.digest},
    )


def _require_listed(
    view: TrustedView, content: PackContent, stem: str, manifest: Accepted[Manifest]
) -> None:
    items = listed(view.ledger, latest_agenda(view.ledger, content.sitting))
    if not any(manifest.digest in item.manifests for item in items):
        raise NotTrustworthyError(
            "Le dossier « {name} » de l'archive n'est pas à l'ordre du jour que le secrétariat a signé : "
            "rien n'en a été ouvert.",
            name=stem,
        )


def _require_own_header(
    view: TrustedView, member: Digest, manifest: Accepted[Manifest], header: bytes
) -> None:
    entries = [*manifest.statement.envelopes]
    for grant in grants_of(view.ledger, manifest.digest):
        entries.extend(grant.statement.envelopes)
    signed = {
        entry.header_sha256
        for entry in entries
        if entry.certificate == member and entry.purpose is Purpose.READ
    }
    if sha256(header) not in signed:
        raise NotTrustworthyError(
            "Un dossier de l'archive ne commence pas par l'en-tête que l'association a signé pour vous : "
            "rien n'a été ouvert."
        )
