"""`{{ amount|dong }}`, `{{ count|grouped }}`."""

from django import template

from procedures import text

register = template.Library()


@register.filter
def dong(amount: int | None) -> str:
    """`8.000 đồng`; nothing for no amount."""
    return "" if amount is None else text.dong(amount)


@register.filter
def grouped(number: int) -> str:
    """`5.627`."""
    return text.grouped(number)
