"""``dossier enrol``: accept an invitation."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exchange.cli.bench import Bench, pass_bench
from exchange.cli.words import command, confirmed, json_option, option, result, say
from exchange.locale import translate as _

if TYPE_CHECKING:
    from crypto.edge.identity import Identity
    from crypto.trust import Trust


@command(
    help="Accepte une invitation : compare l'empreinte de la commission, présente cet appareil."
)
@click.argument("invitation", type=click.Path(path_type=Path, dir_okay=False))
@option("--device", help="Nom de cet appareil (sinon celui de la machine).")
@option("--fingerprint", help="Empreinte de la commission, lue par le secrétariat.")
@option("--yes", is_flag=True, help="L'empreinte a déjà été comparée.")
@option("--work-factor", type=click.IntRange(10, 22), default=18, show_default=True,
        help="Coût de la phrase de passe d'une nouvelle clé (2^N).")  # fmt: skip
@json_option
@pass_bench
def enrol(  # click passes by name
    bench: Bench,
    invitation: Path,
    device: str | None,
    fingerprint: str | None,
    yes: bool,
    work_factor: int,
    as_json: bool,
) -> None:
    """See ``help`` above."""
    from exchange.client.enrolment import InvitationFile
    from exchange.client.enrolment import enrol as present

    file = InvitationFile.parse(invitation.read_bytes())
    require_trust(file.trust, fingerprint, yes=yes)
    identity = _identity(bench, work_factor)
    bench.profile.pin(file.trust)
    machine = bench.machine(bench.server or file.server)
    done = present(machine, file, identity, device or platform.node() or "appareil")
    document = {
        "person": done.invitation.statement.person,
        "enrolment": done.enrolment,
        "fingerprint": done.fingerprint,
    }

    def sentences() -> None:
        say("Appareil présenté au secrétariat, pour {name}.", name=done.invitation.statement.name)
        say("Lisez-lui cette empreinte au téléphone : {fingerprint}", fingerprint=done.fingerprint)
        say("Ensuite, imprimez votre clé de secours : « dossier key show --kit ».")

    result(document, as_json=as_json, otherwise=sentences)


def require_trust(trust: Trust, fingerprint: str | None, *, yes: bool) -> None:
    """Compare the commission's fingerprint; raises NotPossibleError unless it was."""
    from crypto.fingerprints import spoken_trust_fingerprint
    from exchange.client.errors import NotPossibleError, NotTrustworthyError

    spoken = spoken_trust_fingerprint(trust)
    if fingerprint is not None:
        if same_fingerprint(fingerprint, spoken):
            return
        raise NotTrustworthyError(
            "L'empreinte donnée n'est pas celle de ce fichier ({spoken}) : il n'a pas été utilisé. "
            "Appelez le secrétariat.",
            spoken=spoken,
        )
    if not yes:
        click.echo(_("Empreinte de la commission : {spoken}").format(spoken=spoken), err=True)
    if not confirmed("Le secrétariat vous lit-il la même empreinte ?", yes=yes):
        raise NotPossibleError(
            "L'empreinte de la commission n'a pas été comparée : appelez le secrétariat, puis relancez avec "
            "--fingerprint « l'empreinte lue »."
        )


def same_fingerprint(given: str, spoken: str) -> bool:
    """Whether two spellings have the same digits."""
    return "".join(given.split()) == "".join(spoken.split())


def _identity(bench: Bench, work_factor: int) -> Identity:
    """The profile's key, made now if there is none."""
    from crypto.keys import MasterSeed
    from exchange.client.keys import KEY_FILE, store_seed

    if bench.profile.read(KEY_FILE) is None:
        seed = MasterSeed.generate(bench.around.entropy)
        passphrase = bench.passphrase(confirm=True, purpose=_("Nouvelle phrase de passe"))
        store_seed(bench.profile, seed, passphrase, log_n=work_factor, entropy=bench.around.entropy)
        from crypto.edge.identity import Identity

        return Identity.from_seed(seed)
    return bench.identity()
