"""Loaded by every Python process of the test run: a connection or look-up beyond loopback is recorded and refused."""

import contextlib
import ipaddress
import os
import sys

_LOCAL = {"localhost", "ip6-localhost", "", None}


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host in _LOCAL:
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(what: str) -> None:
    record = os.environ.get("OUTBOUND_RECORD")
    if record:
        with contextlib.suppress(OSError), open(record, "a", encoding="utf-8") as file:
            file.write(f"{what} by {' '.join(sys.argv)[:200]}\n")
    raise ConnectionRefusedError(f"tests may only talk to loopback: {what}")


def _hook(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        if isinstance(address, tuple) and address and not _is_local(address[0]):
            _refuse(f"connect to {address[0]}:{address[1]}")
    elif event == "socket.getaddrinfo" and not _is_local(args[0]) and args[0] != "0.0.0.0":
        _refuse(f"look-up of {args[0]!r}")


if os.environ.get("OUTBOUND_RECORD"):
    sys.addaudithook(_hook)
