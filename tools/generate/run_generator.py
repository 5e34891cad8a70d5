"""A program that runs the generator so that no Python name is that of two parts of a spec, or hides a needed name.

The generator gives properties or parameters whose snake-case names are alike, such as `a_b` and `aB`, their own names,
as far as Python allows: it removes other characters. So `a-b` and `a.b` would both be `ab`, and the generator would
stop. Here, a name that was changed in this way ends in the codes of its characters: `ab_x612d62`. `safe_names.py` has
the other rules.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from openapi_python_client import Project, strings
from openapi_python_client.cli import app
from openapi_python_client.parser.openapi import Endpoint

from tools.generate import safe_names
from tools.openapi import python_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openapi_python_client.parser.errors import GeneratorError
    from openapi_python_client.schema.untrusted_string import UntrustedString

_new = strings.PythonIdentifier.__new__
_build = Project.build


def distinct(
    cls: type[strings.PythonIdentifier], value: UntrustedString | str, prefix: str, skip_snake_case: bool = False
) -> strings.PythonIdentifier:
    """Replace `PythonIdentifier.__new__`; `skip_snake_case` says that the name must differ from another one."""
    made = _new(cls, value, prefix, skip_snake_case)
    text = value if isinstance(value, str) else value.get_untrusted_value()
    if not skip_snake_case or (made == text and not re.search(r"_x([0-9a-f]{2})+$", text)):
        return made
    return str.__new__(cls, python_names.coded(made, text))


def build(project: Project) -> Sequence[GeneratorError]:
    """Replace `Project.build`, which writes the code."""
    safe_names.hide_nothing(project)
    return _build(project)


def install() -> None:
    """Replace functions of the generator in this process."""
    strings.PythonIdentifier.__new__ = distinct  # type: ignore[method-assign]
    Endpoint._check_parameters_for_conflicts = safe_names.tell_parameters_apart  # type: ignore[assignment, method-assign]
    Project.build = build  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    install()
    sys.exit(app())
