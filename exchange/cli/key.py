"""``dossier key``: local identities."""

from __future__ import annotations

from pathlib import Path

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import group, json_option, option, result, say
from exchange.locale import translate as _

PATH = click.Path(path_type=Path)


@group(help="Les clés de cet appareil : créer, montrer, récupérer, exporter.")
def key() -> None:
    """See ``help`` above."""


@key.command(help="Crée la clé de ce profil, ou une clé racine (--root --out FICHIER).")
@option("--root", is_flag=True, help="Une clé racine, dans un fichier à garder hors ligne.")
@option("--registrar", is_flag=True, help="La clé d'un agent du secrétariat.")
@option("--out", type=PATH, help="Fichier de la clé racine.")
@option(
    "--work-factor",
    type=click.IntRange(10, 22),
    default=18,
    show_default=True,
    help="Coût de la phrase de passe (2^N ; 18 demande une seconde et 256 Mio).",
)
@json_option
@pass_bench
def new(  # click passes by name
    bench: Bench, root: bool, registrar: bool, out: Path | None, work_factor: int, as_json: bool
) -> None:
    """See ``help`` above."""
    from crypto.edge.identity import Identity
    from crypto.keys import MasterSeed
    from exchange.client.keys import store_seed, write_key_file
    from exchange.client.profile import KIND_DEVICE, KIND_REGISTRAR

    if root != (out is not None):
        raise click.UsageError(_("Une clé racine s'écrit avec --root et --out FICHIER, ensemble."))
    entropy = bench.around.entropy
    seed = MasterSeed.generate(entropy)
    asked = _("Nouvelle phrase de passe")
    passphrase = bench.passphrase(confirm=True, purpose=asked)
    if out is not None:
        public = write_key_file(out, seed, passphrase, log_n=work_factor, entropy=entropy)
    else:
        public = store_seed(bench.profile, seed, passphrase, log_n=work_factor, entropy=entropy)
        bench.profile.change(kind=KIND_REGISTRAR if registrar else KIND_DEVICE)
    verify_key = Identity.from_seed(seed).verify_key
    document = {
        "key": str(verify_key),
        "fingerprint": verify_key.fingerprint,
        "public_file": str(public),
    }

    def sentences() -> None:
        say("Clé créée. Sa partie publique est dans « {path} ».", path=public)
        say("Imprimez sans attendre votre clé de secours : « dossier key show --kit-pdf FICHIER ».")

    result(document, as_json=as_json, otherwise=sentences)


@key.command(help="Montre les empreintes de la clé, ou la clé de secours à imprimer (--kit).")
@option("--kit", is_flag=True, help="Affiche la clé de secours : à imprimer, jamais à envoyer.")
@option("--kit-svg", type=PATH, help="Écrit le code QR de la clé de secours dans ce fichier SVG.")
@option("--kit-pdf", type=PATH, help="Écrit la clé de secours, page à imprimer, dans ce PDF.")
@json_option
@pass_bench
def show(
    bench: Bench, kit: bool, kit_svg: Path | None, kit_pdf: Path | None, as_json: bool
) -> None:
    """See ``help`` above."""
    from crypto.age.recipients import format_recipient
    from crypto.edge.identity import Identity
    from crypto.fingerprints import spoken_fingerprint
    from exchange.client.keys import read_seed

    seed = read_seed(bench.profile, bench.passphrase)
    identity, settings = Identity.from_seed(seed), bench.profile.settings()
    document = {
        "kind": settings.kind,
        "person": settings.person,
        "name": settings.name,
        "organisation": settings.organisation,
        "roles": list(settings.roles),
        "certificate": settings.certificate,
        "key": str(identity.verify_key),
        "key_fingerprint": identity.verify_key.fingerprint,
        "spoken_fingerprint": spoken_fingerprint(identity.recipient, identity.verify_key),
        "recipient": format_recipient(identity.recipient),
    }

    def sentences() -> None:
        say("Profil : {directory}", directory=bench.directory)
        if settings.name:
            say(
                "Personne : {name} ({organisation})",
                name=settings.name,
                organisation=settings.organisation,
            )
        say("Empreinte à lire au téléphone : {spoken}", spoken=document["spoken_fingerprint"])
        say("Certificat : {digest}", digest=settings.certificate or "—")
        say("Destinataire age : {recipient}", recipient=document["recipient"])

    if not kit and kit_svg is None and kit_pdf is None:
        result(document, as_json=as_json, otherwise=sentences)
        return
    from crypto.edge.keyfile import encode_seed

    if kit_pdf is not None:
        _write_kit(bench, kit_pdf, encode_seed(seed), str(document["spoken_fingerprint"]))
    if kit or kit_svg is not None:
        _show_kit(encode_seed(seed), kit_svg, on_screen=kit)


def _write_kit(bench: Bench, path: Path, seed: str, spoken: str) -> None:
    from exchange.client.files import appearing
    from exchange.client.recovery_kit import Kit, render_kit

    settings = bench.profile.settings()
    today = bench.around.clock().date()
    kit = Kit(seed, spoken, settings.name, settings.organisation, today)
    with appearing(path) as handle:
        handle.write(render_kit(kit))
    say("Clé de secours écrite dans « {path} » : imprimez-la, puis effacez ce fichier.", path=path)


def _show_kit(text: str, svg: Path | None, *, on_screen: bool) -> None:
    import io
    import sys

    import segno

    from exchange.client.files import appearing

    code = segno.make(text, error="m", micro=False)
    if svg is not None:
        picture = io.BytesIO()
        code.save(picture, kind="svg", scale=4, border=4)
        with appearing(svg) as handle:
            handle.write(picture.getvalue())
    if on_screen:
        click.echo(text)
        if sys.stdout.isatty():
            code.terminal(compact=True)


@key.command(help="Refait la clé de ce profil à partir de la clé de secours imprimée.")
@option("--seed-file", type=PATH, help="Fichier qui contient la clé de secours (sinon demandée).")
@option("--work-factor", type=click.IntRange(10, 22), default=18, show_default=True,
        help="Coût de la phrase de passe (2^N).")  # fmt: skip
@pass_bench
def recover(bench: Bench, seed_file: Path | None, work_factor: int) -> None:
    """See ``help`` above."""
    from crypto.edge.identity import Identity
    from crypto.edge.keyfile import decode_seed
    from crypto.fingerprints import spoken_fingerprint
    from exchange.client.keys import store_seed

    if seed_file is not None:
        text = seed_file.read_text(encoding="utf-8")
    else:
        text = click.prompt(_("Clé de secours (DOSSIER-SEED-1…)"), hide_input=True, err=True)
    seed = decode_seed(text)
    passphrase = bench.passphrase(confirm=True, purpose=_("Nouvelle phrase de passe"))
    entropy = bench.around.entropy
    store_seed(bench.profile, seed, passphrase, log_n=work_factor, entropy=entropy)
    identity = Identity.from_seed(seed)
    say("Clé refaite dans « {directory} ».", directory=bench.directory)
    say(
        "Empreinte, à comparer avec celle de la page : {spoken}",
        spoken=spoken_fingerprint(identity.recipient, identity.verify_key),
    )


@key.command("export-age", help="Écrit l'identité age de la clé, pour un autre outil age.")
@option("--out", type=PATH, help="Fichier à écrire (sinon la sortie standard).")
@pass_bench
def export_age(bench: Bench, out: Path | None) -> None:
    """See ``help`` above."""
    from crypto.edge.keyfile import export_age as exported
    from exchange.client.files import appearing
    from exchange.client.keys import read_seed

    text = exported(read_seed(bench.profile, bench.passphrase)) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    with appearing(out) as handle:
        handle.write(text.encode())
    say("Identité age écrite dans « {path} » : qui lit ce fichier ouvre vos dossiers.", path=out)
