"""Browsers meet the real service and the command line: what one seals the other opens."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from exchange.demo.world import PASSPHRASE
from tests.support.browser_actors import Actors, actors, can_run
from tests.support.small_commission import (
    DEPOSITOR,
    DOCTOR,
    PREFECT,
    SmallCommission,
    small_commission,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not can_run(),
        reason="the pages' scripts need Node and « npm ci --ignore-scripts » in exchange/web/frontend",
    ),
]


def paper() -> bytes:
    """A PDF of one empty page."""
    document, out = pikepdf.new(), BytesIO()
    document.add_blank_page()
    document.save(out, deterministic_id=True)
    return out.getvalue()


PAPER = paper()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommission]:
    with small_commission(tmp_path_factory.mktemp("interop") / "commission") as made:
        yield made


@pytest.fixture(scope="module")
def browsers(world: SmallCommission, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actors]:
    with actors(tmp_path_factory.mktemp("actors"), world.url) as made:
        yield made


def brings(browsers: Actors, world: SmallCommission, who: str, kind: str = "device") -> Any:
    """A person opens in a browser the key that the command line made for them."""
    browsers.does(
        who,
        "import",
        keyFile=str(world.people[who].directory / "identity.age"),
        trust=str(world.directory / "trust.json"),
        passphrase=PASSPHRASE,
        kind=kind,
    )
    return browsers.does(who, "login")


def test_a_dossier_of_the_browser_is_read_by_the_command_line_and_the_reverse(
    world: SmallCommission, browsers: Actors, tmp_path: Path
) -> None:
    """Deposited in a browser, opened by the command line; deposited by it, opened in a browser."""
    sitting = world.plan_sitting()
    assert brings(browsers, world, DEPOSITOR.key)["roles"] == ["depositor"]
    mine = browsers.does(
        DEPOSITOR.key,
        "deposit",
        sitting=sitting,
        kind="engagement",
        pieces={"demande.pdf": "%PDF-1.7 du navigateur", "pièces/séjour.pdf": "%PDF-1.7 é"},
    )
    assert {reader["name"] for reader in mine["readers"]} == {DOCTOR.name, PREFECT.name}
    theirs = world.people[DEPOSITOR.key].does(
        *("deposit", "--sitting", sitting, "--kind", "renewal", "--json", "--keep-metadata"),
        str(world.folder("cli", demande=PAPER)),
    )
    reference = theirs.data()["dossier"]
    world.open_now(sitting)

    doctor = world.people[DOCTOR.key]
    doctor.does("declare", sitting, "--accept-undertaking")
    doctor.does("pack", "get", sitting, "--out", str(tmp_path / "pack.tar"))
    doctor.does("pack", "open", str(tmp_path / "pack.tar"), "--out", str(tmp_path / "open"))
    found = tmp_path / "open" / "01-altair" / mine["reference"]
    assert (found / "demande.pdf").read_text() == "%PDF-1.7 du navigateur"
    assert (found / "pièces" / "séjour.pdf").read_text() == "%PDF-1.7 é"

    brings(browsers, world, PREFECT.key)
    seen = browsers.does(PREFECT.key, "look", sitting=sitting)
    assert not seen["undertaken"]
    assert set(seen["openToMe"]) == {mine["reference"], reference}
    browsers.does(PREFECT.key, "declare", sitting=sitting)
    taken = browsers.does(PREFECT.key, "take", sitting=sitting)
    assert taken["refused"] == []
    stem = next(each for each in taken["stems"] if reference in each)
    opened = browsers.does(PREFECT.key, "open", sitting=sitting, stem=stem)
    assert opened["files"] == {"demande.pdf": sha256(PAPER).hexdigest()}
    browsers.does(PREFECT.key, "packFile", sitting=sitting, out=str(tmp_path / "browser.tar"))
    prefect = world.people[PREFECT.key]
    prefect.does(
        "pack", "open", str(tmp_path / "browser.tar"), "--out", str(tmp_path / "browser-open")
    )
    read = tmp_path / "browser-open" / "01-altair" / reference / "demande.pdf"
    assert read.read_bytes() == PAPER
