"""``dossier audit``: verify a log with its disclosures, or export them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import group, json_option, option, result, say, warn
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.trust import Trust
    from exchange.replay.bundle import Bundle
    from exchange.replay.extract import Extract
    from exchange.replay.report import Report

PATH = click.Path(path_type=Path)


@group(help="Vérifie le journal et chaque remise de dossier, ou exporte de quoi le faire ailleurs.")
def audit() -> None:
    """See ``help`` above."""


@audit.command(help="Exporte le journal, les déclarations et le registre du gardien, signés.")
@option("--out", required=True, type=PATH, help="Archive (.tar) à écrire.")
@json_option
@pass_bench
def export(bench: Bench, out: Path, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.client.audit_export import export as exporting

    done = exporting(bench.desk(), out)
    document = {"bundle": str(out), "size": done.size, "files": done.files}

    def sentences() -> None:
        say("{size} événements exportés dans « {path} ».", size=done.size, path=out)
        say("Vérifiez-les : dossier audit verify --bundle {path} --trust trust.json", path=out)

    result(document, as_json=as_json, otherwise=sentences)


@audit.command(help="Vérifie un lot exporté (hors ligne), ou un service en marche.")
@option("--bundle", type=PATH, help="Archive exportée, ou son répertoire décompressé.")
@option("--url", help="Adresse d'un service, avec un profil de vérificateur.")
@option("--trust", "trust_file", required=True, type=PATH, help="trust.json de la commission.")
@option("--html", type=PATH, help="Écrit aussi le rapport dans ce fichier HTML.")
@json_option
@click.pass_context
def verify(  # click passes by name
    context: click.Context,
    bundle: Path | None,
    url: str | None,
    trust_file: Path,
    html: Path | None,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from crypto.trust import Trust
    from exchange.cli.failures import REFUSED
    from exchange.replay.render import render_text, to_json
    from exchange.replay.report import Verdict

    if (bundle is None) == (url is None):
        raise click.UsageError(_("Donnez --bundle FICHIER, ou --url ADRESSE."))
    bench: Bench = context.obj
    trust = Trust.parse(trust_file.read_bytes())
    with opened(bench, bundle, url, trust) as files:
        report = verified(bench, files, trust, exported=bundle is not None)
    if html is not None:
        _write_html(report, html)
    click.echo(to_json(report) if as_json else render_text(report))
    if report.verdict is not Verdict.OK:
        context.exit(REFUSED)


@audit.command(
    help="Vérifie, puis atteste par signature ce qui l'a été : on peut alors l'effacer un jour."
)
@option("--bundle", type=PATH, help="Archive exportée ; sans elle, le service est relu.")
@option("--trust", "trust_file", required=True, type=PATH, help="trust.json de la commission.")
@option("--with-findings", is_flag=True, help="Atteste aussi quand il y a des constats.")
@json_option
@pass_bench
def attest(
    bench: Bench, bundle: Path | None, trust_file: Path, with_findings: bool, as_json: bool
) -> None:
    """See ``help`` above."""
    from crypto.trust import Trust
    from exchange.client.attesting import attest as attesting
    from exchange.client.audit_export import CHECKPOINT_PATH
    from exchange.usecases.bundle_layout import disclosure_indices

    trust = Trust.parse(trust_file.read_bytes())
    with opened(bench, bundle, None, trust) as files:
        report = verified(bench, files, trust, exported=bundle is not None)
        _require_attestable(report, with_findings=with_findings)
        indices = sorted(index for index, _path in disclosure_indices(files.paths()))
        note = files.read(CHECKPOINT_PATH) or b""
    told = f"{len(report.findings)} constat(s)" if report.findings else "conforme"
    made = attesting(bench.desk(), indices, note, told)

    def sentences() -> None:
        say(
            "Attesté : {count} événement(s) vérifiés, sur {size}.",
            count=len(indices),
            size=report.size,
        )

    document = {
        "attestations": [each.digest for each in made],
        "events": len(indices),
        "size": report.size,
        "verdict": report.verdict.value,
    }
    result(document, as_json=as_json, otherwise=sentences)


def _require_attestable(report: Report, *, with_findings: bool) -> None:
    """What does not hold is evidence: it must not become erasable."""
    from exchange.client.errors import NotPossibleError, NotTrustworthyError
    from exchange.replay.report import Verdict

    if report.verdict is Verdict.BROKEN:
        raise NotTrustworthyError(
            "Ce journal ne tient pas : il ne s'atteste pas. Lisez « dossier audit verify »."
        )
    if report.verdict is Verdict.FINDINGS and not with_findings:
        raise NotPossibleError(
            "Il y a des constats : lisez « dossier audit verify », gardez l'export s'ils doivent "
            "servir de preuve, puis attestez avec --with-findings."
        )


@audit.command(help="Extrait ce que le journal dit d'un dossier, pour la personne concernée.")
@click.argument("dossier", metavar="REF")
@option("--bundle", required=True, type=PATH, help="Archive exportée, ou son répertoire.")
@option("--trust", "trust_file", required=True, type=PATH, help="trust.json de la commission.")
@option("--out", required=True, type=PATH, help="Dossier à créer.")
@json_option
@pass_bench
def extract(  # click passes by name
    bench: Bench, dossier: str, bundle: Path, trust_file: Path, out: Path, as_json: bool
) -> None:
    """See ``help`` above."""
    from crypto.trust import Trust
    from exchange.client.files import already_there, write_new
    from exchange.replay.extract_page import PAGE_PATH, render_extract

    if out.exists():
        raise already_there(out)
    trust = Trust.parse(trust_file.read_bytes())
    made = _extract_of(bench, bundle, trust, dossier)
    out.mkdir(parents=True)
    for path, data in made.files.items():
        write_new(out, path, iter([data]))
    write_new(out, PAGE_PATH, iter([render_extract(made).encode()]))
    releases = sum(each.event == "release.authorised" for each in made.rows)

    def sentences() -> None:
        say(
            "Extrait du dossier {dossier} : {count} événement(s), dont {releases} remise(s). À lire : "
            "« {page} ».",
            dossier=dossier,
            count=len(made.rows),
            releases=releases,
            page=out / PAGE_PATH,
        )
        say("Il se vérifie avec : dossier audit verify-extract {out} --trust trust.json", out=out)

    document = {"dossier": dossier, "events": len(made.rows), "releases": releases}
    result(document, as_json=as_json, otherwise=sentences)


def _extract_of(bench: Bench, bundle: Path, trust: Trust, dossier: str) -> Extract:
    from exchange.client.errors import NotTrustworthyError
    from exchange.replay.extract import extract as extracting
    from exchange.replay.report import Verdict
    from exchange.replay.run import replay

    with opened(bench, bundle, None, trust) as files:
        report = replay(files, trust, bench.around.clock())
        if report.verdict is Verdict.BROKEN:
            raise NotTrustworthyError(
                "Ce journal ne tient pas : un extrait n'en prouverait rien. Lisez « dossier audit "
                "verify »."
            )
        return extracting(files, report, dossier)


@audit.command("verify-extract", help="Vérifie un extrait remis à une personne, hors ligne.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@option("--trust", "trust_file", required=True, type=PATH, help="trust.json de la commission.")
@json_option
@pass_bench
def verify_extract(bench: Bench, folder: Path, trust_file: Path, as_json: bool) -> None:  # noqa: ARG001
    """See ``help`` above."""
    from crypto.trust import Trust
    from exchange.replay.bundle_directory import BundleDirectory
    from exchange.replay.extract import verify_extract as verifying

    files = BundleDirectory(folder)
    found = {path: files.read(path) or b"" for path in files.paths()}
    rows = verifying(found, Trust.parse(trust_file.read_bytes()))

    def sentences() -> None:
        say(
            "Cet extrait est vrai : {count} événement(s), chacun dans le journal signé.",
            count=len(rows),
        )
        say("Qu'il n'en manque aucun, seule la vérification du journal entier le montre.")

    result({"events": len(rows)}, as_json=as_json, otherwise=sentences)


@contextmanager
def opened(bench: Bench, bundle: Path | None, url: str | None, trust: Trust) -> Iterator[Bundle]:
    """The exported bundle; or a copy read from the service with the auditor's login, kept for as long
    as it is looked at: nothing in it is signed, all of it is verified.
    """
    from exchange.replay.bundle_directory import BundleDirectory
    from exchange.replay.bundle_tar import BundleTar

    if bundle is None:
        bench.profile.pin(trust)
        with tempfile.TemporaryDirectory(prefix="dossier-audit-") as folder:
            _copy(bench, url, Path(folder))
            yield BundleDirectory(Path(folder))
    elif bundle.is_dir():
        yield BundleDirectory(bundle)
    else:
        with BundleTar(bundle) as archive:
            yield archive


def verified(bench: Bench, files: Bundle, trust: Trust, *, exported: bool) -> Report:
    """The replay, held against what this profile verified before; a log that holds is remembered."""
    from exchange.client.audit_export import CHECKPOINT_PATH
    from exchange.client.verified_checkpoints import keep_verified, verified_before
    from exchange.replay.report import Verdict
    from exchange.replay.run import replay
    from exchange.wiring.hashing import hashing_workers

    now, seen = bench.around.clock(), verified_before(bench.profile, trust)
    with hashing_workers() as workers:
        report = replay(files, trust, now, exported=exported, seen=seen, workers=workers)
    note = files.read(CHECKPOINT_PATH) or b""
    if report.contradicted:
        folder = bench.profile.keep_evidence(f"{now:%Y%m%dT%H%M%SZ}", *report.contradicted, note)
        warn("Points de contrôle contradictoires gardés dans « {folder} ».", folder=folder)
    elif report.verdict is not Verdict.BROKEN and report.head_at is not None:
        try:
            keep_verified(bench.profile, trust, note, report.head_at)
        except OSError as error:
            warn(
                "Ce qui vient d'être vérifié n'a pas pu être retenu ({reason}) : un journal ramené en arrière "
                "depuis ne se verra pas la prochaine fois.",
                reason=error.strerror or "",
            )
    return report


def _copy(bench: Bench, url: str | None, folder: Path) -> None:
    from exchange.client.audit_export import bundle_files
    from exchange.client.files import write_new

    for path, data in bundle_files(bench.desk(url)):
        write_new(folder, path, iter([data]))


def _write_html(report: Report, path: Path) -> None:
    from exchange.client.files import appearing
    from exchange.replay.page import render_page

    with appearing(path) as handle:
        handle.write(render_page(report).encode())
