"""Real files for invented dossiers: PDF forms of several pages, JPEG scans, awkward names.

Made on the spot from a seed, so that two runs make the same bytes and nothing that looks like a
person's paper is ever stored in the project.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from PIL import Image, ImageDraw

SCAN_BYTES: Final = 1_000_000
"""A scan of an A4 page at 200 dpi in colour: about 1 MB (domain.md section 1.5)."""

LARGE_DOSSIER_BYTES: Final = 24_000_000
"""Upper end of what an association brings: two dozen scans."""


@dataclass(frozen=True)
class Request:
    """One dossier to deposit: who brings it, of which kind, with how many scans."""

    key: str
    association: str
    kind: str
    scans: int
    card: str | None = None
    """The conflict card beside it: initials, year of birth, commune, all invented."""

    @property
    def pathway(self) -> tuple[str, ...]:
        """A renewal's pathway began before the demonstration."""
        return ("--pathway", "new") if self.kind == "renewal" else ()

    @property
    def note(self) -> str:
        """What the dossier is about, as a msgid."""
        return LABELS[self.key]


LABELS: Final = {
    "premiere-demande": "première demande",
    "grand-dossier": "24 Mo de pièces numérisées",
    "renouvellement": "demande de renouvellement",
    "demande-urgente": "hébergement à trouver",
    "seconde-demande": "titre de séjour à venir",
    "a-retirer": "sera retirée par l'association",
}


REQUESTS: Final = (
    Request("premiere-demande", "altair", "engagement", 1, "É. O.,1991,Nanterre"),
    Request("grand-dossier", "altair", "engagement", 26),
    Request("renouvellement", "altair", "renewal", 1, "Z. A.,1984,Gennevilliers"),
    Request("demande-urgente", "amicale-du-nid", "engagement", 1),
    Request("seconde-demande", "amicale-du-nid", "engagement", 2),
    Request("a-retirer", "amicale-du-nid", "engagement", 1),
)
"""Six dossiers; the last is withdrawn before anybody reads it."""


def write_dossier(request: Request, directory: Path) -> int:
    """Write the files of ``request`` into ``directory`` (new); returns how many bytes."""
    directory.mkdir(parents=True)
    for name, data in _files(request):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _files(request: Request) -> Iterator[tuple[str, bytes]]:
    form = "Annexe 6 – demande" if request.kind == "engagement" else "Annexe 7 – renouvellement"
    yield f"{form} (fictive).pdf", _form(request, form, pages=3)
    yield "Avis de l'association.pdf", _form(request, "Avis de l'association", pages=2)
    yield "à compléter.txt", b""
    for number in range(1, request.scans + 1):
        name = f"pièces numérisées/Pièce {number:02d} – scan éé àç.jpg"
        yield name, _scan(f"{request.key}/{number}", f"{form} / {number}")


def _form(request: Request, title: str, *, pages: int) -> bytes:
    document = FPDF()
    document.set_creation_date(datetime(2018, 1, 1, tzinfo=UTC))
    document.set_title(title)
    for page in range(1, pages + 1):
        document.add_page()
        document.set_font("Helvetica", size=18)
        heading = f"DOSSIER FICTIF\n{title.replace('–', '-')} - page {page}/{pages}"
        document.multi_cell(0, 12, heading, new_x="LMARGIN", new_y="NEXT")
        document.set_font("Helvetica", size=11)
        for line in range(30):
            token = hashlib.sha256(f"{request.key}/{title}/{page}/{line}".encode()).hexdigest()
            text = f"Rubrique {line + 1} : personnage inventé n° {token[:24]}"
            document.multi_cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output())


def _scan(seed: str, caption: str) -> bytes:
    """A JPEG of about SCAN_BYTES: a caption on paper noise drawn from SHAKE-256 of the seed."""
    width, height = 1000, 1414
    noise = hashlib.shake_256(seed.encode()).digest(width * height)
    page = Image.frombytes("L", (width, height), noise)
    paper = Image.blend(page, Image.new("L", page.size, 235), 0.12)
    draw = ImageDraw.Draw(paper)
    draw.rectangle((40, 40, width - 40, 140), fill=255, outline=0)
    draw.text((60, 75), f"PIECE FICTIVE - {caption}".encode("ascii", "replace").decode(), fill=0)
    return _encode_near(paper, SCAN_BYTES)


def _encode_near(image: Image.Image, target: int) -> bytes:
    best = b""
    for quality in (70, 80, 84, 88):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if best and abs(out.tell() - target) > abs(len(best) - target):
            break
        best = out.getvalue()
    return best
