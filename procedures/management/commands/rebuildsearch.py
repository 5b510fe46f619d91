"""Build this machine's search index again."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from procedures import search


class Command(BaseCommand):
    """For a damaged index, or to have it ready before the first question comes."""

    help = "Build this machine's search index of the published procedures again."

    def handle(self, *args, **options) -> None:
        """Build it and say how many procedures it holds."""
        count = search.rebuild()
        self.stdout.write(_("Đã lập lại chỉ mục tìm kiếm: %(count)d thủ tục.") % {"count": count})
