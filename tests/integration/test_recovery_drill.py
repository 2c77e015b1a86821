"""The drill with an old backup: refused until the roots sign, then everybody goes on, and sees it."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint
from audit.errors import LogUnavailableError
from crypto.age.identities import recipient_of
from crypto.age.recipients import format_recipient
from crypto.keys import HybridIdentity, MasterSeed, PartySigningSeed
from crypto.statements import Unverified, seal
from crypto.statements.custody import Recovery
from exchange.client.keys import store_seed
from exchange.client.profile import Profile
from exchange.settings import load_settings
from exchange.usecases.errors import NotAllowedError, UnavailableError
from exchange.usecases.recovery import recover
from exchange.wiring.backup import back_up
from exchange.wiring.broker_host import replace_in_process
from exchange.wiring.restore import restore
from storage.database import FileHighWater
from tests.support.engines import addresses, put_back, set_aside
from tests.support.live_service import plan_of, post
from tests.support.office import PASSPHRASE, LiveOffice, Outcome, sitting_with


class Drill:
    """A backup, and what was done after it: a member declared, an association deposited."""

    def __init__(self, folder: Path) -> None:
        self.office = office = LiveOffice(folder)
        self.key = HybridIdentity.generate(os.urandom)
        member = office.join("claire", "cdom", "member")
        office.join("nadia", "altair", "depositor")
        office.join("irene", "prefecture", "auditor")
        self.sitting = sitting_with(office, member)
        self.first = self.deposit()
        office.live.log.integrate()
        self.saved = self.backup()
        self.mark_then = self.mark()
        office.run("nadia", "sittings", "--json").data()
        self.lost = self.deposit()
        self.verified = self.export("avant.tar")
        assert self.verify(self.verified).status == 0

    def deposit(self) -> str:
        paper = self.office.folder / "demande.txt"
        paper.write_text("fiction", encoding="utf-8")
        words = ("deposit", "--sitting", self.sitting, "--kind", "engagement", str(paper), "--json")
        return str(self.office.run("nadia", *words).data()["dossier"])

    def backup(self) -> bytes:
        sink, live = io.BytesIO(), self.office.live
        to = format_recipient(recipient_of(self.key))
        back_up(live.settings, to, sink, clock=lambda: live.now, entropy=os.urandom)
        return sink.getvalue()

    def mark(self) -> bytes:
        note = FileHighWater(self.office.live.settings.high_water_file).read()
        assert note is not None
        return note

    def restore(self) -> None:
        """The old backup on a new machine, with the mark and the broker that outlived the old one."""
        live, server = self.office.live, self.office.folder / "neuf"
        mark = self.mark()
        places = addresses(server)
        plan = replace(
            plan_of(live.directory),
            directory=server,
            broker_directory=live.directory / "broker",
            database_url=places.database,
            objects_url=places.objects,
        )
        done = restore(
            *(io.BytesIO(self.saved), [self.key], plan),
            clock=lambda: live.now,
            entropy=os.urandom,
        )
        live.shut()
        live.settings = load_settings(done.settings_file, {})
        FileHighWater(live.settings.high_water_file).write(mark)
        self.start()

    def start(self) -> None:
        live = self.office.live
        live.wired = live.wire()
        live.app = live.new_app()
        live.clients.clear()

    def signed(self, note: bytes, *roots: PartySigningSeed) -> Unverified[Recovery]:
        live = self.office.live
        fields = live.fields(live.root.verify_key().fingerprint)
        statement = Recovery(**fields, checkpoint=note.decode(), reason="Disque perdu.")
        return seal(statement, roots or [live.root])

    def replace_the_broker(self) -> None:
        """As ``dossier broker replace`` does; the roots' next policy names the new one."""
        live = self.office.live
        live.wired.close()
        shutil.rmtree(live.directory / "broker")
        settings_file = live.settings.trust_file.parent / "settings.toml"
        (settings_file.parent / "log.vkey").write_text(live.instance.log_vkey + "\n")
        card = replace_in_process(live.settings, settings_file, os.urandom)
        live.instance = replace(
            live.instance, broker_key=card.statement_key, cosigner_vkey=card.cosigner
        )
        self.start()
        policy = live.trust_policy(2)
        body = {"statement": policy.envelope.decode()}
        answer = post(live.anonymous(), "/api/v1/statements", body)
        assert answer.status_code == 201, answer.text

    def export(self, name: str) -> str:
        out = str(self.office.folder / name)
        self.office.run("irene", "audit", "export", "--out", out, "--json").data()
        return out

    def verify(self, bundle: str) -> Outcome:
        trust = str(self.office.folder / "trust.json")
        return self.office.run("irene", "audit", "verify", "--bundle", bundle, "--trust", trust)


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    made = Drill(tmp_path)
    yield made
    made.office.live.shut()


def test_from_an_old_backup_to_work_again(drill: Drill) -> None:
    """Nothing is signed before the roots sign. Then the log goes on from the backup with another broker;
    those who saw more are told so once, and their evidence is kept; the auditor's report says it.
    """
    office, live = drill.office, drill.office.live
    drill.restore()
    with pytest.raises(LogUnavailableError, match="copie restaurée"):
        live.log.integrate()
    note = live.wired.log.head() or b""
    assert Checkpoint.of_note(note) == Checkpoint.of_note(drill.mark_then)
    signed = drill.signed(note)
    for _ in range(2):
        done = recover(live.wired.service, signed.envelope)
        assert done == (
            signed.digest,
            False,
        )  # the old broker saw what is lost, and never goes back
    drill.replace_the_broker()

    told = office.run("nadia", "sittings", "--json")
    assert told.status == 0, told.err
    assert "restauré d'une sauvegarde" in told.err
    (sitting,) = told.data()
    assert [each["dossier"] for each in sitting["deposits"]] == [drill.first]
    again = office.run("nadia", "sittings")
    assert (again.status, again.err) == (0, "")
    assert len(list((office.folder / "nadia" / "evidence").iterdir())) == 1

    bundle = drill.export("apres.tar")
    verdict = drill.verify(bundle)
    assert "Le journal a été repris d'une base restaurée" in verdict.out
    assert "NON PROBANT" not in verdict.out, verdict.out
    assert drill.deposit() not in {drill.first, drill.lost}


def test_the_roots_may_change_afterwards(drill: Drill) -> None:
    """A recovery counts by the roots of its time: policies that name others lock nobody out."""
    office, live = drill.office, drill.office.live
    drill.restore()
    recover(live.wired.service, drill.signed(live.wired.log.head() or b"").envelope)
    drill.replace_the_broker()
    fresh = PartySigningSeed.generate(os.urandom)
    rotated = live.trust_policy(3, roots=(fresh.verify_key(),))
    both = seal(rotated.statement, [live.root, fresh])
    body = {"statement": both.envelope.decode()}
    assert post(live.anonymous(), "/api/v1/statements", body).status_code == 201
    told = office.run("nadia", "sittings")
    assert (told.status, "restauré d'une sauvegarde" in told.err) == (0, True), told.err
    assert office.run("nadia", "sittings").status == 0


def test_what_recovers_nothing(drill: Drill) -> None:
    """Another's signature, and another checkpoint than the restored head, are refused; nothing moves."""
    live = drill.office.live
    ahead = live.log.integrate()
    drill.restore()
    stranger = PartySigningSeed.generate(os.urandom)
    service, note = live.wired.service, live.wired.log.head() or b""
    with pytest.raises(NotAllowedError):
        recover(service, drill.signed(note, stranger).envelope)
    with pytest.raises(UnavailableError, match="autre point de contrôle"):
        recover(service, drill.signed(ahead).envelope)
    with pytest.raises(LogUnavailableError, match="copie restaurée"):
        live.log.integrate()


def test_a_recovery_is_good_once(drill: Drill) -> None:
    """Whoever takes the log back again with the same recovery is refused by those who went back once."""
    office, live = drill.office, drill.office.live
    drill.restore()
    note = live.wired.log.head() or b""
    signed = drill.signed(note)
    recover(live.wired.service, signed.envelope)
    drill.replace_the_broker()
    live.wired.close()
    places = (live.directory, live.settings.trust_file.parent)
    for each in places:
        shutil.copytree(each, f"{each}.copie")
    set_aside(live.settings.database_url)
    drill.start()
    assert "restauré" in office.run("nadia", "sittings").err
    drill.deposit()
    live.wired.close()
    for each in places:
        shutil.rmtree(each)
        shutil.move(f"{each}.copie", each)
    put_back(live.settings.database_url)
    live.now += timedelta(hours=1)
    drill.start()
    refused = office.run("nadia", "sittings")
    assert refused.status == 1
    assert "contredit" in refused.err


def test_the_commands_of_operator_and_roots(drill: Drill) -> None:
    """Show, sign off line (the second root later), apply: each says what comes next, and slips are said."""
    office, live = drill.office, drill.office.live
    drill.restore()
    live.wired.close()
    settings = str(live.settings.trust_file.parent / "settings.toml")
    head, signed, both = (str(office.folder / name) for name in ("tete.note", "r1.json", "r2.json"))
    shown = office.run("exploitant", "recovery", "show", "--settings", settings, "--out", head)
    assert shown.status == 0, shown.err
    assert "dossier recovery sign" in shown.out
    roots = []
    for name in ("une", "deux"):
        profile = Profile(office.folder / name)
        store_seed(
            profile, MasterSeed.generate(os.urandom), PASSPHRASE, log_n=10, entropy=os.urandom
        )
        roots.append(str(office.folder / name / "identity.age"))
    trust = ("--trust", str(office.folder / "trust.json"))
    words = (
        "recovery",
        "sign",
        *trust,
        "--checkpoint",
        head,
        "--root-key",
        roots[0],
        "--out",
        signed,
    )
    assert office.run("racine", *words).status == 2  # no reason given
    assert office.run("racine", *words, "--reason", "Disque perdu.").status == 0
    more = ("recovery", "sign", *trust, "--signed", signed, "--root-key", roots[1], "--out", both)
    assert office.run("racine", *more, "--json").data()["signatures"] == 2
    refused = office.run("exploitant", "recovery", "apply", "--settings", settings, both)
    assert refused.status == 1  # of two keys that are no roots of this commission
    assert "signature" in refused.err
    true = office.folder / "vraie.json"
    true.write_bytes(drill.signed(Path(head).read_bytes()).envelope)
    applied = office.run("exploitant", "recovery", "apply", "--settings", settings, str(true))
    assert applied.status == 0, applied.err
    assert "dossier broker replace" in applied.out
    drill.start()
