"""A practice cluster's Kubernetes API over TLS: store, wire, and the words of the real server."""
