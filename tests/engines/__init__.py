"""Running the suite on real engines: ``python -m tests.engines``."""
