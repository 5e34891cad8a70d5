"""The emulator as a program: `python -m anchor_webtask.emulator`."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchor_webtask.emulator import DIALECTS, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STOPS: Final = (signal.SIGTERM, signal.SIGINT)
EPILOG = """The first line on standard output is the URL: set ANCHORBROWSER_BASE_URL to it.
Requests are logged on standard error. SIGTERM and Ctrl-C end the program.

A scenario file is TOML. Each table [[scenario]] has the arguments of Emulator.on; if
several scenarios match a task, the last one in the file applies. Each table [[limit]]
has the arguments of Emulator.limit:

  [[scenario]]
  url = "https://shop.example/*"
  takes = 20
  answer = { amount = 3 }
  faults = [502, { status = 429, headers = { Retry-After = "3" } }]

  [[limit]]
  running = 3
  retry_after = 5

The API's documents contradict each other. Each other reading is a dialect:
"""


def _parser() -> argparse.ArgumentParser:
    dialects = "\n".join(f"  {name:18} {meaning}" for name, meaning in DIALECTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m anchor_webtask.emulator",
        description="Serve a local stand-in for AnchorBrowser's web-task API, in real time.",
        epilog=EPILOG + dialects,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the port (default: a free one)")
    parser.add_argument("--key", help="the only API key that is accepted (default: every key)")
    parser.add_argument("--takes", type=float, default=2.0, help="seconds that a task takes (default: %(default)g)")
    parser.add_argument("--scenarios", type=Path, metavar="FILE.toml", help="what happens to tasks, and limits")
    parser.add_argument(
        "--dialect",
        action="append",
        default=[],
        choices=DIALECTS,
        metavar="NAME",
        help="a dialect, see below; may be repeated",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="accept a host that is not a loopback address, so that other machines reach the emulator",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Serve the emulator until the process receives SIGTERM or Ctrl-C.

    Args:
        arguments: The arguments, without the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit status.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        emulator = Emulator(given.key, takes=given.takes, dialects=given.dialect)
        if given.scenarios is not None:
            emulator.load(given.scenarios)
        serve(emulator, host=given.host, port=given.port, allow_remote=given.allow_remote)
    except (ValueError, OSError, ImportError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    return 0


def announce(url: str) -> None:
    """Write the URL of the server."""
    print(url, flush=True)  # noqa: T201  the program's output


def serve(
    emulator: Emulator, *, host: str, port: int, allow_remote: bool, announce: Callable[[str], None] = announce
) -> None:
    """Serve an emulator until the process receives SIGTERM or Ctrl-C, and log the requests.

    Args:
        emulator: The emulator.
        host: The address to listen at.
        port: The port; 0 for a free one.
        allow_remote: Whether the address may be one that other machines reach.
        announce: Called with the URL once the server listens.

    Raises:
        ValueError: The address is not allowed.
        OSError: The server cannot listen there.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    for name in ("uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)  # the emulator logs requests itself
    with _signals() as received, emulator.serve(host=host, port=port, allow_remote=allow_remote) as server:
        announce(server.base_url)
        while received.recv(1)[0] not in STOPS:
            pass


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Open a socket to which Python writes the number of each signal.

    The number is there also if the signal came just before the main thread began to wait for it, or while another
    thread ran; a handler runs only once the main thread does. The handlers stay, since a second signal must not
    interrupt the end of the program.
    """
    received, sent = socket.socketpair()
    with received, sent:
        sent.setblocking(False)
        before = signal.set_wakeup_fd(sent.fileno())
        try:
            for number in STOPS:
                signal.signal(number, lambda *_: None)
            yield received
        finally:
            signal.set_wakeup_fd(before)


if __name__ == "__main__":
    sys.exit(main())
