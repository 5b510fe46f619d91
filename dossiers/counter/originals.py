"""The papers that were laid on the counter: which were seen, which are kept and where.

While a dossier is typed they stand in `Dossier.at_counter`; filing makes an `Original` of each
that was seen. A paper that is only shown is seen and nothing more: the law lets the office
neither keep nor copy it (NĐ 61/2018 Điều 5, NĐ 107/2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from dossiers import filing
from dossiers.models import Dossier, Original
from procedures.models import RequiredDocument

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

    from dossiers.exemptions import Claimed
    from dossiers.filing import AskedFile

How = RequiredDocument.How


class PaperRecord(TypedDict):
    """What was handed in of one paper: how many of each, seen or not, kept or not and where.

    `is_seen` says that its original was compared; `certified` are certified copies, `photos`
    plain ones.
    """

    originals: int
    certified: int
    photos: int
    is_seen: bool
    is_kept: bool
    place: str


class Record(TypedDict, total=False):
    """The shape of `Dossier.at_counter`; {} for what the citizen filed online.

    `papers` are by the key of the paper. `is_signed` says that the declaration was signed on
    paper, `is_citizens` that the draft was the citizen's own before it was opened at the counter.
    Of a letter: `postmark` (ISO date, "" where unreadable), `arrived` (ISO date) and `address`,
    where letters go. `exemption` is what is claimed of the fees, and whether its proof was seen.
    """

    papers: dict[str, PaperRecord]
    is_signed: bool
    is_citizens: bool
    postmark: str
    arrived: str
    address: str
    exemption: Claimed


class Counts(NamedTuple):
    """How many of one paper were handed in."""

    originals: int
    certified: int
    photos: int


def counts(dossier: Dossier) -> dict[str, Counts]:
    """How many of each paper were handed in at the counter, by its key; {} of an online filing."""
    papers = dossier.at_counter.get("papers", {})
    return {
        key: Counts(row["originals"], row["certified"], row["photos"])
        for key, row in papers.items()
    }


def papers_of(dossier: Dossier) -> list[RequiredDocument | AskedFile]:
    """The papers that are handed in or shown with these answers, in their order."""
    required = [
        row for row in filing.required_documents(dossier) if row.how in (How.SUBMIT, How.SHOW)
    ]
    return [*required, *filing.asked_files(dossier)]


def is_shown_only(paper: RequiredDocument | AskedFile) -> bool:
    """Whether the office may look at it and no more."""
    return paper.how == How.SHOW


def tidied(dossier: Dossier, papers: dict[str, PaperRecord]) -> dict[str, PaperRecord]:
    """Of what was noted only what these answers call for; of a shown paper only the look."""
    kept: dict[str, PaperRecord] = {}
    for paper in papers_of(dossier):
        row = papers.get(paper.key)
        if row is None:
            continue
        only_seen = PaperRecord(
            originals=0, certified=0, photos=0, is_seen=row["is_seen"], is_kept=False, place=""
        )
        kept[paper.key] = only_seen if is_shown_only(paper) else row
    return kept


def missing(dossier: Dossier, attached: Iterable[str]) -> list[RequiredDocument | AskedFile]:
    """The papers that must be there and are neither handed in, nor scanned, nor shown.

    Nothing can be shown by letter: what would have been comes with the result.
    """
    attached = set(attached)
    papers = dossier.at_counter.get("papers", {})
    return [
        paper
        for paper in papers_of(dossier)
        if not paper.is_optional
        and paper.key not in attached
        and not _is_there(papers.get(paper.key), is_shown=is_shown_only(paper))
        and not (is_shown_only(paper) and dossier.channel != "direct")
    ]


def _is_there(row: PaperRecord | None, *, is_shown: bool) -> bool:
    if row is None:
        return False
    return (
        row["is_seen"] if is_shown else bool(row["originals"] or row["certified"] or row["photos"])
    )


def keep_rows(dossier: Dossier, *, by: User) -> list[Original]:
    """The rows of a dossier that is being filed: one for each original that was seen."""
    names = {paper.key: paper.name for paper in papers_of(dossier)}
    papers = dossier.at_counter.get("papers", {})
    return Original.objects.bulk_create(
        Original(
            dossier=dossier,
            document=key,
            name=names[key][:300],
            seen_by=by,
            is_kept=row["is_kept"],
            place=row["place"],
        )
        for key, row in papers.items()
        if row["is_seen"]
    )


def kept(dossier: Dossier) -> list[Original]:
    """The originals that the office still keeps."""
    return list(dossier.originals.filter(is_kept=True, given_back_at=None))
