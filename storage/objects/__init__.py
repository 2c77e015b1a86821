"""Ciphertexts: in a folder or in S3, behind the same promises."""

from __future__ import annotations

from storage.objects.open import open_objects

__all__ = ["open_objects"]
