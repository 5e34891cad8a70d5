"""Git without the settings of the user and of the machine, such as signatures and hooks."""

from __future__ import annotations

import os
from typing import Final

WITHOUT_GIT_CONFIG: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""The environment's variables."""
