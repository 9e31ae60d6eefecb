"""The preflight's checks, one file per thing that can stand in the way."""
