"""Asks for image models by name, by what they are, and by groups."""

from horde_model_reference import KNOWN_IMAGE_GENERATION_BASELINE, ImageFields, ModelReferenceManager, false


def main() -> None:
    """Print one model, the largest of some, and how many there are of each baseline."""
    images = ModelReferenceManager().query("image_generation")

    deliberate = images.where(name="Deliberate").first()
    if deliberate is not None:
        print(f"{deliberate.name} is a {deliberate.baseline} model of version {deliberate.version}")

    largest = (
        images.for_baseline(KNOWN_IMAGE_GENERATION_BASELINE.stable_diffusion_xl)
        .where((ImageFields.nsfw == false) & (ImageFields.size_on_disk_bytes < 8 * 10**9))
        .order_by(ImageFields.size_on_disk_bytes.desc())
        .limit(2)
    )
    for record in largest.to_list():
        print(f"{record.name}: {record.size_on_disk_bytes} bytes")

    for baseline, records in images.exclude_inpainting().group_by("baseline").items():
        print(f"{baseline}: {len(records)}")


if __name__ == "__main__":
    main()
