"""Cluster CAs made without an Authority Key Identifier, which Python 3.13 and later refuse by default."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rhaii_tui.endpoints import google_cloud
from rhaii_tui.kube.connect import Cluster

PEM = serialization.Encoding.PEM


def old_certificates(folder: Path) -> bytes:
    """Writes `server.pem` (certificate and key of 127.0.0.1); returns its CA."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)

    def certificate(
        name: str, public: ec.EllipticCurvePublicKey, *extensions: tuple[x509.ExtensionType, bool]
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old CA")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(PEM)

    signing = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    basic = x509.BasicConstraints(True, None)
    ca = certificate("old CA", ca_key.public_key(), (basic, True), (signing, True), (identifier, False))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    server = certificate("server", key.public_key(), (names, False))
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(server + private)
    return ca


async def test_an_old_ca_is_accepted_but_still_verified(tmp_path: Path) -> None:
    ca = old_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")

    async def version(request: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v1.33.0"})

    app = web.Application()
    app.router.add_get("/version", version)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    (tmp_path / "token").write_text("t")
    endpoints = replace(google_cloud(), token_file=tmp_path / "token", trust_env=False)
    cluster = await Cluster.from_gke(f"127.0.0.1:{runner.addresses[0][1]}", ca, endpoints)
    strict = cluster._client.rest_client.ssl_context
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 does by itself
    assert (await cluster.get("/version"))["gitVersion"] == "v1.33.0"
    relaxed = cluster._client.rest_client.ssl_context
    assert relaxed is not strict
    assert relaxed.verify_mode is ssl.CERT_REQUIRED
    assert relaxed.check_hostname
    await cluster.close()
    await runner.cleanup()
