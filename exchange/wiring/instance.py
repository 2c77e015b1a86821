"""Making a new instance: keys, pinned trust, settings, drafts, an empty migrated database.

Every file is created and none replaced: a second ``init`` over a running commission would cut it
off from its own log.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.note import NoteSigner
from crypto.encoding import new_opaque_id
from crypto.errors import ExplainedError, MalformedError
from crypto.keys import Entropy, ServiceSigningSeed, VerifyKey
from crypto.trust import Trust
from exchange.settings import CookieSecret
from exchange.wiring.presets import draft_text, load_preset
from storage.database import migrate

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
PRIVATE_DIRECTORY: Final = 0o700

LINK_DIRECTORY: Final = "broker-tls"
"""Where the instance keeps its side of the link to a separate broker."""

MAX_ROOT_FILE_BYTES: Final = 4_096
"""A key of 44 characters and a few lines of comment."""


class InstanceError(ExplainedError):
    """The instance cannot be made as asked; nothing was replaced."""


@dataclass(frozen=True)
class InstancePlan:
    """What the operator asked for. Paths are absolute."""

    directory: Path
    broker_directory: Path | None
    """Of an in-process broker; None for a broker of its own at ``broker_url``."""
    preset: str
    roots: tuple[VerifyKey, ...]
    threshold: int
    database_url: str
    objects_url: str
    origin: str
    public_url: str
    listen: str
    broker_url: str | None = None


@dataclass(frozen=True)
class Instance:
    """What was made, and what the trust policy must name."""

    plan: InstancePlan
    trust: Trust
    log_vkey: str
    broker_key: VerifyKey | None
    """None until a separate broker is attached (``broker_host.attach``)."""
    cosigner_vkey: str | None
    settings_file: Path
    policy_draft: Path


def read_root_key(path: Path) -> VerifyKey:
    """A ``ROOT.pub`` file: one line of base64, lines of ``#`` comment; raises InstanceError."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_ROOT_FILE_BYTES + 1).decode("utf-8")
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        if len(keys) != 1 or len(text) > MAX_ROOT_FILE_BYTES:
            raise MalformedError("Un fichier de clé racine contient une seule clé.")
        return VerifyKey.parse(keys[0])
    except (OSError, UnicodeDecodeError, MalformedError) as error:
        raise InstanceError(
            "« {path} » n'est pas une clé publique racine : donnez le fichier .pub écrit par "
            "« dossier key new --root ».",
            path=path,
        ) from error


def make_instance(plan: InstancePlan, entropy: Entropy) -> Instance:
    """Make the instance; raises InstanceError when any of its files exists already."""
    preset = load_preset(plan.preset)
    trust = _trust(plan, new_opaque_id(entropy))
    _require_new(plan)
    plan.directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    signer = NoteSigner(plan.origin, ServiceSigningSeed.generate(entropy))
    log_vkey = str(signer.verifier)
    broker = _make_broker(plan, trust, log_vkey, entropy)
    migrate(plan.database_url)
    files = _Files(plan.directory)
    files.write("trust.json", trust.to_json().decode(), PUBLIC)
    files.write("log.key", signer.reveal() + "\n", PRIVATE)
    files.write("log.vkey", log_vkey + "\n", PUBLIC)
    files.write("cookie.secret", CookieSecret.generate(entropy).reveal().hex() + "\n", PRIVATE)
    files.write("roster.toml", draft_text(preset), PUBLIC)
    draft = policy_draft_text(plan.origin, log_vkey, *broker)
    policy_draft = files.write("policy-draft.json", draft, PUBLIC)
    # Last: without it nothing starts, so an interrupted init is noticed.
    settings_file = files.write("settings.toml", _settings_text(plan), PRIVATE)
    return Instance(plan, trust, log_vkey, *broker, settings_file, policy_draft)


def write_restored(plan: InstancePlan, trust: bytes, log_key: bytes, cookie: bytes) -> Path:
    """Write the files that a backup brought, and settings that name the new places; the latter's path.

    No mark: it is what tells an old backup from the last (``audit.log``).
    """
    plan.directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    vkey = str(NoteSigner.parse(log_key.decode("ascii").strip()).verifier)
    files = _Files(plan.directory)
    files.write("trust.json", trust.decode("utf-8"), PUBLIC)
    files.write("log.key", log_key.decode("ascii"), PRIVATE)
    files.write("log.vkey", vkey + "\n", PUBLIC)
    files.write("cookie.secret", cookie.decode("ascii"), PRIVATE)
    return files.write("settings.toml", _settings_text(plan), PRIVATE)


class _Files:
    """Creates files of one directory, each with its mode from the first byte on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, name: str, text: str, mode: int) -> Path:
        path = self._directory / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InstanceError(
                "« {path} » ne peut pas être créé ({cause}).", path=path, cause=error.strerror
            ) from error
        return path


MADE_FILES: Final = (
    *("trust.json", "log.key", "log.vkey", "cookie.secret", "high-water.note"),
    *("roster.toml", "policy-draft.json", "settings.toml", "database.sqlite"),
)
"""What an instance's directory holds; any of them there already stops ``init``."""


def _require_new(plan: InstancePlan) -> None:
    taken = [plan.directory / name for name in MADE_FILES if (plan.directory / name).exists()]
    if plan.broker_directory and (plan.broker_directory / "store.json").exists():
        taken.append(plan.broker_directory)
    if taken:
        raise InstanceError(
            "« {path} » existe déjà : une instance n'est jamais écrasée. Choisissez un autre "
            "répertoire (--directory, --broker).",
            path=taken[0],
        )


def _trust(plan: InstancePlan, commission: str) -> Trust:
    if len(set(plan.roots)) != len(plan.roots):
        raise InstanceError("La même clé racine est donnée deux fois.")
    if not 1 <= plan.threshold <= len(plan.roots):
        raise InstanceError(
            "Le seuil ({threshold}) doit être compris entre 1 et le nombre de clés racine ({keys}).",
            threshold=plan.threshold,
            keys=len(plan.roots),
        )
    return Trust(commission=commission, root_keys=plan.roots, threshold=plan.threshold)


def _make_broker(
    plan: InstancePlan, trust: Trust, log_vkey: str, entropy: Entropy
) -> tuple[VerifyKey | None, str | None]:
    if plan.broker_directory is None:
        return None, None
    from exchange.broker.create import create_broker

    keys = create_broker(
        plan.broker_directory,
        trust=trust,
        origin=plan.origin,
        log_keys=[log_vkey],
        entropy=entropy,
    )
    return keys.statement_key, keys.cosigner_vkey


def policy_draft_text(
    origin: str, log_vkey: str, broker: VerifyKey | None, cosigner_vkey: str | None
) -> str:
    """What ``dossier registrar trust`` starts the first trust policy from."""
    draft = {
        "origin": origin,
        "log_keys": [log_vkey],
        "broker_keys": [str(broker)] if broker else [],
        "witness_policy": f"witness broker {cosigner_vkey}\nquorum broker\n" if broker else "",
    }
    return json.dumps(draft, indent=2) + "\n"


def _settings_text(plan: InstancePlan) -> str:
    lines = [
        ("Base de données", "database_url", plan.database_url),
        ("Textes chiffrés", "objects_url", plan.objects_url),
        ("Nom du journal : ne change jamais", "origin", plan.origin),
        ("Adresse du service pour ses utilisateurs", "public_url", plan.public_url),
        ("Adresse d'écoute (derrière un mandataire TLS)", "listen", plan.listen),
        ("Clé du journal", "log_key_file", "log.key"),
        (
            "Dernier état signé du journal : à placer hors de la base\n# et de ses sauvegardes",
            "high_water_file",
            "high-water.note",
        ),
        ("Confiance épinglée", "trust_file", "trust.json"),
        *_broker_lines(plan),
        ("Secret des cookies", "cookie_secret_file", "cookie.secret"),
    ]
    body = "".join(f"\n# {note}\n{key} = {_toml(value)}\n" for note, key, value in lines)
    return "# Réglages de l'instance ; chacun peut aussi venir de DOSSIER_<NOM>.\n" + body


def _broker_lines(plan: InstancePlan) -> list[tuple[str, str, str]]:
    if plan.broker_url is None:
        note = "Clés de dépôt : hors de toute sauvegarde"
        return [(note, "broker_directory", str(plan.broker_directory))]
    return [
        ("Gardien des clés, dans son propre processus", "broker_url", plan.broker_url),
        ("Certificats du lien avec lui", "broker_tls_directory", LINK_DIRECTORY),
    ]


def _toml(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)
