"""Options that several commands share, worded once."""

from __future__ import annotations

import typer

ACCELERATOR = typer.Option(None, "--accelerator", help="gpu (T4) or tpu (v6e).")
TOPOLOGY = typer.Option(None, "--topology", help="single, baseline or scale-out.")
PROJECT = typer.Option(None, "--project", help="Google Cloud project id.")
ZONE = typer.Option(None, "--zone", help="Zone, such as us-central1-a.")
CLUSTER = typer.Option(None, "--cluster", help="Name of the GKE cluster.")
POOL = typer.Option(None, "--pool", help="Name of the accelerator node pool.")
NAMESPACE = typer.Option(None, "--namespace", help="Namespace of the workload.")
SERVICE = typer.Option(None, "--service", help="Name of the LLMInferenceService.")
REPLICAS = typer.Option(None, "--replicas", help="Number of replicas.")
MODEL = typer.Option(None, "--model", help="Hugging Face id of the model.")
IMAGE = typer.Option(None, "--image", help="Image of the engine.")
PROVISIONING = typer.Option(None, "--provisioning", help="on-demand, spot or flex-start.")
PULL_SECRET = typer.Option(None, "--pull-secret-file", help="File with the registry.redhat.io login.")
HF_TOKEN = typer.Option(None, "--hf-token-file", help="File with the Hugging Face token.")
OPERATORS = typer.Option(None, "--operators-directory", help="A checkout of rhaii-on-xks.")
JSON = typer.Option(False, "--json", help="One JSON object per line; the last is the result.")
PLAIN = typer.Option(False, "--plain", help="Plain lines (the default).")
