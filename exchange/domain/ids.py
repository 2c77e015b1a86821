"""Names of things, each a type of its own, so that a seat is never passed where a person is due.

The strings come out of statements, which accept one spelling only; nothing is parsed again here.
"""

from __future__ import annotations

from typing import NewType

PersonId = NewType("PersonId", str)
"""An opaque id; the name behind it stands in the certificate and nowhere else."""

SeatCode = NewType("SeatCode", str)
OrganisationCode = NewType("OrganisationCode", str)
MandateId = NewType("MandateId", str)
SittingId = NewType("SittingId", str)
DepositId = NewType("DepositId", str)
DossierReference = NewType("DossierReference", str)
CertificateId = NewType("CertificateId", str)
"""The digest of a certificate statement."""

ManifestId = NewType("ManifestId", str)
"""The digest of a manifest statement."""
