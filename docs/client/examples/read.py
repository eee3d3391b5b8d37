"""Reads a category, then a record. The first read asks the service, the second looks into memory."""

from horde_model_reference import MODEL_REFERENCE_CATEGORY, ModelReferenceManager


def main() -> None:
    """Print what enlarges images, and what one model of them is."""
    manager = ModelReferenceManager()
    upscalers = manager.get_model_reference(MODEL_REFERENCE_CATEGORY.esrgan)
    for name, record in upscalers.items():
        print(f"{name}: {record.primary_download_url}")

    anime = manager.get_model_or_none("esrgan", "RealESRGAN_x4plus_anime_6B")
    print("not there" if anime is None else anime.description)


if __name__ == "__main__":
    main()
