"""The names a setting goes by in the environment and in files. The deployment guides' own names are understood too."""

from __future__ import annotations

ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "accelerator": ("RHAII_ACCELERATOR", "ACCELERATOR_TYPE", "ACCELERATOR"),
    "topology": ("RHAII_TOPOLOGY",),
    "project": ("RHAII_PROJECT", "PROJECT_ID"),
    "zone": ("RHAII_ZONE", "ZONE"),
    "cluster": ("RHAII_CLUSTER", "CLUSTER_NAME"),
    "pool": ("RHAII_POOL",),
    "namespace": ("RHAII_NAMESPACE", "NAMESPACE", "WORKLOAD_NAMESPACE"),
    "service": ("RHAII_SERVICE",),
    "replicas": ("RHAII_REPLICAS",),
    "model": ("RHAII_MODEL",),
    "image": ("RHAII_IMAGE",),
    "provisioning": ("RHAII_PROVISIONING",),
    "pull_secret_file": ("RHAII_PULL_SECRET_FILE",),
    "hf_token_file": ("RHAII_HF_TOKEN_FILE",),
    "operators_directory": ("RHAII_OPERATORS_DIRECTORY",),
}
"""Our own name wins over upstream's. A secret's value is never read from the environment, only the name of its file."""

POOL_BY_ACCELERATOR = {"gpu-t4": "GPU_NODEPOOL_NAME", "tpu-v6e": "TPU_NODEPOOL_NAME"}
"""Upstream's make variables for the pool, one per accelerator."""

GCLOUD = {"project": ("CLOUDSDK_CORE_PROJECT", "core", "project"), "zone": ("CLOUDSDK_COMPUTE_ZONE", "compute", "zone")}
"""Environment variable, section and key that gcloud itself reads."""

PATHS = ("pull_secret_file", "hf_token_file", "operators_directory")

FOUND_IN_FOLDER = {
    "pull_secret_file": ("redhat-pull-secret.yaml",),
    "hf_token_file": ("huggingface-token-secret.yaml",),
}
"""The file names upstream's templates are copied to; used when they lie in the working folder."""

CLOUD_OWNS = ("project", "pull_secret_file", "hf_token_file", "operators_directory")
"""What a cloud that comes with its own project and secrets decides itself, unless a flag says otherwise.

A project or a secret of the real cloud, lying about in the environment, must not be carried into the practice cloud.
"""
