"""What all tests share: a guard against outbound connections, a private state folder, a practice cloud to start."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from hypothesis import settings
from practice_process import Practice, end_practice, start_practice

GUARD = Path(__file__).parent / "guard"

settings.register_profile("same for everyone", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=4000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same for everyone"))


class _Tripwire(StreamRequestHandler):
    """A proxy that lets nothing through: kubectl and gcloud reach for the outside only by way of it."""

    def handle(self) -> None:
        line = self.rfile.readline(2000).decode(errors="replace").strip()
        with open(os.environ["OUTBOUND_RECORD"], "a", encoding="utf-8") as file:
            file.write(f"proxied {line}\n")
        self.wfile.write(b"HTTP/1.1 403 outbound connections are not allowed in tests\r\ncontent-length: 0\r\n\r\n")


class _Server(ThreadingTCPServer):
    daemon_threads = True


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported: guard this process and its children."""
    folder = Path(tempfile.mkdtemp(prefix="rhaii-tests-"))
    os.environ["OUTBOUND_RECORD"] = str(folder / "outbound")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))
    server = _Server(("127.0.0.1", 0), _Tripwire)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = f"http://127.0.0.1:{server.server_address[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        os.environ[name] = os.environ[name.lower()] = proxy
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = "127.0.0.1,localhost,::1"
    for name in list(os.environ):
        if name.startswith(("RHAII_", "CLOUDSDK_", "GOOGLE_")) or name in ("KUBECONFIG", "PROJECT_ID", "ZONE"):
            del os.environ[name]
    os.environ["RHAII_TUI_HOME"] = str(folder / "home")
    os.environ["HOME"] = str(folder / "user")
    (folder / "user").mkdir()
    os.environ["NO_GCE_CHECK"] = "true"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background of a script: the commands under test would inherit deafness to Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.insert(0, str(GUARD))
    code = compile((GUARD / "sitecustomize.py").read_text(), str(GUARD / "sitecustomize.py"), "exec")
    exec(code, {"__name__": "guard"})


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(Path(os.environ["OUTBOUND_RECORD"]).parent, ignore_errors=True)


def _outbound() -> str:
    record = Path(os.environ["OUTBOUND_RECORD"])
    return record.read_text() if record.exists() else ""


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """Fail a test during which any process of ours reached for other than loopback."""
    before = _outbound()
    yield
    new = _outbound()[len(before) :]
    assert not new, f"outbound connections: {new}"


@pytest.fixture
def practice_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Practice]]:
    """`practice_factory(speed=600)` starts a practice cloud that ends with the test."""
    running: list[Practice] = []

    def start(speed: float = 600) -> Practice:
        running.append(start_practice(tmp_path_factory.mktemp("practice"), speed))
        return running[-1]

    yield start
    for practice in running:
        end_practice(practice)


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """One practice cloud for a module's tests, 600 times as fast as life."""
    running = start_practice(tmp_path_factory.mktemp("practice"))
    yield running
    end_practice(running)
