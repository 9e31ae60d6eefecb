"""Reviews and tokens: what the caller may do, who the caller is. The practice user is a cluster admin."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from aiohttp import web

from rhaii_tui.practice.kube import bodies
from rhaii_tui.practice.kube.call import Call
from rhaii_tui.practice.kube.permissions import lacks

USER = {"username": "practice-user@example.com", "groups": ["system:authenticated"]}


async def review(call: Call) -> web.Response:
    """Answer one of the review kinds."""
    body = await bodies.mapping(call.request)
    body |= {"kind": call.kind.kind, "apiVersion": call.api_version}
    body.setdefault("metadata", {})
    match call.kind.kind:
        case "SelfSubjectAccessReview" | "SubjectAccessReview":
            body["status"] = _judged(call, (body.get("spec") or {}).get("resourceAttributes") or {})
        case "SelfSubjectRulesReview":
            body["status"] = {
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                "incomplete": False,
            }
        case "SelfSubjectReview":
            body["status"] = {"userInfo": USER}
        case _:
            known = (body.get("spec") or {}).get("token") == call.cluster.world.token
            body["status"] = {"authenticated": True, "user": USER} if known else {"authenticated": False}
    return web.json_response(body, status=201)


def _judged(call: Call, asked: dict[str, str]) -> dict[str, object]:
    parts = ((asked.get(field) or "") for field in ("verb", "group", "resource", "subresource"))
    permission = lacks(call.cluster.world.faults, *parts)
    if permission:
        return {"allowed": False, "reason": f'requires one of ["{permission}"] permission(s).'}
    return {"allowed": True, "reason": "access granted by IAM permissions."}


async def token(call: Call) -> web.Response:
    """A token of a service account."""
    body = await bodies.mapping(call.request)
    call.found()
    seconds = int((body.get("spec") or {}).get("expirationSeconds") or 3600)
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    answer = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": call.path.name, "namespace": call.path.namespace},
        "spec": {"expirationSeconds": seconds},
        "status": {
            "token": f"practice.{secrets.token_urlsafe(24)}",
            "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }
    return web.json_response(answer, status=201)
