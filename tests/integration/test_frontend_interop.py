"""Browsers meet the real service and the command line: what one seals the other opens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from exchange.demo.world import PASSPHRASE
from tests.support.browser_actors import (
    LIED,
    Actors,
    RefusedError,
    actors,
    brings,
    can_run,
    under_attack,
)
from tests.support.small_commission import (
    AUDITOR,
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
        *("--pathway", "new"),
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


@pytest.fixture(scope="module")
def read_sitting(world: SmallCommission, browsers: Actors) -> str:
    """A sitting, open, with two dossiers that the prefect declared and may take."""
    sitting = world.plan_sitting()
    brings(browsers, world, DEPOSITOR.key)
    browsers.does(DEPOSITOR.key, "attack", kind="record")
    for kind in ("engagement", "renewal"):
        pieces = {"demande.pdf": f"%PDF-1.7 {kind}"}
        browsers.does(DEPOSITOR.key, "deposit", sitting=sitting, kind=kind, pieces=pieces)
    browsers.does(DEPOSITOR.key, "attack", kind=None)
    world.open_now(sitting)
    brings(browsers, world, PREFECT.key)
    browsers.does(PREFECT.key, "declare", sitting=sitting)
    return sitting


def newcomer(
    browsers: Actors, folder: Path, who: str, **invitation: Any
) -> tuple[dict[str, Any], str]:
    """Invited, enrolled, certified and logged in, all in browsers; also the certificate's digest."""
    file = str(folder / f"{who}.json")
    browsers.does("secretariat", "invite", out=file, **invitation)
    wish = {"device": "un navigateur", "passphrase": PASSPHRASE}
    enrolled = browsers.does(who, "enrol", invitation=file, **wish)
    certificate = browsers.does("secretariat", "certify", fingerprint=enrolled["fingerprint"])
    browsers.does(who, "unlock", passphrase=PASSPHRASE)
    assert browsers.does(who, "login")["certificate"] == certificate
    return enrolled, certificate


def seated(browsers: Actors, world: SmallCommission, folder: Path) -> tuple[dict[str, Any], str]:
    """A depositor and an alternate, both come in browsers; returns the alternate and their certificate."""
    assert brings(browsers, world, "secretariat", kind="registrar")["certificate"] is None
    depositor, _ = newcomer(
        browsers,
        folder,
        "brune",
        name="Brune Imaginaire",
        organisation="altair",
        roles=["depositor"],
    )
    assert depositor["trustFingerprint"].count(" ") == 7
    member, certificate = newcomer(
        browsers, folder, "cyr", name="Cyr Inventé", organisation="police", roles=["member"]
    )
    today = world.clock().date()
    mandate = {
        "seat": "prefet",
        "person": member["person"],
        "capacity": "alternate",
        "decree": None,
        "from_day": (today - timedelta(days=1)).isoformat(),
        "to_day": (today + timedelta(days=90)).isoformat(),
    }
    browsers.does("secretariat", "roster", mandates=[mandate])
    return member, certificate


def planned(browsers: Actors, world: SmallCommission) -> str:
    """A sitting that the registrar's browser plans."""
    now = int(world.clock().timestamp() * 1000)
    day = 86_400_000
    dates = {"depositBy": now + day, "opensAt": now + 2 * day, "closesAt": now + 3 * day}
    return str(browsers.does("secretariat", "sitting", changes=dates)["sitting"])


def convoked(browsers: Actors, world: SmallCommission, sitting: str) -> None:
    """The registrar's browser convokes the sitting, which opens in a second."""
    opens = int(world.clock().timestamp() * 1000) + 1_000
    convocation = {"depositBy": opens - 1_000, "opensAt": opens, "urgency": "essai (CRPA R133-8)"}
    browsers.does(
        "secretariat", "sitting", changes={"sitting": sitting, "convoke": True, **convocation}
    )
    while world.clock().timestamp() * 1000 < opens + 1_000:
        time.sleep(0.05)


def test_a_whole_sitting_is_run_in_browsers(
    world: SmallCommission, browsers: Actors, tmp_path: Path
) -> None:
    """Invitation to closing by the registrar's browser, with a cut upload, a late grant, a withdrawal."""
    member, certificate = seated(browsers, world, tmp_path)
    sitting = planned(browsers, world)

    pieces = {"demande.pdf": "%PDF-1.7 " + "x" * 20_000_000}
    cut = browsers.does(
        "brune", "deposit", sitting=sitting, kind="engagement", pieces=pieces, cutAfter=1
    )
    resumed = browsers.does("brune", "resume", key=cut["key"])
    assert resumed == {"reference": cut["reference"], "parts": 2, "left": 0}
    other = browsers.does(
        "brune", "deposit", sitting=sitting, kind="renewal", pieces={"a.pdf": "%PDF-1.7"}
    )
    browsers.does("brune", "withdraw", reference=other["reference"], reason="Demande retirée")

    seats = {"sitting": sitting, "seats": {"prefet": member["person"]}}
    browsers.does("secretariat", "sitting", changes=seats)
    granted = browsers.does("brune", "grantAll", sitting=sitting, reason="Suppléance")
    assert [each["names"] for each in granted] == [["Cyr Inventé"]]
    assert browsers.does("secretariat", "agenda", sitting=sitting) == 1
    convoked(browsers, world, sitting)

    browsers.does("cyr", "declare", sitting=sitting)
    taken = browsers.does("cyr", "take", sitting=sitting)
    opened = browsers.does("cyr", "open", sitting=sitting, stem=taken["stems"][0])
    (piece,) = pieces.values()
    assert opened["files"] == {"demande.pdf": sha256(piece.encode()).hexdigest()}
    browsers.does("cyr", "recuse", sitting=sitting, references=[cut["reference"]])
    with pytest.raises(RefusedError):
        browsers.does("cyr", "take", sitting=sitting)

    revocation = {"certificate": certificate, "reason": "Appareil perdu"}
    browsers.does("secretariat", "revoke", **revocation)
    brings(browsers, world, DEPOSITOR.key)
    deposit = {
        "sitting": world.plan_sitting(),
        "kind": "engagement",
        "pieces": {"a.pdf": "%PDF-1.7"},
    }
    lie = "hidden-revocation"
    assert under_attack(browsers, DEPOSITOR.key, lie, "deposit", **deposit) in LIED
    closed = browsers.does("secretariat", "close", sitting=sitting)
    assert closed["destroyed"] == 1


def test_conflict_cards_are_read_on_either_side(world: SmallCommission, browsers: Actors) -> None:
    """A card sealed in the browser is read by the command line, and the other way round."""
    sitting = world.plan_sitting()
    brings(browsers, world, DEPOSITOR.key)
    deposit = {"sitting": sitting, "kind": "engagement", "pieces": {"a.pdf": "%PDF-1.7"}}
    first = browsers.does(DEPOSITOR.key, "deposit", **deposit)["reference"]
    second = browsers.does(DEPOSITOR.key, "deposit", **deposit)["reference"]
    card = {"initials": "É. O.", "year": 1991, "commune": "L'Haÿ-les-Roses"}
    browsers.does(DEPOSITOR.key, "card", sitting=sitting, reference=first, **card)
    with pytest.raises(RefusedError):
        browsers.does(DEPOSITOR.key, "card", sitting=sitting, reference=first, **card)
    for wrong in ({"initials": ""}, {"year": 1850}, {"commune": "x" * 61}):
        with pytest.raises(RefusedError):
            browsers.does(
                DEPOSITOR.key, "card", sitting=sitting, reference=second, **{**card, **wrong}
            )
    world.people[DEPOSITOR.key].does(
        *("deposit", "--sitting", sitting, "--complement-of", second, "--json"),
        *("--card", "Z. A.,1980,Clichy"),
    )
    world.open_now(sitting)
    brings(browsers, world, PREFECT.key)
    shown = browsers.does(PREFECT.key, "cards", sitting=sitting)["shown"]
    other = {"initials": "Z. A.", "year": 1980, "commune": "Clichy"}
    assert {each["reference"]: each["card"] for each in shown} == {first: card, second: other}
    told = world.people[PREFECT.key].does("card", sitting, first, "--json").data()
    assert told["cards"] == [{"dossier": first, **card}]
    browsers.does(PREFECT.key, "declare", sitting=sitting)
    stems = browsers.does(PREFECT.key, "take", sitting=sitting)["stems"]
    assert sorted(stem.split("/")[1] for stem in stems) == sorted([first, second])


def test_a_dead_header_costs_one_dossier_and_can_be_complained_of(
    world: SmallCommission, browsers: Actors
) -> None:
    """A header sealed to the wrong key leaves its dossier out; the other opens, a complaint is logged."""
    sitting = world.plan_sitting()
    brings(browsers, world, DEPOSITOR.key)
    pieces = {"a.pdf": "%PDF-1.7"}
    deposit = {"sitting": sitting, "kind": "engagement", "pieces": pieces}
    dead = browsers.does(DEPOSITOR.key, "deposit", deadFor=PREFECT.name, **deposit)["reference"]
    sound = browsers.does(DEPOSITOR.key, "deposit", **deposit)["reference"]
    world.open_now(sitting)
    brings(browsers, world, PREFECT.key)
    browsers.does(PREFECT.key, "declare", sitting=sitting)
    taken = browsers.does(PREFECT.key, "take", sitting=sitting)
    assert [stem.split("/")[1] for stem in taken["stems"]] == [sound]
    assert [(each["reference"], each["fault"]) for each in taken["faulty"]] == [
        (dead, "not-for-this-key")
    ]
    assert browsers.does(PREFECT.key, "complain", reference=dead) == 1
    with pytest.raises(RefusedError):
        browsers.does(PREFECT.key, "complain", reference=dead)


def test_an_auditor_verifies_the_log_in_a_browser(
    world: SmallCommission, browsers: Actors, read_sitting: str
) -> None:
    """An honest log gives a clean verdict; an altered entry is named, a cut export is refused."""
    brings(browsers, world, AUDITOR.key)
    verdict = browsers.does(AUDITOR.key, "verify")
    assert verdict["findings"] == []
    assert verdict["ok"]
    assert verdict["events"] == verdict["size"] > 30
    assert verdict["statements"]["manifest"] >= 2
    assert verdict["independentWitnesses"] == []
    browsers.does(AUDITOR.key, "attack", kind="altered-entry")
    altered = browsers.does(AUDITOR.key, "verify")
    browsers.does(AUDITOR.key, "attack", kind=None)
    assert not altered["ok"]
    assert len(altered["findings"]) >= 2
    assert under_attack(browsers, AUDITOR.key, "cut-export", "verify") == "unreachable"


LIES_AT_LOGIN = ("other-root", "policy-left-out", "other-origin")
LIES_ABOUT_A_SITTING = (
    "wrong-certificate",
    "invented-member",
    "forged-receipt",
    "exchanged-receipts",
    "replayed-status",
)
LIES_AT_A_DEPOSIT = ("own-release-key", "another-release-key")
LIES_AT_A_READING = (
    "hidden-agenda",
    "hidden-item",
    "invented-item",
    "swapped-envelopes",
    "dossier-left-out",
    "unlogged-release",
    "altered-payload",
)


@pytest.mark.parametrize("lie", LIES_AT_LOGIN)
def test_a_service_that_lies_at_login_gets_no_login(
    world: SmallCommission, browsers: Actors, lie: str
) -> None:
    """Other root keys, no policy or a foreign origin: nothing is signed for that service."""
    brings(browsers, world, DOCTOR.key)
    assert under_attack(browsers, DOCTOR.key, lie, "login") in LIED
    browsers.does(DOCTOR.key, "login")


@pytest.mark.parametrize("lie", LIES_ABOUT_A_SITTING)
def test_a_service_that_lies_about_a_sitting_is_not_believed(
    world: SmallCommission, browsers: Actors, read_sitting: str, lie: str
) -> None:
    """A wrong certificate, a forged or exchanged receipt, an old status: the deposit is not planned."""
    brings(browsers, world, DEPOSITOR.key)
    pieces = {"demande.pdf": "%PDF-1.7"}
    deposit = {"sitting": read_sitting, "kind": "engagement", "pieces": pieces}
    assert under_attack(browsers, DEPOSITOR.key, lie, "deposit", **deposit) in LIED


@pytest.mark.parametrize("lie", LIES_AT_A_DEPOSIT)
def test_a_service_with_its_own_release_key_gets_no_envelope(
    world: SmallCommission, browsers: Actors, lie: str
) -> None:
    """A release key that the broker did not make for this deposit ends it before anything is sealed."""
    sitting = world.plan_sitting()
    brings(browsers, world, DEPOSITOR.key)
    deposit = {"sitting": sitting, "kind": "engagement", "pieces": {"demande.pdf": "%PDF-1.7"}}
    assert under_attack(browsers, DEPOSITOR.key, lie, "deposit", **deposit) in LIED
    assert browsers.does(DEPOSITOR.key, "deposit", **deposit)["reference"]


@pytest.mark.parametrize("lie", LIES_AT_A_READING)
def test_a_service_that_lies_at_a_reading_opens_nothing(
    world: SmallCommission, browsers: Actors, read_sitting: str, lie: str
) -> None:
    """Swapped envelopes, an unlogged release, an altered payload: no pack is kept."""
    brings(browsers, world, PREFECT.key)
    refused = under_attack(browsers, PREFECT.key, lie, "take", sitting=read_sitting)
    assert refused in ("usage", *LIED) if lie == "hidden-agenda" else refused in LIED
    assert len(browsers.does(PREFECT.key, "take", sitting=read_sitting)["stems"]) == 2


def test_an_older_checkpoint_is_refused_and_kept_as_evidence(
    world: SmallCommission, browsers: Actors
) -> None:
    """A log rolled back to an older checkpoint contradicts the one that the browser kept."""
    brings(browsers, world, DOCTOR.key)
    browsers.does(DOCTOR.key, "attack", kind="record")
    browsers.does(DOCTOR.key, "sittings")
    browsers.does(DOCTOR.key, "attack", kind=None)
    browsers.does(DOCTOR.key, "login")
    assert under_attack(browsers, DOCTOR.key, "older-checkpoint", "sittings") == "hostile"
    assert len(browsers.does(DOCTOR.key, "evidence")) == 1
