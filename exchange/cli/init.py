"""``dossier init``: make a new instance for one commission."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

if TYPE_CHECKING:
    from exchange.wiring.instance import Instance

PATH = click.Path(path_type=Path)


@click.command()
@click.option("--preset", required=True, help="Modèle de composition, p. ex. 92-2018.")
@click.option("--root", "roots", multiple=True, required=True, type=PATH, metavar="ROOT.pub",
              help="Clé publique racine ; se répète (k parmi n).")  # fmt: skip
@click.option("--threshold", type=int, help="Signatures racine exigées (défaut : la majorité).")
@click.option("--directory", type=PATH, default=Path("dossier-exchange"), show_default=True,
              help="Répertoire de l'instance.")  # fmt: skip
@click.option("--broker", type=PATH, help="Répertoire du gardien des clés (défaut : DIR/broker).")
@click.option("--database", help="Adresse de la base (défaut : SQLite dans le répertoire).")
@click.option("--objects", help="Stockage des textes chiffrés (défaut : DIR/objects).")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="HÔTE:PORT d'écoute.")
@click.option("--public-url", help="Adresse pour les utilisateurs (défaut : http://LISTEN).")
@click.option(
    "--origin", help="Nom du journal (défaut : HÔTE de l'adresse publique, suivi de /log)."
)
def init(
    preset: str,
    roots: tuple[Path, ...],
    threshold: int | None,
    directory: Path,
    broker: Path | None,
    database: str | None,
    objects: str | None,
    listen: str,
    public_url: str | None,
    origin: str | None,
) -> None:
    """Crée une instance : identifiant, clés du service, réglages, base vide."""
    from exchange.wiring.instance import InstancePlan, make_instance, read_root_key

    directory = directory.absolute()
    url = public_url or f"http://{listen}"
    plan = InstancePlan(
        directory=directory,
        broker_directory=broker.absolute() if broker else directory / "broker",
        preset=preset,
        roots=tuple(read_root_key(path) for path in roots),
        threshold=threshold if threshold is not None else len(roots) // 2 + 1,
        database_url=database or f"sqlite:///{directory / 'database.sqlite'}",
        objects_url=objects or f"file://{quote(str(directory / 'objects'))}",
        origin=origin or f"{url.partition('://')[2].rstrip('/')}/log",
        public_url=url,
        listen=listen,
    )
    _tell(make_instance(plan, os.urandom))


def _tell(made: Instance) -> None:
    from crypto.fingerprints import spoken_trust_fingerprint

    plan = made.plan
    click.echo(f"Instance créée dans {plan.directory}")
    click.echo(f"  commission            {made.trust.commission}")
    click.echo(f"  journal               {made.log_vkey}")
    click.echo(f"  clé du gardien        {made.broker_key}")
    click.echo(f"  cosignataire          {made.cosigner_vkey}")
    click.echo(f"  réglages              {made.settings_file}")
    click.echo(f"  répertoire du gardien {plan.broker_directory} (hors de toute sauvegarde)")
    click.echo(f"  confiance             {plan.directory / 'trust.json'}")
    click.echo("")
    click.echo(f"Empreinte de la confiance : {spoken_trust_fingerprint(made.trust)}")
    click.echo("")
    click.echo("À faire ensuite :")
    click.echo(f"  1. relire la composition : {plan.directory / 'roster.toml'} ;")
    click.echo(f"  2. lancer le service : dossier serve --settings {made.settings_file} ;")
    click.echo("  3. faire signer et publier la politique de confiance n° 1 par la racine :")
    click.echo(f"     dossier registrar trust … (à partir de {made.policy_draft}).")
