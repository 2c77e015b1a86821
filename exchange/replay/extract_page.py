"""An extract as one page that a person reads: what happened to their dossier, and when."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exchange.replay.extract import Extract
from exchange.replay.moments import when

PAGE_PATH: Final = "extrait.html"

SENTENCES: Final = {
    "deposit.begun": "Le dépôt commence.",
    "deposit.committed": "Le dossier chiffré est reçu.",
    "deposit.rekeyed": "Le gardien des clés est remplacé ; une autre clé est faite.",
    "grant.added": "L'association donne accès à d'autres appareils.",
    "release.authorised": "La clé du dossier est remise.",
    "release.refused": "Une demande de clé est refusée.",
    "release.failed": "Une demande de clé échoue.",
    "payload.read": "Le contenu chiffré est téléchargé.",
    "key.destroyed": "La clé est détruite.",
    "statement.accepted": "Une déclaration sur ce dossier est inscrite.",
}
"""In the present: each is one line of a story."""

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("exchange.replay", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_extract(made: Extract) -> str:
    """The page: who was given the key first, then everything in its order. No script, no reference."""
    return _ENVIRONMENT.get_template("extract.html").render(
        made=made,
        releases=[row for row in made.rows if row.event == "release.authorised"],
        sentences=SENTENCES,
        when=when,
    )
