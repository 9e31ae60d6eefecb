"""build_plan: from a target to the graph of steps, with times, bill and the lines that would do the same by hand.

What does not depend on each other runs side by side: the accelerator pool is created while operators, gateway,
namespace and secrets are prepared. Usual times are cloud seconds; each names who observed it.
"""

from __future__ import annotations

from rhaii_tui.catalog.findings import Command
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.commands import lines
from rhaii_tui.deployment.plan import Effect, Plan, StepSpec
from rhaii_tui.endpoints import Endpoints

_GUIDE = "deployment guides, step table (observed ranges, middle)"
_GKE_LOG = "real zonal CREATE_CLUSTER operation, Sept 2026: 6m28s"
_ESTIMATE = "estimate: a few API calls"

OUR_LABEL = ("managed-by", "rhaii-tui")
"""The resource label that makes a cluster ours."""


def build_plan(target: Target, endpoints: Endpoints) -> Plan:
    """The plan for one of the six shapes. Pure: reads nothing but its arguments and the price table."""
    from rhaii_tui.advisor.bill import bill

    return Plan(target=target, steps=_steps(target, endpoints), bill=bill(target))


def _steps(target: Target, endpoints: Endpoints) -> tuple[StepSpec, ...]:
    gpu = target.accelerator is Accelerator.GPU_T4
    routed = target.shape.routed
    chip = "T4 GPU" if gpu else "TPU v6e"
    by_hand = lines(target, endpoints)

    def step(
        id: str,
        title: str,
        after: tuple[str, ...],
        usual: float,
        source: str,
        waits_for: str,
        effect: Effect = Effect.OBSERVE,
    ) -> StepSpec:
        commands = tuple(Command(text=text, why=why) for text, why in by_hand.get(id, ()))
        return StepSpec(
            id=id,
            title=title,
            after=after,
            effect=effect,
            usual_seconds=usual,
            usual_source=source,
            waits_for=waits_for,
            commands=commands,
        )

    change, spend = Effect.CHANGE, Effect.SPEND
    steps = [
        step("apis", "Google APIs", (), 60, _GUIDE, "container and compute APIs ENABLED", change),
        step("cluster", "GKE cluster", ("apis",), 390, _GKE_LOG, "cluster status RUNNING", spend),
        step(
            "pool",
            f"{chip} node pool",
            ("cluster",),
            330 if gpu else 600,
            _GUIDE,
            f"node pool {target.pool} RUNNING",
            spend,
        ),
        step(
            "accelerators",
            f"{chip}s on the nodes",
            ("pool",),
            150 if gpu else 40,
            _GUIDE if gpu else "field report: a Ready node shows google.com/tpu 0 for about 30 s",
            f"{target.replicas} nodes Ready with {'nvidia.com/gpu' if gpu else 'google.com/tpu'} allocatable",
        ),
        step("connect", "Connect to the cluster", ("cluster",), 5, _ESTIMATE, "API server ready, identity accepted"),
        step(
            "operators",
            "Operators",
            ("connect",),
            420,
            _GUIDE,
            "cert-manager, Istio, LWS and KServe Available, CRDs served",
            change,
        ),
        step(
            "gateway",
            "Gateway",
            ("operators",),
            120,
            _GUIDE,
            "Gateway Accepted and Programmed, address set",
            spend,
        ),
        step("namespace", "Namespace", ("connect",), 3, _ESTIMATE, f"namespace {target.namespace} Active", change),
        step("secrets", "Secrets", ("namespace",), 5, _ESTIMATE, "pull secret and model token stored", change),
        step(
            "service",
            "LLMInferenceService",
            ("accelerators", "gateway", "secrets"),
            10,
            _ESTIMATE,
            "accepted by the API server, workload created",
            change,
        ),
        step(
            "replicas",
            "Replicas" if target.replicas > 1 else "Replica",
            ("service",),
            270 if gpu else 390,
            _GUIDE,
            f"{target.replicas} of {target.replicas} ready and WorkloadsReady True",
        ),
        step("routes", "Routes", ("service",), 60, _GUIDE, "RouterReady True, routes accepted and resolved"),
    ]
    if routed:
        steps.append(
            step(
                "routing",
                "Endpoint picker in the path",
                ("replicas", "routes"),
                10,
                _ESTIMATE,
                "a request passed the endpoint picker",
                change,
            )
        )
    steps += [
        step(
            "policies",
            "Network policies",
            ("routing",) if routed else ("replicas", "routes"),
            5,
            _ESTIMATE,
            "policies applied, traffic still passes",
            change,
        ),
        step(
            "verify",
            "Verify",
            ("policies",),
            20,
            _GUIDE,
            "health, models and a completion with text through the gateway",
        ),
    ]
    return tuple(steps)
