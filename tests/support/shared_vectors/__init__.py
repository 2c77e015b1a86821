"""Builds tests/vectors/*.json: what this implementation writes, accepts and refuses, for others."""
