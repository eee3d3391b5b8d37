"""Names of text models with and without the prefix of a back end (data-model.md sections 2 and 8)."""

from collections.abc import Mapping
from typing import Final

from horde_model_reference.model_consts.text import TEXT_BACKENDS

TEXT_BACKEND_PREFIXES: Final[Mapping[str, str]] = {
    TEXT_BACKENDS.aphrodite: "aphrodite/",
    TEXT_BACKENDS.koboldcpp: "koboldcpp/",
}
"""Back end to prefix, in the order in which they are looked for. Letter case matters."""


def backend_of(name: str) -> str | None:
    """Return the back end whose prefix the name carries."""
    return next((str(key) for key, prefix in TEXT_BACKEND_PREFIXES.items() if name.startswith(prefix)), None)


def has_legacy_text_backend_prefix(name: str) -> bool:
    """Say whether the name carries the prefix of a back end."""
    return name.startswith(tuple(TEXT_BACKEND_PREFIXES.values()))


def strip_backend_prefix(name: str) -> str:
    """Return the name without the prefix of a back end; one prefix at most is removed."""
    backend = backend_of(name)
    return name if backend is None else name.removeprefix(TEXT_BACKEND_PREFIXES[backend])


def get_model_name_variants(name: str) -> list[str]:
    """Return the names under which a text model is looked up: itself, then one for each back end.

    koboldcpp leaves the publisher out: `A/B` gives `A/B`, `aphrodite/A/B`, `koboldcpp/B`.
    """
    after_publisher = name.split("/", 1)[-1]
    variants = (name, f"aphrodite/{name}", f"koboldcpp/{after_publisher}")
    return list(dict.fromkeys(variants))
