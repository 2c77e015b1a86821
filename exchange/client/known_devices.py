"""The devices that this profile has sealed for: a key that is new since then is worth a phone call.

A dishonest registrar can certify its own key as a member's. Nothing in the formats prevents that;
people do, who see that a key is new and compare its fingerprint (DESIGN, section 3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from crypto.fingerprints import spoken_fingerprint
from crypto.statements.registry import Certificate
from exchange.client.errors import ProfileError
from exchange.client.profile import Profile
from exchange.client.recipients import Addressee
from exchange.usecases.ledger import StatementIndex

FILE = "known-devices.json"


def known_devices(profile: Profile) -> frozenset[str]:
    """Digests of the certificates sealed for so far."""
    data = profile.read(FILE)
    if data is None:
        return frozenset()
    try:
        return frozenset(str(each) for each in json.loads(data))
    except (ValueError, TypeError) as error:
        raise ProfileError(
            "Le fichier « {name} » du profil est abîmé : supprimez-le ; toutes les clés paraîtront "
            "nouvelles.",
            name=FILE,
        ) from error


def remember_devices(profile: Profile, certificates: Iterable[str]) -> None:
    """Add those just sealed for."""
    with profile.locked():
        known = known_devices(profile) | frozenset(certificates)
        profile.write(json.dumps(sorted(known)).encode(), FILE)


def new_devices(
    profile: Profile, index: StatementIndex, addressees: Iterable[Addressee]
) -> tuple[tuple[Addressee, str], ...]:
    """(addressee, fingerprint to compare) of each device never sealed for; none at a first deposit."""
    known = known_devices(profile)
    if not known:
        return ()
    return tuple(
        (each, _spoken(index, each)) for each in addressees if each.certificate not in known
    )


def _spoken(index: StatementIndex, addressee: Addressee) -> str:
    found = index.get(addressee.certificate)
    assert found is not None
    assert isinstance(found.statement, Certificate)
    return spoken_fingerprint(found.statement.recipient, found.statement.signing_key)
