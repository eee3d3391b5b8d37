"""Back ends of text models (data-model.md section 2)."""

from enum import StrEnum
from typing import Final

from horde_model_reference.registries import NameRegistry


class TEXT_BACKENDS(StrEnum):
    """Programs that serve text models; each has a prefix for model names."""

    aphrodite = "aphrodite"
    koboldcpp = "koboldcpp"


TEXT_BACKEND_NAMES: Final = NameRegistry(TEXT_BACKENDS)
