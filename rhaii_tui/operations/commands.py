"""The lines a person could type instead of each step of an operation."""

from __future__ import annotations

from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment.plan import Change

Line = tuple[str, str]
"""The text to type, and why."""


def lines(step: str, kind: str, target: Target, change: Change) -> tuple[Line, ...]:
    """Of one step; empty where there is nothing to type."""
    where = f"--project {target.project} --zone {target.zone}"
    here, pool = f"-n {target.namespace}", f"{target.pool} --cluster {target.cluster} {where}"
    pods = f"app.kubernetes.io/name={target.service},kserve.io/component=workload"
    resize = (
        f"gcloud container clusters resize {target.cluster} --node-pool {target.pool} "
        f"--num-nodes {change.nodes_after} {where} --quiet"
    )
    wait = f"kubectl get nodes -l cloud.google.com/gke-nodepool={target.pool} -w"
    patch = f"kubectl patch llmisvc/{target.service} {here} --type=merge"
    match step:
        case "connect":
            return ((f"gcloud container clusters get-credentials {target.cluster} {where}", ""),)
        case "limits":
            return ((f'gcloud compute regions describe {target.region} --format="yaml(quotas)"', ""),)
        case "pool" if change.nodes_after >= change.nodes_before:
            return ((resize, "nodes first: a replica without a node only waits"),)
        case "pool" if change.nodes_after == 0:
            return ((resize, "nothing runs on them any more"),)
        case "pool":
            return (
                ("kubectl cordon NODE", "each node that no replica is on any more"),
                (
                    "gcloud compute instance-groups managed delete-instances GROUP --instances=NODE,... "
                    f"--zone {target.zone} --project {target.project}",
                    "a resize would pick machines itself, whatever runs on them",
                ),
            )
        case "uncordon":
            return ((f"kubectl uncordon {' '.join(change.uncordons)}", "cordoned by an operation that was broken off"),)
        case "accelerators":
            return ((wait, "Ready nodes must show the accelerator as allocatable"),)
        case "service":
            return ((f"""{patch} -p '{{"spec": {{"replicas": {change.replicas_after}}}}}'""", ""),)
        case "drained" | "gone" | "replicas":
            return ((f"kubectl get pods {here} -l {pods} -w", ""),)
        case "stop":
            return ((f"kubectl annotate llmisvc/{target.service} {here} serving.kserve.io/stop=true --overwrite", ""),)
        case "start":
            return (
                (f"""{patch} -p '{{"spec": {{"replicas": {change.replicas_after}}}}}'""", ""),
                (f"kubectl annotate llmisvc/{target.service} {here} serving.kserve.io/stop-", ""),
            )
        case "autoscaler" if kind == "stop":
            return (
                (f"gcloud container node-pools update {pool} --no-enable-autoscaling", "else it may undo the stop"),
            )
        case "autoscaler":
            options = {
                "min_node_count": "--min-nodes",
                "max_node_count": "--max-nodes",
                "total_min_node_count": "--total-min-nodes",
                "total_max_node_count": "--total-max-nodes",
            }
            counts = " ".join(f"{options[k]} {v}" for k, v in change.scaling.items() if k in options)
            return ((f"gcloud container node-pools update {pool} --enable-autoscaling {counts}", "as it was"),)
        case "zero":
            return ((f"kubectl get nodes -l cloud.google.com/gke-nodepool={target.pool}", "No resources found"),)
        case "routes":
            return ((f"kubectl wait {here} llmisvc/{target.service} --for=condition=RouterReady --timeout=300s", ""),)
        case "verify":
            return (
                (
                    f'curl -s "{change.endpoint or "$URL"}/v1/completions" -H "Content-Type: application/json" '
                    f'-d \'{{"model": "{target.model}", "prompt": "The capital of France is", "max_tokens": 8}}\'',
                    "a 200 with text",
                ),
            )
        case _:
            return ()
