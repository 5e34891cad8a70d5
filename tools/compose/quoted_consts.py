"""Values that the generator writes wrongly, said in a way in which it writes them rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ruamel.yaml.comments import CommentedSeq

from tools.openapi import walk

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap


def say_as_enums(document: CommentedMap) -> None:
    """Say `const` as an `enum` of one, in place, where it has quotes or backslashes: escaped twice it fits nothing."""
    for node in walk.objects(document):
        value = node.get("const")
        if isinstance(value, str) and not {'"', "\\"}.isdisjoint(value):
            del node["const"]
            node.setdefault("enum", CommentedSeq([value]))
