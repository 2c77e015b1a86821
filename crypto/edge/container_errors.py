"""What can be wrong with a container."""

from __future__ import annotations

from crypto.errors import MalformedError


class ContainerError(MalformedError):
    """The bytes are not a container in its one form."""


class UnsafeContainerError(ContainerError):
    """The container holds what must never be unpacked: a link, a climbing path, a collision."""


class TooLargeError(ContainerError):
    """A limit on the number or size of files is passed."""
