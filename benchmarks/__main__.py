"""`make bench`: how time and queries grow with the data, on a database of its own.

Every module of this package that has a `measure()` is run; it yields lines of text. A
ratio between a small and a large amount says more than milliseconds of one machine.
"""

import importlib
import os
import pkgutil
import sys
import tempfile


def main() -> int:
    """Prepare an empty database and run every benchmark, or those named as arguments."""
    with tempfile.TemporaryDirectory(prefix="mot-cua-bench-") as folder:
        os.environ["VAR_DIR"] = folder
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        for name in sys.argv[1:] or _names():
            module = importlib.import_module(f"benchmarks.{name}")
            if not hasattr(module, "measure"):
                continue
            print(f"== {name}")
            for line in module.measure():
                print(f"   {line}", flush=True)
    return 0


def _names() -> list[str]:
    package = importlib.import_module("benchmarks")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "__main__")


if __name__ == "__main__":
    sys.exit(main())
