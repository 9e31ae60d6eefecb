"""A running service as it is now: found without a journal, watched, measured, priced, and honest about its age."""
