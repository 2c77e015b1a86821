"""Extracts every French message, updates the English catalogue, and compiles it.

A msgid is (1) the first argument of an error's constructor (``SomethingError("…")``), (2) the first
argument of a function that translates or prints, (3) the ``help`` of a command or option, (4) a
string in a table of messages (``MESSAGES``, ``NOT_SHOWN``, …), (5) a message of a page template or of a page's script.
Translations already in the catalogue are kept; what is new waits there with an empty msgstr.

Run by ``make catalogue``; with ``--check`` it only says whether the committed files are current.
"""

from __future__ import annotations

import ast
import builtins
import io
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_javascript
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from exchange.locale import DIRECTORY, DOMAIN, ENGLISH

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("crypto", "audit", "storage", "exchange")

TRANSLATING: Final = frozenset(
    {
        "_",
        "say",
        "warn",
        "confirmed",
        "translate",
        "gettext",
        "gettext_now",
        "begin",
        "require_unused",
        "not_found",
        "says",
        "holds",
        "refused",
        "chapter",
    }
)
"""Functions that take a msgid first (``require_unused`` takes it second)."""

HELP_KEYWORDS: Final = frozenset({"help", "short_help", "epilog"})
TABLES: Final = frozenset(
    {
        "MESSAGES",
        "NOT_SHOWN",
        "STAGES",
        "FAULTS",
        "SENTENCES",
        "COMMANDS",
        "LATER",
        "LABELS",
        "STEPS",
    }
)
"""Names of module-level constants whose strings are messages."""

HEADER: Final = """\
# English messages of dossier-exchange. French is the msgid.
# Under the licence of dossier-exchange."""

FIXED_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""A date that changed with each run would make every run a change."""


def messages_of(source: str) -> Iterator[tuple[int, str]]:
    """(line, msgid) of each message in one Python source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            if names & TABLES and node.value is not None:
                yield from _of_table(node.value)
            if "question" in names:
                yield from _constants([node.value])


def _of_call(node: ast.Call) -> Iterator[tuple[int, str]]:
    name = _name(node.func)
    if (name.endswith("Error") and not hasattr(builtins, name)) or name in TRANSLATING:
        yield from _constants(
            node.args[:2] if name in {"require_unused", "refuse"} else node.args[:1]
        )
    for keyword in node.keywords:
        if keyword.arg in HELP_KEYWORDS:
            yield from _constants([keyword.value])


def _of_table(node: ast.AST) -> Iterator[tuple[int, str]]:
    for child in ast.walk(node):
        if (
            isinstance(child, ast.Constant)
            and isinstance(child.value, str)
            and _is_sentence(child.value)
        ):
            yield child.lineno, child.value


def _constants(nodes: list[ast.expr] | list[ast.expr | None]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.lineno, node.value


def _is_sentence(text: str) -> bool:
    """Codes and module names are no messages; they have no space, and no accent either."""
    return " " in text or not text.isascii()


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def extract(root: Path = ROOT) -> dict[str, list[tuple[str, int]]]:
    """Every msgid with the places where it stands."""
    found: dict[str, list[tuple[str, int]]] = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if path.parent == DIRECTORY:
                continue
            where = path.relative_to(root).as_posix()
            for line, message in messages_of(path.read_text(encoding="utf-8")):
                found.setdefault(message, []).append((where, line))
    for where, line, message in _template_messages(root):
        found.setdefault(message, []).append((where, line))
    for where, line, message in _script_messages(root):
        found.setdefault(message, []).append((where, line))
    return found


SCRIPT_FUNCTIONS: Final = (
    *("t", "add", "tooLarge"),
    *("impossible", "hostile", "malformed", "untrusted", "unreachable", "unsafe"),
)
"""Functions of the pages' scripts that take a msgid first; ``ExplainedError`` takes it second."""


def _script_messages(root: Path) -> Iterator[tuple[str, int, str]]:
    """Messages of the pages' scripts, by Babel's own extractor; their tests show nothing to people."""
    frontend = root / "exchange" / "web" / "frontend"
    for path in sorted((*frontend.glob("core/*.ts"), *frontend.glob("pages/**/*.ts"))):
        where = path.relative_to(root).as_posix()
        handle = io.BytesIO(path.read_bytes())
        # Babel's hints say less than it takes and gives: names alone, and one text or a tuple.
        extracted: Iterable[tuple[Any, ...]] = extract_javascript(
            handle,
            dict.fromkeys((*SCRIPT_FUNCTIONS, "ExplainedError")),
            [],
            {},
        )
        for line, function, arguments, _comments in extracted:
            given = arguments if isinstance(arguments, tuple) else (arguments,)
            place = 1 if function == "ExplainedError" else 0
            message = given[place] if len(given) > place else None
            if not message or "${" in message:
                continue  # made of parts: no sentence of its own
            if function != "add" or _is_sentence(message):
                yield where, line, message


def _template_messages(root: Path) -> Iterator[tuple[str, int, str]]:
    """Messages of Jinja templates, by Jinja's own extractor."""
    from jinja2.ext import babel_extract

    for path in sorted((root / "exchange" / "web").rglob("*.html")):
        where = path.relative_to(root).as_posix()
        handle = io.BytesIO(path.read_bytes())
        for line, _function, message, _comments in babel_extract(
            handle, ["_", "t", "gettext", "ngettext"], [], {"trimmed": "true"}
        ):
            for each in message if isinstance(message, tuple) else (message,):
                if each:
                    yield where, line, each


def english(found: dict[str, list[tuple[str, int]]]) -> Catalog:
    """The English catalogue: what is translated, and what still waits with an empty string."""
    known = _translations()
    catalogue = Catalog(
        locale=ENGLISH,
        domain=DOMAIN,
        header_comment=HEADER,
        project="dossier-exchange",
        version="1",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        creation_date=FIXED_DATE,
        revision_date=FIXED_DATE,
        fuzzy=False,
    )
    for message in sorted(found):
        # Files without line numbers: a moved line is no change of the catalogue.
        files = sorted({where for where, _line in found[message]})
        catalogue.add(message, known.get(message, ""), [(each, 1) for each in files])
    return catalogue


def _translations() -> dict[str, str]:
    path = paths()[0]
    if not path.exists():
        return {}
    with path.open("rb") as handle:
        catalogue = read_po(handle, locale=ENGLISH, domain=DOMAIN)
    return {str(each.id): str(each.string) for each in catalogue if each.id and each.string}


def paths() -> tuple[Path, Path, Path]:
    """The .po and the .mo file, and the messages of the pages' scripts."""
    folder = DIRECTORY / ENGLISH / "LC_MESSAGES"
    return folder / f"{DOMAIN}.po", folder / f"{DOMAIN}.mo", DIRECTORY / ENGLISH / "pages.json"


def render(catalogue: Catalog) -> tuple[bytes, bytes, bytes]:
    """The contents of these files."""
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=100, sort_output=True, include_lineno=False)
    write_mo(compiled, catalogue)
    shown = {
        str(each.id): str(each.string)
        for each in catalogue
        if each.id
        and each.string
        and any(str(where).endswith(".ts") for where, _ in each.locations)
    }
    pages = json.dumps(dict(sorted(shown.items())), ensure_ascii=False, indent=0) + "\n"
    return text.getvalue(), compiled.getvalue(), pages.encode()


def missing() -> list[str]:
    """Messages that have no English yet."""
    catalogue = english(extract())
    return [str(each.id) for each in catalogue if each.id and not each.string]


def main() -> int:
    """Write all files, or check them (``--check``)."""
    wanted = render(english(extract()))
    if "--check" in sys.argv[1:]:
        current = all(
            path.exists() and path.read_bytes() == data
            for path, data in zip(paths(), wanted, strict=True)
        )
        return 0 if current else 1
    for path, data in zip(paths(), wanted, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    waiting = missing()
    sys.stdout.write(f"{len(waiting)} message(s) without English\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
