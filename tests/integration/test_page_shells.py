"""The pages before any script runs: policy, integrity, language, legal pages, errors for readers."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crypto.encoding import parse_instant
from exchange.web.pages.shell import STATIC, imports_of
from exchange.web.pages.work import PAGES
from tests.support.live_service import URL, LiveService, get

READER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    live = LiveService(tmp_path_factory.mktemp("shells"))
    yield live.app
    live.shut()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("path", sorted(PAGES.values()))
def test_what_a_page_loads_is_what_was_built(client: FlaskClient, path: str) -> None:
    """Each script and style has an integrity that its file matches; no code stands in the page."""
    page = get(client, path).text
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css))" integrity="([^"]+)"', page)
    assert loaded
    assert len(re.findall("<script|<link rel=.(?:stylesheet|modulepreload)", page)) == len(loaded)
    for address, integrity in loaded:
        file = get(client, address)
        digest = base64.b64encode(hashlib.sha384(file.data).digest()).decode()
        assert integrity == f"sha384-{digest}", address
        file.close()
    assert not re.search(r"\son[a-z]+=|\sstyle=|<style|javascript:", page)


@pytest.mark.parametrize("path", sorted(PAGES.values()))
def test_a_page_allows_nothing_but_its_own_files(client: FlaskClient, path: str) -> None:
    """The policy forbids inline code, eval, other origins, framing, and untrusted script addresses."""
    policy = get(client, path).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "require-trusted-types-for 'script'; trusted-types dossier" in policy
    sources = {word for part in policy.split(";") for word in part.split()[1:]}
    assert sources <= {"'none'", "'self'", "'script'", "dossier"}


def test_decrypted_files_are_offered_only_where_it_is_chosen(client: FlaskClient) -> None:
    """Unless the operator says otherwise, the page offers no file in the clear."""
    assert "data-decrypted" not in get(client, "/espace").text


def test_the_language_switch(client: FlaskClient) -> None:
    """The choice is kept in a cookie and leads back to our own pages only."""
    moved = get(client, "/langue/en/rejoindre")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/rejoindre")
    assert '<html lang="en">' in get(client, "/rejoindre").text
    assert get(client, "/langue/de/rejoindre").status_code == 404
    assert get(client, "/langue/en/https:evil.example").status_code == 404


def test_scripts_speak_english_too(client: FlaskClient) -> None:
    """The catalogue of the scripts holds the sentences of pages and of the core."""
    words = get(client, "/textes/en.json").json
    assert words["Chiffrer et déposer"] == "Encrypt and deposit"
    assert words["La phrase de passe n'ouvre pas ce fichier de clé."]


def test_security_txt(client: FlaskClient, app: Flask) -> None:
    """It has a contact and a date less than a year ahead (RFC 9116)."""
    answer = get(client, "/.well-known/security.txt")
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert answer.content_type == "text/plain; charset=utf-8"
    assert lines["Contact"]
    assert lines["Canonical"] == f"{URL}/.well-known/security.txt"
    now = app.extensions["dossier"].service.clock()
    assert now < parse_instant(lines["Expires"]) < now + timedelta(days=365)


def test_readers_get_a_page_and_programs_a_problem(client: FlaskClient) -> None:
    """An unknown address: a page for a browser, a problem document for everything else."""
    page = get(client, "/nulle-part", headers=READER)
    assert page.status_code == 404
    assert page.content_type == "text/html; charset=utf-8"
    assert 'href="/">Retour' in page.text
    assert get(client, "/nulle-part").content_type == "application/problem+json"
    assert (
        get(client, "/api/v1/sittings", headers=READER).content_type == "application/problem+json"
    )


@pytest.mark.parametrize("path", sorted(PAGES.values()))
def test_a_page_names_every_file_that_its_scripts_import(client: FlaskClient, path: str) -> None:
    """An integrity attribute covers no import: each imported file stands in the page with its own."""
    page = get(client, path).text
    named = set(re.findall(r'/static/dist/([^"]+\.js)"', page))
    for name in named:
        script = (STATIC / "dist" / name).read_text(encoding="utf-8")
        imported = re.findall(r'(?:from|import\(?)\s*"\./([^"]+)"', script)
        assert set(imported) <= named, name


ROLES = ("association", "auditor", "member", "registrar")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_waits_for_its_own_scripts_only(role: str) -> None:
    """What the space runs for one role: at most 150 KiB compressed, worker included."""
    shared = {name for name, _ in (*imports_of("space"), *imports_of(role))}
    assert weight("space.js", "workshop.js", f"{role}.js", *shared) <= 150 * 1024


@pytest.mark.parametrize("scripts", [("front.js",), ("join.js", "workshop.js")], ids="/".join)
def test_scripts_are_light(scripts: tuple[str, ...]) -> None:
    """What the other pages run: at most 150 KiB compressed, worker included."""
    assert weight(*scripts) <= 150 * 1024


def weight(*names: str) -> int:
    return sum(len(gzip.compress((STATIC / "dist" / name).read_bytes(), 9)) for name in names)
