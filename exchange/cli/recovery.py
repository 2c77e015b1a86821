"""``dossier recovery``: going on after an old backup was restored; the roots decide it, off line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.serve import settings_option
from exchange.cli.words import group, json_option, option, result, say

if TYPE_CHECKING:
    from crypto.edge.identity import Identity

PATH = click.Path(path_type=Path)


@group(help="Repartir d'une sauvegarde ancienne : la racine le signe, le journal le dit toujours.")
def recovery() -> None:
    """See ``help`` above."""


@recovery.command(
    help="Écrit le point de contrôle de la base restaurée, que la racine doit signer."
)
@settings_option
@option("--out", type=PATH, required=True, help="Fichier à écrire.")
def show(settings_file: Path | None, out: Path) -> None:
    """See ``help`` above."""
    from audit.checkpoint import Checkpoint
    from exchange.client.errors import NotPossibleError
    from exchange.client.files import appearing
    from exchange.settings import load_settings
    from exchange.wiring.service import wire_service

    wired = wire_service(load_settings(settings_file, os.environ))
    try:
        note = wired.log.head()
    finally:
        wired.close()
    if note is None:
        raise NotPossibleError("Cette base n'a encore rien signé : il n'y a rien à reprendre.")
    with appearing(out) as handle:
        handle.write(note)
    size = Checkpoint.of_note(note).size
    say("La base restaurée s'arrête à {size} événements : « {out} ».", size=size, out=out)
    say("À faire ensuite : la racine lit ce fichier, et le signe avec « dossier recovery sign ».")


@recovery.command(help="La racine permet de repartir de ce point de contrôle. Hors ligne.")
@option("--trust", "trust_file", type=PATH, required=True, help="trust.json de la commission.")
@option("--checkpoint", type=PATH, help="Fichier écrit par « dossier recovery show ».")
@option("--signed", type=PATH, help="Reprise déjà signée par d'autres clés racine.")
@option("--reason", help="Motif, lu par le vérificateur ; jamais de nom.")
@option("--root-key", "root_keys", multiple=True, required=True, type=PATH,
        help="Fichier d'une clé racine qui signe ; se répète.")  # fmt: skip
@option(
    "--root-passphrase-file", type=PATH, help="Phrase de passe des clés racine, si elle est à part."
)
@option("--out", type=PATH, required=True, help="Fichier à écrire.")
@json_option
@pass_bench
def sign(  # click passes by name
    bench: Bench,
    trust_file: Path,
    checkpoint: Path | None,
    signed: Path | None,
    reason: str | None,
    root_keys: tuple[Path, ...],
    root_passphrase_file: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from crypto.statements import parse
    from crypto.statements.custody import Recovery
    from crypto.trust import Trust
    from exchange.cli.registrar_trust import root_identities
    from exchange.client.files import appearing
    from exchange.client.root_recovery import countersign
    from exchange.client.root_recovery import sign as signing
    from exchange.locale import translate as _

    if (signed is None) == (checkpoint is None) or (checkpoint is not None and not reason):
        raise click.UsageError(
            _("Donnez --checkpoint FICHIER et --reason MOTIF, ou --signed FICHIER.")
        )
    trust = Trust.parse(trust_file.read_bytes())
    passphrase = root_passphrase_file or bench.passphrase_file
    roots: list[Identity] = root_identities(root_keys, passphrase)
    if signed is not None:
        unverified = countersign(parse(Recovery, signed.read_bytes()), roots)
    else:
        assert checkpoint is not None
        note = checkpoint.read_bytes()
        around = bench.around
        unverified = signing(trust, note, str(reason), roots, around.clock(), around.entropy)
    with appearing(out) as handle:
        handle.write(unverified.envelope)
    count = len(unverified.signatures)

    def sentences() -> None:
        say("Reprise signée par {count} clé(s) racine : « {out} ».", count=count, out=out)
        say("À faire ensuite, sur le serveur : dossier recovery apply {out}", out=out)

    result(
        {"recovery": unverified.digest, "signatures": count}, as_json=as_json, otherwise=sentences
    )


@recovery.command(help="Repart de la base restaurée, comme la racine l'a signé.")
@settings_option
@click.argument("statement", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@pass_bench
def apply(bench: Bench, settings_file: Path | None, statement: Path, as_json: bool) -> None:
    """See ``help`` above."""
    from exchange.settings import load_settings
    from exchange.usecases.recovery import recover
    from exchange.wiring.service import wire_service

    around = bench.around
    wired = wire_service(
        load_settings(settings_file, os.environ), clock=around.clock, entropy=around.entropy
    )
    try:
        digest, published = recover(wired.service, statement.read_bytes())
    finally:
        wired.close()

    def sentences() -> None:
        say("Le journal repart de la base restaurée ; c'est inscrit.")
        if not published:
            say(
                "Il n'est pas encore publié : le gardien en place a vu la suite perdue, et ne revient "
                "jamais en arrière. Remplacez-le (« dossier broker replace »), puis publiez la politique "
                "de confiance qui nomme le nouveau."
            )
        say(
            "Un témoin d'un autre exploitant doit lui aussi être remis à ce point par cet exploitant."
        )

    document = {"recovery": digest, "published": published}
    result(document, as_json=as_json, otherwise=sentences)
