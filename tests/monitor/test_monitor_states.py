"""The monitor against a small API server: honest about what it may not read, about restarts and about losses."""

from __future__ import annotations

from awaiting import until
from served_cluster import ServedCluster, condition, engine_text, gpu_node, pod, service

from rhaii_tui.monitor import history
from rhaii_tui.monitor.monitor import Monitor
from rhaii_tui.monitor.state import MonitorState


async def test_forbidden_metrics_are_unknown_and_name_the_permission(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service())
    served.put(pod("chat-a"))
    served.forbidden = {"pods/proxy", "nodes", "gateways"}
    monitor.start()
    state = await until(monitor, lambda s: s.replicas and s.replicas[0].figures.problem and _answered(s))
    figures = state.replicas[0].figures
    assert figures.at is None
    assert figures.running is None
    assert figures.permission == "get pods/proxy in namespace demo"
    assert figures.permission in figures.problem
    links = {link.name: link for link in state.links}
    assert links["nodes"].permission == "list nodes in the whole cluster"
    assert links["gateways"].permission == "list gateways.gateway.networking.k8s.io in the whole cluster"
    assert state.cost.per_hour is None
    assert state.nodes == ()
    assert state.state == "ready"


async def test_a_gateway_that_may_not_be_read_is_unknown(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service(router={"gateway": {}, "route": {}}))
    served.put(pod("chat-a"))
    served.put(
        {
            "kind": "HTTPRoute",
            "apiVersion": "gateway.networking.k8s.io/v1",
            "metadata": {
                "name": "r",
                "namespace": "demo",
                "ownerReferences": [{"uid": "uid-LLMInferenceService-chat"}],
            },
            "spec": {"parentRefs": [{"name": "gw", "namespace": "infra"}]},
            "status": {
                "parents": [
                    {
                        "parentRef": {"name": "gw", "namespace": "infra"},
                        "conditions": [condition("Accepted"), condition("ResolvedRefs", "False", "BackendNotFound")],
                    }
                ]
            },
        }
    )
    served.forbidden = {"gateways"}
    monitor.start()
    state = await until(monitor, _answered)
    gateway, route = state.part("Gateway"), state.part("HTTPRoute")
    assert gateway is not None
    assert gateway.name == "infra/gw"
    assert gateway.state == "unknown"
    assert "list gateways" in gateway.why
    assert route is not None
    assert route.state == "not ready"
    meanings = [r.meaning for r in route.conditions if r.status != "True"]
    assert meanings
    assert all(meanings)
    assert state.state == "not ready"


async def test_a_restart_gives_no_absurd_rates(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service())
    served.put(pod("chat-a"))
    served.metrics["chat-a"] = engine_text(queries=1000, hits=500, tokens=100_000, count=50, fast=10, sum=9.0)
    monitor.start()
    state = await until(monitor, lambda s: s.replicas and s.replicas[0].figures.tokens_per_s is not None)
    assert state.replicas[0].figures.hit_ratio is None, "no lookups in the window is not a ratio of zero"
    served.metrics["chat-a"] = engine_text(queries=1100, hits=590, tokens=100_500, count=60, fast=15, sum=11.0)
    state = await until(monitor, lambda s: s.replicas[0].figures.hit_ratio is not None)
    figures = state.replicas[0].figures
    assert figures.hit_ratio == 0.9
    assert figures.ttft is not None
    assert (figures.ttft.count, round(figures.ttft.mean, 3)) == (10, 0.2)
    assert (figures.ttft.p50_bucket, figures.ttft.p95_bucket) == (0.1, 0.5)
    assert figures.tokens_per_s is not None
    assert figures.tokens_per_s > 0
    served.metrics["chat-a"] = engine_text(started=999, queries=10, hits=0, tokens=5)
    state = await until(monitor, lambda s: s.replicas[0].figures.restarted_at is not None)
    figures = state.replicas[0].figures
    assert figures.tokens_per_s in (None, 0.0)
    assert figures.hit_ratio is None
    state = await until(monitor, lambda s: s.replicas[0].figures.tokens_per_s is not None)
    assert state.replicas[0].figures.tokens_per_s == 0.0
    assert state.replicas[0].figures.running == 2


async def test_a_lost_server_keeps_the_last_word_and_comes_back_complete(
    served: ServedCluster, monitor: Monitor
) -> None:
    served.put(service(2))
    served.put(gpu_node("node-1"))
    for name in ("chat-a", "chat-b"):
        served.put(pod(name))
        served.metrics[name] = engine_text()
    monitor.start()
    state = await until(monitor, lambda s: s.state == "ready" and s.total.counted == 2 and s.cost.per_hour)
    price = state.cost.per_hour
    await served.stop()
    state = await until(monitor, lambda s: s.state == "unknown" and s.total.counted == 0)
    assert len(state.replicas) == 2
    assert state.lost_since is not None
    assert all(r.figures.lost_since and r.figures.running == 2 for r in state.replicas)
    assert state.cost.per_hour == price
    assert state.cost.lost_since is not None
    assert not any(part.state == "ready" for part in state.parts)
    served.put(pod("chat-c"))
    served.put(pod("chat-a"), "DELETED")
    served.metrics["chat-c"] = engine_text()
    await served.start()
    state = await until(monitor, lambda s: s.lost_since is None and s.total.counted == 2)
    assert [r.pod for r in state.replicas] == ["chat-b", "chat-c"]
    assert state.state == "ready"


async def test_a_machine_that_slept_says_since_when(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service())
    served.put(pod("chat-a"))
    served.metrics["chat-a"] = engine_text()
    monitor.start()
    state = await until(monitor, lambda s: s.total.counted == 1)
    seen: list[MonitorState] = []
    monitor.subscribe(seen.append)
    await monitor.slept(state.at - 3600)
    asleep = seen[0]
    assert (asleep.state, asleep.lost_since) == ("unknown", state.at - 3600)
    assert asleep.replicas[0].figures.lost_since == state.at - 3600
    state = await until(monitor, lambda s: s.lost_since is None and s.total.counted == 1)
    assert state.state == "ready"
    strip = monitor.history.cells("chat-a", "load", state.at, 100, 5)
    assert sum(cell.sign == history.NOT_LIVE for cell in strip) > 90, "the strip tells of the night, too"


async def test_an_expired_token_keeps_the_last_word_and_says_so(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service())
    served.put(pod("chat-a"))
    served.metrics["chat-a"] = engine_text()
    monitor.start()
    await until(monitor, lambda s: s.state == "ready" and s.total.counted == 1)
    served.expired = True
    await served.stop()
    await served.start()  # open watches are cut as well, as they are at the latest when the server ends them
    state = await until(monitor, lambda s: s.replicas[0].figures.problem.startswith("the API server no longer"))
    state = await until(monitor, lambda s: all("token" in link.problem for link in s.links))
    assert state.state == "unknown"
    assert (state.replicas[0].figures.running, state.replicas[0].is_ready) == (2, True)
    assert state.lost_since is not None
    served.expired = False
    state = await until(monitor, lambda s: s.lost_since is None and s.total.counted == 1)
    assert state.state == "ready"


async def test_stopped_on_purpose_is_not_an_error(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service(3, ready="False", stopped=True))
    monitor.start()
    state = await until(monitor, _answered)
    assert (state.state, state.why) == ("stopped", "stopped on purpose")


async def test_the_service_s_hit_ratio_weighs_replicas_by_their_lookups(
    served: ServedCluster, monitor: Monitor
) -> None:
    served.put(service(2))
    for name in ("chat-a", "chat-b"):
        served.put(pod(name))
        served.metrics[name] = engine_text(queries=1000, hits=0)
    monitor.start()
    await until(monitor, lambda s: s.total.counted == 2)
    served.metrics["chat-a"] = engine_text(queries=1900, hits=900)
    served.metrics["chat-b"] = engine_text(queries=1100, hits=0)
    await until(monitor, lambda s: s.total.hit_ratio == 0.9)


async def test_nobody_looking_means_no_scrapes(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service())
    served.put(pod("chat-a"))
    served.metrics["chat-a"] = engine_text()
    monitor.look(False)
    monitor.start()
    await until(monitor, lambda s: s.replicas)
    assert served.proxied == []
    monitor.look(True)
    await until(monitor, lambda s: s.total.counted == 1)


async def test_an_engine_without_tls_is_found(served: ServedCluster, monitor: Monitor) -> None:
    served.put(service())
    served.put(pod("chat-a"))
    served.metrics["chat-a"] = 502
    monitor.start()
    state = await until(monitor, lambda s: s.replicas and s.replicas[0].figures.problem)
    assert {name.partition(":")[0] for name in served.proxied} == {"https", "http"}
    assert state.replicas[0].figures.running is None


def _answered(state: MonitorState) -> bool:
    return all(link.live or link.lost_since for link in state.links)
