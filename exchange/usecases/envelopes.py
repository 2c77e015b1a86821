"""Sealed envelopes as they arrive: exactly those that a signed statement lists."""

from __future__ import annotations

from collections.abc import Sequence

from crypto.digests import Digest, sha256
from crypto.envelope import check_envelope
from crypto.statements.exchange import EnvelopeEntry, Purpose
from exchange.usecases.errors import InvalidRequestError, explained


def match_envelopes(
    entries: Sequence[EnvelopeEntry], envelopes: Sequence[bytes]
) -> dict[Digest, bytes]:
    """Each listed envelope by digest; raises InvalidRequestError for one too many or too few.

    Every envelope has the one length of a hybrid header: a classic stanza among post-quantum ones
    would give the whole dossier away, and could not have this length.
    """
    for envelope in envelopes:
        with explained():
            check_envelope(envelope)
    found = {sha256(envelope): envelope for envelope in envelopes}
    listed = [entry.envelope_sha256 for entry in entries]
    addressed = [(entry.certificate, entry.purpose) for entry in entries]
    if len(set(listed)) != len(listed) or len(set(addressed)) != len(addressed):
        raise InvalidRequestError("Un destinataire figure deux fois dans cette liste.")
    if set(listed) != set(found) or len(envelopes) != len(listed):
        raise InvalidRequestError("Les enveloppes reçues ne sont pas celles qui sont annoncées.")
    return found


def addressed_to(entries: Sequence[EnvelopeEntry], purpose: Purpose) -> frozenset[Digest]:
    """The certificates that get an envelope for ``purpose``."""
    return frozenset(entry.certificate for entry in entries if entry.purpose is purpose)
