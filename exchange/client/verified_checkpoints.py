"""The checkpoints of logs that this profile verified whole, kept beside it for the next time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from audit.seen import Seen
from crypto.encoding import format_instant, parse_instant
from crypto.trust import Trust
from exchange.client.errors import ProfileError
from exchange.client.profile import Profile

FOLDER: Final = "verified"
"""One file for each ``trust.json``, by its digest: two commissions may give their logs the same name."""


def verified_before(profile: Profile, trust: Trust) -> tuple[Seen, ...]:
    """All of them under this trust, oldest first; raises ProfileError when the file was damaged."""
    file = _file(trust)
    lines = (profile.read(FOLDER, file) or b"").splitlines()
    try:
        loaded = [json.loads(line) for line in lines]
        return tuple(
            Seen(each["note"].encode(), parse_instant(each["cosigned_at"])) for each in loaded
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProfileError(
            "Le fichier « {file} » de ce profil est abîmé : restaurez-le. Sans lui, un journal ramené en "
            "arrière ne se verrait plus.",
            file=f"{FOLDER}/{file}",
        ) from error


def keep_verified(profile: Profile, trust: Trust, note: bytes, cosigned_at: datetime) -> None:
    """Remember one more, once."""
    line = {"note": note.decode(), "cosigned_at": format_instant(cosigned_at)}
    with profile.locked():
        if all(each.note != note for each in verified_before(profile, trust)):
            before = profile.read(FOLDER, _file(trust)) or b""
            profile.write(before + json.dumps(line).encode() + b"\n", FOLDER, _file(trust))


def _file(trust: Trust) -> str:
    return f"{trust.digest}.jsonl"
