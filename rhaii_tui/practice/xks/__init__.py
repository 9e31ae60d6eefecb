"""The practice twin of the rhaii-on-xks repository: installs the operators through the API (upstream.md 11.1)."""
