"""`{{ amount|dong }}`."""

from django import template

from procedures import text

register = template.Library()


@register.filter
def dong(amount: int | None) -> str:
    """`8.000 đồng`; nothing for no amount."""
    return "" if amount is None else text.dong(amount)
