"""What a command line asks of an operation. An order's fields are its command's options, said once for all commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer


@dataclass(frozen=True, kw_only=True)
class Order:
    """Where, and how to talk."""

    project: Annotated[str | None, typer.Option(help="Google Cloud project id.")] = None
    zone: Annotated[str | None, typer.Option(help="Zone of the cluster.")] = None
    cluster: Annotated[str | None, typer.Option(help="Name of the GKE cluster.")] = None
    practice: Annotated[bool, typer.Option("--practice", help="In the practice cloud that is running.")] = False
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Show the plan, its bill and its commands; change nothing.")
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line; the last is the result.")] = False
    plain: Annotated[bool, typer.Option("--plain", help="Plain lines (the default).")] = False

    @property
    def approval(self) -> str:
        """The option that approves the plan beforehand; empty when the person has to be asked."""
        return ""


@dataclass(frozen=True, kw_only=True)
class ServiceOrder(Order):
    """About one service."""

    service: Annotated[str | None, typer.Option(help="LLMInferenceService, as NAME or NAMESPACE/NAME.")] = None
    pool: Annotated[
        str | None, typer.Option(help="Accelerator node pool, where it cannot be told from live objects.")
    ] = None
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan and its bill without being asked.")] = False

    @property
    def approval(self) -> str:
        return "--yes" if self.yes else ""


@dataclass(frozen=True, kw_only=True)
class TeardownOrder(Order):
    """About everything of ours in and around a cluster."""

    confirm: Annotated[str | None, typer.Option(metavar="NAME", help="The cluster's name, typed: the approval.")] = None

    @property
    def approval(self) -> str:
        return "--confirm" if self.confirm else ""


Some = TypeVar("Some")


def takes(kind: type[Some]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function whose first parameter is a `kind`, a dataclass such as an order: the function's own
    parameters come first, then the fields of `kind` as options."""
    hints = get_type_hints(kind, include_extras=True)
    options = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(kind)  # type: ignore[arg-type]
    ]

    def command(work: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(work, eval_str=True).parameters.values())[1:]

        @wraps(work)
        def run(**given: Any) -> None:
            work(kind(**{o.name: given.pop(o.name) for o in options}), **given)

        signature = inspect.Signature([*own, *options])
        vars(run).update(__signature__=signature)
        run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return run

    return command
