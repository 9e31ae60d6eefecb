"""`rhaii-tui manifests`: the very documents a step applies, for a person who wants to apply them by hand."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from rhaii_tui.cli import flags
from rhaii_tui.cli.output import Output

if TYPE_CHECKING:
    from rhaii_tui.catalog.target import Target


class Part(StrEnum):
    """What to print; each is what the step of that name applies."""

    NAMESPACE = "namespace"
    GATEWAY = "gateway"
    SERVICE = "service"
    POLICIES = "policies"
    BODY_FORWARDING = "body-forwarding"


_PART = typer.Argument(help="Which documents.")
_ROUTE = typer.Option(None, "--http-route", help="body-forwarding only: the live HTTPRoute, a file or - for stdin.")
_HUB = typer.Option(True, "--hub-token/--no-hub-token", help="Whether the model download is given a token.")


def run(
    part: Part = _PART,
    accelerator: str | None = flags.ACCELERATOR,
    topology: str | None = flags.TOPOLOGY,
    project: str | None = flags.PROJECT,
    zone: str | None = flags.ZONE,
    namespace: str | None = flags.NAMESPACE,
    service: str | None = flags.SERVICE,
    replicas: int | None = flags.REPLICAS,
    model: str | None = flags.MODEL,
    image: str | None = flags.IMAGE,
    http_route: str | None = _ROUTE,
    hub_token: bool = _HUB,
) -> None:
    """Print manifests as YAML for `kubectl apply -f -`. Asks no cloud; secrets are never printed."""
    import os
    from pathlib import Path

    from rhaii_tui.endpoints import google_cloud
    from rhaii_tui.settings import SettingsError, resolve

    out = Output(as_json=False)
    wanted: dict[str, object] = {
        "accelerator": accelerator,
        "topology": topology,
        "project": project,
        "zone": zone,
        "namespace": namespace,
        "service": service,
        "replicas": replicas,
        "model": model,
        "image": image,
    }
    try:
        target = resolve(wanted, google_cloud(), os.environ, Path.cwd()).target()
        documents = _documents(part, target, http_route, hub_token)
    except SettingsError as error:
        raise typer.Exit(out.refuse(error.what, error.why, error.next)) from error
    except (OSError, ValueError, KeyError) as error:
        why = f"{type(error).__name__}: {error}"
        raise typer.Exit(out.refuse("The HTTPRoute cannot be read", why, "Give --http-route FILE.")) from error
    typer.echo(_yaml(documents), nl=False)


def _documents(part: Part, target: Target, http_route: str | None, hub_token: bool) -> tuple[dict[str, Any], ...]:
    import sys
    from pathlib import Path

    import yaml

    from rhaii_tui.serving import manifests

    match part:
        case Part.NAMESPACE:
            return (manifests.namespace(target),)
        case Part.GATEWAY:
            return manifests.gateway()
        case Part.SERVICE:
            return (manifests.service(target, hub_token=hub_token),)
        case Part.POLICIES:
            return manifests.network_policies(target)
        case Part.BODY_FORWARDING:
            if http_route is None:
                raise ValueError("the filter names the rules of the live HTTPRoute")
            text = sys.stdin.read() if http_route == "-" else Path(http_route).read_text()
            route = yaml.safe_load(text)
            if not isinstance(route, dict) or route.get("kind") != "HTTPRoute":
                raise ValueError("this is no HTTPRoute")
            return (manifests.body_forwarding(target, route),)


def _yaml(documents: tuple[dict[str, Any], ...]) -> str:
    import yaml

    return yaml.safe_dump_all(documents, sort_keys=False)
