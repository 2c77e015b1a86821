"""One person of each role from invitation to verdict: a passphrase, then a passkey, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.client.profile import Profile
from exchange.demo.cast import Player
from exchange.demo.opening import invite
from exchange.demo.world import PASSPHRASE
from tests.e2e.test_pages import papers
from tests.support.keyboard import Keyboard
from tests.support.pages_browser import NEEDS_CHROMIUM, Chromium, Tab, can_run, running_chromium
from tests.support.small_commission import (
    DEPOSITOR,
    DOCTOR,
    ROSTER,
    SmallCommission,
    small_commission,
)

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not can_run(), reason=NEEDS_CHROMIUM)]

WORDS = "quatre mots sans rapport"
NEW_DEPOSITOR = Player("nouvelle-referente", "Clémence Fictive", "altair", ("depositor",))
NEW_MEMBER = Player("nouveau-membre", "Barnabé Inventé", "prefecture", ("member",), "prefet")
NEW_AUDITOR = Player("nouvel-auditeur", "Dorothée Chimère", "prefecture", ("auditor",))

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "hasPrf": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommission]:
    """The commission at a name and not at an address: WebAuthn knows names only."""
    with small_commission(tmp_path_factory.mktemp("journeys") / "commission") as made:
        assert made.service is not None
        made.service.stop()
        named = made.url.replace("127.0.0.1", "localhost")
        settings = made.settings_file.read_text(encoding="utf-8").replace(made.url, named)
        made.settings_file.write_text(settings, encoding="utf-8")
        made.restart()
        made.url = named
        for person in made.people.values():
            if (person.directory / "identity.age").exists():
                Profile(person.directory).change(server=named)
        yield made


@pytest.fixture(scope="module")
def chromium(world: SmallCommission) -> Iterator[Chromium]:
    with running_chromium(world.url) as made:
        yield made


def with_authenticator(chromium: Chromium) -> tuple[Keyboard, list[str]]:
    """A browser with a virtual authenticator that has PRF; and what its page sends."""
    tab = chromium.tab()
    session = tab.context.new_cdp_session(tab.page)
    session.send("WebAuthn.enable", {"enableUI": False})
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.post_data or ""))
    return Keyboard(tab), sent


def joins(world: SmallCommission, person: Keyboard, invited: Any) -> None:
    """From the invitation to the first view: compare, create, keep the kit, read out, be certified."""
    tab = person.tab
    tab.visit("/rejoindre")
    person.chooses("#invitation", [Path(invited["file"])])
    tab.page.locator("#step-trust").wait_for()
    assert tab.page.locator("#trust-fingerprint").inner_text() == invited["trust_fingerprint"]
    person.presses("#compared", "Space")
    person.button("Continuer")
    if tab.page.locator("#replace-line:visible").count():
        person.presses("#replace", "Space")
    person.types("#device", "poste du bureau")
    person.types("#passphrase", WORDS)
    person.types("#passphrase-again", WORDS)
    person.button("Créer ma clé")
    tab.page.locator("#step-kit").wait_for()
    person.button("Elle est en lieu sûr, continuer")
    spoken = tab.page.locator("#fingerprint").inner_text()
    person.presses("main a[href='/espace']")
    tab.page.wait_for_selector("html[data-ready]", state="attached")
    person.types("#unlock-passphrase", WORDS)
    tab.page.keyboard.press("Enter")
    tab.says("pas encore certifiée")
    world.registrar.does(
        "registrar", "certify", "--person", invited["person"], "--fingerprint", spoken
    )
    person.button("Vérifier de nouveau")
    tab.page.wait_for_selector("html[data-open]", state="attached")
    tab.says("Séances")


def takes_a_passkey(person: Keyboard, sent: list[str]) -> None:
    """A passkey opens the key from now on; neither its output nor the key leaves the page."""
    tab = person.tab
    person.presses("a[href='#cle']")
    tab.page.wait_for_selector("#view[data-drawn='#cle']", state="attached")
    person.button("Ajouter une clé d'accès")
    tab.says("Une clé d'accès ouvre aussi cette clé")
    person.presses("#lock")
    tab.page.wait_for_selector("html[data-ready]:not([data-open])", state="attached")
    person.presses("#unlock-passkey")
    tab.page.wait_for_selector("html[data-open]", state="attached")
    tab.says("Séances")
    # As a field's name: its three letters alone stand by chance in any base64.
    assert not any('"prf"' in each.lower() or "DOSSIER-SEED" in each for each in sent)


def arrives(world: SmallCommission, chromium: Chromium, player: Player) -> Keyboard:
    person, sent = with_authenticator(chromium)
    invited = invite(world, player)
    world.ids[player.key] = invited["person"]
    joins(world, person, invited)
    takes_a_passkey(person, sent)
    return person


def at(person: Keyboard, sitting: str) -> None:
    person.presses("a[href='#seances']")
    person.presses(f"a[href='#seance/{sitting}']")
    person.tab.page.wait_for_selector(f"#view[data-drawn='#seance/{sitting}']", state="attached")


def deposited(world: SmallCommission, sitting: str, name: str) -> str:
    """A dossier by the command line; its reference."""
    folder = world.folder(name, demande=papers(world.directory / name)[0].read_bytes())
    made = world.people[DEPOSITOR.key].does(
        *("deposit", "--sitting", sitting, "--kind", "engagement", "--json"), str(folder)
    )
    return str(made.data()["dossier"])


def reads(person: Keyboard, sitting: str, reference: str) -> None:
    """Undertake if need be, declare, take, and look at the first page."""
    tab = person.tab
    at(person, sitting)
    if tab.page.locator("#agreed").count():
        person.presses("#agreed", "Space")
        person.button("Signer l'engagement")
    if tab.page.locator(f"#no-conflict-{reference}").count():
        person.presses(f"#no-conflict-{reference}", "Space")
        person.button("Signer ma déclaration")
    tab.says("sans conflit, signé")
    take = "Prendre les dossiers"
    person.button(take)
    tab.says("Dossiers pris")
    person.presses(f"a[href='#lecture/{sitting}/0']")
    tab.page.get_by_role("img", name="Page 1 sur 2").wait_for()
    tab.settled()


def test_a_depositor(world: SmallCommission, chromium: Chromium, tmp_path: Path) -> None:
    """Invited, certified, deposits a dossier, and holds the receipt that the log gave."""
    sitting = world.plan_sitting()
    person = arrives(world, chromium, NEW_DEPOSITOR)
    tab = person.tab
    at(person, sitting)
    person.chooses("#files", papers(tmp_path / "pieces"))
    tab.page.locator(".chosen tbody tr").nth(1).wait_for()
    person.button("Voir qui pourra lire")
    tab.says("Qui pourra lire ce dossier")
    person.button("Chiffrer et déposer")
    tab.says("Déposé et inscrit au journal")
    person.button("Retour à mes dossiers")
    tab.says("déposé, 2 appareils pourront lire")
    tab.check()


def test_a_member(world: SmallCommission, chromium: Chromium) -> None:
    """Invited, certified, given a mandate; undertakes, declares, reads to the page."""
    person = arrives(world, chromium, NEW_MEMBER)
    seats(world, prefete=world.ids[NEW_MEMBER.key])
    sitting = world.plan_sitting()
    reference = deposited(world, sitting, "membre")
    world.open_now(sitting)
    reads(person, sitting, reference)
    person.tab.check()


def seats(world: SmallCommission, **persons: str) -> None:
    """A roster in which these persons hold the mandates."""
    today = world.clock().date()
    file = world.registrar.directory / "composition.toml"
    begins, ends = today.replace(year=today.year - 1), today.replace(year=today.year + 2)
    file.write_text(
        ROSTER.format(begins=begins, ends=ends, **{**world.ids, **persons}), encoding="utf-8"
    )
    world.registrar.does("registrar", "seat", "--roster", str(file))


def test_an_auditor(world: SmallCommission, chromium: Chromium) -> None:
    """Invited, certified, verifies the whole log in the browser: the verdict is favourable."""
    person = arrives(world, chromium, NEW_AUDITOR)
    person.presses("a[href='#journal']")
    person.tab.page.wait_for_selector("#view[data-drawn='#journal']", state="attached")
    person.button("Vérifier le journal")
    person.tab.says("Favorable : le journal est intact et signé")
    person.tab.check()


def test_the_secretariat(world: SmallCommission, chromium: Chromium) -> None:
    """Its key brought in and given a passkey: plans a sitting, lists, convokes, closes; keys destroyed."""
    person, sent = with_authenticator(chromium)
    tab, home = person.tab, world.registrar.directory
    tab.visit("/espace")
    person.presses("#bring-file summary")
    person.chooses("#import-trust", [world.directory / "trust.json"])
    person.chooses("#import-key", [home / "identity.age"])
    person.types("#import-passphrase", PASSPHRASE)
    person.reaches("[name=import-kind]")
    tab.page.keyboard.press("ArrowDown")
    person.button("Placer cette clé dans ce navigateur")
    person.types("#unlock-passphrase", PASSPHRASE)
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("html[data-open]", state="attached")
    takes_a_passkey(person, sent)
    person.presses("a[href='#seances']")
    person.button("Signer les dates")
    tab.page.wait_for_url("**/espace#seance/*")
    tab.settled()
    sitting = tab.page.url.rpartition("/")[2]
    deposited(world, sitting, "secretariat")
    at(person, sitting)
    person.button("Signer l'ordre du jour")
    person.presses('button:text-is("Convoquer")')
    person.presses("#ask-yes")
    tab.page.locator("dl .tag", has_text="convoquée").wait_for()
    person.presses('button:text-is("Clore la séance")')
    person.presses("#ask-yes")
    tab.says("Séance close : 1 clés de dépôt détruites")
    tab.check()


def test_a_second_device_and_a_passphrase_forgotten_on_the_eve(
    world: SmallCommission, chromium: Chromium
) -> None:
    """A member adds a device, then forgets its passphrase: invited anew, they read the same day."""
    sitting = world.plan_sitting()
    reference = deposited(world, sitting, "veille")
    person = Keyboard(chromium.tab())
    again = ("registrar", "invite", "--person", world.ids[DOCTOR.key], "--name", DOCTOR.name)
    added = invited_again(world, "second-appareil", again)
    joins(world, person, added)
    world.registrar.does("registrar", "sitting", "--sitting", sitting)
    world.people[DEPOSITOR.key].does("grant", "--all")
    forgotten = person.tab
    forgotten.press("Verrouiller")
    forgotten.page.wait_for_selector("html[data-ready]:not([data-open])", state="attached")
    forgotten.page.get_by_text("J'ai oublié ma phrase de passe").click()
    forgotten.look("30b-phrase-oubliee")
    joins(world, person, invited_again(world, "veille", again))
    world.registrar.does("registrar", "sitting", "--sitting", sitting)
    world.people[DEPOSITOR.key].does("grant", "--all")
    world.open_now(sitting)
    reads(person, sitting, reference)


def invited_again(world: SmallCommission, name: str, words: tuple[str, ...]) -> Any:
    file = world.registrar.directory / "invitations" / f"{name}.json"
    return world.registrar.does(
        *words, "--organisation", DOCTOR.organisation, "--role", "member",
        "--out", str(file), "--json",
    ).data()  # fmt: skip


def test_who_comes_to_the_meeting(world: SmallCommission, chromium: Chromium) -> None:
    """A member gives their voice, the secretariat records who is present; approvals and mandates change."""
    seats(world)
    sitting = world.plan_sitting()
    deposited(world, sitting, "reunion")
    world.open_now(sitting)
    world.people[DOCTOR.key].does("declare", sitting, "--accept-undertaking")
    member = chromium.tab()
    member.brings_key(world, DOCTOR.key)
    member.goes(f"#seance/{sitting}")
    member.page.get_by_text("Si vous ne pouvez pas venir").click()
    member.page.select_option("#proxy-holder", label="Préfet")
    member.press("Donner mandat")
    member.says("Mandat donné : Préfet parle pour votre siège")
    member.look("25-mandat-de-vote")
    secretariat = chromium.tab()
    secretariat.brings_key(world, "secretariat", kind="registrar")
    secretariat.goes(f"#seance/{sitting}")
    secretariat.page.get_by_text("Inscrire les présents").click()
    secretariat.page.select_option("#presence-prefet", "room")
    secretariat.press("Signer les présences")
    secretariat.says("Présents inscrits : 1 siège(s)")
    secretariat.look("49-presents")
    counted = world.registrar.does("registrar", "quorum", sitting, "--json").data()
    assert [(each["present"], each["represented"]) for each in counted] == [(1, 1)]
    changes_the_roster(secretariat)


def changes_the_roster(tab: Tab) -> None:
    """An association's approval is prolonged, a mandate ends today, a seat is added."""
    tab.goes("#composition")
    page = tab.page
    page.get_by_role("button", name="Modifier Altaïr").click()
    assert page.input_value("#approval-rna") == "W000000001"
    page.fill("#approval-to", "2039-12-31")
    page.locator("form:has(#approval-to) button").click()
    page.get_by_role("row", name="2039").wait_for()
    tab.settled()
    page.get_by_role("button", name=f"Mettre fin {DOCTOR.name}").click()
    tab.look("43b-mettre-fin")
    page.locator("#ask-yes").click()
    page.get_by_role("button", name=f"Mettre fin {DOCTOR.name}").wait_for(state="detached")
    tab.settled()
    page.locator("summary", has_text="Ajouter un siège").click()
    page.fill("#seat-label", "Éducation nationale")
    page.fill("#seat-code", "dasen")
    page.fill("#seat-basis", "CASF R121-12-7")
    page.locator("form:has(#seat-code) button").click()
    page.get_by_role("row", name="Éducation nationale").wait_for()
    tab.settled()
    tab.look("43c-composition-changee")
