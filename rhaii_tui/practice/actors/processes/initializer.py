"""KServe's storage-initializer: downloads the model into /mnt/models."""

from __future__ import annotations

from datetime import datetime

from rhaii_tui.practice.actors.processes.base import Process
from rhaii_tui.practice.actors.volumes import secret_text
from rhaii_tui.practice.traffic.policies import DNS, leaves

GATED = ("google/gemma", "meta-llama/")
# Files a small instruct model has on the hub, and the usual cloud seconds of the download (35 s observed for 3B).
FILES, DOWNLOAD = 12, 36.0
_TRACE = (
    "Traceback (most recent call last):",
    '  File "/prod_venv/lib/python3.11/site-packages/huggingface_hub/utils/_http.py", line 409, in hf_raise_for_status',
    "    response.raise_for_status()",
)


class StorageInitializer(Process):
    """Exits 0 with the model on disk, 1 with the hub's refusal in the log."""

    async def main(self) -> int:
        place = self.place
        arguments = [str(a) for a in place.container.get("args") or ()]
        source = arguments[0] if arguments else "hf://"
        target = arguments[1] if len(arguments) > 1 else "/mnt/models"
        self._say(
            "initializer-entrypoint:<module>():16", f"Initializing, args: src_uri [{source}] dest_path[ [{target}]"
        )
        await place.work(2.0)
        self._say("storage.py:download():75", f"Copying contents of {source} to local")
        repository = source.removeprefix("hf://").split(":")[0]
        await place.work(2.0)
        refusal = self._unreachable() or self._refusal(repository, self._token())
        if refusal:
            for line in (*_TRACE, *refusal):
                place.log(line)
            return 1
        started = place.world.clock.monotonic()
        for n in range(FILES + 1):
            seconds = place.world.clock.monotonic() - started
            left = f"{int(seconds / n * (FILES - n)):02d}" if n else "?"
            bar = ("█" * round(10 * n / FILES)).ljust(10)
            place.log(
                f"Fetching {FILES} files: {100 * n // FILES:3d}%|{bar}| {n}/{FILES} [00:{int(seconds):02d}<00:{left}]"
            )
            if n == FILES // 2 and place.world.faults.on("storage-initializer-oom"):
                return 137
            if n < FILES:
                await place.work(DOWNLOAD / FILES)
        self._say("storage.py:download():118", f"Successfully copied {source} to {target}")
        return 0

    def _say(self, where: str, text: str) -> None:
        stamp = datetime.now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        self.place.log(f"{stamp} 1 kserve INFO [{where}] {text}")

    def _token(self) -> str:
        """The token in the container's environment, "" without one."""
        store, namespace = self.place.cluster.store, self.place.pod["metadata"]["namespace"]
        for env in self.place.container.get("env") or ():
            if env["name"] == "HF_TOKEN":
                return str(env.get("value") or secret_text(store, namespace, env.get("valueFrom") or {}))
        return ""

    def _unreachable(self) -> tuple[str, ...]:
        """What the hub's client says when NetworkPolicies keep the pod from names or from the hub."""
        place, head = self.place, "HTTPSConnectionPool(host='huggingface.co', port=443)"
        if not leaves(place.cluster, place.pod, DNS, 53, "UDP"):
            return (
                f'requests.exceptions.ConnectionError: (MaxRetryError("{head}: Max retries exceeded with url: '
                "/api/models (Caused by NameResolutionError(\"Failed to resolve 'huggingface.co' ([Errno -2] Name or "
                'service not known)"))"))',
                "socket.gaierror: [Errno -2] Name or service not known",
            )
        if not leaves(place.cluster, place.pod, None, 443):
            return (
                f"requests.exceptions.ConnectTimeout: {head}: Max retries exceeded with url: /api/models (Caused by "
                "ConnectTimeoutError('Connection to huggingface.co timed out. (connect timeout=10)'))",
            )
        return ()

    def _refusal(self, repository: str, token: str) -> tuple[str, ...]:
        url = f"https://huggingface.co/api/models/{repository}/revision/main"
        faults = self.place.world.faults
        if faults.claims("hf-gated", "model", repository):
            return (
                f"requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: {url}",
                f"huggingface_hub.errors.GatedRepoError: 403 Client Error. Cannot access gated repo for url {url}. "
                f"Access to model {repository} is restricted and you are not in the authorized list. Visit "
                f"https://huggingface.co/{repository} to ask for access.",
            )
        # The token that comes first is the one the hub refuses; a new one is good.
        if faults.claims("hf-token-missing", "token", token):
            return (
                f"requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: {url}",
                "huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error. Repository Not Found for url: "
                f"{url}. Please make sure you specified the correct `repo_id` and `repo_type`. If you are trying to "
                "access a private or gated repo, make sure you are authenticated. Invalid username or password.",
            )
        if (repository.startswith(GATED) or faults.on("hf-secret-wrong-key")) and not token:
            return (
                f"requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: {url}",
                f"huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url {url}. "
                f"Access to model {repository} is restricted. You must have access to it and be authenticated to "
                "access it. Please log in.",
            )
        if "/" not in repository:
            return (
                "huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. Repository Not Found for url: "
                f"{url}.",
            )
        return ()
