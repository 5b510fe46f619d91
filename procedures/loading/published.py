"""The papers of a file beside those of the procedure as the country published it.

Nobody may be asked for a paper that the published procedure does not have (NĐ 61/2018 art.
5), unless another law demands it, which the file then cites (`law`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from procedures.loading.schema import ProcedureSpec
from procedures.models import NationalUpdate, Revision
from procedures.text import fold

# Words that say nothing about which paper is meant.
_FILLERS = frozenset(
    "ban sao chinh goc chup giay to van ve cua va hoac cac nhung theo mau so co duoc do tai cho "
    "nguoi voi de dang xac nhan cap mot trong truong hop neu".split()
)


def unpublished_papers(spec: ProcedureSpec) -> Iterator[int]:
    """The papers to be handed in (by index) that the published procedure does not have.

    Nothing where the country's record of this procedure is not at hand.
    """
    names = _national_names(spec.code)
    if not names:
        return
    whole = [_words(name) for name in names]
    for index, paper in enumerate(spec.documents):
        if paper.how != "submit" or paper.law:
            continue
        if not any(_means(_words(paper.name), national) for national in whole):
            yield index


def _national_names(code: str) -> list[str]:
    """What the newest national record says of papers: names, groups and remarks."""
    updates = NationalUpdate.objects.filter(procedure__code=code)
    revisions = Revision.objects.filter(procedure__code=code, origin=Revision.Origin.NATIONAL)
    newest = updates.order_by("-created_at").values_list("definition", flat=True).first()
    newest = newest or revisions.order_by("-number").values_list("definition", flat=True).first()
    papers = (newest or {}).get("documents") or []
    return [f"{paper.get('name', '')} {paper.get('group') or ''}" for paper in papers]


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", fold(name)))


def _means(ours: set[str], national: set[str]) -> bool:
    """Whether a national entry names our paper: it has most of the words that matter."""
    telling = ours - _FILLERS or ours
    return len(telling & national) * 2 > len(telling)
