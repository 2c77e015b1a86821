"""The recovery kit: one page of paper that brings a lost key back.

Printed and locked away, never kept as a file: whoever reads it is this person for the commission.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.locale import translate as _

GROUP: Final = 4
"""Characters typed at a time: what short-term memory holds easily."""

GROUPS_A_LINE: Final = 6
QR_MILLIMETRES: Final = 55
MARGIN: Final = 20
WIDTH: Final = 210 - 2 * MARGIN


@dataclass(frozen=True)
class Kit:
    """What the page says. ``seed`` is the text of the key (``DOSSIER-SEED-1…``)."""

    seed: str
    spoken_fingerprint: str
    name: str | None
    organisation: str | None
    made_on: date

    def __repr__(self) -> str:
        return "<Kit redacted>"


def render_kit(kit: Kit) -> bytes:
    """The page as a PDF, A4, in the reader's language."""
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.set_margin(MARGIN)
    page.add_page()
    _paragraph(page, _("Clé de secours"), size=22, bold=True)
    _paragraph(page, _("À imprimer, puis à effacer de l'ordinateur. À ranger sous clé, comme un "
                       "passeport : qui lit cette page ouvre vos dossiers et signe à votre place."),
               size=12)  # fmt: skip
    _whose(page, kit)
    _paragraph(page, _("Le texte de la clé, à recopier sans se soucier des espaces :"), size=12)
    for line in grouped(kit.seed):
        page.set_font("courier", style="B", size=15)
        page.cell(WIDTH, 9, line, align="C", new_x="LMARGIN", new_y="NEXT")
    page.ln(4)
    page.image(_qr(kit.seed), x=(210 - QR_MILLIMETRES) / 2, w=QR_MILLIMETRES)
    page.ln(4)
    _paragraph(page, _("Pour retrouver votre clé"), size=14, bold=True)
    for step in STEPS:
        _paragraph(page, _(step), size=12)
    return bytes(page.output())


STEPS: Final = (
    "1. Sur le nouvel ordinateur, lancez : dossier key recover",
    "2. Tapez le texte ci-dessus (ou scannez le code), puis une nouvelle phrase de passe.",
    "3. Comparez l'empreinte affichée avec celle de cette page.",
    "Page perdue, ou vue par quelqu'un d'autre ? Appelez le secrétariat : il révoque la clé le jour même.",
)
"""What to do (msgids)."""


def grouped(seed: str) -> list[str]:
    """The prefix, then the rest in groups of four, six a line."""
    prefix, one, rest = seed.partition("1")
    groups = [rest[at : at + GROUP] for at in range(0, len(rest), GROUP)]
    lines = [groups[at : at + GROUPS_A_LINE] for at in range(0, len(groups), GROUPS_A_LINE)]
    return [prefix + one, *(" ".join(line) for line in lines)]


def _whose(page: object, kit: Kit) -> None:
    lines = []
    if kit.name:
        lines.append(_("Personne : {name} ({organisation})").format(
            name=kit.name, organisation=kit.organisation or "-"))  # fmt: skip
    lines.append(_("Empreinte : {spoken}").format(spoken=kit.spoken_fingerprint))
    lines.append(_("Imprimée le {day}").format(day=f"{kit.made_on:%d/%m/%Y}"))
    for line in lines:
        _paragraph(page, line, size=12)


def _paragraph(page: object, text: str, *, size: int, bold: bool = False) -> None:
    from fpdf import FPDF

    assert isinstance(page, FPDF)
    page.set_font("helvetica", style="B" if bold else "", size=size)
    page.multi_cell(WIDTH, size * 0.5, _latin(text), align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(2)


def _latin(text: str) -> str:
    """The fonts that every PDF reader has know Latin-1: a name beyond it is shown as it can be."""
    return text.replace("’", "'").encode("latin-1", errors="replace").decode("latin-1")


def _qr(text: str) -> io.BytesIO:
    """The QR code as a picture; upper-case letters and digits keep it coarse and easy to scan."""
    import segno

    picture = io.BytesIO()
    segno.make(text, error="q", micro=False).save(picture, kind="png", scale=12, border=4)
    picture.seek(0)
    return picture
