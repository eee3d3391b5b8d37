"""Names of a package that are imported when they are first used (PEP 562)."""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType

from horde_model_reference.no_fork import no_fork


def imported_late(
    package: str, namespace: dict[str, object], names: Mapping[str, str], more_modules: Collection[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package whose globals are `namespace`.

    `names` leads from modules below the package to the names that stand for them, with spaces between. The
    modules themselves are attributes too, and so are `more_modules`.
    """
    modules = {name: module for module, listed in names.items() for name in listed.split()}
    submodules = {module.partition(".")[0] for module in names} | set(more_modules)

    def find(name: str) -> object:
        """Import what a name stands for; from then on it is an ordinary attribute."""
        if name in modules:
            value = namespace[name] = getattr(_imported(f"{package}.{modules[name]}"), name)
            return value
        if name in submodules:
            return _imported(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def listed() -> list[str]:
        return sorted({*namespace, *modules, *submodules})

    return find, listed


def _imported(module: str) -> ModuleType:
    with no_fork:
        return import_module(module)
