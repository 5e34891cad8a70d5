"""A shell of IPython in this process: what it is told to display is kept, and it completes code."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InteractiveShell]:
    """The shell of this process; it has no kernel, so it is not a notebook."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        made: Any = InteractiveShell.instance(history_load_length=0)  # it is typed in parts
        made.history_manager.enabled = False
        yield made
        made.atexit_operations()
        atexit.unregister(made.atexit_operations)  # it can run only once
        InteractiveShell.clear_instance()


class Cell:
    """The output of a notebook's cell: every message that updates it."""

    def __init__(self, publisher: Any) -> None:
        self.publisher = publisher

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All messages."""
        return list(self.publisher.outputs)

    def texts(self) -> list[str]:
        """What the output shows as plain text, after each message."""
        return [message["data"]["text/plain"] for message in self.messages]

    def htmls(self) -> list[str]:
        """What the output shows as HTML, after each message."""
        return [message["data"]["text/html"] for message in self.messages]


@pytest.fixture
def cell(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Cell:
    """The output of the cell that runs, in a shell that has a kernel."""
    publisher = CapturingDisplayPublisher()  # type: ignore[no-untyped-call]  # it has no types
    monkeypatch.setattr(shell, "display_pub", publisher)
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    return Cell(publisher)
