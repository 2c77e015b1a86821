"""The checkpoints of logs that this profile verified whole, kept beside it for the next time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from audit.seen import Seen
from crypto.encoding import format_instant, parse_instant
from exchange.client.errors import ProfileError
from exchange.client.profile import Profile

FILE: Final = "verified-checkpoints.jsonl"


def verified_before(profile: Profile) -> tuple[Seen, ...]:
    """All of them, oldest first; raises ProfileError when the file was damaged."""
    lines = (profile.read(FILE) or b"").splitlines()
    try:
        loaded = [json.loads(line) for line in lines]
        return tuple(
            Seen(each["note"].encode(), parse_instant(each["cosigned_at"])) for each in loaded
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProfileError(
            "Le fichier « {file} » de ce profil est abîmé : restaurez-le. Sans lui, un journal ramené en "
            "arrière ne se verrait plus.",
            file=FILE,
        ) from error


def keep_verified(profile: Profile, note: bytes, cosigned_at: datetime) -> None:
    """Remember one more, once."""
    line = {"note": note.decode(), "cosigned_at": format_instant(cosigned_at)}
    with profile.locked():
        if all(each.note != note for each in verified_before(profile)):
            before = profile.read(FILE) or b""
            profile.write(before + json.dumps(line).encode() + b"\n", FILE)
