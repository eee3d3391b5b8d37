"""Sets and maps of names that start with the built-in ones and may grow at run time."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class NameRegistry:
    """Known names, in the order in which they became known."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: dict[str, None] = dict.fromkeys(str(name) for name in names)

    def register(self, name: str) -> None:
        """Make a name known; a known name stays where it is."""
        self._names.setdefault(name)

    def is_known(self, name: str) -> bool:
        """Say whether the name is known. Letter case matters."""
        return name in self._names

    def names(self) -> tuple[str, ...]:
        """Return all known names."""
        return tuple(self._names)


class DescriptorRegistry(Generic[T]):
    """Descriptors by name, in the order in which they were registered."""

    def __init__(self, what: str, descriptors: Mapping[str, T]) -> None:
        self._what = what
        self._descriptors: dict[str, T] = {str(name): item for name, item in descriptors.items()}

    def register(self, name: str, descriptor: T) -> None:
        """Add a descriptor. Raises `ValueError` when the name is taken."""
        if name in self._descriptors:
            raise ValueError(f"the {self._what} {name!r} is already registered")
        self._descriptors[name] = descriptor

    def is_known(self, name: str) -> bool:
        """Say whether there is a descriptor of that name."""
        return name in self._descriptors

    def get(self, name: str) -> T:
        """Return the descriptor. Raises `KeyError` when there is none."""
        try:
            return self._descriptors[name]
        except KeyError:
            raise KeyError(f"unknown {self._what}: {name!r}") from None

    def all(self) -> dict[str, T]:
        """Return a copy of the whole map."""
        return dict(self._descriptors)
