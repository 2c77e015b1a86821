"""Telling people by e-mail that something waits for them, and nothing of what it is."""
