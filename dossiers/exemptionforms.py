"""What is typed about exemptions: the claim of who files, and the decision of reception."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dossiers import exemptions
from dossiers.models import Dossier, ExemptionClaim

_DECISION = "decision-"  # before the key of a claim, in the name of its input


# --- The claim --------------------------------------------------------------------------


class ClaimFields(forms.Form):
    """The grounds that can be claimed with these answers, and the paper that proves them.

    A form that needs them inherits this and calls `offer_exemptions()`; without grounds to
    claim it has no such fields. After `is_valid()`: `claimed()`.
    """

    grounds_label = gettext_lazy("Ông/bà thuộc diện được miễn, giảm nào?")
    laws: tuple[str, ...] | list[str] = ()

    def offer_exemptions(self, dossier: Dossier) -> None:
        """Add the fields where a charge of this dossier has something to claim."""
        offered = exemptions.offered(dossier) if exemptions.has_any(dossier.revision) else {}
        if not offered:
            return
        self.laws = exemptions.laws(dossier)
        self.fields["grounds"] = forms.MultipleChoiceField(
            label=self.grounds_label,
            choices=list(offered.items()),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "invalid_choice": gettext_lazy("Hãy chọn trong các diện miễn, giảm đã nêu."),
                "invalid_list": gettext_lazy("Hãy chọn trong các diện miễn, giảm đã nêu."),
            },
        )
        self.fields["evidence"] = forms.CharField(
            label=_("Giấy tờ chứng minh (tên, số, nơi cấp)"),
            max_length=200,
            required=False,
            error_messages={"max_length": gettext_lazy("Xin ghi gọn trong 200 ký tự.")},
        )

    @property
    def offers_exemptions(self) -> bool:
        """Whether there is something to claim."""
        return "grounds" in self.fields

    def clean(self) -> dict[str, Any]:
        """A ground is claimed with what proves it."""
        cleaned = super().clean()
        if cleaned.get("grounds") and not cleaned.get("evidence") and "evidence" not in self.errors:
            self.add_error(
                "evidence", _("Hãy ghi giấy tờ chứng minh diện được miễn, giảm (số, nơi cấp).")
            )
        return cleaned

    def claimed(self, *, is_checked: bool = False) -> exemptions.Claimed | None:
        """What is claimed; None for nothing."""
        grounds = self.cleaned_data.get("grounds") or []
        if not grounds:
            return None
        evidence = self.cleaned_data.get("evidence") or ""
        return {"grounds": grounds, "evidence": evidence, "is_checked": is_checked}


# --- The decision -----------------------------------------------------------------------


def decision_fields(dossier: Dossier) -> list[tuple[str, forms.Field]]:
    """A yes or no for each claim on which something is to say."""
    wanted = {row.pk for row in exemptions.decidable(dossier)}
    shown = (row for row in exemptions.rows(dossier) if row.claim.pk in wanted)
    return [(f"{_DECISION}{row.claim.pk}", _decision_field(row)) for row in shown]


def _decision_field(row: exemptions.Row) -> forms.Field:
    values = {"evidence": row.claim.evidence, "law": row.law}
    words = _("Giấy tờ: %(evidence)s. Căn cứ: %(law)s.") % values
    return forms.ChoiceField(
        label=_("%(fee)s – %(ground)s") % {"fee": row.fee, "ground": row.ground},
        help_text=words,
        choices=[
            (ExemptionClaim.Decision.CONFIRMED, _("Xác nhận; còn phải nộp: %(rest)s")
             % {"rest": row.rest or _("theo hồ sơ")}),
            (ExemptionClaim.Decision.REJECTED, _("Không chấp nhận; phải nộp: %(full)s")
             % {"full": row.full or _("theo hồ sơ")}),
        ],
        initial=row.claim.decision,
        widget=forms.RadioSelect,
    )  # fmt: skip


def decisions(details: dict[str, Any]) -> dict[str, Any]:
    """The inputs of the form as the move takes them: `decisions` by claim, and the rest."""
    found = {key.removeprefix(_DECISION): value for key, value in details.items()
             if key.startswith(_DECISION)}  # fmt: skip
    rest = {key: value for key, value in details.items() if not key.startswith(_DECISION)}
    return {**rest, "decisions": found}
