"""A notebook runs in a real kernel, and its outputs are drawn by a real browser: the page in docs/, and more cells."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from anchor_webtask import TaskResult
from tests.documents.test_documents import code_blocks
from tests.notebook.test_reprs import HOSTILE
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SET_UP = """
from contextlib import ExitStack
from anchor_webtask.testing import install

stack = ExitStack()
emulator = stack.enter_context(install())
emulator.on(takes=125, answer=3)
"""
TEAR_DOWN = """
stack.close()
"""
PAGE = code_blocks("docs/notebook.md", "py")
"""The page's cells; the emulator answers them."""

STOPPING = """
import math, os, signal
import httpx
from anchor_webtask import WaitPolicy
from anchor_webtask.emulator import Emulator
from anchor_webtask.testing import SystemClock

emulator = Emulator(takes=math.inf)
inner = emulator.transport()

def stop(request):
    # The second check of a task interrupts the kernel, as the Stop button does.
    if sum(each.method == "GET" for each in emulator.requests) == 1:
        os.kill(os.getpid(), signal.SIGINT)
    return inner.handle_request(request)

async def stop_async(request):
    if sum(each.method == "GET" for each in emulator.requests) == 1:
        os.kill(os.getpid(), signal.SIGINT)
    return await inner.handle_async_request(request)

WAIT = WaitPolicy(minimum=0.05)
"""
CELLS = {
    "stopping": STOPPING,
    "stop": """
anchor = Anchor("any-key", transport=httpx.MockTransport(stop), wait=WAIT)
task = anchor.tasks.start("Never ends")
watch(task)
""",
    "still usable": """
print(task.id, task.refresh().status)
""",
    "stopping again": STOPPING,
    "stop async": """
async_anchor = AsyncAnchor("any-key", transport=httpx.MockTransport(stop_async), wait=WAIT)
async_task = await async_anchor.tasks.start("Never ends")
await watch(async_task)
""",
    "still usable async": """
print(async_task.id, (await async_task.refresh()).status)
""",
}
STOPPED = {"stop": "KeyboardInterrupt", "stop async": "CancelledError"}
"""The cells that are interrupted, and how IPython ends them."""


class Ran:
    """The notebook after its run: the outputs of each cell."""

    def __init__(self, cells: dict[str, str]) -> None:
        v4: Any = nbformat.v4  # it has no types
        notebook = v4.new_notebook()
        for name, source in cells.items():
            tags = {"tags": ["raises-exception"]} if name in STOPPED else {}
            notebook.cells.append(v4.new_code_cell(source, metadata=tags))
        NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3").execute()
        self.outputs: dict[str, list[Any]] = {
            name: cell.outputs for name, cell in zip(cells, notebook.cells, strict=True)
        }

    def shown(self, name: str) -> str:
        """Return the plain text of the one output that a cell has displayed."""
        (output,) = [each for each in self.outputs[name] if each.output_type == "display_data"]
        return str(output.data["text/plain"])

    def htmls(self) -> list[str]:
        """Return all outputs that are HTML."""
        listed = [output for outputs in self.outputs.values() for output in outputs if "data" in output]
        return [output.data["text/html"] for output in listed if "text/html" in output.data]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    pages = {f"page {number}": source for number, source in enumerate(PAGE)}
    last = {"results": "print(title, price.value, stock.value, prices, async_title, same_title)\ntask"}
    *most, closing = pages
    page = {name: pages[name] for name in most} | last | {closing: pages[closing]}
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            patch.setenv(variable, str(tmp_path_factory.mktemp(variable.lower())))
        yield Ran({"set up": SET_UP, **page, "tear down": TEAR_DOWN, **CELLS})


def test_cells_of_the_page_run(ran: Ran) -> None:
    assert ran.outputs["results"][0].text == "3 3.0 3 [3.0, 3.0, 3.0, 3.0] 3 3\n"
    assert len(PAGE) == 6


def test_watch_has_one_output_for_all_tasks_of_a_call(ran: Ran) -> None:
    watched = [name for name in ran.outputs if name.startswith("page") and "watch(" in PAGE[int(name[5:])]]
    titles = {
        name: [each.data["text/plain"].splitlines()[0] for each in ran.outputs[name] if "data" in each]
        for name in watched
    }
    assert titles == {
        "page 1": ["1 task: completed"],
        "page 2": ["2 tasks: 2 completed", "4 tasks: 4 completed"],
        "page 3": ["1 task: completed"],
        "page 4": ["1 task: completed"],
    }


def test_nothing_is_written_beside_the_outputs(ran: Ran) -> None:
    streams = {name for name, outputs in ran.outputs.items() for each in outputs if each.output_type == "stream"}
    assert streams == {"results", "still usable", "still usable async"}


@pytest.mark.parametrize("name", STOPPED)
def test_stop_button_leaves_an_output_that_says_how_to_get_the_task_back(ran: Ran, name: str) -> None:
    usable = ran.outputs[name.replace("stop", "still usable")][0].text
    task_id, status = usable.split()
    assert status == "running"
    assert f"the API goes on with the task. To get it back:\nanchor.tasks.get({task_id!r})" in ran.shown(name)
    (error,) = [each for each in ran.outputs[name] if each.output_type == "error"]
    assert error.ename == STOPPED[name]


# -- Drawn by a browser --------------------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
FRAME = """<!doctype html><meta charset="utf-8"><title>unchanged</title>
<style>body {{ background: {background}; color: {colour}; font: 14px sans-serif }} .cell {{ margin: 1em }}</style>
{outputs}
<script>
const own = [...document.querySelectorAll(".cell *")].filter((each) => {{
  const style = getComputedStyle(each);
  return style.color !== getComputedStyle(document.body).color || style.backgroundColor !== "rgba(0, 0, 0, 0)"
    || style.position !== "static";
}});
const scripts = document.querySelectorAll(".cell script, .cell img, .cell iframe").length;
document.body.insertAdjacentHTML("beforeend", `<p id="found">${{document.title}} ${{own.length}} ${{scripts}}</p>`);
</script>
"""


def framed(outputs: list[str], background: str, colour: str) -> str:
    """Return a page that shows outputs in a theme, and what it finds out about them."""
    cells = "\n".join(f'<div class="cell">{output}</div>' for output in outputs)
    return FRAME.format(outputs=cells, background=background, colour=colour)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_browser_draws_the_outputs_in_the_colours_of_a_dark_theme_and_runs_nothing(ran: Ran, tmp_path: Path) -> None:
    attacks = [*HOSTILE, "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\">"]
    outputs = ran.htmls() + [TaskResult(value=each, raw=None, task_id=each)._repr_html_() for each in attacks]
    assert len(outputs) >= len(attacks) + 8
    page = tmp_path / "outputs.html"
    page.write_text(framed(outputs, "#111", "#eee"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    drawn = subprocess.run([CHROMIUM or "", *options, page.as_uri()], capture_output=True, text=True, timeout=PATIENCE)
    assert re.findall(r'<p id="found">(.*?)</p>', drawn.stdout)[-1:] == ["unchanged 0 0"], drawn.stderr
