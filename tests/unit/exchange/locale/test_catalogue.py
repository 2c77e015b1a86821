"""French is the msgid, English the catalogue: complete for people's commands, and true to them."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po

from crypto.errors import ExplainedError
from exchange.client.errors import NotPossibleError
from exchange.locale import DOMAIN, ENGLISH, current_language, language, language_of, translate
from exchange.locale.catalogue import extract, messages_of, missing, paths

FIELD = re.compile(r"\{[a-z_]*(?::[^}]*)?\}")


def catalogue() -> dict[str, str]:
    with paths()[0].open("rb") as handle:
        read = read_po(handle, locale=ENGLISH, domain=DOMAIN)
    return {str(each.id): str(each.string) for each in read if each.id and each.string}


def test_values_stay_in_place() -> None:
    """Each translation fills in exactly the values of its French sentence."""
    wrong = [
        french
        for french, english in catalogue().items()
        if sorted(FIELD.findall(french)) != sorted(FIELD.findall(english))
    ]
    assert wrong == []


def test_people_read_english() -> None:
    """Every sentence of the commands, the client and the policy has its English."""
    where = extract()
    ours = ("exchange/cli/", "exchange/client/", "exchange/domain/")
    waiting = [
        message
        for message in missing()
        if any(place.startswith(ours) for place, _line in where[message])
    ]
    assert waiting == []


def test_nearly_all_is_translated() -> None:
    """Of all the messages of the product, at most one in twenty waits for its English."""
    assert len(missing()) * 20 <= len(extract())


def test_what_counts_as_a_message() -> None:
    """Errors, printed lines, help and tables are found; codes and built-in errors are not."""
    source = """
class SomeError(Exception): ...
def f(x):
    raise SomeError("Une phrase.", x=x)
    raise ValueError("no message of ours")
    say("Une ligne.")
    option("--x", help="Une aide.")
MESSAGES = {"code-name": "Un tableau."}
OTHER = {"a": "Autre chose."}
"""
    assert {message for _line, message in messages_of(source)} == {
        "Une phrase.",
        "Une ligne.",
        "Une aide.",
        "Un tableau.",
    }


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "fr"),
        ({"LANG": "C.UTF-8"}, "fr"),
        ({"LANG": "POSIX"}, "fr"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "fr"),
        ({"LANG": "fr_FR", "LC_ALL": "en_US"}, "en"),
        ({"LANG": "en_US", "DOSSIER_LANG": "fr"}, "fr"),
    ],
)
def test_language(environment: dict[str, str], expected: str) -> None:
    """French unless English is asked for."""
    assert language_of(environment) == expected


def test_translation_of_an_error() -> None:
    """An error is raised in French with its values, and shown in English."""
    error: ExplainedError = NotPossibleError("Le fuseau horaire « {zone} » est inconnu.", zone="X")
    token = language.set(ENGLISH)
    try:
        assert current_language() == ENGLISH
        assert translate(error.message).format(**error.params) == "The time zone “X” is unknown."
        assert translate("Une phrase inconnue.") == "Une phrase inconnue."
    finally:
        language.reset(token)
    assert str(error) == "Le fuseau horaire « X » est inconnu."
