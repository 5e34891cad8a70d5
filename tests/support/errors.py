"""What every error of the package has to be, whatever it says."""

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
    """Call a method of a client or a handle, and return the error of exactly this kind that it raises.

    The error must be chained to nothing, and come out of a pickle and a copy as it went in.
    """
    with pytest.raises(AnchorError) as caught:
        runner.call(function, *args, **kwargs)
    error = caught.value
    assert type(error) is kind, repr(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert contents(same) == contents(error)
    return error


def contents(error: AnchorError) -> tuple[object, ...]:
    """Return all that an error says, to be compared; errors in its attributes likewise."""
    attributes = {
        name: contents(value) if isinstance(value, AnchorError) else value for name, value in vars(error).items()
    }
    return type(error), str(error), error.args, attributes
