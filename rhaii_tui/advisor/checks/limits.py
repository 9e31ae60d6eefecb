"""Quotas: what is still needed against what is left. An empty list means unknown, never none."""

from __future__ import annotations

from functools import partial

from rhaii_tui.advisor.checks.look import Check, Look
from rhaii_tui.catalog.accelerators import CPU_NODES, accelerator_facts
from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.catalog.quotas import QuotaNeed, quota_needs
from rhaii_tui.catalog.target import Target
from rhaii_tui.google.compute import Quota
from rhaii_tui.google.errors import CloudError
from rhaii_tui.google.quotas import quota_limit

_PAGE = "https://console.cloud.google.com/iam-admin/quotas"


async def _counted(metric: str, look: Look, check: Check) -> Finding:
    """A quota with limit and usage: regional ones and those of the whole project."""
    need = await _need(look, metric)
    quotas = await (look.project_quotas() if need.scope == "global" else look.region_quotas())
    quota = quotas.by_metric.get(metric)
    if quota is None:
        why = f"Google could not say ({quotas.warning})" if quotas.warning else "Google's answer does not list it"
        return check.found(
            look,
            Status.UNKNOWN,
            f"{metric}: {why}.",
            meaning=f"{need.need} {need.unit} more are needed; whether they are granted is not known.",
            remediation=f"Look again later, or see {_PAGE}.",
        )
    return _verdict(look, check, need, quota)


def _verdict(look: Look, check: Check, need: QuotaNeed, quota: Quota) -> Finding:
    left = quota.limit - quota.usage
    text = f"limit {quota.limit:g}, in use {quota.usage:g}"
    where = "the project" if need.scope == "global" else look.target.region
    if left < need.need:
        return check.found(
            look,
            Status.FAIL,
            f"{need.need} more needed, {max(left, 0):g} left of {quota.limit:g}: {need.metric} in {where}.",
            text=text,
            meaning="The node pool would be refused, or would fail on the way.",
            remediation=f"Ask for a limit of {quota.usage + need.need:g} at {_PAGE}, or choose fewer replicas or "
            "another region. A granted quota is no capacity yet.",
            next_key=Next.ZONE,
        )
    return check.found(
        look, Status.PASS, f"{need.need} more needed, {left:g} left: {need.metric} in {where}.", text=text
    )


async def _limit_only(metric: str, look: Look, check: Check) -> Finding:
    """A Cloud Quotas limit: the usage is not to be had, so even enough of it is no clean pass."""
    need = await _need(look, metric)
    found = await quota_limit(look.rest, look.endpoints.cloudquotas, look.target.project, metric, need.dimensions)
    if found.value is None:
        usual = f" Projects that never asked have {need.default}." if need.default is not None else ""
        return check.found(
            look,
            Status.UNKNOWN,
            f"{metric}: the answer holds no limit for {look.target.region} ({found.text}).{usual}",
            remediation=f"See {_PAGE}.",
        )
    seen = await _chips_seen(look)
    text = f"{found.text}; usage is not told; {seen} in this project's node pools of the region"
    if found.value < need.need:
        return check.found(
            look,
            Status.FAIL,
            f"{need.need} chips needed, the limit is {found.value}: {metric} in {look.target.region}.",
            text=text,
            meaning="The node pool would fail on the way: Quota 'TPUS_PER_TPU_FAMILY' exceeded.",
            remediation=f"Ask for {need.need} chips at {_PAGE}, or use Spot, whose quota is another one.",
            next_key=Next.ZONE,
        )
    if need.need == 0:
        return check.found(look, Status.PASS, "No more chips are needed: the pool is there.", text=text)
    return check.found(
        look,
        Status.WARN,
        f"{need.need} chips needed, limit {found.value}, in use unknown ({seen}): {metric} in {look.target.region}.",
        text=text,
        meaning="The limit is high enough; how much of it is taken, Google does not tell.",
        remediation="Go on if nobody else in the project uses TPUs in this region.",
    )


async def _chips_seen(look: Look) -> str:
    try:
        clusters = await look.clusters()
    except CloudError:
        return "chips not counted"
    facts = accelerator_facts(look.target.accelerator)
    chips = sum(
        pool.initial_nodes * facts.units_per_node
        for cluster in clusters
        if cluster.location.startswith(look.target.region)
        for pool in cluster.pools
        if pool.machine_type == facts.machine_type
    )
    return f"{chips} chips"


async def _need(look: Look, metric: str) -> QuotaNeed:
    """What is needed beyond what already stands; when that cannot be read, everything."""
    target = look.target
    if look.more is not None:
        needs = quota_needs(target.shape, target.region, target.provisioning, look.more, 0)
        return next(n for n in needs if n.metric == metric)
    try:
        cluster = await look.cluster()
    except CloudError:
        cluster = None
    pool = cluster.pool(target.pool) if cluster and cluster.ours else None
    nodes = max(0, target.replicas - pool.initial_nodes) if pool else target.replicas
    cpu_nodes = 0 if cluster and cluster.ours else CPU_NODES
    needs = quota_needs(target.shape, target.region, target.provisioning, nodes, cpu_nodes)
    return next(n for n in needs if n.metric == metric)


def checks(target: Target) -> tuple[Check, ...]:
    """One check for each quota the shape takes."""
    found: list[Check] = []
    for need in quota_needs(target.shape, target.region, target.provisioning, target.replicas):
        if need.scope == "cloudquotas":
            found.append(_of_cloud_quotas(need, target))
            continue
        everywhere = need.scope == "global"
        place = "compute projects.get" if everywhere else f"compute regions.get {target.region}"
        command = (
            f"gcloud compute project-info describe --project {target.project}"
            if everywhere
            else f"gcloud compute regions describe {target.region} --project {target.project}"
        )
        found.append(
            Check(
                rule=f"preflight.quota.{need.metric.lower().replace('_', '-')}",
                category="quota",
                name=f"Quota {need.metric}",
                source=f"{place} quotas[{need.metric}]",
                run=partial(_counted, need.metric),
                permission="compute.projects.get" if everywhere else "compute.regions.get",
                commands=(f'{command} --format="yaml(quotas)"',),
            )
        )
    return tuple(found)


def _of_cloud_quotas(need: QuotaNeed, target: Target) -> Check:
    return Check(
        rule="preflight.quota.tpu-v6e",
        category="quota",
        name="Quota TPU v6e",
        source=f"cloudquotas quotaInfos/{need.metric}",
        run=partial(_limit_only, need.metric),
        permission="cloudquotas.quotas.get",
        commands=(
            f"gcloud beta quotas info describe {need.metric} --service=compute.googleapis.com "
            f"--project={target.project}",
        ),
    )
