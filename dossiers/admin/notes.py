"""The officials' own notes on the page of a dossier: written, read by colleagues, taken back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import remarks


class NoteForm(forms.Form):
    """The text of a note."""

    text = forms.CharField(
        label=gettext_lazy("Ghi chú mới"),
        max_length=remarks.MAX_NOTE,
        widget=forms.Textarea({"rows": 3}),
        error_messages={
            "required": gettext_lazy("Hãy viết nội dung ghi chú."),
            "max_length": gettext_lazy("Ghi chú dài quá; xin viết gọn trong 2.000 ký tự."),
        },
    )
    use_required_attribute = False

    def __init__(self, data: Any = None):
        super().__init__(data, auto_id="note_%s")


class NotesPage:
    """What `DossierAdmin` does with the notes of a dossier."""

    def notes_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep a note, or take back one of one's own (`drop`)."""
        if request.method != "POST":
            raise Http404
        dossier = self._get_dossier(request, pk)
        if "drop" in request.POST:
            return self._drops(request, dossier)
        form = NoteForm(request.POST)
        if form.is_valid():
            try:
                remarks.write_note(dossier, form.cleaned_data["text"], by=request.user)
            except remarks.NotKept as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("Đã ghi chú. Công dân không đọc được ghi chú này."))
                return redirect(f"{self._url(dossier)}#ghi-chu")
        return self._page(request, dossier, note_form=form, status=409)

    def _drops(self, request: HttpRequest, dossier) -> HttpResponse:
        pk = request.POST["drop"]
        is_key = pk.isascii() and pk.isdecimal() and len(pk) < 10
        if is_key and remarks.erase_note(dossier, int(pk), by=request.user):
            messages.success(request, _("Đã xóa ghi chú."))
        else:
            messages.error(request, _("Ông/bà chỉ xóa được ghi chú của chính mình."))
        return redirect(f"{self._url(dossier)}#ghi-chu")
