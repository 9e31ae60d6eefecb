"""rhaii-tui: from a Google Cloud account to a proven LLM endpoint, from one terminal."""

__version__ = "0.1.0"
