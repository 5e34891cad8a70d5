"""Helpers for tests that compare what is made of an answer with what the sent schema says about it."""

from __future__ import annotations

import dataclasses
from typing import Any

import attrs
import msgspec
import pydantic
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from anchor_webtask import InvalidOutputError
from anchor_webtask._output.schema import output_of


def read(kind: Any, answer: Any) -> Any:
    return output_of(kind).value(answer, "task-1")


def is_admitted(kind: Any, answer: Any) -> bool:
    """Whether the schema that is sent admits an answer."""
    output = output_of(kind)
    assert output.schema is not None
    validator = Draft202012Validator(output.schema, registry=Registry())
    return validator.is_valid({"result": answer} if output.wrapped else answer)


def refused(kind: Any, answer: Any) -> InvalidOutputError:
    with pytest.raises(InvalidOutputError) as caught:
        read(kind, answer)
    return caught.value


def classes_with(kind: Any) -> dict[str, Any]:
    """Return a class of each library, whose field `part` has this type."""
    return {
        "attrs": attrs.make_class("Attrs", {"part": attrs.field(type=kind)}),
        "dataclass": dataclasses.make_dataclass("Data", [("part", kind)]),
        "msgspec": msgspec.defstruct("Struct", [("part", kind)]),
        "pydantic": pydantic.create_model("Model", part=(kind, ...)),
    }
