"""The age v1 file format (C2SP age.md), reading and writing.

Writing (``wrap``, ``payload_seal``, ``encrypt``) and reading (``unwrap``, ``payload_open``,
``decrypt``) live in separate modules, so that an import contract can keep the second from the
service. This module re-exports nothing for the same reason.
"""
