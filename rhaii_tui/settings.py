"""Settings: flag, environment, file, gcloud default, built-in; each value knows where it came from."""
