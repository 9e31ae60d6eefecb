"""The practice twin of the rhaii-on-xks repository: installs the operators through the API."""
