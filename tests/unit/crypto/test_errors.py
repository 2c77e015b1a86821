"""Errors explain themselves and share one root."""

from __future__ import annotations

import inspect
import string

from crypto import errors
from crypto.age import errors as age_errors
from crypto.edge import container_errors
from crypto.errors import CryptoError, ExplainedError


def test_one_root() -> None:
    """Every error of the package is a CryptoError."""
    for module in (errors, age_errors, container_errors):
        for _name, kind in inspect.getmembers(module, inspect.isclass):
            assert issubclass(kind, CryptoError) or kind is ExplainedError


def test_template_and_values_stay_apart() -> None:
    """The template is kept for translation; the text shown is the template filled in."""
    error = CryptoError("Il manque {count} octets.", count=3)
    assert str(error) == "Il manque 3 octets."
    assert error.message == "Il manque {count} octets."
    assert [field for _, field, _, _ in string.Formatter().parse(error.message) if field] == [
        "count"
    ]


def test_values_are_not_templates() -> None:
    """Braces inside a value are shown and not interpreted."""
    assert str(CryptoError("Nom : {name}", name="{0.__class__}")) == "Nom : {0.__class__}"
