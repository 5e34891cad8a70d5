"""`is_plain`, which decides whether msgspec converts answers to a type exactly as the type's parts do."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections import abc
from decimal import Decimal
from typing import Any

import msgspec

from anchor_webtask._output.type_hints import extra_items
from anchor_webtask._output.type_parts import parts
from anchor_webtask._signals import reraise_from_handler


def is_plain(kind: Any) -> bool:
    """Whether what msgspec accepts for a type is right; what it refuses is converted part by part in any case."""
    try:
        msgspec.inspect.type_info(kind)
    except Exception as error:  # noqa: BLE001  a type's own code and annotations may raise anything
        reraise_from_handler(error)
        return False
    return all(map(_is_plain_part, parts(kind)))


def _is_plain_part(part: Any) -> bool:
    cls = typing.get_origin(part) or part
    if not isinstance(cls, type):
        return True
    if cls is Decimal:
        return False  # msgspec reads the texts "nan" and "1_000"
    if issubclass(cls, abc.Mapping) and next(iter(typing.get_args(part)), str) is not str:
        return False  # msgspec reads the key "nan", and drops one of two keys that stand for the same
    if cls is abc.Iterable:
        return False  # msgspec does not check the items
    if extra_items(cls) is not None:
        return False  # msgspec ignores other keys
    if issubclass(cls, enum.Flag):
        return False  # msgspec takes undefined values
    # msgspec does not call the class's constructor: it runs no converters, and sets fields that are no arguments.
    attributes: tuple[Any, ...] = getattr(cls, "__attrs_attrs__", ())
    if any(each.converter is not None or not each.init for each in attributes):
        return False
    if not attributes and dataclasses.is_dataclass(cls) and not all(each.init for each in dataclasses.fields(cls)):
        return False
    # msgspec does not replace the type variables of a generic TypedDict in its subclasses.
    return not (typing.is_typeddict(cls) and any(map(typing.get_args, vars(cls).get("__orig_bases__", ()))))
