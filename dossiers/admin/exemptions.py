"""The list of claimed exemptions: what waits for reception, and what it decided.

One person decides; the leader and the supervisor read every decision here, with its proof.
"""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from dossiers import exemptions, officials
from dossiers.models import Dossier, ExemptionClaim
from procedures.models import Posting

Role = Posting.Role
AT_ONCE = 50
SHOWN = {"": gettext_lazy("Chưa quyết định"), **dict(ExemptionClaim.Decision.choices)}


@officials.page(
    "mien-giam/",
    name="exemptions",
    roles={Role.RECEPTION, Role.APPROVER, Role.LEADER, Role.SUPERVISOR},
    label=gettext_lazy("Miễn, giảm phí"),
)
@require_safe
def claims(request: HttpRequest) -> HttpResponse:
    """The claims of one's own offices by how they were decided; first those that wait."""
    chosen = request.GET.get("quyet-dinh", "")
    chosen = chosen if chosen in SHOWN else ""
    page = Paginator(_claims(request, chosen), AT_ONCE).get_page(request.GET.get("trang"))
    context = {
        **officials.frame(request, _("Đề nghị miễn, giảm phí, lệ phí")),
        "page": page,
        "rows": [(claim.dossier, exemptions.row_of(claim)) for claim in page],
        "chosen": chosen,
        "choices": SHOWN.items(),
    }
    return render(request, "admin/dossiers/exemptions.html", context)


def _claims(request: HttpRequest, decision: str) -> QuerySet[ExemptionClaim]:
    rows = ExemptionClaim.objects.filter(
        dossier__in=Dossier.objects.for_request(request).exclude(state=Dossier.State.DRAFT),
        decision=decision,
    )
    rows = rows.select_related("dossier__revision", "dossier__owner", "decided_by")
    rows = rows.prefetch_related("dossier__revision__fees__channels")
    return rows.order_by("-decided_at" if decision else "claimed_at", "pk")
