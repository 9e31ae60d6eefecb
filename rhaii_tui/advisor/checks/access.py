"""Who we are, which project, which APIs, which permissions."""

from __future__ import annotations

from rhaii_tui.advisor.checks.look import Check, Look
from rhaii_tui.catalog.findings import Finding, Next, Status
from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.catalog.target import Target
from rhaii_tui.google.calls import call
from rhaii_tui.google.credentials import signed_in
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.projects import held_permissions, service_states

_REQUIRED_APIS = ("container.googleapis.com", "compute.googleapis.com")
_HELPFUL_APIS = {
    "cloudquotas.googleapis.com": "the TPU v6e limit cannot be read",
    "cloudbilling.googleapis.com": "prices come from the shipped table",
}
_REQUIRED = (
    "container.clusters.create",
    "container.clusters.get",
    "container.clusters.list",
    "container.clusters.update",
    "container.clusterRoles.create",
    "container.clusterRoleBindings.create",
    "container.operations.get",
    "container.operations.list",
)
_HELPFUL = {
    "container.clusters.delete": "the deployment cannot be removed again",
    "compute.regions.get": "quotas cannot be read",
    "compute.zones.list": "zones cannot be listed",
    "compute.machineTypes.list": "offers of a zone cannot be read",
    "compute.acceleratorTypes.list": "offers of a zone cannot be read",
    "compute.projects.get": "project-wide quotas cannot be read",
    "iam.serviceAccounts.actAs": "nodes may not get their service account, unless it is granted on that account alone",
    "serviceusage.services.get": "the state of APIs cannot be read",
    "cloudquotas.quotas.get": "the TPU v6e limit cannot be read",
}


async def _credentials(look: Look, check: Check) -> Finding:
    try:
        who = await call(signed_in, look.endpoints, deadline=30.0)
    except CloudError as error:
        if error.kind is not Kind.AUTH:
            return check.unread(look, error)
        return check.found(
            look,
            Status.FAIL,
            error.message,
            meaning="Without credentials nothing can be read or created.",
            remediation=error.remedy,
            commands=("gcloud auth application-default login",),
            raw=error.raw,
        )
    return check.found(look, Status.PASS, f"Credentials found: {who}.")


async def _project(look: Look, check: Check) -> Finding:
    name = look.target.project
    try:
        quotas = await look.project_quotas()
    except CloudError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return check.found(
            look,
            Status.FAIL,
            f"There is no project {name}, or this account does not see it.",
            remediation="Say --project with the project's id (not its title).",
            next_key=Next.SETTINGS,
            commands=("gcloud projects list",),
            raw=error.raw,
        )
    return check.found(look, Status.PASS, f"Project {name} answers.", text=f"{len(quotas.by_metric)} quotas listed")


async def _apis(look: Look, check: Check) -> Finding:
    wanted = [*_REQUIRED_APIS, *_HELPFUL_APIS]
    states = await service_states(look.rest, look.endpoints.serviceusage, look.target.project, wanted)
    text = ", ".join(f"{name.split('.')[0]} {states.get(name, 'not listed')}" for name in wanted)
    off = [name for name in _REQUIRED_APIS if states.get(name) == "DISABLED"]
    unread = [name for name in _REQUIRED_APIS if states.get(name) not in ("ENABLED", "DISABLED")]
    helpful = [name for name in _HELPFUL_APIS if states.get(name) != "ENABLED"]
    if off:
        return check.found(
            look,
            Status.FAIL,
            f"Switched off: {', '.join(off)}.",
            text=text,
            meaning="Clusters cannot be created in this project.",
            remediation=f"gcloud services enable {' '.join(off)} --project {look.target.project}, then look again.",
        )
    if unread:
        return check.found(look, Status.UNKNOWN, f"No state was given for {', '.join(unread)}.", text=text)
    if helpful:
        lacks = "; ".join(f"without {name} {_HELPFUL_APIS[name]}" for name in helpful)
        return check.found(
            look,
            Status.WARN,
            f"Switched off: {', '.join(helpful)}.",
            text=text,
            meaning=f"{lacks}.",
            remediation=f"gcloud services enable {' '.join(helpful)} --project {look.target.project}",
        )
    return check.found(look, Status.PASS, "All APIs are switched on.", text=text)


async def _permissions(look: Look, check: Check) -> Finding:
    helpful = _helpful(look.target.accelerator)
    wanted: tuple[str, ...] = (*_REQUIRED, *helpful)
    project, base = look.target.project, look.endpoints.resourcemanager
    try:
        held = await held_permissions(look.rest, base, project, wanted)
    except CloudError as error:
        if error.kind is not Kind.INVALID:
            raise
        # One name that this project's Google does not know refuses the whole question; the needed ones go alone.
        wanted, helpful = _REQUIRED, {}
        held = await held_permissions(look.rest, base, project, wanted)
    missing = [p for p in _REQUIRED if p not in held]
    lacking = [p for p in helpful if p not in held]
    text = f"{len(held)} of {len(wanted)} permissions held"
    if missing:
        return check.found(
            look,
            Status.FAIL,
            f"Missing: {', '.join(missing)}.",
            text=text,
            meaning="The deployment would be refused on the way. Editor alone is not enough for the operators.",
            remediation=f"Ask an owner for the role Kubernetes Engine Admin (roles/container.admin) on "
            f"{look.target.project}.",
        )
    if lacking:
        return check.found(
            look,
            Status.WARN,
            f"Missing, but not needed for every road: {', '.join(lacking)}.",
            text=text,
            meaning="; ".join(dict.fromkeys(helpful[p] for p in lacking)) + ".",
            remediation="Ask an owner for Compute Viewer and Service Account User if you need them.",
        )
    return check.found(look, Status.PASS, "Every permission the deployment needs is held.", text=text)


def _helpful(accelerator: Accelerator) -> dict[str, str]:
    return {p: why for p, why in _HELPFUL.items() if accelerator is Accelerator.TPU_V6E or "v6e" not in why}


def credentials_check() -> Check:
    """Comes before all others: without it nothing can be asked."""
    return Check(
        rule="preflight.credentials",
        category="access",
        name="Credentials",
        source="Application Default Credentials",
        run=_credentials,
        commands=("gcloud auth list",),
    )


def checks(target: Target) -> tuple[Check, ...]:
    """Project, APIs and permissions."""
    project = target.project
    ask = "https://cloudresourcemanager.googleapis.com/v3/projects"
    return (
        Check(
            rule="preflight.project",
            category="access",
            name=f"Project {project}",
            source=f"compute projects.get {project}",
            run=_project,
            permission="compute.projects.get",
            commands=(f"gcloud projects describe {project}",),
        ),
        Check(
            rule="preflight.apis",
            category="access",
            name="APIs",
            source="serviceusage services.batchGet",
            run=_apis,
            permission="serviceusage.services.get",
            commands=(f"gcloud services list --enabled --project {project}",),
        ),
        Check(
            rule="preflight.permissions",
            category="access",
            name="Permissions",
            source="resourcemanager projects.testIamPermissions",
            run=_permissions,
            permission="resourcemanager.projects.get",
            commands=(
                f'curl -X POST -H "Authorization: Bearer $(gcloud auth print-access-token)" '
                f"-H 'Content-Type: application/json' {ask}/{project}:testIamPermissions "
                f"""-d '{{"permissions": ["{'", "'.join(_REQUIRED)}"]}}'""",
            ),
        ),
    )
