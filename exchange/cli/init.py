"""``dossier init``: make a new instance for one commission."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from exchange.cli.words import command, option, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from exchange.wiring.instance import Instance

PATH = click.Path(path_type=Path)


@command(help="Crée une instance : identifiant, clés du service, réglages, base vide.")
@option("--preset", required=True, help="Modèle de composition, p. ex. 92-2018.")
@option("--root", "roots", multiple=True, required=True, type=PATH, metavar="ROOT.pub",
        help="Clé publique racine ; se répète (k parmi n).")  # fmt: skip
@option("--threshold", type=int, help="Signatures racine exigées (défaut : la majorité).")
@option("--directory", type=PATH, default=Path("dossier-exchange"), show_default=True,
        help="Répertoire de l'instance.")  # fmt: skip
@option("--broker", type=PATH, help="Répertoire du gardien des clés (défaut : DIR/broker).")
@option("--broker-url", help="Gardien des clés dans son propre processus : https://HÔTE:PORT.")
@option("--database", help="Adresse de la base (défaut : SQLite dans le répertoire).")
@option("--objects", help="Stockage des textes chiffrés (défaut : DIR/objects).")
@option("--listen", default="127.0.0.1:8080", show_default=True, help="HÔTE:PORT d'écoute.")
@option("--public-url", help="Adresse pour les utilisateurs (défaut : http://LISTEN).")
@option("--origin", help="Nom du journal (défaut : HÔTE de l'adresse publique, suivi de /log).")
def init(
    preset: str,
    roots: tuple[Path, ...],
    threshold: int | None,
    directory: Path,
    broker: Path | None,
    broker_url: str | None,
    database: str | None,
    objects: str | None,
    listen: str,
    public_url: str | None,
    origin: str | None,
) -> None:
    """See ``help`` above."""
    from exchange.wiring.instance import InstancePlan, make_instance, read_root_key

    if broker is not None and broker_url is not None:
        raise click.UsageError(_("Donnez --broker ou --broker-url, pas les deux."))
    if broker_url is not None and not broker_url.startswith("https://"):
        raise click.UsageError(
            _("--broker-url s'écrit https://HÔTE:PORT : rien n'y passe en clair.")
        )
    directory = directory.absolute()
    url = (public_url or f"http://{listen}").rstrip("/")
    plan = InstancePlan(
        directory=directory,
        broker_directory=None
        if broker_url
        else (broker.absolute() if broker else directory / "broker"),
        broker_url=broker_url,
        preset=preset,
        roots=tuple(read_root_key(path) for path in roots),
        threshold=threshold if threshold is not None else len(roots) // 2 + 1,
        database_url=database or f"sqlite:///{directory / 'database.sqlite'}",
        objects_url=objects or f"file://{quote(str(directory / 'objects'))}",
        origin=origin or f"{url.partition('://')[2]}/log",
        public_url=url,
        listen=listen,
    )
    _tell(make_instance(plan, os.urandom))


def _tell(made: Instance) -> None:
    from crypto.fingerprints import spoken_trust_fingerprint

    plan = made.plan
    say("Instance créée dans {path}", path=plan.directory)
    for label, value in (
        (_("commission"), made.trust.commission),
        (_("clé du journal"), made.log_vkey),
        (_("clé du gardien"), made.broker_key or "—"),
        (_("cosignataire"), made.cosigner_vkey or "—"),
        (_("réglages"), made.settings_file),
        (_("gardien des clés"), plan.broker_directory or plan.broker_url),
        (_("confiance"), plan.directory / "trust.json"),
    ):
        click.echo(f"  {label:<17} {value}")
    if plan.broker_directory is not None:
        say(
            "Le répertoire du gardien ne va dans aucune sauvegarde : détruire une clé doit suffire."
        )
    say("")
    say("Empreinte de la confiance : {groups}", groups=spoken_trust_fingerprint(made.trust))
    say("")
    say("À faire ensuite :")
    if plan.broker_url is not None:
        say(
            "  0. sur la machine du gardien : « dossier broker init --trust trust.json --log-vkey "
            "log.vkey », puis ici « dossier broker attach » ;"
        )
    say("  1. relire la composition : {path} ;", path=plan.directory / "roster.toml")
    say("  2. lancer le service : dossier serve --settings {path} ;", path=made.settings_file)
    say(
        "  3. faire signer par la racine, puis publier, la politique de confiance n° 1 : dossier "
        "registrar trust, à partir de {path}.",
        path=made.policy_draft,
    )
