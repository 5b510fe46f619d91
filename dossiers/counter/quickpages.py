"""The screen of quick entry, and what its script asks for while somebody types."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from dossiers import officials, workflow
from dossiers.counter import cardqr, quick
from dossiers.counter.quickforms import QuickEntryForm
from dossiers.models import Dossier
from dossiers.models.keys import new_key
from procedures.models import Posting, Revision
from procedures.postings import offices_of
from procedures.text import dong

Role = Posting.Role
_REMEMBERED = "quick-entry"  # in the session: the procedure, the office, and who takes cash


@officials.page(
    "nhap-nhanh/", name="quick_entry", roles={Role.RECEPTION}, label=gettext_lazy("Nhập nhanh")
)
def quick_entry(request: HttpRequest) -> HttpResponse:
    """One screen for what is given at once; after "Xong" it is empty again."""
    screen = _Screen(request, request.POST if request.method == "POST" else None)
    if screen.revision is None:
        context = officials.frame(request, _("Nhập nhanh"))
        return render(request, "admin/dossiers/quick/none.html", context)
    if request.method == "POST" and (made := screen.take()):
        query = urlencode({"vua-ghi": made.code})
        return redirect(f"{reverse('admin:quick_entry')}?{query}")
    return render(request, "admin/dossiers/quick/entry.html", screen.context())


@officials.page("nhap-nhanh/phan/", name="quick_entry_part", roles={Role.RECEPTION})
@require_safe
def quick_entry_part(request: HttpRequest) -> HttpResponse:
    """The questions of the chosen procedure and the fee, for the script; names nobody."""
    screen = _Screen(request, request.GET)
    if screen.revision is None:
        return HttpResponse(status=404)
    screen.form.errors.clear()
    return render(request, "admin/dossiers/quick/_part.html", screen.context())


@officials.page("nhap-nhanh/the/", name="quick_entry_card", roles={Role.RECEPTION})
@require_POST
def read_card(request: HttpRequest) -> HttpResponse:
    """What a scanned card says, for the script of any form that takes one; keeps nothing."""
    try:
        card = cardqr.parse(request.POST.get("card", ""))
    except cardqr.Unreadable as error:
        return JsonResponse({"says": str(error)}, status=422)
    born = f"{card.birth_date:%d/%m/%Y}" if card.birth_date else ""
    fields = {
        "full_name": card.full_name, "citizen_number": card.number,
        "birth_date": born, "address": card.address,
    }  # fmt: skip
    says = " ".join(card.doubts) or _read(card)
    return JsonResponse({"fields": fields, "says": says, "is_doubtful": bool(card.doubts)})


def _read(card: cardqr.Card) -> str:
    return _("Đã đọc thẻ của %(name)s.") % {"name": card.full_name}


class _Screen:
    """The state of one request of the page: what is chosen, what is typed, what comes back."""

    def __init__(self, request: HttpRequest, data: QueryDict | None):
        self.request = request
        self.data = data.copy() if data is not None else None
        self.desks = offices_of(request.user, {Role.RECEPTION})
        self.revisions = quick.revisions_at(self.desks)
        self.remembered = request.session.get(_REMEMBERED, {})
        self.revision = self._chosen()
        self.says = self.note = self.focus = ""
        self.is_doubtful = False
        if self.revision is None:
            return
        if request.method == "POST":
            self._read_card()
        self.form = self._form()

    def _chosen(self) -> Revision | None:
        """The procedure that is sent, else the last one, else the first."""
        wanted = (self.data or {}).get("procedure") or self.remembered.get("procedure")
        by_code = {row.procedure.code: row for row in self.revisions}
        return by_code.get(wanted) or next(iter(self.revisions), None)

    def _read_card(self) -> None:
        """Without the script the code of the card comes with the form."""
        text = self.data.get("card", "").strip()
        if not text:
            return
        try:
            card = cardqr.parse(text)
        except cardqr.Unreadable as error:
            self.says, self.focus, self.is_doubtful = str(error), "card", True
            return
        self.data["full_name"], self.data["citizen_number"] = card.full_name, card.number
        self.data["card"] = ""
        self.says, self.is_doubtful = " ".join(card.doubts) or _read(card), bool(card.doubts)

    def _form(self) -> QuickEntryForm:
        initial = {
            **self.remembered, "procedure": self.revision.procedure.code, "form_key": new_key(),
        }  # fmt: skip
        return QuickEntryForm(
            self.data,
            initial=initial,
            revision=self.revision,
            revisions=self.revisions,
            desks=self.desks,
        )

    # --- A press ----------------------------------------------------------------------

    def take(self) -> Dossier | None:
        """Record what was sent, if it is complete and its fee was seen; else say what next."""
        if self.says or self.data.get("action") == "look" or self._asks_more():
            self._show_so_far()
            return None
        if self.data.get("office") in (None, "") and self.form.office_chosen:
            self.data["office"] = str(self.form.office_chosen.pk)
        if not self.form.is_valid():
            return None
        return self._record() if self._fee_was_seen() else None

    def _fee_was_seen(self) -> bool:
        """Whether the page that was sent showed what it costs; if not, say it first."""
        _lines, amount, wrong = self.form.fee()
        if amount is None:
            self.form.add_error(None, wrong)
            return False
        if str(amount) == self.data.get("fee_seen"):
            return True
        text = _("Phí là %(fee)s. Xin bấm “Xong” lần nữa để ghi.")
        self.note, self.focus = text % {"fee": dong(amount)}, "done"
        return False

    def _asks_more(self) -> bool:
        """Whether the procedure was changed, and its questions are not on that page yet."""
        return self.data.get("shown") != self.revision.procedure.code

    def _show_so_far(self) -> None:
        """Nothing is complained of before the press that records."""
        self.form.errors.clear()
        self.focus = self.focus or "question"

    def _record(self) -> Dossier | None:
        form = self.form
        cash = form.cleaned_data["cash_taken"]
        try:
            made = quick.record(
                self.revision,
                office=form.office_chosen,
                person=form.person(),
                answers=form.answers(),
                form_key=form.cleaned_data["form_key"],
                by=self.request.user,
                late=form.cleaned_data["late"],
                wants_receipt=form.cleaned_data["wants_receipt"],
                cash_taken=cash,
                exemption=form.exemption(),
            )
        except workflow.Refused as error:
            form.add_error(None, str(error))
            return None
        self.request.session[_REMEMBERED] = {
            "procedure": self.revision.procedure.code,
            "office": form.office_chosen.pk,
            "cash_taken": cash,
        }
        return made

    # --- The page ---------------------------------------------------------------------

    def context(self) -> dict[str, Any]:
        """What the page and its part show."""
        lines, amount, wrong = self.form.fee()
        focus = self._focus()
        if focus in self.form.fields:
            self.form.fields[focus].widget.attrs["autofocus"] = True
        return {
            **officials.frame(self.request, _("Nhập nhanh")),
            "form": self.form,
            "revision": self.revision,
            "lines": [{"name": line.name, "amount": dong(line.amount)} for line in lines],
            "amount": amount,
            "total": dong(amount) if amount is not None else "",
            "fee_problem": wrong,
            "says": self.says,
            "is_doubtful": self.is_doubtful,
            "note": self.note,
            "focus": focus,
            "may_take_cash": self._may_take_cash(),
            "last": self._last(),
        }

    def _focus(self) -> str:
        """Which input the page begins with: the first that is wrong, what comes next, the card."""
        wrong = next((name for name in self.form.fields if name in self.form.errors), "")
        if wrong or self.focus == "card":
            return wrong or "card"
        if self.focus == "question":
            names = [bound.name for bound in self.form.questions() if not bound.value()]
            return next(iter(names), "done")
        return self.focus or "card"

    def _may_take_cash(self) -> bool:
        dossier = self.form.dossier({})
        return Role.CASHIER in workflow.roles_at(dossier, self.request.user)

    def _last(self) -> dict[str, Any] | None:
        """The entry that was made just now, in one line with its links."""
        code = self.request.GET.get("vua-ghi", "")
        rows = Dossier.objects.filter(entered_by=self.request.user, is_at_once=True)
        made = rows.filter(code=code).prefetch_related("papers", "payments").first()
        if not code or made is None:
            return None
        return {
            "dossier": made,
            "fee": dong(sum(row.amount for row in made.payments.all())),
            "is_paid": all(row.state == "paid" for row in made.payments.all()),
            "papers": list(made.papers.all()),
        }
