"""Finds the part of the spec that a documentation page contains: its slice, which describes one operation.

A page is Markdown. The slice is in a code fence, which begins with four backticks and `yaml openapi-mintlify.yaml
<method> <path>` or `yaml /openapi.yaml <method> <path>`, and ends with four backticks. Other code fences, such as those
of examples, are ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from tools.openapi.limits import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

_INFO: Final = re.compile(r"yaml (?:openapi-mintlify\.yaml|/openapi\.yaml) ([a-z]+) (/\S*)")
FORM: Final = "````yaml openapi-mintlify.yaml <method> <path>"


@attrs.frozen
class Page:
    """The slice of a page.

    Attributes:
        method: The operation's method, in lower case.
        path: The operation's path.
        text: The slice, with one newline at its end.
        line: The number of lines before the slice.
    """

    method: str
    path: str
    text: str
    line: int


@attrs.frozen
class _Fence:
    opened: int
    ticks: str
    info: str
    lines: list[str] | None


def is_page(name: str, text: str) -> bool:
    """Tell whether a text is a documentation page: its name ends in .md or .mdx, or it has a code fence."""
    return name.endswith((".md", ".mdx")) or re.search(r"^````", text, re.MULTILINE) is not None


def read_page(name: str, text: str) -> Page:
    """Find the slice of a documentation page.

    Args:
        name: The name of the page in messages.
        text: The text of the page.

    Returns:
        The slice, and the method and path of its operation.

    Raises:
        DocumentError: The page does not have exactly one slice, or the code fence is not closed.
    """
    fences = list(_fences(text))
    slices = [(fence, match) for fence in fences if fence.ticks == "````" and (match := _INFO.fullmatch(fence.info))]
    if not slices:
        seen = "".join(f"; line {fence.opened} has {fence.ticks}{fence.info}" for fence in fences[:5])
        raise DocumentError(f"{name}: has no code fence that begins with {FORM}{seen}")
    if len(slices) > 1:
        lines = " and ".join(str(fence.opened) for fence, _ in slices)
        raise DocumentError(
            f"{name}: has {len(slices)} slices of the spec, at lines {lines}; a page must have exactly one"
        )
    [(fence, match)] = slices
    if fence.lines is None:
        raise DocumentError(f"{name}:{fence.opened}: the code fence is not closed; is the page cut off?")
    slice_ = "\n".join(fence.lines).rstrip() + "\n"
    return Page(method=match[1], path=match[2], text=slice_, line=fence.opened)


def _fences(text: str) -> Iterator[_Fence]:
    lines = enumerate(text.split("\n"), start=1)
    for number, line in lines:
        if opening := re.match(r"(`{3,})([^`]*)$", line):
            inside: list[str] = []
            for _, following in lines:
                if re.fullmatch(rf"`{{{len(opening[1])},}}\s*", following):
                    yield _Fence(number, opening[1], opening[2].strip(), inside)
                    break
                inside.append(following)
            else:
                yield _Fence(number, opening[1], opening[2].strip(), None)
