"""A script that runs the generator so that two names of a spec never become the same Python name.

The generator gives properties or parameters whose snake-case names are alike, such as `a_b` and `aB`, their own names,
as far as Python allows: it removes other characters. So `a-b` and `a.b` would both be `ab`, and the generator would
stop. Here, a name that was changed in this way ends in the codes of its characters: `ab_x612d62`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from openapi_python_client import strings
from openapi_python_client.cli import app

if TYPE_CHECKING:
    from openapi_python_client.schema.untrusted_string import UntrustedString

_new = strings.PythonIdentifier.__new__


def distinct(
    cls: type[strings.PythonIdentifier], value: UntrustedString | str, prefix: str, skip_snake_case: bool = False
) -> strings.PythonIdentifier:
    """Replace `PythonIdentifier.__new__`; `skip_snake_case` says that the name must differ from another one."""
    made = _new(cls, value, prefix, skip_snake_case)
    text = value if isinstance(value, str) else value.get_untrusted_value()
    if not skip_snake_case or made == text:
        return made
    return str.__new__(cls, f"{made.rstrip('_')}_x{text.encode().hex()}")


if __name__ == "__main__":
    strings.PythonIdentifier.__new__ = distinct  # type: ignore[method-assign]
    sys.exit(app())
