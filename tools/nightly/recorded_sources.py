"""Vendors the spec again from the sources that its source file records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import attrs

from tools.nightly import kept_pages
from tools.repository import SPEC
from tools.vendor import source_file
from tools.vendor.vendored_spec import VendorError, vendor

if TYPE_CHECKING:
    from pathlib import Path

TIME: Final = 300
"""The number of seconds after which no other source is checked, so that the job has time for the pull request."""


@attrs.frozen
class Checked:
    """What became of the recorded sources.

    Attributes:
        done: A line for each change, and for each source that has nothing new or cannot be checked.
        failed: The message for each source that failed; the spec lacks what is new there.
    """

    done: list[str] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)


def vendor_sources(root: Path) -> Checked:
    """Vendor the spec from each recorded URL, in order; a source that fails does not stop the others.

    A complete document replaces the spec, and with it the operations of pages that were added. Those pages follow in
    the record and add them again. If a page is a local file, or fails, its operations are kept as they were.

    Args:
        root: The repository.

    Returns:
        What became of each source.
    """
    recorded = source_file.read(root)
    before = (root / SPEC).read_bytes()
    checked = Checked()
    end = time.monotonic() + TIME
    for source in recorded.names:
        if not source.startswith("https://"):
            checked.done.append(
                f"{source}: not checked, since it is no https URL; vendor the spec from its URL to change that"
            )
        elif time.monotonic() > end:
            checked.failed.append(f"{source}: not checked, since the other sources took more than {TIME} s")
        else:
            try:
                checked.done.extend(vendor(root, source, replace=True) or [f"{source}: nothing new"])
            except VendorError as error:
                checked.failed.append(str(error))
    left = source_file.read(root).names
    for source in recorded.names:
        if source not in left:
            try:
                checked.done.extend(kept_pages.keep(root, source, before, recorded.pages.get(source)))
            except VendorError as error:
                checked.failed.append(f"{source}: its operations cannot be kept: {error}")
    if not recorded.names:
        checked.done.append("no source is recorded")
    return checked
