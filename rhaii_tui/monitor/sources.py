"""Processes that tell figures: engines and the endpoint picker. Each keeps its last word and its trouble."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from rhaii_tui.kube import permissions
from rhaii_tui.kube.errors import ApiError, KubeError
from rhaii_tui.monitor.state import Figures, PickerNow
from rhaii_tui.monitor.windows import BRISK, Window
from rhaii_tui.serving import latencies, metrics
from rhaii_tui.serving.metrics import Scrape

REFUSED_SECONDS = 30.0
"""Pause after a refusal: a missing permission does not come by asking every two seconds."""
EXPIRED_SECONDS = 5.0
"""Pause after a token was refused: somebody logs in again, and looks whether it helps."""
AT_ONCE = -1.0
"""Ask again without a pause."""
GAP_SECONDS = 30.0
"""A longer silence starts a new window."""


class Source:
    """A pod's `/metrics` behind the API server's pod proxy. `due` is loop time of the next scrape."""

    PORT = 8000

    def __init__(self, pod: str, uid: str, due: float) -> None:
        self.pod = pod
        self.uid = uid
        self.due = due
        self.busy = False
        self.asked = False
        """A first answer or refusal has come."""
        self.at: float | None = None
        self.lost_since: float | None = None
        self.problem = ""
        self.permission = ""
        self._scheme = "https"
        self._scheme_known = False
        self._turned = False

    def path(self, namespace: str) -> str:
        """Of the scrape; which scheme the server speaks is found out by asking."""
        return f"/api/v1/namespaces/{namespace}/pods/{self._scheme}:{self.pod}:{self.PORT}/proxy/metrics"

    def took(self, at: float, text: str) -> None:
        """A scrape arrived."""
        self._scheme_known = True
        self.asked = True
        self.take(at, text)
        self.at, self.lost_since, self.problem, self.permission = at, None, "", ""

    def take(self, at: float, text: str) -> None:
        """Read the text."""
        raise NotImplementedError

    def failed(self, error: KubeError) -> float:
        """A scrape did not arrive; wall seconds to wait before the next one. What was read stays, as not live."""
        self.lose("metrics: " + _short(error))
        if not isinstance(error, ApiError):
            self.asked = True
            return 0.0
        if error.status == 401 and error.is_status_object:
            self.problem = "the API server no longer accepts the token"
            self.asked = True
            return EXPIRED_SECONDS
        if error.status == 403 and error.is_status_object:
            self.permission = permissions.missing(str(error)) or "get pods/proxy"
            self.problem = f"metrics may not be read; it needs the permission to {self.permission}"
        elif error.status in (401, 403):
            self.problem = f"its metrics port asks for a token of its own (HTTP {error.status})"
        elif not self._scheme_known:
            # The server speaks the other scheme, or does not serve yet: the first time, ask the other way at once.
            self._scheme = "http" if self._scheme == "https" else "https"
            if not self._turned:
                self._turned = True
                return AT_ONCE
        self.asked = True
        return REFUSED_SECONDS if error.status in (401, 403) else error.retry_after or 0.0

    def lose(self, problem: str, since: float | None = None) -> None:
        """What was read is not live since it was read (or since an earlier moment that is known)."""
        self.problem, self.permission = problem, ""
        if self.at is not None and self.lost_since is None:
            self.lost_since = self.at if since is None else min(self.at, since)


class EngineSource(Source):
    """A vLLM server."""

    def __init__(self, pod: str, uid: str, due: float) -> None:
        super().__init__(pod, uid, due)
        self._window = Window()
        self._figures = Figures()

    def take(self, at: float, text: str) -> None:
        """Counters become rates over a window."""
        if self.at is not None and at - self.at > GAP_SECONDS:
            self._window.clear()
        self._window.add(at, latencies.read(text))
        self._figures = self._window.figures()

    @property
    def figures(self) -> Figures:
        """The last word, with what has gone wrong since. The same object while nothing changes."""
        f, trouble = self._figures, (self.lost_since, self.problem, self.permission)
        if trouble != (f.lost_since, f.problem, f.permission):
            lost_since, problem, permission = trouble
            self._figures = replace(f, lost_since=lost_since, problem=problem, permission=permission)
        return self._figures


class PickerSource(Source):
    """The endpoint picker."""

    PORT = 9090

    def __init__(self, pod: str, uid: str, due: float) -> None:
        super().__init__(pod, uid, due)
        self._readings: deque[tuple[float, Scrape]] = deque(maxlen=8)

    def take(self, at: float, text: str) -> None:
        """Counters are kept for rates; a restart begins anew."""
        scrape = metrics.picker(text)
        gap = self.at is not None and at - self.at > GAP_SECONDS
        if gap or (self._readings and metrics.delta(self._readings[-1][1], scrape) is None):
            self._readings.clear()
        self._readings.append((at, scrape))

    def told(self, now: PickerNow) -> PickerNow:
        """`now` with the picker's own figures."""
        now = replace(now, at=self.at, lost_since=self.lost_since, problem=self.problem, permission=self.permission)
        if not self._readings:
            return now
        at, newest = self._readings[-1]
        first_at, first = next(((t, s) for t, s in reversed(self._readings) if at - t >= BRISK), self._readings[0])
        gain = metrics.delta(first, newest) or {}
        counter = "decisions" if "decisions" in newest.values else "requests"
        ready = newest.values.get("ready_pods")

        def rate(name: str) -> float | None:
            return gain[name] / (at - first_at) if at > first_at and name in gain else None

        return replace(
            now,
            decisions=newest.values.get(counter),
            decisions_per_s=rate(counter),
            errors_per_s=rate("request_errors"),
            ready_pods=None if ready is None else round(ready),
        )


def _short(error: KubeError) -> str:
    text = str(error)
    return text if len(text) <= 200 else text[:199] + "…"
