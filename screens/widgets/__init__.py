"""Widgets: each shows one slice of state and sends one kind of message."""
