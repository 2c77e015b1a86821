"""``dossier registrar trust``: the root's act. It can be done in turns, and off line."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench, read_passphrase
from exchange.cli.moments import Moment
from exchange.cli.words import command, json_option, option, result, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.edge.identity import Identity
    from crypto.keys import VerifyKey
    from crypto.statements import Unverified
    from crypto.statements.registry import TrustPolicy
    from crypto.trust import Trust

PATH = click.Path(path_type=Path)
POLICY_DAYS = 365
REGISTRAR_DAYS = 365


@command(help="Compose la politique de confiance, la signe des clés racine, la publie ou l'écrit.")
@option("--trust", "trust_file", type=PATH, required=True, help="trust.json de la commission.")
@option("--policy-draft", type=PATH, help="Projet écrit par « dossier init ».")
@option("--signed", type=PATH, help="Politique déjà signée par d'autres clés racine.")
@option("--registrar-key", "registrars", multiple=True, type=PATH,
        help="Clé publique (.pub) d'un agent du secrétariat ; se répète.")  # fmt: skip
@option(
    "--registrar-not-after", type=Moment(), help="Fin de validité de ces clés (12 mois au plus)."
)
@option("--root-key", "root_keys", multiple=True, type=PATH,
        help="Fichier d'une clé racine qui signe ; se répète.")  # fmt: skip
@option(
    "--root-passphrase-file", type=PATH, help="Phrase de passe des clés racine, si elle est à part."
)
@option("--next-root", "next_roots", multiple=True, type=PATH,
        help="Clé racine publique de la suite ; se répète (défaut : les mêmes).")  # fmt: skip
@option("--threshold", type=int, help="Signatures racine exigées ensuite (défaut : inchangé).")
@option("--expires", type=Moment(), help="Fin de validité de la politique (défaut : un an).")
@option("--version", "number", type=int, help="Numéro, hors ligne (défaut : le suivant).")
@option("--server", help="Adresse du service où publier.")
@option("--out", type=PATH, help="Écrit la politique signée au lieu de la publier.")
@json_option
@pass_bench
def trust(  # click passes by name
    bench: Bench,
    trust_file: Path,
    policy_draft: Path | None,
    signed: Path | None,
    registrars: tuple[Path, ...],
    registrar_not_after: datetime | None,
    root_keys: tuple[Path, ...],
    root_passphrase_file: Path | None,
    next_roots: tuple[Path, ...],
    threshold: int | None,
    expires: datetime | None,
    number: int | None,
    server: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from crypto.trust import Trust
    from exchange.client.keys import read_public_key

    if (policy_draft is None) == (signed is None):
        raise click.UsageError(_("Donnez --policy-draft FICHIER, ou --signed FICHIER."))
    anchor = Trust.parse(trust_file.read_bytes())
    roots = root_identities(root_keys, root_passphrase_file or bench.passphrase_file)
    if signed is not None:
        unverified = _sign_more(signed, roots)
    else:
        if not roots:
            raise click.UsageError(_("Il faut au moins une clé racine : --root-key FICHIER."))
        assert policy_draft is not None
        now = bench.around.clock()
        unverified = _compose(
            bench,
            anchor,
            policy_draft,
            [read_public_key(path) for path in registrars],
            roots,
            end_of_registrars=registrar_not_after or now + timedelta(days=REGISTRAR_DAYS),
            next_keys=tuple(read_public_key(path) for path in next_roots),
            threshold=threshold,
            expires=expires or now + timedelta(days=POLICY_DAYS),
            number=number or _next_number(bench, anchor, None if out else server),
        )
    _deliver(bench, anchor, unverified, server, out, as_json=as_json)


def root_identities(paths: tuple[Path, ...], passphrase_file: Path | None) -> list[Identity]:
    """The root keys in these files, each unlocked; raises ProfileError."""
    from crypto.edge.identity import Identity
    from exchange.client.keys import read_key_file

    def passphrase(path: Path) -> str:
        asked = _("Phrase de passe de la clé racine {name}").format(name=path.name)
        return read_passphrase(passphrase_file, purpose=asked)

    return [
        Identity.from_seed(read_key_file(path, lambda path=path: passphrase(path)))  # type: ignore[misc]  # the default binds the loop's value
        for path in paths
    ]


def _next_number(bench: Bench, anchor: Trust, server: str | None) -> int:
    """1 off line; else the number after the policy in force."""
    from exchange.client.root_policy import policies_of

    if server is None and bench.server is None and bench.profile.settings().server is None:
        return 1
    view = policies_of(bench.machine(server), anchor)
    return view.policy.policy.version + 1 if view.has_policy else 1


def _compose(
    bench: Bench,
    anchor: Trust,
    draft: Path,
    registrars: list[VerifyKey],
    roots: list[Identity],
    *,
    end_of_registrars: datetime,
    next_keys: tuple[VerifyKey, ...],
    threshold: int | None,
    expires: datetime,
    number: int,
) -> Unverified[TrustPolicy]:
    from exchange.client.root_policy import NextRoot, PolicyDraft, compose, sign

    policy = compose(
        anchor,
        PolicyDraft.parse(draft.read_bytes()),
        [(key, end_of_registrars) for key in registrars],
        NextRoot(next_keys or anchor.root_keys, threshold or anchor.threshold),
        version=number,
        expires_at=expires.replace(microsecond=0),
        signer=roots[0].verify_key.fingerprint,
        now=bench.around.clock(),
        entropy=bench.around.entropy,
    )
    return sign(policy, roots)


def _sign_more(path: Path, roots: list[Identity]) -> Unverified[TrustPolicy]:
    from crypto.statements import parse
    from crypto.statements.registry import TrustPolicy
    from exchange.client.root_policy import joined

    before = parse(TrustPolicy, path.read_bytes())
    return joined(before, [root.sign(before.statement) for root in roots])


def _deliver(
    bench: Bench,
    anchor: Trust,
    unverified: Unverified[TrustPolicy],
    server: str | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    from exchange.client.files import appearing
    from exchange.client.root_policy import publish_first, publish_next

    version = unverified.statement.version
    document = {
        "policy": unverified.digest,
        "version": version,
        "signatures": len(unverified.signatures),
        "published": out is None,
    }
    if out is not None:
        with appearing(out) as handle:
            handle.write(unverified.envelope)
    else:
        machine = bench.machine(server)
        machine.profile.pin(anchor)
        if machine.profile.settings().server is None:
            machine.profile.change(server=bench.server_url(server))
        if version == 1:
            publish_first(machine, anchor, unverified)
        else:
            publish_next(machine, anchor, unverified)

    def sentences() -> None:
        if out is not None:
            count = len(unverified.signatures)
            say(
                "Politique n° {version} écrite ({count} signature(s)).",
                version=version,
                count=count,
            )
        else:
            say("Politique de confiance n° {version} publiée et vérifiée.", version=version)

    result(document, as_json=as_json, otherwise=sentences)
