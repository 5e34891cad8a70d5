"""Vendors a spec: checks it, compares it with the vendored spec, and writes it together with the source file.

A complete spec becomes the vendored file byte for byte. A slice, the part of the spec that a documentation page
contains, is merged into the vendored file, whose other bytes do not change. All checks are made before a file is
written. Existing definitions are only overwritten with REPLACE=1. The source file records where the spec comes from.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

import attrs

from tools.openapi import reader
from tools.openapi.limits import DocumentError
from tools.repository import SOURCE, SPEC
from tools.repository_lock import locked
from tools.vendor import source_file
from tools.vendor.document import read_document
from tools.vendor.fetch import Fetched, FetchError, fetch
from tools.vendor.merge import MergeError, merge, same
from tools.vendor.page import FORM, Page, is_page, read_page
from tools.vendor.source_file import Sources

REQUIRED: Final = f"""\
FROM must be a complete OpenAPI 3.x document in YAML or JSON, or a documentation page with one slice of it, in a
code fence that begins with {FORM}"""

_WORK: Final = ".vendored-"


class VendorError(Exception):
    """Nothing was vendored, and the files are unchanged. The message tells the maintainer why."""


@attrs.frozen
class _Vendored:
    content: bytes
    version: str
    sources: Sources
    done: list[str]


def vendor(root: Path, origin: str, *, replace: bool) -> list[str]:
    """Vendor the document at `origin`.

    Args:
        root: The repository.
        origin: A file, a URL, or `-` for standard input.
        replace: Whether to overwrite the vendored spec where the document differs from it.

    Returns:
        A line for each change; no lines if the vendored files are up to date.

    Raises:
        VendorError: The document cannot be vendored, or differs from the vendored spec and `replace` is false; the
            files are unchanged.
    """
    try:
        fetched = fetch(origin)
    except FetchError as error:
        raise VendorError(str(error)) from error
    return vendor_document(root, fetched, replace=replace)


def vendor_document(root: Path, fetched: Fetched, *, replace: bool) -> list[str]:
    """Vendor a document that was read before; otherwise like `vendor`."""
    try:
        with locked(root, f"{_WORK}*"), tempfile.TemporaryDirectory(prefix=_WORK, dir=root) as work:
            vendored = _vendored(root, Path(work), fetched, replace=replace)
            source = source_file.content(vendored.sources, vendored.content, vendored.version)
            new = {SPEC: vendored.content, SOURCE: source}
            changed = {path: content for path, content in new.items() if content != _content(root / path)}
            _write(root, Path(work), changed)
    except DocumentError as error:
        raise VendorError(f"{error}\n{REQUIRED}") from error
    except MergeError as error:
        raise VendorError(str(error)) from error
    except OSError as error:
        raise VendorError(f"{root} cannot be written: {error.strerror}") from error
    return vendored.done or [f"{path}: updated" for path in changed]


def _vendored(root: Path, work: Path, fetched: Fetched, *, replace: bool) -> _Vendored:
    """Return the new content of the vendored file, with a line for each change."""
    name = fetched.source
    text = reader.decode(name, fetched.content)
    if text.lstrip("\ufeff\t\r\n ").startswith("<"):
        raise DocumentError(
            f"{name}: is HTML or XML; for a documentation page, use the Markdown form, whose URL ends in .md"
        )
    if is_page(name, text):
        return _of_page(root, work, read_page(name, text), name, replace=replace)
    file = work / "complete"
    file.write_bytes(fetched.content)
    document = read_document(name, file)
    old = _content(root / SPEC)
    if old is not None and old != fetched.content and not replace:
        raise VendorError(
            f"{name} (version {document.version}) differs from the vendored {SPEC}.\n"
            "Use REPLACE=1 to overwrite the vendored spec; git diff then shows the changes."
        )
    done = [f"{SPEC}: now {name}, version {document.version}"] if old != fetched.content else []
    return _Vendored(fetched.content, document.version, Sources([name]), done)


def _of_page(root: Path, work: Path, page: Page, name: str, *, replace: bool) -> _Vendored:
    file = work / "slice"
    # with empty lines before the slice, so that line numbers in messages are those of the page
    file.write_text("\n" * page.line + page.text, encoding="utf-8", newline="")
    document = read_document(name, file)
    operation = f"{page.method} {page.path}"
    item = document.root["paths"].get(page.path)
    if not (isinstance(item, dict) and page.method in item):
        raise DocumentError(f"{name}:{page.line}: the slice lacks the operation that its code fence names: {operation}")
    if not (root / SPEC).exists():
        done = [f"{SPEC}: now the slice of {name}, version {document.version}"]
        return _Vendored(page.text.encode(), document.version, Sources([name]), done)
    vendored = read_document(SPEC.name, root / SPEC)
    merged = merge(vendored, document, replace=replace)
    file = work / "merged"
    file.write_text(merged.text, encoding="utf-8", newline="")
    try:
        result = read_document(f"{SPEC} with {name}", file)
    except DocumentError as error:
        raise VendorError(
            f"{name} cannot be merged, since {SPEC} would be broken; vendor the complete spec\n{error}"
        ) from error
    if not same(result.root, merged.expected):
        raise VendorError(
            f"{name} cannot be merged, since other parts of {SPEC} would change; vendor the complete spec"
        )
    sources = source_file.read(root)
    if not sources.names:
        sources = Sources([name])
    elif merged.changes and sources.names != [name]:
        sources = sources.with_page(name, operation)
    done = [f"{SPEC}: {'added' if change.old is None else 'replaced'} {change.place}" for change in merged.changes]
    return _Vendored(merged.text.encode(), result.version, sources, done)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _write(root: Path, work: Path, files: dict[Path, bytes]) -> None:
    """Replace the files, the spec first; if an error occurs, restore all of them.

    A kill after the first replacement leaves the new spec and a source file with the old hash, so a contract test
    fails. The same `make vendor` command then writes the source file, and does not need REPLACE=1.
    """
    for folder in ("old", "new"):
        (work / folder).mkdir()
    for path, content in files.items():
        (work / "new" / path).write_bytes(content)
        if (root / path).exists():
            shutil.copy2(root / path, work / "old" / path)
    try:
        for path in files:
            (work / "new" / path).replace(root / path)
    except BaseException:
        for path in files:
            if (work / "old" / path).exists():
                (work / "old" / path).replace(root / path)
            else:
                (root / path).unlink(missing_ok=True)
        raise
