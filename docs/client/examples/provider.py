"""Adds sources: the LoRAs of a folder, and a record of one's own that goes before that of the service."""

import sys
from pathlib import Path

from horde_model_reference import LoraModelRecord, ModelProvider, ModelReferenceManager, StaticModelProvider
from horde_model_reference.model_reference_records import GenericModelRecord


class LorasInFolder(ModelProvider):
    """The LoRA files that lie in a folder. The library asks at every read, and keeps nothing."""

    def __init__(self, folder: Path) -> None:
        """Take a folder; it need not exist."""
        self._folder = folder

    @property
    def source_id(self) -> str:
        """What selectors call this source."""
        return "folder"

    def provided_categories(self) -> set[str]:
        """Return the categories that may be asked for."""
        return {"lora"}

    def fetch_category(
        self,
        category: str,  # noqa: ARG002 - there is only one
        *,
        force_refresh: bool = False,  # noqa: ARG002 - it always looks
    ) -> dict[str, GenericModelRecord] | None:
        """Return the records by name. What is raised here is logged, and costs only this source."""
        names = (path.stem for path in sorted(self._folder.glob("*.safetensors")))
        return {name: LoraModelRecord(name=name, description="found on this machine") for name in names}


def main(folder: Path) -> None:
    """Print where records come from."""
    manager = ModelReferenceManager()
    manager.register_provider(LorasInFolder(folder))
    tuned = {"description": "with our own settings", "baseline": "stable_diffusion_1", "nsfw": False}
    manager.register_provider(
        StaticModelProvider.from_raw("mine", {"image_generation": {"Deliberate": tuned}})
    )

    print("LoRAs:", ", ".join(manager.get_model_reference("lora", source="folder")))

    both = manager.query("image_generation", source=["mine", "horde"])  # the first that has a name wins
    for record, source in both.where(name="Deliberate").to_list_with_source():
        print(f"{record.name} of {source}: {record.description}")
    print("more than one source has:", both.duplicate_names())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
