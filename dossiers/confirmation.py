"""What the confirmation of a filing says: what was filed, what comes next, what to bring when."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import filing, tracking
from dossiers.documents import file_row, filed_files, paper_names
from dossiers.facts import PaperOriginal, PaperStep
from dossiers.models import Dossier, Paper
from procedures.models import RequiredDocument
from procedures.papers import qr_svg_data_uri
from procedures.presenting import WHO

How = RequiredDocument.How

_BRING = {
    "before_result": gettext_lazy("trước hoặc khi đến nhận kết quả"),
    "with_filing": gettext_lazy("sớm nhất có thể, tại nơi tiếp nhận hồ sơ"),
}


def next_steps(dossier: Dossier) -> list[PaperStep]:
    """The steps that the procedure plans for a dossier of this channel, in their order."""
    return [
        {"name": str(row["name"]), "who": str(WHO[row["who"]])}
        for row in dossier.revision.steps
        if not row.get("channels") or dossier.channel in row["channels"]
    ]


def originals(dossier: Dossier) -> list[PaperOriginal]:
    """The papers whose originals have to be brought or shown, and when.

    Of a dossier filed online: a picture was enough to file it, not to get the result. The note
    says when a paper is not needed after all, or only where the office asks for it.
    """
    rows: list[PaperOriginal] = []
    for row in filing.required_documents(dossier):
        if row.how == How.SHOW:
            when = _("xuất trình khi đến nhận kết quả")
        elif row.how == How.SUBMIT and row.original_due in _BRING:
            when = str(_BRING[row.original_due])
        else:
            continue
        rows.append({"name": row.name, "when": when, "note": row.note})
    return rows


def context(dossier: Dossier, *, is_owner: bool) -> dict[str, Any]:
    """The context of `dossiers/filed.html`; the secret is for the one who filed."""
    link = tracking.signed_url(dossier) if is_owner else ""
    names = paper_names(dossier)
    return {
        "dossier": dossier,
        "is_waiting": dossier.state == Dossier.State.SUBMITTED,
        "owes_fee": dossier.state == Dossier.State.PAYMENT_REQUIRED,
        "steps": next_steps(dossier),
        "originals": originals(dossier),
        "files": [
            {**file_row(file), "title": names.get(file.document, "")}
            for file in filed_files(dossier)
        ],
        "papers": [
            paper
            for paper in dossier.papers.all()
            if is_owner or paper.kind not in Paper.WITH_SECRET
        ],
        "link": link,
        "qr": qr_svg_data_uri(link) if link else "",
        "is_owner": is_owner,
    }
