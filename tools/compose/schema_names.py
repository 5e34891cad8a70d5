"""Gives schemas names from which the generator makes different classes and modules.

The generator names the class of a component after the component, and the class of any other schema after its place:
after the class or operation around it, and the property. So `a-b` and `AB` are the same class, and so are the property
`c` of the component `AB` and the component `ABC`. Where this happens:

    a component             keeps its name if this is also the name of its class, or, if this is so for several, of
                            their module: `AB`, and `HttpError` beside `HTTPError`. The others get names: `a-b` becomes
                            ABX612d62. The digits are the codes of its characters, so that no two names are the same
    a schema elsewhere      gets a title, which the generator uses in place of the property's name. The title ends in a
                            part of the hash of the schema's place

The same happens to a schema whose class would replace a name that the generated code needs, such as `File` or `Any`.
Enums of the same name and the same values share a class, as before.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from tools.compose.generated_classes import enum_values, inline_classes
from tools.openapi import python_names, walk
from tools.openapi.references import key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tools.compose.generated_classes import InlineClass

_SCHEMAS: Final = "#/components/schemas/"
_ROUNDS: Final = 5  # a title may give new names to the schemas inside, which then may be those of others


def rename(document: dict[str, Any]) -> None:
    """Rename components, and give titles to other schemas, where their classes would be the same, in place.

    Args:
        document: The spec, without titles.
    """
    schemas = (document.get("components") or {}).get("schemas")
    if isinstance(schemas, dict):
        modules = {_module(name) for name in schemas}
        modules |= {python_names.module(each.class_name) for each in inline_classes(document)}
        _rename_components(document, schemas, _new_names(schemas, modules))
    for _ in range(_ROUNDS):
        alike = list(_alike(inline_classes(document), schemas if isinstance(schemas, dict) else {}))
        for each in alike:
            digest = hashlib.sha256(each.place.encode()).hexdigest()[:8]
            each.schema["title"] = f"{each.name}_x{digest}"
        if not alike:
            return


# -- Components --------------------------------------------------------------------------------------------------------


def _new_names(schemas: Iterable[str], modules: Collection[str]) -> dict[str, str]:
    by_module: dict[str, list[str]] = defaultdict(list)
    for name in schemas:
        by_module[_module(name)].append(name)
    new = {
        name: _coded(name)
        for module, names in by_module.items()
        for name in names
        if name != _kept(module, names) or _hides(python_names.model(name), modules)
    }
    # a component may have the name that another one gets
    while taken := [name for each in [*new.values()] for name in by_module.get(_module(each), ()) if name not in new]:
        new |= {name: _coded(name) for name in taken}
    return new


def _coded(name: str) -> str:
    return f"{python_names.model(name)}X{name.encode().hex()}"


def _kept(module: str, names: list[str]) -> str:
    own = [name for name in names if name == python_names.model(name)]
    if len(names) == 1:
        return names[0]
    return own[0] if len(own) == 1 else python_names.pascal(module)


def _hides(class_name: str, modules: Collection[str]) -> bool:
    """Tell whether a class would hide a name that generated code needs: an import, a variable, or `check_color`.

    Args:
        class_name: The name of the class.
        modules: The modules of all classes; one with an enum has a function with its name after `check_`.
    """
    module = python_names.module(class_name)
    checked = module.removeprefix("check_")
    return (
        class_name in python_names.NEEDED_CLASSES
        or module in python_names.NEEDED_VARIABLES
        or (checked != module and checked in modules)
    )


def _module(component: str) -> str:
    return python_names.module(python_names.model(component))


def _rename_components(document: dict[str, Any], schemas: dict[str, Any], new_names: dict[str, str]) -> None:
    if not new_names:
        return
    renamed = {new_names.get(name, name): schema for name, schema in schemas.items()}
    schemas.clear()
    schemas.update(renamed)
    for node in walk.objects(document):
        if isinstance(node.get("$ref"), str):
            node["$ref"] = _followed(node["$ref"], new_names)
        match node.get("discriminator"):
            case {"mapping": dict() as mapping}:
                for value, target in mapping.items():
                    mapping[value] = new_names.get(target) or _followed(str(target), new_names)


def _followed(reference: str, new_names: dict[str, str]) -> str:
    if not reference.startswith(_SCHEMAS):
        return reference
    name, slash, rest = reference.removeprefix(_SCHEMAS).partition("/")
    new = new_names.get(key_of(name))
    return f"{_SCHEMAS}{new}{slash}{rest}" if new else reference


# -- Other schemas -----------------------------------------------------------------------------------------------------


def _alike(classes: Iterable[InlineClass], schemas: dict[str, Any]) -> list[InlineClass]:
    """Return the classes whose module is also another one's, and those that hide a needed name."""
    components = {_module(name): (python_names.model(name), enum_values(schema)) for name, schema in schemas.items()}
    by_module: dict[str, list[InlineClass]] = defaultdict(list)
    for each in classes:
        by_module[python_names.module(each.class_name)].append(each)
    modules = {*components, *by_module}
    found: list[InlineClass] = []
    for module, group in by_module.items():
        places = {id(each.schema) for each in group}
        shared = {(each.class_name, each.values) for each in group}
        if module in components:
            shared.add(components[module])
            places.add(0)
        alike = len(places) > 1 and (len(shared) > 1 or None in {values for _, values in shared})
        if alike or any(_hides(each.class_name, modules) for each in group):
            found += group
    return found
