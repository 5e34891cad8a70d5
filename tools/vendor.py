"""Vendors a spec: the whole of what upstream has published, or the slice of it that a documentation page has.

A whole spec becomes the vendored file byte for byte. A slice is merged into the file that is there, and no other byte
of it changes. All is checked before anything is written; what differs from what is vendored takes REPLACE=1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from tools import _document, _fetch, _merge, _page, _yaml
from tools._alone import alone
from tools._terminal import printable
from tools.compose import OVERLAY, ROOT, SPEC, SURFACE

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE: Final = SPEC.with_suffix(".source.json")

WANTED: Final = f"""\
Wanted is an OpenAPI 3.x document in YAML or JSON that is whole in itself, or a documentation page with one slice of it:
a fence opened by {_page.FORM}"""

NEXT: Final = f"""\
Next:
  make drift       what changes for users, and how bad it is
  make generate    mend the overlay where this names an action, and repeat
  make accept      then git diff --patience {SURFACE}
  make check
  make test
To go back: git restore {SPEC} {SOURCE} {OVERLAY}
and then:   make generate accept
"""


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
        fetched = _fetch.fetch(origin)
        with alone(root, f"{_WORK}*"), tempfile.TemporaryDirectory(prefix=_WORK, dir=root) as work:
            vendored = _vendored(root, Path(work), fetched, replace=replace)
            source: dict[str, _yaml.JSON] = {
                "source": vendored.sources[0] if len(vendored.sources) == 1 else [*vendored.sources],
                "sha256": hashlib.sha256(vendored.content).hexdigest(),
                "upstream_version": vendored.version,
            }
            new = {SPEC: vendored.content, SOURCE: _yaml.to_json(source).encode()}
            changed = {path: content for path, content in new.items() if content != _content(root / path)}
            _write(root, Path(work), changed)
    except _yaml.DocumentError as error:
        raise VendorError(f"{error}\n{WANTED}") from error
    except (_fetch.FetchError, _merge.MergeError) as error:
        raise VendorError(str(error)) from error
    except OSError as error:
        raise VendorError(f"{root} can't be written: {error.strerror}") from error
    return vendored.done or [f"{path}: describes what is vendored" for path in changed]


def _vendored(root: Path, work: Path, fetched: _fetch.Fetched, *, replace: bool) -> _Vendored:
    """Return what is to be in the vendored file and what to say of it."""
    name = fetched.source
    text = _document.decode(name, fetched.content)
    if text.lstrip("\ufeff\t\r\n ").startswith("<"):
        raise _yaml.DocumentError(f"{name}: is HTML or XML: a documentation page has its Markdown at an address in .md")
    if _page.is_page(name, text):
        return _of_page(root, work, _page.read(name, text), name, replace=replace)
    file = work / "whole"
    file.write_bytes(fetched.content)
    document = _document.read(name, file)
    old = _content(root / SPEC)
    if old is not None and old != fetched.content and not replace:
        raise VendorError(
            f"{name} (version {document.version}) differs from the vendored {SPEC}.\n"
            "REPLACE=1 overwrites that; git diff shows then what has changed."
        )
    done = [f"{SPEC}: is {name} now, version {document.version}"] if old != fetched.content else []
    return _Vendored(fetched.content, document.version, [name], done)


def _of_page(root: Path, work: Path, page: _page.Page, name: str, *, replace: bool) -> _Vendored:
    file = work / "slice"
    file.write_text("\n" * page.line + page.text, encoding="utf-8", newline="")  # with the page's own line numbers
    document = _document.read(name, file)
    item = document.root["paths"].get(page.path)
    if not (isinstance(item, dict) and page.method in item):
        raise _yaml.DocumentError(
            f"{name}:{page.line}: the slice has no {page.method} {page.path}, which its fence names"
        )
    if not (root / SPEC).exists():
        done = [f"{SPEC}: is the slice of {name} now, version {document.version}"]
        return _Vendored(page.text.encode(), document.version, [name], done)
    vendored = _document.read(SPEC.name, root / SPEC)
    merged = _merge.merge(vendored, document, replace=replace)
    file = work / "merged"
    file.write_text(merged.text, encoding="utf-8", newline="")
    try:
        result = _document.read(f"{SPEC} with {name}", file)
    except _yaml.DocumentError as error:
        raise VendorError(
            f"{name} can't be merged, which would break {SPEC}: vendor the whole spec\n{error}"
        ) from error
    if not _merge.same(result.root, merged.expected):
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.vendor", description="Vendor a whole spec, or merge the slice of a documentation page."
    )
    parser.add_argument("origin", metavar="FROM", help="a file, an https address, or - for standard input")
    parser.add_argument("--replace", action="store_true", help="let it replace what differs from what is vendored")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    options = parser.parse_args(arguments)
    try:
        done = vendor(options.root.resolve(), options.origin, replace=options.replace)
    except VendorError as error:
        print(printable(f"make vendor: {error}\n{SPEC} is as it was."), file=sys.stderr)
        return 1
    print(printable("\n".join(done)) or f"{SPEC}: nothing to do, all of it is there already")
    if done:
        print(NEXT, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
