"""One call: identity, errors in words, patience for what may be repeated, none for what may not."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from scripted_api import PODS, TOKEN, ScriptedApi, cut, pod, pod_list, status

from rhaii_tui.kube import kinds
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.kube.errors import ApiError, CredentialsFailed, Unreachable
from rhaii_tui.practice.kube.certificates import authority

POLICY = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "LLMInferenceService",
    "metadata": {"name": "svc", "namespace": "ns"},
    "spec": {"router": {"scheduler": {}}, "replikas": 3},
}


async def test_the_token_is_sent_and_a_rotated_one_is_seen(api: ScriptedApi, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return pod_list(1)

    api.answer = answer
    await cluster.items("Pod", "ns")
    api.token_file.write_text("token-two\n")
    await cluster.items("Pod", "ns", labels="a=b", fields="metadata.name=x")
    assert [h["Authorization"] for h in api.headers] == [f"Bearer {TOKEN}", "Bearer token-two"]
    assert api.asked[1] == ("GET", PODS, {"labelSelector": "a=b", "fieldSelector": "metadata.name=x", "limit": "250"})


async def test_a_401_is_asked_once_more_with_a_fresh_token(api: ScriptedApi, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer token-two":
            return web.json_response(pod("a", 1))
        api.token_file.write_text("token-two")
        return status(401, "Unauthorized", "Unauthorized")

    api.answer = answer
    assert (await cluster.read("Pod", "ns", "a") or {})["metadata"]["name"] == "a"
    api.token_file.write_text("wrong")
    api.answer = lambda request: asyncio.sleep(0, status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(ApiError) as refused:
        await cluster.read("Pod", "ns", "a")
    assert refused.value.status == 401
    assert "wrong" not in str(refused.value)


async def test_reads_outlast_a_burst_of_error_pages_and_cuts(api: ScriptedApi, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match len(api.asked):
            case 1:
                return web.Response(status=503, text="<html><title>503</title></html>", content_type="text/html")
            case 2:
                cut(request)
                return web.Response()
            case 3:
                return web.Response(status=429, headers={"Retry-After": "0"}, text="slow down")
            case _:
                return web.json_response(pod("a", 1))

    api.answer = answer
    assert await cluster.read("Pod", "ns", "a") is not None
    assert len(api.asked) == 4


async def test_apply_is_strict_server_side_and_repeats_only_what_is_safe(api: ScriptedApi, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if len(api.asked) == 1:
            return web.Response(status=503, text="no")
        return web.json_response(json.loads(await request.read()), status=201)

    api.answer = answer
    applied = await cluster.apply(POLICY, dry_run=True, force=True)
    method, path, query = api.asked[1]
    assert (method, path) == ("PATCH", "/apis/serving.kserve.io/v1alpha1/namespaces/ns/llminferenceservices/svc")
    assert query == {"fieldManager": "rhaii-tui", "fieldValidation": "Strict", "force": "true", "dryRun": "All"}
    assert api.headers[1]["Content-Type"] == "application/apply-patch+yaml"
    assert applied["spec"]["router"] == {"scheduler": {}}, "empty objects mean something and must survive"


async def test_a_misspelt_field_is_the_manifests_mistake(api: ScriptedApi, cluster: Cluster) -> None:
    text = (
        "failed to create typed patch object (ns/svc; serving.kserve.io/v1alpha1, Kind=LLMInferenceService): "
        ".spec.replikas: field not declared in schema"
    )
    api.answer = lambda request: asyncio.sleep(0, status(500, "", text))
    with pytest.raises(ApiError) as refused:
        await cluster.apply(POLICY)
    assert refused.value.is_manifest_mistake
    assert refused.value.field_path == "spec.replikas"
    assert not refused.value.is_transient
    assert len(api.asked) == 1, "a mistake is not repeated"


TYPED = "failed to create typed patch object (a/b; apps/v1, Kind=D): "
MAIN = '.spec.template.spec.containers[name="main"]'


@pytest.mark.parametrize(
    ("code", "message", "path"),
    [
        (500, TYPED + ".spec.replicas: expected numeric (int or float), got string", "spec.replicas"),
        (500, TYPED + MAIN + ".imagee: field not declared in schema", MAIN.lstrip(".") + ".imagee"),
        (400, 'strict decoding error: unknown field "spec.hostnamez"', "spec.hostnamez"),
    ],
)
def test_field_paths(code: int, message: str, path: str) -> None:
    error = ApiError(code, json.dumps({"kind": "Status", "message": message, "code": code}))
    assert error.is_manifest_mistake
    assert error.field_path == path


def test_causes_name_the_field_before_the_message() -> None:
    causes = [{"field": "spec.port", "reason": "FieldValueInvalid", "message": "Invalid value: 70000"}]
    error = ApiError(422, json.dumps({"kind": "Status", "message": "x is invalid", "details": {"causes": causes}}))
    assert error.is_manifest_mistake
    assert error.field_path == "spec.port"


def test_servers_own_failures_are_not_the_users() -> None:
    hook = 'Internal error occurred: failed calling webhook "x": no endpoints available for service "y"'
    unready = ApiError(500, json.dumps({"kind": "Status", "message": hook, "reason": "InternalError"}))
    assert unready.is_webhook_unready
    assert not unready.is_manifest_mistake
    assert not ApiError(
        500, json.dumps({"kind": "Status", "message": "etcdserver: leader changed"})
    ).is_manifest_mistake


@given(st.integers(400, 599), st.one_of(st.text(), st.binary(), st.just('{"kind":"Status","details":{"causes":[1]}}')))
def test_any_body_makes_an_error_in_words(code: int, body: str | bytes) -> None:
    error = ApiError(code, body)
    assert str(error)
    assert isinstance(error.field_path, str)
    assert isinstance(error.is_transient, bool)


async def test_other_mutations_are_sent_once(api: ScriptedApi, cluster: Cluster) -> None:
    api.answer = lambda request: asyncio.sleep(0, web.Response(status=503, text="no"))
    with pytest.raises(ApiError):
        await cluster.delete("Pod", "ns", "a", uid="u1")
    with pytest.raises(ApiError):
        await cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ns"}})
    assert [m for m, _, _ in api.asked] == ["DELETE", "POST"]
    assert json.loads(api.bodies[0])["preconditions"] == {"uid": "u1"}


async def test_what_is_not_there(api: ScriptedApi, cluster: Cluster) -> None:
    assert await cluster.read("Pod", "ns", "a") is None
    assert await cluster.delete("Pod", "ns", "a") is False


async def test_an_expired_page_starts_the_list_again(api: ScriptedApi, cluster: Cluster) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match len(api.asked):
            case 1 | 3:
                return pod_list(5, pod("a", 1), token=f"t{len(api.asked)}")
            case 2:
                return status(410, "Expired", "The provided continue parameter is too old")
            case _:
                return pod_list(5, pod("b", 2))

    api.answer = answer
    found, version = await cluster.listing(PODS)
    assert [p["metadata"]["name"] for p in found] == ["a", "b"]
    assert version == "5"


async def test_a_foreign_certificate_is_refused_in_words(api: ScriptedApi) -> None:
    stranger = await Cluster.from_gke(api.address, authority("stranger").ca_pem, api.endpoints())
    with pytest.raises(Unreachable) as refused:
        await stranger.get("/version")
    await stranger.close()
    assert refused.value.kind == "tls"


async def test_a_proxy_variable_does_not_capture_loopback(api: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    direct = await Cluster.from_gke(api.address, api.ca_pem, api.endpoints())
    assert await direct.read("Pod", "ns", "a") is None
    await direct.close()


async def test_a_missing_token_file_is_told_without_a_request(api: ScriptedApi, tmp_path: Path) -> None:
    with pytest.raises(CredentialsFailed, match="token file"):
        await Cluster.from_gke(api.address, api.ca_pem, replace(api.endpoints(), token_file=tmp_path / "none"))
    assert api.asked == []


async def test_without_google_credentials_the_login_command_is_named(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(CredentialsFailed, match="gcloud auth application-default login"):
        await Cluster.from_gke(api.address, api.ca_pem, replace(api.endpoints(), token_file=None))


def kubeconfig(folder: Path, api: ScriptedApi, user: dict[str, object], **cluster: object) -> Path:
    (folder / "ca.pem").write_bytes(api.ca_pem)
    server = {"server": f"https://{api.address}", "certificate-authority": "ca.pem", **cluster}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(content))
    return path


async def test_a_kubeconfig_with_a_token(api: ScriptedApi, tmp_path: Path) -> None:
    cluster = await Cluster.from_kubeconfig(kubeconfig(tmp_path, api, {"token": TOKEN}), trust_env=False)
    assert await cluster.read("Pod", "ns", "a") is None
    await cluster.close()
    assert api.headers[0]["Authorization"] == f"Bearer {TOKEN}"


def plugin(folder: Path, body: str) -> dict[str, object]:
    script = folder / "gke-gcloud-auth-plugin"
    script.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    version = "client.authentication.k8s.io/v1beta1"
    return {"exec": {"apiVersion": version, "command": str(script), "installHint": "Install the plugin", "args": None}}


async def test_an_exec_plugin_gives_the_token_and_cannot_read_our_keyboard(api: ScriptedApi, tmp_path: Path) -> None:
    body = """
assert sys.stdin.read() == ""
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["spec"]["interactive"] is False
print(json.dumps({"status": {"token": "from-plugin", "expirationTimestamp": "2099-01-01T00:00:00Z"}}))
"""
    cluster = await Cluster.from_kubeconfig(kubeconfig(tmp_path, api, plugin(tmp_path, body)), trust_env=False)
    await cluster.read("Pod", "ns", "a")
    await cluster.close()
    assert api.headers[0]["Authorization"] == "Bearer from-plugin"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit('F1120 cred.go: print credential failed: not logged in')", "not logged in.*Install the plugin"),
        ("print('{}')", "printed no token"),
    ],
)
async def test_a_failing_plugin_speaks_instead_of_becoming_anonymous(
    api: ScriptedApi, tmp_path: Path, body: str, words: str
) -> None:
    with pytest.raises(CredentialsFailed, match=words):
        await Cluster.from_kubeconfig(kubeconfig(tmp_path, api, plugin(tmp_path, body)), trust_env=False)
    assert api.asked == [], "no anonymous request was sent"


async def test_a_kubeconfig_that_does_not_verify_is_refused(api: ScriptedApi, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, api, {"token": TOKEN}, **{"insecure-skip-tls-verify": True})
    with pytest.raises(CredentialsFailed, match="TLS verification"):
        await Cluster.from_kubeconfig(path)


@pytest.mark.parametrize("text", ["", "- 1", "a: b", ": :", "current-context: x\ncontexts: []"])
async def test_any_other_file_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(CredentialsFailed, match="kubeconfig"):
        await Cluster.from_kubeconfig(tmp_path / "config")


def test_paths() -> None:
    table = kinds.KINDS
    assert table["Pod"].path("ns", "p", "log") == "/api/v1/namespaces/ns/pods/p/log"
    assert table["Node"].path(None, "n") == "/api/v1/nodes/n"
    assert table["HTTPRoute"].path() == "/apis/gateway.networking.k8s.io/v1/httproutes"
    obj = {"apiVersion": "serving.kserve.io/v1alpha2", "kind": "LLMInferenceService"}
    assert kinds.of(obj).path("a", "b") == "/apis/serving.kserve.io/v1alpha2/namespaces/a/llminferenceservices/b"
