"""`{{ amount|in_words }}`."""

from django import template

from payments import money

register = template.Library()


@register.filter
def in_words(amount: int) -> str:
    """`Tám nghìn đồng`."""
    return money.in_words(amount)
