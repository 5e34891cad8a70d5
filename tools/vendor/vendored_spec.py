"""Vendors a spec: the whole of what upstream has published, or the slice of it that a documentation page has.

A whole spec becomes the vendored file byte for byte. A slice is merged into the file that is there, and no other byte
of it changes. All is checked before anything is written; what differs from what is vendored takes REPLACE=1.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Final

import attrs

from tools.lock import locked
from tools.openapi import yaml
from tools.repository import SOURCE, SPEC
from tools.vendor.document import decode, read_document
from tools.vendor.fetch import Fetched, FetchError, fetch
from tools.vendor.merge import MergeError, merge, same
from tools.vendor.page import FORM, Page, is_page, read_page

WANTED: Final = f"""\
Wanted is an OpenAPI 3.x document in YAML or JSON that is whole in itself, or a documentation page with one slice of it:
a fence opened by {FORM}"""

_WORK: Final = ".vendored-"


class VendorError(Exception):
    """Nothing was vendored, and the files are as they were. The message is for the maintainer."""


@attrs.frozen
class _Vendored:
    content: bytes
    version: str
    sources: list[str]
    done: list[str]


def vendor(root: Path, origin: str, *, replace: bool) -> list[str]:
    """Vendor what is at `origin`.

    Args:
        root: The repository.
        origin: A file, an address, or `-` for standard input.
        replace: Whether what differs from what is vendored takes its place.

    Returns:
        What was changed, a line for each; none if everything was there already.

    Raises:
        VendorError: It can't be vendored, or differs and may not replace; the files are as they were.
    """
    try:
        fetched = fetch(origin)
        with locked(root, f"{_WORK}*"), tempfile.TemporaryDirectory(prefix=_WORK, dir=root) as work:
            vendored = _vendored(root, Path(work), fetched, replace=replace)
            source: dict[str, yaml.JSON] = {
                "source": vendored.sources[0] if len(vendored.sources) == 1 else [*vendored.sources],
                "sha256": hashlib.sha256(vendored.content).hexdigest(),
                "upstream_version": vendored.version,
            }
            new = {SPEC: vendored.content, SOURCE: yaml.to_json(source).encode()}
            changed = {path: content for path, content in new.items() if content != _content(root / path)}
            _write(root, Path(work), changed)
    except yaml.DocumentError as error:
        raise VendorError(f"{error}\n{WANTED}") from error
    except (FetchError, MergeError) as error:
        raise VendorError(str(error)) from error
    except OSError as error:
        raise VendorError(f"{root} can't be written: {error.strerror}") from error
    return vendored.done or [f"{path}: describes what is vendored" for path in changed]


def _vendored(root: Path, work: Path, fetched: Fetched, *, replace: bool) -> _Vendored:
    """Return what is to be in the vendored file and what to say of it."""
    name = fetched.source
    text = decode(name, fetched.content)
    if text.lstrip("\ufeff\t\r\n ").startswith("<"):
        raise yaml.DocumentError(f"{name}: is HTML or XML: a documentation page has its Markdown at an address in .md")
    if is_page(name, text):
        return _of_page(root, work, read_page(name, text), name, replace=replace)
    file = work / "whole"
    file.write_bytes(fetched.content)
    document = read_document(name, file)
    old = _content(root / SPEC)
    if old is not None and old != fetched.content and not replace:
        raise VendorError(
            f"{name} (version {document.version}) differs from the vendored {SPEC}.\n"
            "REPLACE=1 overwrites that; git diff shows then what has changed."
        )
    done = [f"{SPEC}: is {name} now, version {document.version}"] if old != fetched.content else []
    return _Vendored(fetched.content, document.version, [name], done)


def _of_page(root: Path, work: Path, page: Page, name: str, *, replace: bool) -> _Vendored:
    file = work / "slice"
    file.write_text("\n" * page.line + page.text, encoding="utf-8", newline="")  # with the page's own line numbers
    document = read_document(name, file)
    item = document.root["paths"].get(page.path)
    if not (isinstance(item, dict) and page.method in item):
        raise yaml.DocumentError(
            f"{name}:{page.line}: the slice has no {page.method} {page.path}, which its fence names"
        )
    if not (root / SPEC).exists():
        done = [f"{SPEC}: is the slice of {name} now, version {document.version}"]
        return _Vendored(page.text.encode(), document.version, [name], done)
    vendored = read_document(SPEC.name, root / SPEC)
    merged = merge(vendored, document, replace=replace)
    file = work / "merged"
    file.write_text(merged.text, encoding="utf-8", newline="")
    try:
        result = read_document(f"{SPEC} with {name}", file)
    except yaml.DocumentError as error:
        raise VendorError(
            f"{name} can't be merged, which would break {SPEC}: vendor the whole spec\n{error}"
        ) from error
    if not same(result.root, merged.expected):
        raise VendorError(f"{name} can't be merged, which would change the meaning of {SPEC}: vendor the whole spec")
    sources = _sources(root)
    if (merged.changes and name not in sources) or not sources:
        sources.append(name)
    done = [f"{SPEC}: {'added' if change.old is None else 'replaced'} {change.place}" for change in merged.changes]
    return _Vendored(merged.text.encode(), result.version, sources, done)


def _sources(root: Path) -> list[str]:
    """Return where the vendored file has come from until now, as far as that is known."""
    try:
        found = json.loads((root / SOURCE).read_bytes())["source"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [source for source in (found if isinstance(found, list) else [found]) if isinstance(source, str)]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _write(root: Path, work: Path, files: dict[Path, bytes]) -> None:
    """Replace files together, the spec first.

    Killed between the two, the spec is the new one and its source file still has the old hash, which a contract test
    notices; the same `make vendor` once more then writes what is missing, without REPLACE.
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
