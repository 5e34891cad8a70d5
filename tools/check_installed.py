"""Checks an installed distribution: its packages can be imported, its files are complete, and each extra works alone.

The nox session `package` runs this file by its path, in an environment that has the installed distribution, perhaps
with one extra, but cannot import anything from the checkout.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import pathlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import httpx

import anchor_webtask
import anchor_webtask_api
from anchor_webtask import Anchor, JsonSchema, Ledger, LedgerUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT: Final = "../../../bin/anchor-webtask"
"""The console script, as seen from the folder of the packages."""
NEEDED: Final = ("anchor_webtask/py.typed", "anchor_webtask_api/py.typed", "anchor_webtask_api/openapi.json")


def file_problems(files: list[str]) -> list[str]:
    """Return a line for each file that is missing, unexpected or imported from outside the installed distribution."""
    owners = ("anchor_webtask/", "anchor_webtask_api/", f"anchor_webtask-{anchor_webtask.__version__}.dist-info/")
    imported = [pathlib.Path(str(module.__file__)) for module in (anchor_webtask, anchor_webtask_api)]
    return [
        *(f"{path} is outside the installed distribution" for path in imported if "site-packages" not in path.parts),
        *(f"{file} does not belong in the distribution" for file in files if not file.startswith((*owners, SCRIPT))),
        *(f"{file} is missing from the distribution" for file in NEEDED if file not in files),
    ]


def answer_as(output: Any) -> object:
    """Run a task without a network, whose answer is `{"amount": 3}`, and return this answer as a value of a type."""
    body = {"data": {"workflow_id": "task-1", "status": "COMPLETED", "result": {"amount": 3}}}
    with Anchor("any-key", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body))) as anchor:
        return anchor.tasks.run("Read the price", output=output).value


def command_line() -> None:
    """Run the command line."""
    script = pathlib.Path(sys.executable).with_name("anchor-webtask")
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  our script
    if ran.returncode:
        raise RuntimeError(ran.stderr)


def emulator() -> None:
    """Run a task against the emulator."""
    from anchor_webtask.emulator import Emulator

    with Emulator(takes=0).serve() as server, Anchor("any-key", base_url=server.base_url) as anchor:
        anchor.tasks.run("Read the price")


def json_schema() -> None:
    """Validate an answer by a schema."""
    answer_as(JsonSchema({"type": "object"}))


def postgres() -> None:
    """Look for a ledger in a database that cannot be reached."""
    with contextlib.suppress(LedgerUnusableError):  # psycopg has tried to connect
        Ledger("postgresql://127.0.0.1:1/none").counts()


def pydantic_model() -> None:
    """Read an answer as a model."""
    import pydantic

    answer_as(pydantic.create_model("Price", amount=(int, ...)))


USES: Final[dict[str, Callable[[], None]]] = {
    "cli": command_line,
    "emulator": emulator,
    "jsonschema": json_schema,
    "postgres": postgres,
    "pydantic": pydantic_model,
}
"""A use of each extra."""

INCLUDED: Final = {"jsonschema": {"cli", "emulator", "postgres"}}
"""The other extras that install all of an extra, too."""


def use_problems(installed: str | None = None) -> Iterator[str]:
    """Yield a line for each extra that does not work although it is installed, or that does not say that it is missing.

    Args:
        installed: The only extra that is installed, or None.
    """
    if answer_as(dict[str, int]) != {"amount": 3}:
        yield "an answer is wrong"
    for extra, use in USES.items():
        must_work = installed in {extra, *INCLUDED.get(extra, ())}
        try:
            use()
        except Exception as error:  # noqa: BLE001  any error is a problem
            if must_work:
                yield f"the extra {extra} does not work: {error!r}"
            elif extra != "pydantic" and f"pip install 'anchor-webtask[{extra}]'" not in str(error):
                yield f"without the extra {extra}, the error does not say what to install: {error!r}"
        else:
            if not must_work:
                yield f"the extra {extra} works although it is not installed: what is it for?"


if __name__ == "__main__":
    files = sorted(str(file) for file in importlib.metadata.files("anchor-webtask") or ())
    print(*files, sep="\n")
    sys.exit("\n".join([*file_problems(files), *use_problems(*sys.argv[1:])]) or None)
