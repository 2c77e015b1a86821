"""Certificates of the link between service and broker, made with the broker's store.

One authority, one certificate a side. The authority's private key is forgotten as soon as it has
signed these two: nobody can ever add a third, and renewing means a new authority on both sides.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY: Final = timedelta(days=731)
"""Two years: an operator renews at leisure, and a forgotten copy of a key ends by itself."""

BACKDATED: Final = timedelta(minutes=5)
"""The other host's clock may be a little behind."""


@dataclass(frozen=True)
class Credentials:
    """PEM texts of one side: its certificate and private key."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True)
class LinkCertificates:
    """What both sides need."""

    authority: bytes
    broker: Credentials
    service: Credentials


def make_certificates(host: str, now: datetime, validity: timedelta = VALIDITY) -> LinkCertificates:
    """A fresh authority and both certificates; ``host`` is the name or address that the service
    will connect to. ``cryptography`` draws the keys from the system's own random source.
    """
    until = now + validity
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = _name("dossier-exchange broker link")
    authority = (
        _builder(name, name, authority_key.public_key(), authority_key, (now, until))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )

    def issue(common_name: str, usage: x509.ObjectIdentifier, *, named: bool) -> Credentials:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(_name(common_name), name, key.public_key(), authority_key, (now, until))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            # So that the broker's certificate cannot play the service, nor the reverse.
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        )
        if named:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(host)]), critical=False
            )
        certificate = builder.sign(authority_key, hashes.SHA256())
        return Credentials(certificate.public_bytes(Encoding.PEM), _private_pem(key))

    return LinkCertificates(
        authority.public_bytes(Encoding.PEM),
        broker=issue("broker", ExtendedKeyUsageOID.SERVER_AUTH, named=True),
        service=issue("service", ExtendedKeyUsageOID.CLIENT_AUTH, named=False),
    )


def expiry(certificate: bytes) -> datetime:
    """When a PEM certificate ends, in UTC."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    authority: ec.EllipticCurvePrivateKey,
    window: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(window[0] - BACKDATED)
        .not_valid_after(window[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
