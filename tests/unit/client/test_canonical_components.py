from horde_model_reference.canonical_components import (
    CanonicalComponent,
    CanonicalComponentSource,
    derive_canonical_registry,
)
from horde_model_reference.component_hash import ComponentKind
from horde_model_reference.model_reference_records import (
    DownloadRecord,
    GenericModelRecordConfig,
    ImageGenerationModelRecord,
)

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32


def a_model(
    name: str, *files: DownloadRecord, embedded: dict[str, str] | None = None
) -> ImageGenerationModelRecord:
    config = GenericModelRecordConfig(download=list(files), embedded_component_hashes=embedded)
    return ImageGenerationModelRecord(name=name, baseline="stable_diffusion_xl", nsfw=False, config=config)


def a_part(name: str, content_hash: str | None, purpose: str | None = "vae") -> DownloadRecord:
    return DownloadRecord(file_name=name, file_url="u", content_hash=content_hash, file_purpose=purpose)


def hashes(*records: ImageGenerationModelRecord, **options: object) -> list[str]:
    registry = derive_canonical_registry(records, **options)  # type: ignore[arg-type] # whatever a test says
    return [item.content_hash for item in registry.components]


def test_a_part_of_two_models_is_shared_however_they_have_it() -> None:
    whole = a_model("whole", DownloadRecord(file_name="w", file_url="u"), embedded={"vae": A.upper()})
    split = a_model("split", a_part("unet", C, "unet"), a_part("v", A))
    registry = derive_canonical_registry({"whole": whole, "split": split})
    expected = CanonicalComponent(
        content_hash=A,
        kind=ComponentKind.vae,
        shared_by_model_count=2,
        sources=(
            CanonicalComponentSource(
                model_name="whole", kind=ComponentKind.vae, embedded=True, file_name="w"
            ),
            CanonicalComponentSource(
                model_name="split", kind=ComponentKind.vae, embedded=False, file_name="v", file_purpose="vae"
            ),
        ),
    )
    assert registry.components == (expected,)
    assert registry.by_hash(A.upper()) == expected
    assert registry.by_hash(B) is None
    assert registry.for_kind("vae") == (expected,)
    assert registry.for_kind(ComponentKind.text_encoders) == ()


def test_one_model_that_has_a_part_twice_does_not_share_it() -> None:
    assert hashes(a_model("m", a_part("a", A), a_part("b", A))) == []


def test_equal_hashes_of_different_kinds_are_different_parts() -> None:
    assert hashes(a_model("m", a_part("a", A)), a_model("n", a_part("b", A, "text_encoder"))) == []


def test_parts_are_sorted_by_kind_and_hash() -> None:
    models = [
        a_model(name, a_part("1", C), a_part("2", B, "text_encoders"), a_part("3", A)) for name in ("m", "n")
    ]
    assert hashes(*models) == [B, A, C]


def test_the_lists_decide_before_the_count_and_the_denied_one_before_the_allowed() -> None:
    models = [a_model("m", a_part("1", A), a_part("2", B)), a_model("n", a_part("3", B), a_part("4", C))]
    assert hashes(*models) == [B]
    assert hashes(*models, allow=[A.upper()]) == [A, B]
    assert hashes(*models, allow=[A, B], deny=[B]) == [A]
    assert hashes(*models, min_shared_models=1) == [A, B, C]
    assert hashes(*models, min_shared_models=3) == []


def test_what_has_no_hash_or_is_no_known_part_is_left_out() -> None:
    models = [a_model(name, a_part("a", None), embedded={"unet": A}) for name in ("m", "n")]
    assert hashes(*models, min_shared_models=1) == []
