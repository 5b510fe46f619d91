"""`{{ dossier.state|badge_kind }}`."""

from django import template

from dossiers.presenting import BADGES

register = template.Library()


@register.filter
def badge_kind(state: str) -> str:
    """Which of the four kinds of badge a state wears."""
    return BADGES.get(state, "working")
