"""All the text by which an exception could give something away."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import anchor_webtask
import anchor_webtask_api

LIBRARIES = [Path(folder) for package in (anchor_webtask, anchor_webtask_api) for folder in package.__path__]


def shown(error: BaseException) -> str:
    """Return what an exception says and holds, and what it is chained to, with the variables of library frames.

    A caller's own frames are the caller's.
    """
    texts = [str(error), repr(error), repr(error.__dict__), pickle.dumps(error).decode("utf-8", "replace")]
    chain: list[BaseException | None] = [error]
    while chain:
        part = chain.pop()
        if part is None:
            continue
        told = traceback.TracebackException.from_exception(part, capture_locals=True)
        texts += told.format_exception_only()
        for frame in told.stack:
            if any(Path(frame.filename).is_relative_to(library) for library in LIBRARIES):
                texts += [frame.name, *(f"{name} = {value}" for name, value in (frame.locals or {}).items())]
        chain += [part.__cause__, part.__context__]
    return "\n".join(texts)
