"""Vendors the spec again from the sources that its source file records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.vendor.vendored_spec import recorded_sources, vendor

if TYPE_CHECKING:
    from pathlib import Path


def vendor_sources(root: Path) -> list[str]:
    """Vendor the spec from each recorded URL, in order.

    Args:
        root: The repository.

    Returns:
        A line for each change, and for each source that cannot be checked: a file, or standard input.

    Raises:
        VendorError: A document cannot be vendored.
    """
    done: list[str] = []
    for source in recorded_sources(root):
        if source.startswith("https://"):
            done += vendor(root, source, replace=True) or [f"{source}: nothing new"]
        else:
            done.append(f"{source}: not checked, since it is no https URL; vendor the spec from its URL to change that")
    return done or ["no source is recorded"]
