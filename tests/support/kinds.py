"""Pairs of small documents, each with the most severe class that `make drift` must report, and the kind of row for it.

`changes.py` has one change a row; here are the kinds in which documents say the same in another way, or in which a
change reaches further than it seems. The report has no row if the class is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.kinds_of_operations import OPERATIONS
from tests.support.kinds_of_references import REFERENCES
from tests.support.kinds_of_schemas import SCHEMAS
from tests.support.kinds_of_security import SECURITY

if TYPE_CHECKING:
    from tests.support.kind_documents import Pair

PAIRS: Final[list[Pair]] = [*OPERATIONS, *REFERENCES, *SCHEMAS, *SECURITY]
