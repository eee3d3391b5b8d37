from horde_model_reference.github_sources import IMAGE_REPOSITORY, TEXT_REPOSITORY, legacy_file_urls

RAW = "https://raw.githubusercontent.com"


def test_the_urls_are_those_of_the_legacy_repositories() -> None:
    urls = legacy_file_urls()
    image = f"{RAW}/Haidra-Org/AI-Horde-image-model-reference/refs/heads/main"
    assert urls["image_generation"] == f"{image}/stable_diffusion.json"
    assert urls["text_generation"] == (
        f"{RAW}/Haidra-Org/AI-Horde-text-model-reference/refs/heads/main/models.csv"
    )


def test_a_category_without_a_source_has_no_url() -> None:
    assert not {"lora", "ti", "controlnet_annotator", "video_generation", "audio_generation"} & set(
        legacy_file_urls()
    )
    assert len(legacy_file_urls()) == 10


def test_owner_name_branch_and_proxy_can_be_others() -> None:
    other = IMAGE_REPOSITORY._replace(owner="me", name="fork", branch="dev", proxy_url="https://proxy/")
    assert legacy_file_urls(other)["clip"] == f"https://proxy/{RAW}/me/fork/refs/heads/dev/clip.json"
    assert legacy_file_urls(other)["text_generation"].startswith(RAW)


def test_a_repository_can_be_cloned() -> None:
    assert TEXT_REPOSITORY.clone_url == "https://github.com/Haidra-Org/AI-Horde-text-model-reference.git"
