"""Paired measurements against the tool that a user would pick instead."""
