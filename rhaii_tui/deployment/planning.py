"""build_plan: from a target to the graph of steps, with times, bill and the lines that would do the same by hand.

What does not depend on each other runs side by side: the accelerator pool is created while operators, gateway,
namespace and secrets are prepared. Usual times are cloud seconds; each names who observed it.
"""

from __future__ import annotations

from rhaii_tui.catalog.accelerators import accelerator_facts
from rhaii_tui.catalog.durations import usual
from rhaii_tui.catalog.findings import Command
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.commands import lines
from rhaii_tui.deployment.plan import Effect, Plan, StepSpec
from rhaii_tui.endpoints import Endpoints

OUR_LABEL = ("managed-by", "rhaii-tui")
"""The resource label that makes a cluster ours."""


def build_plan(target: Target, endpoints: Endpoints) -> Plan:
    """The plan for one of the six shapes. Pure: reads nothing but its arguments and the price table."""
    from rhaii_tui.advisor.bill import bill

    return Plan(target=target, steps=_steps(target, endpoints), bill=bill(target))


def _steps(target: Target, endpoints: Endpoints) -> tuple[StepSpec, ...]:
    facts = accelerator_facts(target.accelerator)
    chip = "T4 GPU" if target.accelerator is Accelerator.GPU_T4 else "TPU v6e"
    by_hand = lines(target, endpoints)

    def step(
        id: str,
        title: str,
        after: tuple[str, ...],
        takes: str,
        waits_for: str,
        effect: Effect = Effect.OBSERVE,
    ) -> StepSpec:
        time = usual(takes, target.accelerator)
        return StepSpec(
            id=id,
            title=title,
            after=after,
            effect=effect,
            usual_seconds=time.seconds,
            usual_source=time.source,
            waits_for=waits_for,
            commands=tuple(Command(text=text, why=why) for text, why in by_hand.get(id, ())),
        )

    change, spend = Effect.CHANGE, Effect.SPEND
    ready = f"{target.replicas} nodes Ready with {facts.resource} allocatable"
    steps = [
        step("apis", "Google APIs", (), "apis", "container and compute APIs ENABLED", change),
        step("cluster", "GKE cluster", ("apis",), "cluster", "cluster status RUNNING", spend),
        step("pool", f"{chip} node pool", ("cluster",), "pool", f"node pool {target.pool} RUNNING", spend),
        step("connect", "Connect to the cluster", ("cluster",), "credentials", "API server ready, identity accepted"),
        step("accelerators", f"{chip}s on the nodes", ("pool", "connect"), "device-plugin", ready),
        step(
            "operators",
            "Operators",
            ("connect",),
            "operators",
            "cert-manager, Istio, LWS and KServe Available, CRDs served",
            change,
        ),
        step("gateway", "Gateway", ("operators",), "gateway", "Gateway Programmed, address set", spend),
        step("namespace", "Namespace", ("connect",), "namespace", f"namespace {target.namespace} Active", change),
        step("secrets", "Secrets", ("namespace",), "secrets", "pull secret and model token stored", change),
        step(
            "service",
            "LLMInferenceService",
            ("accelerators", "gateway", "secrets"),
            "service",
            "accepted by the API server, its Deployment created",
            change,
        ),
        step(
            "replicas",
            "Replicas" if target.replicas > 1 else "Replica",
            ("service",),
            "pods",
            f"{target.replicas} of {target.replicas} ready and WorkloadsReady True",
        ),
        step("routes", "Routes", ("service",), "routes", "RouterReady True, routes accepted and resolved"),
    ]
    proven: tuple[str, ...] = ("replicas", "routes")
    if target.shape.routed:
        steps.append(
            step(
                "routing",
                "Endpoint picker in the path",
                proven,
                "service",
                "an answer bears the endpoint picker's mark",
                change,
            )
        )
        proven = ("routing",)
    steps += [
        step("policies", "Network policies", proven, "secrets", "policies stored", change),
        step("verify", "Verify", ("policies",), "verify", "health, models and a completion with text"),
    ]
    return tuple(steps)
