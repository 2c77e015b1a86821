"""Messages in the reader's language: French unless English is asked for.

The French text is the msgid of the gettext domain ``dossier`` (shared with the command line), so a
missing catalogue or message shows French and never nothing.
"""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from werkzeug.datastructures import LanguageAccept

from crypto.errors import ExplainedError

DOMAIN: Final = "dossier"
LOCALE_DIRECTORY: Final = Path(__file__).parents[1] / "locale"
FRENCH: Final = "fr"
ENGLISH: Final = "en"


@dataclass(frozen=True)
class Languages:
    """The catalogues, read once when the application is made."""

    english: gettext.NullTranslations

    @classmethod
    def load(cls) -> Languages:
        """Read the English catalogue; without one, everything is French."""
        return cls(
            gettext.translation(DOMAIN, str(LOCALE_DIRECTORY), languages=[ENGLISH], fallback=True)
        )

    def translate(self, language: str, message: str) -> str:
        """``message`` (a French msgid) in ``language``."""
        return self.english.gettext(message) if language == ENGLISH else message

    def explain(self, language: str, error: ExplainedError) -> str:
        """An error's message: translated as a template, then filled in."""
        return self.translate(language, error.message).format(**error.params)


def preferred_language(accepted: LanguageAccept) -> str:
    """The first of the two languages in the reader's order of preference, else French.

    By the primary subtag alone: ``fr-CA`` reads French and ``en-GB`` English (RFC 4647, "lookup").
    """
    for tag, quality in accepted:
        primary = tag.lower().split("-")[0]
        if quality > 0 and primary in {FRENCH, ENGLISH}:
            return primary
    return FRENCH
