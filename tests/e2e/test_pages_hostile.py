"""A hostile service before a real browser: each lie ends in a page that says to stop, and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from audit.note import KeyType
from tests.e2e.test_pages import papers
from tests.support.log_world import signer
from tests.support.lying_service import Forger, LyingService, type_of
from tests.support.pages_browser import NEEDS_CHROMIUM, Chromium, Tab, can_run, running_chromium
from tests.support.small_commission import (
    AUDITOR,
    DEPOSITOR,
    DOCTOR,
    SmallCommission,
    small_commission,
)

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not can_run(), reason=NEEDS_CHROMIUM)]

SITTING = re.compile(r"/api/v1/sittings/[a-z2-7]{26}$")
STATUS = re.compile(r"/api/v1/status\?")
BEGIN = re.compile(r"/api/v1/deposits$")
WHAT_TO_DO = re.compile(r"prévenez|transmettez|recommencez|n'y travaillez pas", re.IGNORECASE)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallCommission]:
    with small_commission(tmp_path_factory.mktemp("hostile") / "commission") as made:
        yield made


@pytest.fixture(scope="module")
def chromium(world: SmallCommission) -> Iterator[Chromium]:
    with running_chromium(world.url) as made:
        yield made


@pytest.fixture(scope="module")
def association(world: SmallCommission, chromium: Chromium) -> LyingService:
    """The depositor's browser, unlocked, and the service that it believes to be honest."""
    tab = chromium.tab()
    tab.brings_key(world, DEPOSITOR.key)
    return LyingService(tab)


@pytest.fixture(scope="module")
def member(world: SmallCommission, chromium: Chromium) -> LyingService:
    """A member's browser, unlocked; they declared themselves free of conflicts at ``opened``."""
    tab = chromium.tab()
    tab.brings_key(world, DOCTOR.key)
    return LyingService(tab)


@pytest.fixture(scope="module")
def planned(world: SmallCommission) -> str:
    return world.plan_sitting()


@pytest.fixture(scope="module")
def opened(world: SmallCommission) -> str:
    """A sitting that may be read, with two dossiers."""
    sitting = world.plan_sitting()
    for name in ("premier", "deuxieme"):
        world.people[DEPOSITOR.key].does(
            *("deposit", "--sitting", sitting, "--kind", "engagement", "--any-type"),
            str(world.folder(name, demande=name.encode())),
        )
    world.open_now(sitting)
    world.people[DOCTOR.key].does("declare", sitting, "--accept-undertaking")
    return sitting


def stops(service: LyingService, reason: str, picture: str) -> None:
    """The page shows the reason and what to do now; then the service is honest again."""
    tab = service.tab
    told = tab.page.locator(".notice.bad[role=alert]")
    told.wait_for()
    service.is_honest_again()
    text = told.inner_text()
    assert text.startswith("Arrêtez-vous : une vérification a échoué."), text
    assert reason in text, text
    assert WHAT_TO_DO.search(text), text
    tab.settled()
    tab.look(picture)


def opens(tab: Tab, sitting: str) -> None:
    tab.goes("#seances")
    tab.goes(f"#seance/{sitting}")


def wants_to_deposit(tab: Tab, sitting: str, folder: Any) -> None:
    opens(tab, sitting)
    tab.page.set_input_files("#files", [str(papers(folder)[0])])


def on_certificates(change: Any) -> Any:
    def lie(answer: Any) -> Any:
        changed = [
            change(each) if type_of(each["envelope"]) == "certificate" else each
            for each in answer["statements"]
        ]
        return {**answer, "statements": changed}

    return lie


def test_an_invented_member(association: LyingService, planned: str, tmp_path: Any) -> None:
    """A certificate that the service signed itself puts nobody on the list of readers."""
    tab, forger = association.tab, Forger.fresh()
    wants_to_deposit(tab, planned, tmp_path / "pieces")

    def invented(each: Any) -> Any:
        return {**each, "envelope": forger.signs(each["envelope"], recipient=forger.recipient)}

    association.answers(SITTING, on_certificates(invented))
    tab.press("Voir qui pourra lire")
    stops(association, "l'un des deux a été changé ou échangé", "62-membre-invente")
    assert not any(each.startswith("PUT") for each in association.asked)


def test_a_withheld_member(
    world: SmallCommission, chromium: Chromium, planned: str, tmp_path: Any
) -> None:
    """A certificate exchanged for another genuine one puts nobody off the list of readers unseen."""
    service = LyingService(chromium.tab())
    service.tab.brings_key(world, DEPOSITOR.key)

    def exchanged(answer: Any) -> Any:
        certificates = [e for e in answer["statements"] if type_of(e["envelope"]) == "certificate"]
        others = [each for each in answer["statements"] if each not in certificates]
        return {**answer, "statements": [*others, *[certificates[0]] * len(certificates)]}

    service.answers(SITTING, exchanged)
    wants_to_deposit(service.tab, planned, tmp_path / "pieces")
    service.tab.press("Voir qui pourra lire")
    stops(service, "ne montre pas le certificat d'une personne qui siège", "62b-membre-tu")
    assert not any(each.startswith("PUT") for each in service.asked)


def test_an_invented_reader_shown_to_a_member(member: LyingService, opened: str) -> None:
    """A member is not shown a sitting whose people the service certified itself."""
    forger = Forger.fresh()
    member.tab.goes("#seances")

    def invented(each: Any) -> Any:
        return {**each, "envelope": forger.signs(each["envelope"], name="Personne Inventée")}

    member.answers(SITTING, on_certificates(invented))
    member.tab.goes(f"#seance/{opened}")
    stops(member, "l'un des deux a été changé ou échangé", "63-membre-invente-au-membre")
    assert member.tab.page.get_by_text("Personne Inventée").count() == 0


def test_a_release_key_of_its_own(association: LyingService, planned: str, tmp_path: Any) -> None:
    """Nothing is sealed to a release key that the broker did not sign: no part leaves the browser."""
    tab, forger = association.tab, Forger.fresh()
    wants_to_deposit(tab, planned, tmp_path / "pieces")
    tab.press("Voir qui pourra lire")

    def own(answer: Any) -> Any:
        given = answer["release_key"]
        envelope = forger.signs(given["envelope"], recipient=forger.recipient)
        return {**answer, "release_key": {**given, "envelope": envelope}}

    association.answers(BEGIN, own)
    tab.press("Chiffrer et déposer")
    stops(association, "l'un des deux a été changé ou échangé", "64-cle-de-depot-inventee")
    assert not any(each.startswith("PUT") for each in association.asked)


def test_a_forged_receipt(association: LyingService, planned: str, tmp_path: Any) -> None:
    """A service that answers a deposit with another receipt is found out; the deposit is not lost."""
    tab = association.tab
    wants_to_deposit(tab, planned, tmp_path / "pieces")
    tab.press("Voir qui pourra lire")
    begun = association.records(BEGIN)
    association.answers(
        re.compile("/commit$"),
        lambda answer: {**answer, "receipt": begun[0]["release_key"]["receipt"]},
    )
    tab.press("Chiffrer et déposer")
    stops(association, "l'un des deux a été changé ou échangé", "60-recepisse-force")
    opens(tab, planned)
    tab.press("Reprendre l'envoi")
    tab.says("appareils pourront lire")


def test_a_stale_status(association: LyingService, planned: str, tmp_path: Any) -> None:
    """The broker's word of yesterday is not taken for today's: nothing is sealed on its ground."""
    tab = association.tab
    wants_to_deposit(tab, planned, tmp_path / "pieces")
    before = association.records(STATUS)
    tab.press("Voir qui pourra lire")
    tab.press("Revenir aux pièces")
    association.is_honest_again()
    association.answers(STATUS, lambda _answer: before[0])
    tab.press("Voir qui pourra lire")
    stops(association, "enregistré autrefois et remis aujourd'hui", "65-etat-perime")


def test_a_hidden_revocation(
    world: SmallCommission, association: LyingService, planned: str, tmp_path: Any
) -> None:
    """Who was revoked is not sealed to, although the service hides it: the broker's status tells."""
    tab = association.tab
    wants_to_deposit(tab, planned, tmp_path / "pieces")
    world.registrar.does(
        *("registrar", "revoke", world.ids[AUDITOR.key], "--reason", "poste volé"),
    )
    association.answers(
        re.compile(r"/api/v1/(sittings/[a-z2-7]{26}$|statements\?)"),
        lambda answer: {
            **answer,
            "statements": [
                each for each in answer["statements"] if type_of(each["envelope"]) != "revocation"
            ],
        },
    )
    tab.press("Voir qui pourra lire")
    stops(association, "une révocation est cachée", "66-revocation-cachee")


def test_exchanged_envelopes(member: LyingService, opened: str) -> None:
    """The header of one dossier does not open another: the reader is told that it was exchanged."""
    tab = member.tab
    opens(tab, opened)

    def exchanged(answer: Any) -> Any:
        one, other = answer["releases"]
        return {
            **answer,
            "releases": [{**one, "header": other["header"]}, {**other, "header": one["header"]}],
        }

    member.answers(re.compile("/api/v1/releases$"), exchanged)
    tab.press("Prendre les dossiers")
    stops(member, "il a été échangé", "67-enveloppes-echangees")
    assert tab.page.get_by_text("Dossiers pris").count() == 0


def test_an_older_log(member: LyingService, opened: str) -> None:
    """A log set back to what it was is refused; both signed checkpoints are kept as evidence."""
    tab = member.tab
    tab.goes("#seances")
    earlier = member.records(SITTING)
    tab.goes(f"#seance/{opened}")
    member.is_honest_again()
    tab.press("Prendre les dossiers")
    tab.says("Dossiers pris")
    tab.goes("#seances")
    member.answers(SITTING, lambda _answer: earlier[0])
    tab.goes(f"#seance/{opened}")
    stops(member, "contredit celui que ce navigateur a déjà vu", "68-journal-ramene-en-arriere")
    opens(tab, opened)
    tab.says("Dossiers pris")


def test_an_altered_script_of_a_role(world: SmallCommission, chromium: Chromium) -> None:
    """A role's script that is not the published one does not run; the page says so and asks to stop."""
    tab = chromium.tab()
    tab.page.route("**/static/dist/association.js", _altered)
    tab.brings_key(world, DEPOSITOR.key)
    tab.goes(f"#seance/{world.plan_sitting()}")
    tab.says("n'est pas celle qui a été publiée")
    assert tab.page.evaluate("window.altered") is None
    tab.look("61-script-altere")


def _altered(route: Any) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body="window.altered = true;" + answer.text())


def lose_a_witness(world: SmallCommission) -> None:
    """The roots demand a witness that never answers: accepted, and nothing is published any more."""
    draft = json.loads((world.server_directory / "policy-draft.json").read_text())
    tribunal = signer("tribunal.example", KeyType.COSIGNATURE_V1, 77)
    broker = draft["witness_policy"].splitlines()[0]
    lines = (broker, f"witness tribunal {tribunal.verifier}", "quorum tribunal\n")
    path = world.directory / "second-draft.json"
    path.write_text(json.dumps({**draft, "witness_policy": "\n".join(lines)}))
    root, registrar = world.people["racine"], world.registrar
    day = (world.clock() + timedelta(days=300)).date().isoformat()
    tried = registrar.tries(
        *("registrar", "trust", "--trust", str(world.directory / "trust.json")),
        *("--policy-draft", str(path), "--registrar-not-after", day),
        *("--registrar-key", str(registrar.directory / "identity.pub")),
        *("--root-key", str(root.directory / "racine.age")),
        *("--root-passphrase-file", str(root.passphrase_file), "--server", world.url),
    )
    assert tried.status == 3, tried.printed


def test_fewer_witnesses_are_said(world: SmallCommission, chromium: Chromium) -> None:
    """While the registrar's emergency lasts the page works, and says on every view how many witnesses
    watch; before it nothing opens. The last test here: the service is not the same afterwards.
    """
    lose_a_witness(world)
    tab = chromium.tab()
    tab.visit("/espace")
    until = (world.clock() + timedelta(days=1)).isoformat(timespec="seconds")
    world.registrar.does(
        *("registrar", "emergency", "--quorum", "0", "--until", until, "--yes"),
        *("--reason", "Le témoin du tribunal est en panne."),
    )
    tab.brings_key(world, DOCTOR.key)
    notice = tab.page.locator("#log-notices .notice.warning")
    assert "abaissé à 0 le nombre de témoins du journal" in notice.inner_text()
    tab.goes("#cle")
    assert notice.is_visible()
    tab.settled()
    tab.look("69-moins-de-temoins")
