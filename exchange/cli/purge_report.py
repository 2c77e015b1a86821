"""The record of an elimination: what was ordered deleted, by which visa, and what was kept back.

One is printed and filed, one is for programs. Neither says more of a dossier than its reference.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from exchange.locale import translate as _

if TYPE_CHECKING:
    from exchange.client.registrar_endings import Purged


def document_of(purged: Purged) -> dict[str, Any]:
    """The record for programs: lengths in bytes, moments in UTC, hashes as in the manifests."""
    order = purged.order.statement
    return {
        "commission": order.commission,
        "sitting": order.sitting,
        "ended": purged.ended.isoformat(),
        "order": purged.order.digest,
        "signed_at": order.issued_at.isoformat(),
        "visa": (
            {"reference": order.visa.reference, "day": order.visa.day.isoformat()}
            if order.visa
            else None
        ),
        "count": len(purged.deposits),
        "bytes": purged.octets,
        "deposits": [
            {
                "dossier": each.reference,
                "association": each.association,
                "complement": each.complement,
                "card": each.is_card,
                "deposit": each.manifest.statement.deposit,
                "length": each.manifest.statement.length,
                "sha256": each.manifest.statement.sha256,
            }
            for each in purged.deposits
        ],
        "held": {reference: until.isoformat() for reference, until in purged.held.items()},
    }


def text_of(purged: Purged) -> str:
    """The record to print."""
    order = purged.order.statement
    lines = [
        _("BORDEREAU D'ÉLIMINATION"),
        "",
        _("Séance : {sitting}").format(sitting=order.sitting),
        _("Fin de la séance : {day}").format(day=_day(purged.ended)),
        _("Ordre signé le {day}, empreinte {digest}").format(
            day=_day(order.issued_at), digest=purged.order.digest
        ),
        _visa(purged),
        "",
        _("Dépôts effacés : {count} ({octets} octets chiffrés)").format(
            count=len(purged.deposits), octets=purged.octets
        ),
    ]
    for each in purged.deposits:
        lines += [
            f"  {each.file_stem}  {each.association}  {each.manifest.statement.length}",
            f"    SHA-256 {each.manifest.statement.sha256}",
        ]
    for reference, until in purged.held.items():
        lines.append(
            _("Gardé, sous conservation jusqu'au {day} : {reference}").format(
                day=_day(until), reference=reference
            )
        )
    lines += [
        "",
        _(
            "Ce que ces dépôts contenaient n'était plus lisible depuis la destruction de leurs clés. Le "
            "journal d'audit porte l'ordre et son exécution : « dossier audit verify » les montre."
        ),
    ]
    return "\n".join(lines) + "\n"


def _visa(purged: Purged) -> str:
    visa = purged.order.statement.visa
    if visa is None:
        return _(
            "Sans visa des archives : copies de transit, dont les originaux restent à l'association et à "
            "la préfecture."
        )
    return _("Visa des archives (C. patrimoine, R212-14) : {reference}, du {day}").format(
        reference=visa.reference, day=f"{visa.day:%d/%m/%Y}"
    )


def _day(moment: datetime) -> str:
    return f"{moment:%d/%m/%Y}"
