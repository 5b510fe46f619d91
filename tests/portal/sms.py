"""The messages that the console backend wrote, and the code in the last one."""

from __future__ import annotations

import re
from pathlib import Path


def messages(folder: Path) -> list[tuple[str, str]]:
    """(number, text) of each message, oldest first."""
    files = sorted(folder.glob("*.txt"), key=lambda file: file.stat().st_mtime_ns)
    parts = [file.read_text("utf-8").split("\n\n", 1) for file in files]
    return [(number, text.strip()) for number, text in parts]


def last_code(folder: Path) -> str:
    """The code in the newest message."""
    return re.search(r": ([A-Z0-9-]{6,})\.", messages(folder)[-1][1])[1]
