"""What may not stand in a log: keys that open something for whoever holds them."""

from __future__ import annotations

import logging
import re

# Drafts, invitations, slips, papers and links are opened by 22 characters and more.
_KEY = re.compile(r"(?<=/)(?=[\w-]*[0-9A-Z_])[\w-]{22,}(\.[\w-]{43})?", re.ASCII)


class WithoutKeys(logging.Formatter):
    """Takes keys out of the addresses in a message (SECURITY.md K04).

    Django writes down the address of what it refuses: asked too often, sent without a token.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line as usual, masked; a traceback that follows it stays as it is."""
        return _KEY.sub("…", super().formatMessage(record))
