"""Checks that an error of the package has no chained exception, and that it can be pickled and copied."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from anchor_webtask import AnchorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runners import Runner

ErrorT = TypeVar("ErrorT", bound=AnchorError)


def raised(kind: type[ErrorT], runner: Runner, function: Callable[..., Any], *args: Any, **kwargs: Any) -> ErrorT:
    """Call a method of a client or a handle, which must raise an error of exactly the class `kind`; return this error.

    The error must have no cause and no context, and its pickle and its copy must have the same contents.
    """
    with pytest.raises(AnchorError) as caught:
        runner.call(function, *args, **kwargs)
    error = caught.value
    assert type(error) is kind, repr(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    for duplicate in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert contents(duplicate) == contents(error)
    return error


def contents(error: AnchorError) -> tuple[object, ...]:
    """Return all contents of an error, and of the errors in its attributes, in a form that can be compared."""
    attributes = {
        name: contents(value) if isinstance(value, AnchorError) else value for name, value in vars(error).items()
    }
    return type(error), str(error), error.args, attributes
