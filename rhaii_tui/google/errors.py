"""Every way a call to Google Cloud can fail, as one exception with a kind. Texts: as users reported them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a person, or a step, can do something about."""

    AUTH = "AUTH"
    PERMISSION = "PERMISSION"
    API_DISABLED = "API_DISABLED"
    QUOTA = "QUOTA"
    STOCKOUT = "STOCKOUT"
    BUSY = "BUSY"
    EXISTS = "EXISTS"
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    NETWORK = "NETWORK"
    UNKNOWN = "UNKNOWN"


class CloudError(Exception):
    """A failed call or operation.

    `message` is Google's sentence without the client's prefix, `raw` the original text. `ambiguous` is True when a
    change may have happened all the same (time-out, reset, 5xx, cut body): look before repeating. `operation` is the
    operation a busy cluster is running, `permission` the missing one, where the text names them.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        raw: str = "",
        code: int | None = None,
        ambiguous: bool = False,
        operation: str | None = None,
        permission: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.raw = raw or message
        self.code = code
        self.ambiguous = ambiguous
        self.operation = operation
        self.permission = permission

    @property
    def remedy(self) -> str:
        """What to do next."""
        return _REMEDIES[self.kind].format(permission=self.permission or "named above")


@dataclass(frozen=True, slots=True)
class QuotaShortage:
    """A quota error's own figures; None where the text does not say."""

    metric: str
    limit: float | None = None
    short: float | None = None
    available: float | None = None
    region: str | None = None


_REMEDIES = {
    Kind.AUTH: "Log in again: gcloud auth application-default login.",
    Kind.PERMISSION: "Ask a project owner for the permission {permission} (Kubernetes Engine Admin has most of them).",
    Kind.API_DISABLED: "Enable the API: gcloud services enable container.googleapis.com compute.googleapis.com.",
    Kind.QUOTA: "Ask for more quota on the console's Quotas page, or choose fewer replicas or another region.",
    Kind.STOCKOUT: "Choose another zone, Spot or flex-start, or try again later: quota is no capacity.",
    Kind.BUSY: "Wait until the running operation has ended, then try again.",
    Kind.EXISTS: "It exists already: use it as it is, or choose another name.",
    Kind.NOT_FOUND: "Check the name, the zone and the project.",
    Kind.INVALID: "Correct the request; the text above names the field.",
    Kind.NETWORK: "Check the connection and any proxy, then try again.",
    Kind.UNKNOWN: "Try again; if it stays, look at the raw text.",
}

_STOCKOUT = re.compile(
    r"GCE_STOCKOUT|\bSTOCKOUT\b|ZONE_RESOURCE_POOL_EXHAUSTED|does not have enough resources|"
    r"(?:insufficient|no more|out of) capacity|no more resources",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"GCE_QUOTA_EXCEEDED|insufficient regional quota|quota '[^']+' exceeded|QUOTA_EXCEEDED", re.I)
_IP_SPACE = re.compile(r"IP_SPACE_EXHAUSTED", re.IGNORECASE)
_API_OFF = re.compile(r"has not been used in project|API is not enabled|accessNotConfigured|SERVICE_DISABLED|"
                      r"ServiceConsumerManager", re.I)  # fmt: skip
_BUSY = re.compile(r"running incompatible operation|is currently (?:upgrading|creating|deleting|operating on)|"
                   r"Please wait and try again once it is done", re.I)  # fmt: skip
_OPERATION = re.compile(r"\b(operation-[0-9a-z-]*[0-9a-z])", re.I)
_PERMISSION = re.compile(r"(?:Required |permission )\W?[\"']([a-z]+\.[A-Za-z.]+)[\"']", re.I)
_NOT_READY = re.compile(r"not fully initialized", re.I)
_SHORT = re.compile(
    r"resource \"(?P<metric>[A-Z0-9_]+)\".*?short '(?P<short>[\d.]+)'.*?quota of '(?P<limit>[\d.]+)'"
    r".*?'(?P<available>[\d.]+)' available",
    re.I | re.S,
)
_EXCEEDED = re.compile(
    r"quota '(?P<metric>[A-Za-z0-9_-]+)' exceeded\.\s*(?:limit: (?P<limit>\d+(?:\.\d+)?))?"
    r"(?: in region (?P<region>[a-z0-9-]+))?",
    re.I,
)
_BY_CODE = {
    400: Kind.INVALID, 401: Kind.AUTH, 403: Kind.PERMISSION, 404: Kind.NOT_FOUND, 409: Kind.EXISTS,
    412: Kind.INVALID, 429: Kind.NETWORK, 500: Kind.UNKNOWN, 502: Kind.NETWORK, 503: Kind.NETWORK, 504: Kind.NETWORK,
}  # fmt: skip
_HTTP_OF_RPC = {3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 13: 500, 14: 503, 16: 401}
"""google.rpc codes, as operations carry them, in terms of HTTP."""


def from_text(message: str, code: int | None = None, *, reasons: Iterable[str] = (), raw: str = "") -> CloudError:
    """The error a text describes; `code` is the HTTP status if there is one, `reasons` are machine-readable words."""
    words = " ".join((message, *reasons))
    kind = _kind(words, code)
    operation = _OPERATION.search(message) if kind is Kind.BUSY else None
    permission = _PERMISSION.search(message) if kind is Kind.PERMISSION else None
    return CloudError(
        kind,
        message.strip() or f"HTTP {code} without a text",
        raw=raw or message,
        code=code,
        ambiguous=code is not None and code >= 500 and not _NOT_READY.search(words),
        operation=operation.group(1) if operation else None,
        permission=permission.group(1) if permission else None,
    )


def of_operation(rpc_code: int, message: str) -> CloudError:
    """The error of an operation that ended badly (google.rpc.Status)."""
    error = from_text(message, _HTTP_OF_RPC.get(rpc_code))
    if rpc_code == 8 and error.kind is Kind.NETWORK:
        return CloudError(Kind.QUOTA, error.message, code=rpc_code)
    error.ambiguous = False
    return error


def shortage(text: str) -> QuotaShortage | None:
    """The figures in a quota error, None when it names no metric."""
    match = _SHORT.search(text)
    if match:
        return QuotaShortage(
            match["metric"], float(match["limit"]), float(match["short"]), float(match["available"]), None
        )
    match = _EXCEEDED.search(text)
    if match:
        return QuotaShortage(match["metric"], float(match["limit"]) if match["limit"] else None, region=match["region"])
    return None


def _kind(words: str, code: int | None) -> Kind:
    if _STOCKOUT.search(words):
        return Kind.STOCKOUT
    if _QUOTA.search(words) or _IP_SPACE.search(words):
        return Kind.QUOTA
    if _API_OFF.search(words) and code in (None, 400, 403):
        return Kind.API_DISABLED
    if _BUSY.search(words):
        return Kind.BUSY
    return _BY_CODE.get(code or 0, Kind.NETWORK if code and code >= 500 else Kind.UNKNOWN)
