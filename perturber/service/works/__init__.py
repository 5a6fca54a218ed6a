"""The kinds of jobs, one a module: the request, its result, and the work that does it.

A work is a class with the decorator `does`, in any module of this package.
"""

from importlib import import_module
from pkgutil import iter_modules

from perturber.service.works.registry import Work, begin, does

__all__ = ["Work", "begin", "does"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
