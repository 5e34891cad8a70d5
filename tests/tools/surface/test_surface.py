from __future__ import annotations

import enum
import typing
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypedDict, TypeVar, overload

import attrs
import pytest

from tools.surface.models import describe_models
from tools.surface.operations import describe_operations
from tools.surface.python_api import describe_exports

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

# -- Operations --------------------------------------------------------------------------------------------------------


def test_operations_are_described_with_parameters_bodies_and_responses() -> None:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    spec: dict[str, Any] = {
        "paths": {
            "/things/{id}": {
                "summary": "Things",
                "parameters": [
                    {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}},
                    {"in": "query", "name": "kind", "schema": {"type": "integer"}},
                ],
                "put": {
                    "operationId": "put_thing",
                    "parameters": [
                        {"$ref": "#/components/parameters/Page"},
                        {"in": "query", "name": "kind", "schema": {"type": "string", "enum": ["a", "b"]}},
                        {"in": "query", "name": "ids", "schema": {"type": "array", "items": {"type": "string"}}},
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"oneOf": [{"type": ["string", "null"]}, {}]}}},
                    },
                    "responses": {
                        "404": {"$ref": "#/components/responses/Lost"},
                        "200": {"description": "", "content": {"image/png": {}}},
                        "204": {"description": ""},
                    },
                },
                "get": {"responses": {}},
            },
        },
        "components": {
            "parameters": {"Page": {"in": "header", "name": "page", "required": True, "schema": {"type": "integer"}}},
            "responses": {"Lost": {"content": error}},
        },
    }
    assert describe_operations(spec) == (
        "(no operation id): GET /things/{id}\n"
        "    path id: string, required\n"
        "    query kind: integer\n"
        "\n"
        "put_thing: PUT /things/{id}\n"
        "    header page: integer, required\n"
        "    path id: string, required\n"
        "    query ids: array of string\n"
        "    query kind: string['a', 'b']\n"
        "    body application/json: oneOf(string|null, any), required\n"
        "    200 image/png: any\n"
        "    204\n"
        "    404 application/json: Error\n"
    )


# -- Models ------------------------------------------------------------------------------------------------------------

MODEL = '''\
@_attrs_define
class Thing:
    size: int
    """ The size. """
    type_: Kind | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        size = d.pop("size")

        def _parse_type_(data: object) -> Kind | Unset:
            return data

        type_ = _parse_type_(d.pop("type", UNSET))
'''


def models(folder: Path, exported: str) -> str:
    (folder / "__init__.py").write_text(f"__all__ = {exported}\n", encoding="utf-8")
    (folder / "thing.py").write_text(MODEL, encoding="utf-8")
    (folder / "kind.py").write_text('Kind = Literal["a",\n  "b"]\n\nKIND_VALUES = {"a"}\n', encoding="utf-8")
    return describe_models(folder)


def test_models_are_described_with_types_and_wire_names(tmp_path: Path) -> None:
    assert models(tmp_path, '("Kind", "Thing")') == (
        "Kind = Literal['a', 'b']\n"
        "\n"
        "Thing\n"
        "    size: int\n"
        "    type_: Kind | Unset = UNSET (wire: type)\n"
        "    additional properties: dict[str, Any]\n"
    )


def test_exported_name_without_a_class_or_literal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a class nor a Literal: Lost"):
        models(tmp_path, '("Lost", "Thing")')


def test_field_that_is_not_read_from_json_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "MODEL", MODEL.replace('d.pop("size")', "0"))
    with pytest.raises(ValueError, match="Thing: has 2 fields, but reads 1 keys: type"):
        models(tmp_path, '("Thing",)')


# -- Python ------------------------------------------------------------------------------------------------------------


def exported(**names: object) -> str:
    module = ModuleType("module")
    vars(module).update(names, __all__=list(names))
    return describe_exports(module)


def function(a: int, /, b: str = "x", *rest: object, c: list[int] | None = None, **more: typing.Any) -> None: ...


async def coroutine(*, sleep: object = print, mark: object = object()) -> Unknown: ...  # type: ignore[name-defined]  # noqa: F821  as with names under TYPE_CHECKING


@overload
def overloaded(a: int) -> int: ...
@overload
def overloaded(a: str) -> str: ...
def overloaded(a: object) -> object:
    return a


def test_functions_are_described_by_their_signatures() -> None:
    assert exported(f=function, g=coroutine) == (
        "f(a: int, /, b: str = 'x', *rest: object, c: list[int] | None = None, **more: typing.Any) -> None\n"
        "\n"
        "async g(*, sleep: object = print, mark: object = <object object>) -> Unknown\n"
    )


def test_overloads_are_described_instead_of_their_implementation() -> None:
    assert exported(o=overloaded) == "overload o(a: int) -> int\noverload o(a: str) -> str\n"


class _Base(Generic[T]):
    flag: bool

    def __init__(self, size: int) -> None:
        self.size, self._hidden = size, 0

    def inherited(self) -> T: ...  # type: ignore[empty-body]  # only its signature counts


class Public(_Base[str]):
    @property
    def fixed(self) -> int:
        return 0

    @property
    def settable(self) -> int:
        return 0

    @settable.setter
    def settable(self, value: int) -> None: ...

    @classmethod
    def made(cls) -> Public: ...  # type: ignore[empty-body]  # only its signature counts

    @staticmethod
    def helped() -> None: ...

    async def later(self) -> None: ...

    async def __aenter__(self) -> None: ...

    def __repr__(self) -> str:
        return ""

    def _private(self) -> None: ...


class NarrowerError(Public, ValueError):
    def later(self) -> None: ...  # type: ignore[override]  # the description must show the difference


def test_classes_are_described_with_their_members() -> None:
    assert exported(Public=Public, NarrowerError=NarrowerError) == (
        "class NarrowerError(Public, ValueError)\n"
        "    later(self) -> None\n"
        "\n"
        "class Public(Generic)\n"
        "    __init__(self, size: int) -> None\n"
        "    attributes: size\n"
        "    async __aenter__(self) -> None\n"
        "    fixed: int (property)\n"
        "    flag: bool\n"
        "    staticmethod helped() -> None\n"
        "    inherited(self) -> T\n"
        "    async later(self) -> None\n"
        "    classmethod made(cls) -> Public\n"
        "    settable: int (property, settable)\n"
    )


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Named(NamedTuple):
    b: int
    a: str = ""


class Typed(TypedDict, total=False):
    b: int
    a: str | None


class Required(TypedDict):
    c: int


@attrs.frozen
class Frozen:
    b: int
    a: list[str] = attrs.field(factory=list)


class Callback(Protocol):
    def __call__(self, value: int) -> None: ...


def test_enums_tuples_dicts_and_protocols_are_described() -> None:
    assert exported(a=Color, b=Named, c=Typed, d=Required, e=Frozen, f=Callback) == (
        "class a(StrEnum)\n    RED = 'red'\n    BLUE = 'blue'\n"
        "\n"
        "class b(tuple)\n    __new__(_cls, b: int, a: str = '')\n"
        "\n"
        "class c(TypedDict)\n    a: str | None\n    b: int\n"
        "\n"
        "class d(TypedDict)\n    c: int, required\n"
        "\n"
        "class e\n    __init__(self, b: int, a: list[str] = NOTHING) -> None\n"
        "\n"
        "class f(Protocol)\n    __call__(self, value: int) -> None\n"
    )


def test_other_values_are_described_by_type_or_representation() -> None:
    assert exported(version="1.2.3", alias=typing.Literal["a"], module=typing) == (
        "alias = typing.Literal['a']\n\nmodule: module\n\nversion: str\n"
    )


def test_names_that_are_created_lazily_are_described() -> None:
    module = ModuleType("module")
    vars(module).update(__all__=["lazy"], __getattr__={"lazy": function}.__getitem__)
    assert describe_exports(module).startswith("lazy(a: int, /, ")
