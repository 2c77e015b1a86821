"""Making a broker of its own, and joining it to an instance: three steps on two hosts.

1. on the service's host, ``dossier init --broker-url`` makes ``trust.json`` and ``log.vkey``;
2. on the broker's, ``make_broker_host`` makes the store, the certificates and ``service/``;
3. on the service's again, ``attach`` takes ``service/`` in and completes the trust policy's draft.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from audit.note import NoteVerifier
from audit.policy import BROKER
from crypto.errors import MalformedError
from crypto.keys import Entropy, VerifyKey
from crypto.statements.fields import Label, VerifyKeyField
from crypto.statements.model import Strict
from crypto.trust import Trust
from exchange.broker.create import BrokerKeys, create_broker
from exchange.broker.process.certificates import LinkCertificates, make_certificates
from exchange.remote_broker.link import AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE
from exchange.settings import Settings
from exchange.usecases.broker_wire import read, write
from exchange.wiring.instance import InstanceError, policy_draft_text

PRIVATE: Final = 0o600
PRIVATE_DIRECTORY: Final = 0o700

SERVICE_DIRECTORY: Final = "service"
"""What the operator carries to the service's host, by a safe way: it holds a private key."""

TLS_DIRECTORY: Final = "tls"
CARD_FILE: Final = "broker.json"
SETTINGS_FILE: Final = "broker.toml"
BROKER_CERTIFICATE, BROKER_KEY = "broker.pem", "broker.key"
MAX_FILE_BYTES: Final = 65_536
_BROKER_LINE: Final = f"witness {BROKER} "
"""The line of a C2SP tlog-policy that names this instance's own broker."""


class BrokerCard(Strict):
    """``service/broker.json``: what the trust policy must name."""

    statement_key: VerifyKeyField
    cosigner: Label


@dataclass(frozen=True)
class BrokerPlan:
    """What the broker's operator asked for."""

    directory: Path
    trust: Path
    log_vkey: Path
    origin: str | None
    """The log's; None: the name of its key."""
    host: str
    """The name or address at which the service reaches the broker."""
    listen: str
    log_n: int


def make_broker_host(
    plan: BrokerPlan, passphrase: str, now: datetime, entropy: Entropy
) -> BrokerKeys:
    """Make store, certificates and settings; raises an ExplainedError, and replaces nothing."""
    trust = Trust.parse(_read(plan.trust))
    vkey = _read(plan.log_vkey).decode("utf-8", "replace").strip()
    verifier = NoteVerifier.parse(vkey)
    keys = create_broker(
        plan.directory,
        trust=trust,
        origin=plan.origin or verifier.name,
        log_keys=[vkey],
        entropy=entropy,
        passphrase=passphrase,
        log_n=plan.log_n,
    )
    card = BrokerCard(statement_key=keys.statement_key, cosigner=keys.cosigner_vkey)
    write_certificates(plan.directory, make_certificates(plan.host, now))
    _write(plan.directory / SERVICE_DIRECTORY / CARD_FILE, write(card) + b"\n")
    text = (
        "# Réglages du gardien des clés.\n"
        'directory = "."\n'
        f"listen = {json.dumps(plan.listen)}\n"
        "# passphrase_file = …  (sinon : jeton systemd « broker-passphrase », ou broker unlock)\n"
    )
    _write(plan.directory / SETTINGS_FILE, text.encode())
    return keys


def write_certificates(directory: Path, made: LinkCertificates) -> None:
    """Put both sides' certificates in place of earlier ones."""
    tls, service = directory / TLS_DIRECTORY, directory / SERVICE_DIRECTORY
    for folder in (tls, service):
        folder.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        _write(folder / AUTHORITY_FILE, made.authority)
    _write(tls / BROKER_CERTIFICATE, made.broker.certificate)
    _write(tls / BROKER_KEY, made.broker.key)
    _write(service / CERTIFICATE_FILE, made.service.certificate)
    _write(service / KEY_FILE, made.service.key)


def attach(settings: Settings, settings_file: Path, folder: Path) -> BrokerCard:
    """Take a broker's ``service`` folder into the instance; raises InstanceError.

    The link's certificates are replaced; the draft of the trust policy now names this broker.
    """
    if settings.broker_tls_directory is None:
        raise InstanceError(
            "Cette instance a son gardien dans son propre processus : « broker_url » et "
            "« broker_tls_directory » manquent dans ses réglages."
        )
    try:
        card = read(BrokerCard, _read(folder / CARD_FILE))
    except MalformedError as error:
        raise InstanceError(
            "« {path} » n'est pas le répertoire « service » d'un gardien des clés.", path=folder
        ) from error
    target = settings.broker_tls_directory
    target.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    for name in (AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE):
        _write(target / name, _read(folder / name))
    _write_draft(settings, settings_file.absolute().parent, card)
    return card


def replace_in_process(settings: Settings, settings_file: Path, entropy: Entropy) -> BrokerCard:
    """Make a new store where the in-process broker's was lost; raises InstanceError.

    The draft of the trust policy now names it. Its predecessor's keys are gone: depositors seal their
    envelopes again (``dossier grant --all``).
    """
    if settings.broker_url is not None or settings.broker_directory is None:
        raise InstanceError(
            "Le gardien de cette instance est un processus à part : recréez-le sur sa machine "
            "(« dossier broker init »), puis « dossier broker attach » ici."
        )
    instance = settings_file.absolute().parent
    keys = create_broker(
        settings.broker_directory,
        trust=Trust.parse(_read(settings.trust_file)),
        origin=settings.origin,
        log_keys=[_read(instance / "log.vkey").decode("ascii", "replace").strip()],
        entropy=entropy,
    )
    card = BrokerCard(statement_key=keys.statement_key, cosigner=keys.cosigner_vkey)
    _write_draft(settings, instance, card)
    return card


def _write_draft(settings: Settings, instance: Path, card: BrokerCard) -> None:
    """The draft of the next trust policy: this broker alone, other witnesses as they stand in it."""
    vkey = _read(instance / "log.vkey").decode("ascii", "replace").strip()
    key: VerifyKey = card.statement_key
    draft = json.loads(policy_draft_text(settings.origin, vkey, key, card.cosigner))
    path = instance / "policy-draft.json"
    earlier = json.loads(_read(path)) if path.exists() else {}
    draft["log_keys"] = earlier.get("log_keys") or draft["log_keys"]
    lines = str(earlier.get("witness_policy") or "").splitlines()
    if any(line.startswith(_BROKER_LINE) for line in lines):
        own = f"{_BROKER_LINE}{card.cosigner}"
        lines = [own if line.startswith(_BROKER_LINE) else line for line in lines]
        draft["witness_policy"] = "".join(line + "\n" for line in lines)
    _write(path, (json.dumps(draft, indent=2) + "\n").encode())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InstanceError(
            "« {path} » ne peut pas être lu ({cause}).", path=path, cause=error.strerror
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise InstanceError("« {path} » est trop long pour ce qu'il devrait être.", path=path)
    return data


def _write(path: Path, data: bytes) -> None:
    """Private from the first byte on, and whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, PRIVATE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InstanceError(
            "« {path} » ne peut pas être créé ({cause}).", path=path, cause=error.strerror
        ) from error
