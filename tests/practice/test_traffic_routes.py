"""Precedence and rewriting of HTTPRoute rules, without a listener."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traffic_stage import GATEWAY_NS, NS, SVC, Stage

from rhaii_tui.practice.traffic.routes import match
from rhaii_tui.practice.traffic.tokens import tokenize

API = "gateway.networking.k8s.io/v1"


def path(kind: str, value: str) -> dict[str, Any]:
    return {"path": {"type": kind, "value": value}}


def route(stage: Stage, name: str, *matches: dict[str, Any], **spec: Any) -> None:
    rules = [{"matches": [entry], "backendRefs": [{"name": f"{name}-{at}"}]} for at, entry in enumerate(matches)]
    parent = {"name": "inference-gateway", "namespace": GATEWAY_NS}
    stage.make(API, "HTTPRoute", NS, name, spec={"parentRefs": [parent], "rules": rules, **spec})


def chosen(stage: Stage, target: str, method: str = "GET", **headers: str) -> str:
    found = match([stage.cluster], method, target, headers)
    return found.backends[0]["name"] if found else ""


@pytest.fixture
def made(tmp_path: Path) -> Stage:
    built = Stage(tmp_path, "brief")
    built.gateway()
    return built


def test_precedence(made: Stage) -> None:
    post = {**path("PathPrefix", "/a"), "method": "POST"}
    marked = {**path("PathPrefix", "/a"), "headers": [{"name": "x-model", "value": "m"}]}
    route(made, "r", path("PathPrefix", "/a"), path("PathPrefix", "/a/b"), path("Exact", "/a/b"), post, marked)
    assert chosen(made, "/a/b") == "r-2"
    assert chosen(made, "/a/b/c?x=1") == "r-1"
    assert chosen(made, "/a/c", "POST") == "r-3"
    assert chosen(made, "/a/c", **{"x-model": "m"}) == "r-4"
    assert chosen(made, "/a") == "r-0"
    assert chosen(made, "/ab") == ""


def test_the_older_route_wins_a_tie(made: Stage) -> None:
    route(made, "a", path("PathPrefix", "/x"))
    route(made, "b", path("PathPrefix", "/x"))
    assert chosen(made, "/x") == "a-0"

    def age(obj: dict[str, Any]) -> None:
        obj["spec"]["hostnames"] = ["other.example"]

    made.store.update("HTTPRoute", NS, "a", age)
    assert chosen(made, "/x", host="here.example:80") == "b-0"
    assert chosen(made, "/x", host="other.example") == "a-0"


def test_a_refused_route_or_a_gateway_without_address_takes_nothing(made: Stage) -> None:
    route(made, "r", path("PathPrefix", "/"))
    refused = {"parentRef": {"name": "inference-gateway"}, "conditions": [{"type": "Accepted", "status": "False"}]}
    made.store.update("HTTPRoute", NS, "r", lambda obj: obj.update(status={"parents": [refused]}))
    assert chosen(made, "/x") == ""
    made.store.update("HTTPRoute", NS, "r", lambda obj: obj.update(status={}))
    assert chosen(made, "/x") == "r-0"
    made.store.update("Gateway", GATEWAY_NS, "inference-gateway", lambda obj: obj.update(status={}))
    assert chosen(made, "/x") == ""


def test_kserves_rules_rewrite_and_are_named(made: Stage) -> None:
    made.service()
    for target, rewritten, index in (
        ("/v1/completions", "/v1/completions", 0),
        ("/v1/chat/completions?a=b", "/v1/chat/completions?a=b", 1),
        ("/v1/models", "/v1/models", 2),
        ("", "/", 2),
        ("/", "/", 2),
    ):
        found = match([made.cluster], "GET", f"/{NS}/{SVC}{target}", {})
        assert found is not None
        assert (found.path, found.name) == (rewritten, f"{NS}.{SVC}-kserve-route.{index}")


@given(st.text(max_size=200))
def test_tokens_give_the_text_again(text: str) -> None:
    assert "".join(tokenize(text)) == text
