"""Gives fields and parameters Python names that differ, and that hide no name which the generated code needs.

The generator gives parameters in different places, such as a path and a query, names that end in the place, and stops
if these names exist already. It does not look for names that its code needs: a field named `to_dict` replaces the
method, and a parameter named `headers` is overwritten before it is sent. Here, a name that two parameters would get, or
that hides another one, is replaced by the next of these:

    field       its name; `to_dict_x746f5f64696374`, which ends in the codes of its characters
    parameter   its name; for two of one place, the name without changes; `id_query`; `id_query_x6964`

Whether a name hides another one is seen in the code that the generator would write. So a name that it can use stays.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from tools.generate import shadowed_names
from tools.openapi import python_names

if TYPE_CHECKING:
    from collections.abc import Collection

    from openapi_python_client import Project
    from openapi_python_client.parser.openapi import Endpoint

_NEVER: Final = ("client", "url")  # the generator's rule, also where these names would hide nothing


def tell_parameters_apart(endpoint: Endpoint, **_: Any) -> Endpoint:
    """Replace `Endpoint._check_parameters_for_conflicts`, after which the names are written into the path."""
    names = {id(each): _candidates(endpoint, place.value, each) for place, each in endpoint.iter_all_parameters()}
    _advance(names, _NEVER)
    for _place, each in endpoint.iter_all_parameters():
        _set(each, names[id(each)][0])
    return endpoint


def hide_nothing(project: Project) -> None:
    """Rename the fields and parameters that hide a name which the code of their module needs.

    Args:
        project: The generator, which has read the spec, and has written nothing yet.
    """
    template = project.env.get_template("model.py.jinja")
    for model in project.openapi.models:
        while _rename_fields(model, shadowed_names.fields(ast.parse(template.render(model=model)))):
            pass
    template = project.env.get_template("endpoint_module.py.jinja", globals={"isbool": lambda _: False})
    for collection in project.openapi.endpoint_collections_by_tag.values():
        for endpoint in collection.endpoints:
            while _rename_parameters(endpoint, shadowed_names.arguments(ast.parse(template.render(endpoint=endpoint)))):
                pass


def _rename_fields(model: Any, hiding: Collection[str]) -> bool:
    """Rename fields, and tell whether any name has changed."""
    changed = False
    for fields in (model.required_properties, model.optional_properties):
        for index, field in enumerate(fields):
            name = python_names.coded(python_names.attribute(_text(field)), _text(field))
            if field.python_name in hiding and field.python_name != name:
                fields[index] = copy.copy(field)  # the same object may be a field of a class that hides nothing
                _set(fields[index], name)
                changed = True
    return changed


def _rename_parameters(endpoint: Endpoint, hiding: Collection[str]) -> bool:
    """Rename parameters, also in the path, and tell whether any name has changed."""
    parameters = list(endpoint.iter_all_parameters())
    names = {id(each): _candidates(endpoint, place.value, each) for place, each in parameters}
    for _, each in parameters:
        del names[id(each)][: names[id(each)].index(each.python_name)]
    _advance(names, hiding)
    changed = False
    for place, each in parameters:
        name = names[id(each)][0]
        if name != each.python_name:
            if place.value == "path":
                path = endpoint.path.get_untrusted_value().replace(f"{{{each.python_name}}}", f"{{{name}}}")
                endpoint.path = UntrustedString(path)
            _set(each, name)
            changed = True
    return changed


def _candidates(endpoint: Endpoint, place: str, parameter: Any) -> list[str]:
    """Return the names that a parameter may get, the best first; only the last differs from all others for certain."""
    text = _text(parameter)
    name = python_names.attribute(text)
    twins = [each for where, each in endpoint.iter_all_parameters() if where.value == place]
    alike = sum(python_names.attribute(_text(each)) == name for each in twins) > 1
    raw = [str(PythonIdentifier(text, python_names.PREFIX, skip_snake_case=True))] if alike else []
    beside = python_names.attribute(f"{name}_{place}")
    return [name, *raw, beside, python_names.coded(beside, text)]


def _advance(names: dict[int, list[str]], hiding: Collection[str]) -> None:
    """Remove the first names of parameters until they all differ, and are none of the given ones."""
    while True:
        times = Counter(each[0] for each in names.values())
        movable = [each for each in names.values() if len(each) > 1 and (times[each[0]] > 1 or each[0] in hiding)]
        if not movable:
            return
        for each in movable:
            del each[0]


def _text(part: Any) -> str:
    name: str | UntrustedString = part.name
    return name if isinstance(name, str) else name.get_untrusted_value()


def _set(part: Any, name: str) -> None:
    object.__setattr__(part, "python_name", str.__new__(PythonIdentifier, name))
