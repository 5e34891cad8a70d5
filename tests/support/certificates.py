"""Makes certificates for servers on loopback: one that clients trust, and one for each reason to refuse one."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from trustme import LeafCert

ADDRESS = "127.0.0.1"
DAY = timedelta(days=1)


def server_tls(certificate: LeafCert) -> ssl.SSLContext:
    """Return the TLS context of a server with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def server_certificates(authority: trustme.CA, folder: Path) -> dict[str, ssl.SSLContext]:
    """Return the TLS contexts of servers, by what is wrong with their certificates for a client of this authority."""
    now = datetime.now(UTC)
    self_signed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    self_signed.load_cert_chain(_self_signed(folder, now))
    return {
        "trusted": server_tls(authority.issue_cert(ADDRESS)),
        "untrusted": server_tls(trustme.CA().issue_cert(ADDRESS)),
        "self-signed": self_signed,
        "expired": server_tls(authority.issue_cert(ADDRESS, not_before=now - 2 * DAY, not_after=now - DAY)),
        "future": server_tls(authority.issue_cert(ADDRESS, not_before=now + DAY, not_after=now + 2 * DAY)),
        "foreign": server_tls(authority.issue_cert("elsewhere.example")),
    }


def _self_signed(folder: Path, now: datetime) -> Path:
    """Write a self-signed certificate and its private key to a file, and return the file."""
    pem = trustme.CA().issue_cert(ADDRESS).private_key_pem.bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, EllipticCurvePrivateKey)  # of the types that keys may have, not all can sign
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, ADDRESS)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - DAY, now + DAY)
    certificate = builder.sign(key, SHA256())
    file = folder / "self-signed.pem"
    file.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    return file
