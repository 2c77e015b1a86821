"""Taking the pack of a sitting: everything is verified before the file gets its name."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from crypto.age.streams import Prepended, read_exactly
from crypto.edge.unseal import open_payload
from crypto.errors import CryptoError
from crypto.statements.exchange import Manifest, Purpose
from crypto.statements.registry import Sitting
from exchange.client.card_check import check_container
from exchange.client.complaint import Faulty, note, refused_for
from exchange.client.declare import Declarable, look
from exchange.client.desk import Desk
from exchange.client.downloads import downloading
from exchange.client.errors import NotPossibleError, NotTrustworthyError
from exchange.client.files import already_there, appearing
from exchange.client.registry import Deposited, agenda_of, deposits_of
from exchange.client.releases import Answer, Opened, Refusal, request_release
from exchange.usecases.agenda_wire import AgendaShown
from exchange.usecases.agendas import listed
from exchange.usecases.ledger import Accepted
from exchange.usecases.ports import Attested

NOT_SHOWN: Final = "Le service ne montre rien de ce dossier à ce profil : siège ou personne déportés, ou dossier retiré."
"""Why there is nothing to ask for (msgid)."""

HEAD_NAME: Final = "pack.json"
"""Where a pack says whose it is."""

OPENINGS_NAME: Final = "agenda-openings.json"
"""Where a pack says what the agenda lists for its member."""

FORMAT_NAME: Final = "dossier-exchange-pack/v1"


@dataclass(frozen=True)
class Packed:
    """A pack that was written, and what was refused."""

    references: tuple[str, ...]
    entries: tuple[str, ...]
    """A dossier and its complements, one each."""
    refused: tuple[Refusal, ...]
    faulty: tuple[Faulty, ...] = ()
    """Left out: not what their depositors signed. Each is noted, for ``dossier complain``."""


def get_pack(
    desk: Desk, sitting: str, out: Path, *, only: Sequence[str] = (), ask_anyway: bool = False
) -> Packed:
    """Request, verify, download, verify, write. ``out`` appears whole or not at all.

    ``ask_anyway`` also requests what this client knows to be refused: the refusal is then logged.
    """
    if out.exists():
        raise already_there(out)
    seen = look(desk, sitting)
    wanted = _wanted(desk, seen, only, ask_anyway=ask_anyway)
    answer = _ask(desk, seen, wanted)
    refused = answer.refused + (_not_shown(desk, sitting, wanted, only) if ask_anyway else ())
    if not answer.opened and not answer.faulty:
        if not refused:
            raise NotPossibleError(
                "Le service ne montre aucun dossier de cette séance à ce profil : rien n'a été demandé."
            )
        return Packed((), (), refused)
    taken, faulty = _write(desk, seen.sitting, answer, out)
    for opened in taken:
        desk.profile.keep_receipt(
            f"release-{opened.deposited.manifest.statement.deposit}", opened.receipt
        )
    packed = [each.deposited for each in taken]
    return Packed(
        tuple(dict.fromkeys(each.reference for each in packed)),
        tuple(each.file_stem for each in packed),
        refused,
        faulty,
    )


def _write(
    desk: Desk, sitting: Accepted[Sitting], answer: Answer, out: Path
) -> tuple[list[Opened], tuple[Faulty, ...]]:
    """Write what is sound. One depositor's fault must not keep the other dossiers from a member."""
    numbers = _association_numbers(desk, sitting.statement.sitting)
    taken, faulty = [], list(answer.faulty)
    manifests = [each.deposited.manifest.statement for each in answer.opened]
    with ExitStack() as stack:
        payloads = stack.enter_context(downloading(desk, sitting.statement.sitting, manifests))
        handle = stack.enter_context(appearing(out))
        tar = stack.enter_context(tarfile.open(fileobj=handle, mode="w", format=tarfile.PAX_FORMAT))
        for opened, payload in zip(answer.opened, payloads, strict=True):
            fault = _add_dossier(desk, tar, opened, numbers, payload)
            if fault is None:
                taken.append(opened)
            else:
                note(desk.profile, fault)
                faulty.append(fault)
        if not taken:
            raise refused_for(faulty[0])
        _add_papers(desk, tar, sitting)
    return taken, tuple(faulty)


def _ask(desk: Desk, seen: Declarable, wanted: Sequence[Deposited]) -> Answer:
    """One request for all; none when the service shows nothing to ask for."""
    if not wanted:
        return Answer((), ())
    return request_release(desk, seen.sitting, wanted, Purpose.READ)


def _not_shown(
    desk: Desk, sitting: str, wanted: Sequence[Deposited], only: Sequence[str]
) -> tuple[Refusal, ...]:
    """Dossiers named, or on the agenda as far as it is shown, of which no deposit is shown here."""
    shown = {each.reference for each in wanted}
    items = listed(desk.view.ledger, agenda_of(desk.view.ledger, sitting))
    expected = only or [item.dossier for item in items]
    return tuple(
        Refusal(reference, "", "not-shown", NOT_SHOWN)
        for reference in expected
        if reference not in shown
    )


def _wanted(
    desk: Desk, seen: Declarable, only: Sequence[str], *, ask_anyway: bool
) -> list[Deposited]:
    sitting = seen.sitting.statement.sitting
    on_agenda = {
        digest
        for item in listed(desk.view.ledger, agenda_of(desk.view.ledger, sitting))
        for digest in item.manifests
    }
    known = [
        each
        for each in deposits_of(desk.view.ledger, sitting)
        if each.manifest.digest in on_agenda and (not only or each.reference in only)
    ]
    if ask_anyway:
        return known
    may = seen.declared - seen.recused
    seat = _my_seat_code(desk, seen)
    wanted = [
        each
        for each in known
        if each.reference in may and not each.withdrawn and _is_for(each.manifest.statement, seat)
    ]
    if not wanted:
        raise NotPossibleError(
            "Rien à demander : déclarez d'abord que vous n'avez pas de conflit d'intérêts, avec "
            "« dossier declare {sitting} », ou déportez-vous.",
            sitting=sitting,
        )
    return wanted


def _my_seat_code(desk: Desk, seen: Declarable) -> str:
    person = desk.certificate.statement.person
    return next(seat.seat for seat in seen.sitting.statement.seats if seat.person == person)


def _is_for(manifest: Manifest, seat: str) -> bool:
    return manifest.audience is None or seat in manifest.audience


def _association_numbers(desk: Desk, sitting: str) -> dict[str, int]:
    """Associations numbered in the order of the agenda, as far as this member sees it, from 1."""
    numbers: dict[str, int] = {}
    for item in listed(desk.view.ledger, agenda_of(desk.view.ledger, sitting)):
        numbers.setdefault(item.association, len(numbers) + 1)
    return numbers


def _add_dossier(
    desk: Desk, tar: tarfile.TarFile, opened: Opened, numbers: dict[str, int], payload: BinaryIO
) -> Faulty | None:
    """Add what is sound; closes ``payload``."""
    deposited = opened.deposited
    stem = f"{numbers[deposited.association]:02d}-{deposited.association}/{deposited.file_stem}"
    with payload:
        if not _is_sound(desk, opened, payload):
            return Faulty.content_of(deposited, opened.header)
        payload.seek(0)
        _add_stream(desk, tar, f"{stem}.tar.age", opened.header, payload)
    _add(desk, tar, f"{stem}.receipt", opened.receipt)
    return None


def _is_sound(desk: Desk, opened: Opened, payload: BinaryIO) -> bool:
    """Whether the content is what the manifest says. ``payload`` is, byte for byte, the one that the
    depositor signed: what is wrong inside is the depositor's doing.
    """
    plaintext = open_payload(opened.file_key, payload)
    try:
        check_container(desk.view.ledger, opened.deposited.manifest, plaintext)
    except (CryptoError, NotTrustworthyError):
        return False
    return True


def _add_papers(desk: Desk, tar: tarfile.TarFile, sitting: Accepted[Sitting]) -> None:
    """Signed sitting and agenda by name, what the agenda lists for this member, then everything that
    verifying them off line needs.
    """
    agenda = agenda_of(desk.view.ledger, sitting.statement.sitting)
    _add(desk, tar, "sitting.json", _attested_json(desk.view.attested(sitting.digest)))
    _add(desk, tar, "agenda.json", _attested_json(desk.view.attested(agenda.digest)))
    shown = (each.shown for each in desk.view.ledger.opened(agenda.digest))
    _add(desk, tar, OPENINGS_NAME, AgendaShown.of(agenda.digest, shown).to_bytes())
    for digest, item in desk.view.all_attested():
        _add(desk, tar, f"statements/{digest}.json", _attested_json(item))
    head = {"format": FORMAT_NAME, "sitting": sitting.statement.sitting, "member": desk.signer}
    _add(desk, tar, HEAD_NAME, json.dumps(head, indent=2).encode() + b"\n")


def _attested_json(item: Attested) -> bytes:
    document = {"envelope": item.envelope.decode(), "receipt": item.receipt.decode()}
    return json.dumps(document, indent=2).encode() + b"\n"


def _entry(desk: Desk, name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    info.mtime = int(desk.machine.clock().timestamp())
    return info


def _add(desk: Desk, tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_entry(desk, name, len(data)), io.BytesIO(data))


def _add_stream(
    desk: Desk, tar: tarfile.TarFile, name: str, header: bytes, payload: BinaryIO
) -> None:
    size = payload.seek(0, io.SEEK_END)
    payload.seek(0)
    tar.addfile(_entry(desk, name, len(header) + size), _Joined(header, payload))


class _Joined:
    """``header ‖ payload``, which together are a standard age file; reads are whole, as tar asks."""

    def __init__(self, header: bytes, payload: BinaryIO) -> None:
        self._source = Prepended(header, payload)

    def read(self, size: int = -1, /) -> bytes:
        return read_exactly(self._source, size)
