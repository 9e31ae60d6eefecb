"""Tokens of Google's own library: fetched in a thread, one at a time, renewed after a 401, failures in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from scripted_api import ScriptedApi, pod_list, status

from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import CredentialsFailed


@dataclass
class TokenService:
    """Google's token endpoint on loopback."""

    issued: int = 0
    refuse: bool = False

    async def token(self, request: web.Request) -> web.Response:
        if self.refuse:
            return web.json_response({"error": "invalid_grant", "error_description": "revoked"}, status=400)
        self.issued += 1
        return web.json_response({"access_token": f"google-{self.issued}", "expires_in": 3600, "token_type": "Bearer"})


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TokenService]:
    """Named by a service account file in GOOGLE_APPLICATION_CREDENTIALS."""
    state, app = TokenService(), web.Application()
    app.router.add_post("/token", state.token)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k",
        "private_key": key.decode(),
        "client_email": "x@p.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{runner.addresses[0][1]}/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    yield state
    await runner.cleanup()


async def test_one_token_serves_many_requests_and_a_401_brings_one_new(api: ScriptedApi, service: TokenService) -> None:
    revoked = {"Bearer google-1"}

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") in revoked:
            return status(401, "Unauthorized", "Unauthorized")
        return pod_list(1)

    api.answer = answer
    cluster = await Cluster.from_gke(api.address, api.ca_pem, replace(api.endpoints(), token_file=None))
    revoked.clear()
    await asyncio.gather(*(cluster.items("Pod", "ns") for _ in range(8)))
    assert service.issued == 1
    assert {h["Authorization"] for h in api.headers} == {"Bearer google-1"}
    revoked.add("Bearer google-1")
    assert await cluster.items("Pod", "ns") == []
    assert service.issued == 2
    await cluster.close()


async def test_a_revoked_login_is_told_with_the_command_that_heals_it(api: ScriptedApi, service: TokenService) -> None:
    service.refuse = True
    with pytest.raises(CredentialsFailed, match="gcloud auth application-default login"):
        await Cluster.from_gke(api.address, api.ca_pem, replace(api.endpoints(), token_file=None))
