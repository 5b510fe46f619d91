"""Search over the published procedures, in an index on disk that each machine keeps.

`wording` reads what people type, `entries` what the catalogue holds, `indexing` keeps the
index, `asking` finds, `facets` narrows and counts, `reasons` says why, `misses` counts what
was looked for in vain.
"""

from procedures.search.asking import Answer, ask
from procedures.search.indexing import Catalogue, catalogue, rebuild, touch_catalogue

__all__ = ["Answer", "Catalogue", "ask", "catalogue", "rebuild", "search", "touch_catalogue"]


def search(query: str, limit: int = 20) -> list[int]:
    """Primary keys of at most `limit` published procedures, the best first."""
    return ask(query, catalogue(), limit).pks
