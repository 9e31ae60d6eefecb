"""`python -m rhaii_tui.practice.xks deploy-all|undeploy|status`, with $KUBECONFIG naming the cluster."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rhaii_tui.practice.xks import install
from rhaii_tui.practice.xks.client import Client, Refused


def main() -> int:
    """0 done (status: complete), 1 failed or incomplete, 2 usage."""
    parser = argparse.ArgumentParser(prog="xks", description="Install the inference operators into a practice cluster.")
    parser.add_argument("target", choices=["deploy-all", "undeploy", "status"])
    target = parser.parse_args().target
    kubeconfig = os.environ.get("KUBECONFIG", "")
    if not kubeconfig or not Path(kubeconfig).is_file():
        print("check-kubeconfig: KUBECONFIG does not name a file", file=sys.stderr)
        return 2
    try:
        client = Client.from_kubeconfig(Path(kubeconfig))
        if target == "status":
            return 0 if install.status(client) else 1
        (install.deploy_all if target == "deploy-all" else install.undeploy)(client)
    except (Refused, TimeoutError, KeyError, ValueError) as error:
        print(f"make: *** [{target}] Error 1: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
