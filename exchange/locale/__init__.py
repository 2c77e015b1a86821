"""The language of the command line: French is the msgid, English is a catalogue."""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Final

DOMAIN: Final = "dossier"
DIRECTORY: Final = Path(__file__).parent
FRENCH: Final = "fr"
ENGLISH: Final = "en"

language: ContextVar[str | None] = ContextVar("language", default=None)
"""The language of the command under way; None: by the environment."""


def language_of(environment: Mapping[str, str]) -> str:
    """``en`` where the environment asks for English, else French: the product's first language.

    The ``C`` locale asks for no language.
    """
    for name in ("DOSSIER_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value and value.split(".")[0] not in {"C", "POSIX"}:
            return ENGLISH if value.lower().startswith("en") else FRENCH
    return FRENCH


def current_language() -> str:
    """``fr`` or ``en``."""
    return language.get() or language_of(os.environ)


def translate(message: str) -> str:
    """A French msgid in the current language; French where a translation lacks."""
    if current_language() != ENGLISH or not message:
        return message
    catalogue = gettext.translation(DOMAIN, str(DIRECTORY), languages=[ENGLISH], fallback=True)
    return catalogue.gettext(message)
