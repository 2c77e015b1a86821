"""The report on one page: the verdict first, every release and refusal on it, nothing from outside."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from exchange.replay.page import render_page
from exchange.replay.timeline import LABELS, RIGHT, WIDTH, timeline
from tests.support.broker_world import Scene, open_scene
from tests.support.bundles import MemoryBundle, export, verify


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(tmp_path / "broker")


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_verdict_comes_first(scene: Scene) -> None:
    """Good or not, the word of the verdict stands before anything else of the report."""
    world = scene.world
    world.release(scene.member, scene.sitting, scene.deposit)
    page = Page(render_page(verify(world)))
    assert page.text.index("CONFORME") < page.text.index("Claire Vasseur")
    assert "Aucun témoin indépendant" in page.text
    broken = Page(render_page(verify(world, MemoryBundle({}))))
    assert "NON PROBANT" in broken.text


def test_an_unlawful_release_stands_out(scene: Scene) -> None:
    """A forbidden release is a finding, a marked row, and a mark of its own on the timeline."""
    world = scene.world
    world.recuse(scene.member, scene.sitting, scene.deposit)
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.authorise(request, scene.deposit)
    page = Page(render_page(verify(world)))
    assert "CONSTATS" in page.text
    assert ("tr", {"class": "bad"}) in page.tags
    assert "REMISE INTERDITE" in page.text


def test_the_page_needs_nothing_from_outside(scene: Scene) -> None:
    """No script, no address to load from, and a policy that would forbid both."""
    scene.world.release(scene.member, scene.sitting, scene.deposit)
    html = render_page(verify(scene.world))
    page = Page(html)
    names = {tag for tag, _attributes in page.tags}
    assert names.isdisjoint({"script", "link", "iframe", "img", "object", "form"})
    assert all(
        name not in {"src", "href", "action"} and not name.startswith("on")
        for _tag, attributes in page.tags
        for name in attributes
    )
    assert "url(" not in html
    policy = next(a for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_words_of_statements_stay_words(scene: Scene) -> None:
    """What a person wrote into a statement is shown and never becomes markup."""
    bundle = export(scene.world)
    bundle.files["log/checkpoint"] = b"<script>alert(1)</script>"
    assert "<script" not in render_page(verify(scene.world, bundle))


def test_marks_lie_inside_and_apart(scene: Scene) -> None:
    """Each mark lies on the drawing; several kinds at one moment do not cover each other."""
    world = scene.world
    world.release(scene.member, scene.sitting, scene.deposit)
    world.recuse(scene.member, scene.sitting, scene.deposit)
    request = world.request(scene.member, scene.sitting, scene.deposit)
    world.authorise(request, scene.deposit)
    report = verify(world)
    [table] = report.sittings
    drawn = timeline(table, report.refused)
    places = [(mark.x, mark.y) for mark in drawn.marks]
    assert len(places) == len(set(places)) >= 2
    assert all(LABELS <= x <= WIDTH - RIGHT and 0 < y < drawn.height for x, y in places)
    assert re.search(r"Claire Vasseur", drawn.marks[0].title)
