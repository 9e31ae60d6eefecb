"""The operators' installer as the child process it is, against the TLS listener."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path

import yaml
from actors_stage import CPU_POOL, Stage, conditions, stage


def kubeconfig(s: Stage, folder: Path) -> Path:
    name = "demo"
    authority = base64.b64encode(s.cluster.ca_pem).decode()
    cluster = {"server": f"https://{s.cluster.address}", "certificate-authority-data": authority}
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "clusters": [{"name": name, "cluster": cluster}],
                "users": [{"name": name, "user": {"token": s.world.token}}],
            }
        )
    )
    return path


def gcloud_like(config: Path) -> Path:
    """The same cluster for a user whose token a program prints, as gcloud writes it."""
    content = yaml.safe_load(config.read_text())
    user = content["users"][0]["user"]
    said = json.dumps({"kind": "ExecCredential", "status": {"token": user.pop("token")}})
    user["exec"] = {"command": "echo", "args": [said], "apiVersion": "client.authentication.k8s.io/v1beta1"}
    path = config.with_name("kubeconfig-exec")
    path.write_text(yaml.safe_dump(content))
    return path


async def run(target: str, config: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rhaii_tui.practice.xks", target),
        env={**os.environ, "KUBECONFIG": str(config)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_deploy_status_again_and_undeploy(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 2)
        config = kubeconfig(s, tmp_path)
        code, text = await run("status", gcloud_like(config))
        assert (code, text.count("missing")) == (1, 9), text
        code, text = await run("deploy-all", config)
        assert code == 0, text
        order = ["deploy-cert-manager", "deploy-istio", "deploy-lws", "deploy-kserve", "deploy-all complete"]
        assert sorted(order, key=text.index) == order
        assert conditions(s.store.get("GatewayClass", None, "istio")) == {"Accepted": "True"}
        assert s.store.get("Istio", None, "default")["status"]["state"] == "Healthy"
        for issuer in ("opendatahub-selfsigned-issuer", "opendatahub-ca-issuer"):
            assert conditions(s.store.get("ClusterIssuer", None, issuer)) == {"Ready": "True"}
        code, text = await run("status", config)
        assert (code, text.count(" Available")) == (0, 9)
        versions = {o["metadata"]["name"]: o["metadata"]["generation"] for o in s.store.list("Deployment")}
        code, text = await run("deploy-all", config)
        assert code == 0, text
        assert {o["metadata"]["name"]: o["metadata"]["generation"] for o in s.store.list("Deployment")} == versions
        code, text = await run("undeploy", config)
        assert code == 0, text
        assert s.store.list("CustomResourceDefinition") == []
        assert s.store.get("Namespace", None, "opendatahub") is None


async def test_a_stormy_api_server_does_not_end_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 2)
        await s.world.faults.switch("api-503-burst", True)
        installing = asyncio.create_task(run("deploy-all", kubeconfig(s, tmp_path)))
        await s.until(lambda: s.store.get("Namespace", None, "opendatahub"), "Namespace")
        await s.world.faults.switch("api-503-burst", False)
        code, text = await installing
        assert code == 0, text


async def test_no_kubeconfig_and_a_wrong_token_are_said_plainly(tmp_path: Path) -> None:
    code, text = await run("deploy-all", tmp_path / "none")
    assert (code, text) == (2, "check-kubeconfig: KUBECONFIG does not name a file\n")
    async with stage(tmp_path) as s:
        config = kubeconfig(s, tmp_path)
        config.write_text(config.read_text().replace(f"token: {s.world.token}", "token: wrong"))
        code, text = await run("deploy-all", config)
    assert code == 1
    assert "401" in text
    assert "Traceback" not in text
    assert "wrong" not in text
