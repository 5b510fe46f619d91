"""What editors are asked: where a procedure begins, and by which decision it is in force."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.loading import starting
from procedures.models import Procedure, Revision


class DecisionForm(forms.Form):
    """What publishing asks: the decision that puts the revision in force."""

    decision = forms.CharField(
        label=gettext_lazy("Số quyết định cho áp dụng"),
        max_length=60,
        help_text=gettext_lazy("Ví dụ: 163/QĐ-UBND"),
        error_messages={"required": gettext_lazy("Hãy ghi số quyết định.")},
    )
    use_required_attribute = False


class StartForm(forms.Form):
    """Where a new procedure begins, and in which form one wants to go on."""

    OPEN, YAML, EXCEL = "open", "yaml", "xlsx"

    code = forms.CharField(
        label=gettext_lazy("Mã thủ tục quốc gia"),
        max_length=20,
        help_text=gettext_lazy("Ví dụ: 1.001193"),
        error_messages={"required": gettext_lazy("Hãy ghi mã thủ tục.")},
    )
    similar = forms.CharField(
        label=gettext_lazy("Lấy mẫu đơn và lời lẽ từ thủ tục (không bắt buộc)"),
        max_length=20,
        required=False,
        help_text=gettext_lazy("Mã của một thủ tục tương tự đã có trên cổng."),
    )
    output = forms.ChoiceField(
        label=gettext_lazy("Rồi làm tiếp"),
        choices=(
            (OPEN, gettext_lazy("ngay trên trang này")),
            (EXCEL, gettext_lazy("trong bảng tính Excel tải về")),
            (YAML, gettext_lazy("trong tệp YAML tải về")),
        ),
        initial=OPEN,
        widget=forms.RadioSelect,
    )
    use_required_attribute = False

    def clean(self) -> dict[str, Any]:
        """Find both procedures; the definition to begin with is in `started`."""
        cleaned = super().clean()
        code, similar = cleaned.get("code", "").strip(), cleaned.get("similar", "").strip()
        facts = _facts(code)
        model = _definition(similar) if similar else None
        if similar and model is None:
            self.add_error("similar", _("Không có thủ tục %(code)s.") % {"code": similar})
        elif code and facts is None and model is None:
            self.add_error(
                "code",
                _(
                    "Danh mục quốc gia đã nạp không có mã %(code)s; hãy kiểm tra mã, hoặc chọn "
                    "một thủ tục tương tự để bắt đầu."
                )
                % {"code": code},
            )
        elif code:
            cleaned["started"] = (
                starting.from_similar(model, code, facts)
                if model
                else starting.from_national(facts)
            )
        return cleaned


def _facts(code: str) -> dict[str, Any] | None:
    """What the national catalogue says of a procedure: its newest update, or its last revision."""
    procedure = Procedure.objects.filter(code=code).first()
    if procedure is None:
        return None
    update = procedure.national_updates.order_by("-created_at").first()
    if update:
        return update.definition
    national = procedure.revisions.filter(origin=Revision.Origin.NATIONAL).order_by("-number")
    return national.values_list("definition", flat=True).first()


def _definition(code: str) -> dict[str, Any] | None:
    revision = Revision.objects.filter(procedure__code=code).order_by("-number").first()
    return revision.definition if revision else None
