"""A header that a depositor signed for this device and that is dead, or opens something else.

Such a header is the depositor's own doing: its digest stands in their manifest or grant, so neither
the service nor the broker can have exchanged it. The dossier is left out of the pack, what was found is
noted in the profile, and the reader may sign a complaint about it (docs/decisions/0008).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from crypto.digests import Digest, parse_digest, sha256
from crypto.edge.seal import commitment
from crypto.edge.unseal import check_commitment, unwrap_header
from crypto.encoding import decode_base64, encode_base64
from crypto.errors import BrokenCiphertextError, MalformedError, NotForThisKeyError
from crypto.keys import FileKey, HybridIdentity
from crypto.statements.exchange import Complaint, Fault
from exchange.client.desk import Desk
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.profile import Profile
from exchange.client.registry import Deposited

FOLDER = "faults"


@dataclass(frozen=True)
class Faulty:
    """What was found. ``found`` is the one-way commitment of a wrong file key, never the key."""

    reference: str
    manifest: Digest
    header_sha256: Digest
    fault: Fault
    found: bytes | None = None

    @classmethod
    def content_of(cls, deposited: Deposited, header: bytes) -> Faulty:
        """The header is right, and what is sealed is not what the manifest says."""
        return cls(
            deposited.reference, deposited.manifest.digest, sha256(header), Fault.OTHER_CONTENT
        )


def judged(deposited: Deposited, header: bytes, identity: HybridIdentity) -> FileKey | Faulty:
    """The file key of a header that the depositor signed, or what is wrong with it."""
    signed = deposited.manifest.statement
    named = deposited.reference, deposited.manifest.digest, sha256(header)
    try:
        file_key = unwrap_header(header, identity)
    except NotForThisKeyError:
        return Faulty(*named, Fault.NOT_FOR_THIS_KEY)
    except (MalformedError, BrokenCiphertextError):
        return Faulty(*named, Fault.ALTERED)
    try:
        check_commitment(file_key, signed.nonce, signed.commitment)
    except BrokenCiphertextError:
        return Faulty(*named, Fault.OTHER_FILE_KEY, commitment(file_key, signed.nonce))
    return file_key


def refused_for(faulty: Faulty) -> NotTrustworthyError:
    """The error of a command that has nothing else to give."""
    return NotTrustworthyError(
        "Le dossier « {reference} » est inutilisable tel que l'association l'a scellé pour vous : "
        "clé perdue, ou contenu qui n'est pas celui qu'elle a signé. Rien n'en a été écrit. "
        "Signalez-le avec « dossier complain {reference} » et prévenez le secrétariat.",
        reference=faulty.reference,
    )


def note(profile: Profile, faulty: Faulty) -> None:
    """Remember a fault, so that a complaint about it can be signed."""
    document = {
        "dossier": faulty.reference,
        "manifest": faulty.manifest,
        "header_sha256": faulty.header_sha256,
        "fault": faulty.fault.value,
        "found": None if faulty.found is None else encode_base64(faulty.found),
    }
    data = json.dumps(document, indent=2).encode() + b"\n"
    profile.write(data, FOLDER, f"{faulty.header_sha256}.json")


def noted(profile: Profile, reference: str) -> tuple[Faulty, ...]:
    """The faults found in a dossier and not complained of yet."""
    paths = sorted(profile.directory.glob(f"{FOLDER}/*.json"))
    found = (_parsed(profile.read(FOLDER, path.name) or b"") for path in paths)
    return tuple(each for each in found if each.reference == reference)


def complain(desk: Desk, reference: str) -> tuple[Digest, ...]:
    """Sign a complaint about each fault noted in a dossier; returns the statements."""
    faults = noted(desk.profile, reference)
    if not faults:
        raise NotPossibleError(
            "Cet appareil n'a constaté aucun défaut dans le dossier « {reference} » : seul un "
            "en-tête qui n'a pas pu être ouvert peut être signalé.",
            reference=reference,
        )
    return tuple(_complain(desk, each) for each in faults)


def _complain(desk: Desk, faulty: Faulty) -> Digest:
    unverified = desk.draft(
        Complaint,
        manifest=faulty.manifest,
        header_sha256=faulty.header_sha256,
        fault=faulty.fault,
        found=faulty.found,
    )
    desk.submit(unverified)
    desk.profile.directory.joinpath(FOLDER, f"{faulty.header_sha256}.json").unlink()
    return unverified.digest


def _parsed(data: bytes) -> Faulty:
    try:
        loaded: dict[str, Any] = json.loads(data)
        found = loaded["found"]
        return Faulty(
            str(loaded["dossier"]),
            parse_digest(loaded["manifest"]),
            parse_digest(loaded["header_sha256"]),
            Fault(loaded["fault"]),
            None if found is None else decode_base64(found),
        )
    except (ValueError, KeyError, TypeError, MalformedError) as error:
        raise NotPossibleError(
            "Un constat du répertoire « {folder} » du profil est abîmé : effacez-le, puis reprenez "
            "l'archive de séance.",
            folder=FOLDER,
        ) from error
