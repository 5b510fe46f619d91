"""`{{ dossier.state|badge_kind }}`, `{{ file.size|size_text }}`."""

from django import template

from dossiers import attachments
from dossiers.presenting import BADGES

register = template.Library()


@register.filter
def badge_kind(state: str) -> str:
    """Which of the four kinds of badge a state wears."""
    return BADGES.get(state, "working")


@register.filter
def size_text(size: int) -> str:
    """A number of bytes in words: `850 KB`, `1,2 MB`."""
    return attachments.size_text(size)
