"""The pages in a real browser: joining, the secretariat, the auditor, locks, lines that break, lies."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.demo.world import PASSPHRASE
from tests.e2e.test_pages import papers
from tests.support.pages_browser import (
    NEEDS_CHROMIUM,
    PICTURES,
    Chromium,
    Tab,
    can_run,
    running_chromium,
)
from tests.support.small_commission import (
    AUDITOR,
    DEPOSITOR,
    DOCTOR,
    SmallCommission,
    small_commission,
)

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not can_run(), reason=NEEDS_CHROMIUM)]

WORDS = "quatre mots sans rapport"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommission]:
    with small_commission(tmp_path_factory.mktemp("people") / "commission") as made:
        yield made


@pytest.fixture(scope="module")
def chromium(world: SmallCommission) -> Iterator[Chromium]:
    with running_chromium(world.url) as made:
        yield made


@pytest.fixture(scope="module")
def secretariat(world: SmallCommission, chromium: Chromium) -> Tab:
    """The secretariat's browser, unlocked."""
    tab = chromium.tab()
    tab.brings_key(world, "secretariat", kind="registrar")
    return tab


@pytest.fixture(scope="module")
def depositor(world: SmallCommission, chromium: Chromium) -> Tab:
    """The association's browser, unlocked."""
    tab = chromium.tab()
    tab.brings_key(world, DEPOSITOR.key)
    return tab


def saved(tab: Tab, button: str, folder: Path) -> Path:
    """Press a button that hands out a file, and keep the file."""
    with tab.page.expect_download() as waiting:
        tab.press(button)
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def joins(tab: Tab, invitation: Path, fingerprint: str) -> tuple[str, str]:
    """From the file to the fingerprint to read out; it and the recovery key."""
    tab.visit("/rejoindre")
    tab.page.set_input_files("#invitation", str(invitation))
    tab.page.locator("#step-trust").wait_for()
    assert tab.page.locator("#trust-fingerprint").inner_text() == fingerprint
    tab.press("Continuer")
    tab.says("Comparez d'abord")
    tab.page.check("#compared")
    tab.look("31-comparer")
    tab.press("Continuer")
    tab.page.fill("#device", "poste de démonstration")
    tab.page.fill("#passphrase", "court")
    tab.page.fill("#passphrase-again", "court")
    tab.press("Créer ma clé")
    tab.says("trop courte")
    tab.page.fill("#passphrase", WORDS)
    tab.page.fill("#passphrase-again", WORDS)
    tab.look("32-creer")
    tab.press("Créer ma clé")
    tab.page.locator("#step-kit").wait_for()
    tab.look("33-fiche")
    kit = tab.page.locator("#recovery-key").inner_text()
    assert printed_code(tab) == re.sub(r"\s", "", kit)
    tab.press("Elle est en lieu sûr, continuer")
    tab.look("34-empreinte")
    return str(tab.page.locator("#fingerprint").inner_text()), str(kit)


def printed_code(tab: Tab) -> str:
    """What a reader of QR codes finds on the printed kit."""
    tab.page.emulate_media(media="print", color_scheme="light")
    picture = PICTURES / "33b-fiche-imprimee.png"
    tab.page.screenshot(path=str(picture), full_page=True)
    tab.page.emulate_media(media="screen")
    found = subprocess.run(
        ["zbarimg", "--quiet", "--raw", str(picture)], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_from_the_invitation_to_the_seat(
    world: SmallCommission,
    chromium: Chromium,
    secretariat: Tab,
    depositor: Tab,
    tmp_path: Path,
) -> None:
    """Invited, joined, certified after comparing, seated, granted, convoked: all of it in browsers."""
    secretariat.goes("#personnes")
    secretariat.look("40-personnes")
    secretariat.page.fill("#invite-name", "Fantine Nouvelle")
    secretariat.page.fill("#invite-organisation", "prefecture")
    secretariat.page.check("[name=role][value=member]")
    secretariat.press("Signer l'invitation")
    secretariat.look("41-invitation")
    fingerprint = secretariat.page.locator(".fingerprint").inner_text()
    invitation = saved(secretariat, "Enregistrer l'invitation", tmp_path)
    tab = chromium.tab()
    spoken, kit = joins(tab, invitation, fingerprint)
    tab.visit("/espace")
    tab.page.fill("#unlock-passphrase", WORDS)
    tab.press("Ouvrir")
    tab.says("pas encore certifiée")
    tab.look("35-pas-certifiee")
    tab.press("Vérifier de nouveau")
    tab.says("pas encore certifiée")
    certifies(secretariat, spoken)
    tab.press("Vérifier de nouveau")
    tab.says("Aucune séance ne vous concerne")
    tab.goes("#cle")
    gives_an_address(tab)
    tab.look("36-ma-cle")
    recovers(chromium.tab(), invitation, kit, spoken)
    seats(secretariat, depositor, world, papers(tmp_path / "pieces"))


def gives_an_address(tab: Tab) -> None:
    """Notices by e-mail, if one wants them: given, refused when it is none, taken back."""
    tab.page.fill("#contact", "ce n'est pas une adresse")
    tab.press("Garder cette adresse")
    tab.says("Cette adresse électronique n'est pas correcte")
    tab.page.fill("#contact", "fantine@exemple.invalid")
    tab.press("Garder cette adresse")
    tab.says("Adresse gardée")
    tab.goes("#seances")
    tab.goes("#cle")
    assert tab.page.input_value("#contact") == "fantine@exemple.invalid"
    tab.press("Oublier mon adresse")
    tab.says("Adresse oubliée")


def recovers(tab: Tab, invitation: Path, kit: str, spoken: str) -> None:
    """On another computer, the printed kit brings the same key back, under a new passphrase."""
    tab.visit("/espace")
    tab.page.get_by_text("J'ai une fiche de secours").click()
    tab.page.set_input_files("#recover-trust", str(invitation))
    tab.page.fill("#recover-key", kit)
    tab.page.fill("#recover-passphrase", "encore quatre mots nouveaux")
    tab.press("Reprendre ma clé")
    assert tab.page.locator("#unlock-spoken").inner_text() == spoken
    tab.unlock("encore quatre mots nouveaux")
    tab.says("Aucune séance ne vous concerne")


def certifies(secretariat: Tab, spoken: str) -> None:
    secretariat.press("Terminé")
    secretariat.page.locator("[id^=heard-]").fill("1234")
    secretariat.press("Comparer et certifier")
    secretariat.says("ne sont pas ceux de la clé présentée")
    secretariat.look("42-empreinte-fausse")
    secretariat.page.locator("[id^=heard-]").fill(spoken)
    secretariat.press("Comparer et certifier")
    secretariat.says("Aucune clé n'attend")


def seats(secretariat: Tab, depositor: Tab, world: SmallCommission, files: list[Path]) -> None:
    """A mandate as alternate; the alternate sits, and is granted what was deposited before."""
    secretariat.goes("#composition")
    page = secretariat.page
    page.select_option("#mandate-seat", "prefet")
    page.select_option("#mandate-person", label="Fantine Nouvelle")
    page.select_option("#mandate-capacity", "alternate")
    today = world.clock().date()
    page.fill("#mandate-from", today.isoformat())
    page.fill("#mandate-to", today.replace(year=today.year + 2).isoformat())
    secretariat.look("43-composition")
    page.locator("form:has(#mandate-seat) button").click()
    secretariat.settled()
    secretariat.says("Fantine Nouvelle (suppléant")
    secretariat.goes("#seances")
    secretariat.look("44-seances")
    secretariat.press("Signer les dates")
    page.wait_for_url("**/espace#seance/*")
    secretariat.settled()
    sitting = page.url.partition("#")[2]
    depositor.goes(f"#{sitting}")
    deposit(depositor, [str(path) for path in files])
    page.get_by_text("Choisir qui siège").click()
    page.select_option("#seat-prefet", label="Fantine Nouvelle (suppléant)")
    secretariat.look("45-qui-siege")
    secretariat.press("Signer qui siège")
    depositor.goes("#seances")
    depositor.goes(f"#{sitting}")
    depositor.says("Accès à donner")
    depositor.look("15b-acces-a-donner")
    depositor.press("Donner tous ces accès")
    assert depositor.page.get_by_text("Accès à donner").count() == 0
    depositor.says("déposé, 3 appareils pourront lire")
    secretariat.goes("#seances")
    secretariat.goes(f"#{sitting}")
    secretariat.press("Signer l'ordre du jour")
    secretariat.press("Convoquer")
    secretariat.look("46-convoquer")
    page.locator("#ask-yes").click()
    secretariat.says("convoquée")
    assert page.locator("details table").get_by_text("Fantine Nouvelle").count() == 1


def test_complement_grant_withdrawal_and_closing(
    world: SmallCommission, secretariat: Tab, depositor: Tab, tmp_path: Path
) -> None:
    """A dossier is completed, passed on to a new device, withdrawn; the sitting is closed."""
    sitting = world.plan_sitting()
    depositor.goes(f"#seance/{sitting}")
    files = [str(path) for path in papers(tmp_path / "pieces")]
    deposit(depositor, files)
    depositor.page.select_option("#complement", index=1)
    deposit(depositor, files[:1])
    depositor.page.get_by_role("row", name="-c1").wait_for()
    secretariat.goes(f"#seance/{sitting}")
    secretariat.press("Signer l'ordre du jour")
    secretariat.look("47-ordre-du-jour")
    depositor.page.get_by_role("button", name="Retirer").first.click()
    depositor.look("16-retirer")
    depositor.page.fill("#ask-reason", "la personne a renoncé (fiction)")
    depositor.page.locator("#ask-yes").click()
    depositor.page.get_by_text("retiré, clé détruite").first.wait_for()
    depositor.settled()
    depositor.look("17-retire")
    secretariat.goes("#seances")
    secretariat.goes(f"#seance/{sitting}")
    secretariat.press("Clore la séance")
    secretariat.page.locator("#ask-yes").click()
    secretariat.says("Séance close")
    secretariat.settled()
    secretariat.look("48-close")


def deposit(tab: Tab, files: list[str]) -> None:
    tab.page.set_input_files("#files", files)
    tab.press("Voir qui pourra lire")
    tab.press("Chiffrer et déposer")
    tab.says("Déposé et inscrit au journal")
    tab.press("Retour à mes dossiers")


def test_a_conflict_card(
    world: SmallCommission, chromium: Chromium, depositor: Tab, tmp_path: Path
) -> None:
    """Three fields beside the pieces; the member reads them before declaring, and steps aside."""
    sitting = world.plan_sitting()
    depositor.goes(f"#seance/{sitting}")
    page = depositor.page
    page.fill("#card-initials", "É. O.")
    page.set_input_files("#files", [str(papers(tmp_path / "pieces")[0])])
    depositor.press("Voir qui pourra lire")
    depositor.says("La fiche de conflit demande des initiales")
    page.fill("#card-year", "1991")
    page.fill("#card-commune", "Nanterre")
    depositor.look("14b-fiche-de-conflit")
    depositor.press("Voir qui pourra lire")
    depositor.says("Fiche de conflit : É. O., 1991, Nanterre")
    depositor.press("Chiffrer et déposer")
    depositor.says("Sa fiche de conflit est déposée aussi")
    depositor.press("Retour à mes dossiers")
    world.open_now(sitting)
    member = chromium.tab()
    member.brings_key(world, DOCTOR.key)
    member.goes(f"#seance/{sitting}")
    if member.page.locator("#agreed").count():
        member.page.check("#agreed")
        member.press("Signer l'engagement")
    member.press("Lire les fiches de conflit")
    member.page.get_by_role("row", name="É. O. 1991 Nanterre").wait_for()
    member.look("21b-fiches-de-conflit")
    member.page.get_by_role("button", name="Me déporter").click()
    member.page.locator("#ask-yes").click()
    member.says("déporté")
    member.settled()
    assert member.page.get_by_text("Lire les fiches de conflit").count() == 0
    assert member.page.get_by_text("Nanterre").count() == 0


def test_a_broken_line(world: SmallCommission, depositor: Tab, tmp_path: Path) -> None:
    """The line breaks while sending; later the same deposit is resumed and arrives."""
    depositor.goes(f"#seance/{world.plan_sitting()}")
    depositor.page.set_input_files("#files", [str(papers(tmp_path / "pieces")[0])])
    depositor.press("Voir qui pourra lire")
    depositor.page.route("**/parts/*", lambda route: route.abort())
    depositor.press("Chiffrer et déposer")
    depositor.says("Le service ne répond pas")
    depositor.look("18-ligne-coupee")
    depositor.page.unroute("**/parts/*")
    depositor.goes("#seances")
    depositor.page.go_back()
    depositor.says("Un dépôt n'est pas arrivé")
    depositor.settled()
    depositor.look("19-reprendre")
    depositor.press("Reprendre l'envoi")
    depositor.says("appareils pourront lire")
    assert depositor.page.get_by_text("Un dépôt n'est pas arrivé").count() == 0


def test_the_auditor(world: SmallCommission, chromium: Chromium, tmp_path: Path) -> None:
    """The log is verified in the browser, verdict first; an export by either side is judged by both."""
    tab = chromium.tab()
    tab.brings_key(world, AUDITOR.key)
    tab.goes("#journal")
    tab.look("50-journal")
    tab.press("Vérifier le journal")
    tab.says("Favorable : le journal est intact et signé")
    tab.look("51-verdict")
    tab.page.select_option("#filter-kind", label="déclaration enregistrée")
    assert tab.page.locator("td", has_text="connexion").count() == 0
    tab.press("Voir l'état du gardien des clés")
    tab.says("Actes au registre du gardien")
    tab.look("52-gardien")
    exported = saved(tab, "Exporter le registre signé", tmp_path)
    tab.says("index signé par votre clé")
    trust = ("--trust", str(world.directory / "trust.json"))
    auditor = world.people[AUDITOR.key]
    auditor.does("audit", "verify", "--bundle", str(exported), *trust)
    by_command = tmp_path / "commande.tar"
    auditor.does("audit", "export", "--out", str(by_command))
    judges(tab, by_command, "Favorable : le journal est intact et signé")
    tab.look("53-fichier-verifie")
    changed = tmp_path / "change.tar"
    changed.write_bytes(exported.read_bytes().replace(b'{"details":"', b'{"details":"A', 1)[:-1])
    judges(tab, changed, "n'est pas un registre exporté")
    name, data = b"disclosures/3.json", bytearray(exported.read_bytes())
    data[data.index(name) + 512 + 60] ^= 1
    changed.write_bytes(data)
    judges(tab, changed, f"Le fichier « {name.decode()} » du registre n'est pas celui")
    tab.look("54-fichier-change")


def judges(tab: Tab, bundle: Path, verdict: str) -> None:
    """The page's verdict on a file, given without a word to the service."""
    asked: list[str] = []
    tab.page.on("request", lambda made: asked.append(made.url))
    tab.page.set_input_files("#bundle-file", str(bundle))
    tab.press("Vérifier ce fichier")
    tab.says(verdict)
    assert asked == []


def test_locking_forgets_everything(world: SmallCommission, chromium: Chromium) -> None:
    """Locked, the page holds no key; a wrong passphrase opens nothing; ten idle minutes lock."""
    tab = chromium.tab()
    tab.page.clock.install()
    tab.brings_key(world, DOCTOR.key)
    tab.press("Verrouiller")
    tab.page.wait_for_selector("html[data-ready]:not([data-open])", state="attached")
    tab.page.fill("#unlock-passphrase", "une autre phrase de passe")
    tab.press("Ouvrir")
    tab.says("n'ouvre pas ce fichier de clé")
    tab.look("37-mauvaise-phrase")
    broken = ["one"]
    tab.page.route(
        "**/login/challenge",
        lambda route: route.abort() if broken and broken.pop() else route.continue_(),
    )
    tab.page.clock.resume()
    tab.unlock(PASSPHRASE)  # the first connection had ended: the page asks again by itself
    assert broken == []
    tab.page.clock.fast_forward(9 * 60_000 + 30_000)
    tab.says("Verrouillage dans une minute")
    tab.look("38-verrouillage")
    tab.press("Je suis là, continuer")
    tab.page.clock.fast_forward(9 * 60_000 + 30_000)
    tab.says("Verrouillage dans une minute")
    tab.page.clock.fast_forward(60_000)
    tab.page.wait_for_selector("html[data-ready]:not([data-open])", state="attached")
