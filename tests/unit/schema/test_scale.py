"""Everything is linear in the number of models."""

import gc
import time
from collections.abc import Callable

from horde_model_reference.category_import import import_source
from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import Change, Create, Delete, Update
from horde_model_reference.v2_format import parse_v2
from support.model_records import NOW, a_legacy_image, an_image, canonical_file, imported

MANY = 6_000


def a_file(models: int) -> bytes:
    one = canonical_file({"NAME": a_legacy_image("NAME")}).decode().strip("{}\n") + "}"
    text = ",\n".join(one.replace("NAME", f"model {index}") for index in range(models))
    return f"{{\n{text}\n}}\n".encode()


def cpu_seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def test_thousands_of_models_are_imported_and_edited_in_linear_time() -> None:
    def work(body: bytes, models: int) -> None:
        documents = imported("image_generation", body)
        changes = [Update(f"model {index}", {"nsfw": True}) for index in range(0, models, 10)]
        after = apply_changes("image_generation", documents, changes, now=NOW, author=None)
        import_source("image_generation", {"stable_diffusion.json": body}, now=NOW, previous=after)

    small, large = a_file(MANY // 10), a_file(MANY)
    few_seconds = cpu_seconds(lambda: work(small, MANY // 10))
    many_seconds = cpu_seconds(lambda: work(large, MANY))
    assert many_seconds < 30 * few_seconds  # linear: 10, quadratic: 100


def test_many_deletions_and_creations_take_linear_time() -> None:
    def work(models: int) -> None:
        names = [f"model {index}" for index in range(models)]
        documents = imported("blip", canonical_file({name: {"name": name, "type": "blip"} for name in names}))
        changes: list[Change] = [Delete(name) for name in names]
        changes += [Create(name, {"name": name}) for name in names]
        after = apply_changes("blip", documents, changes, now=NOW, author=None)
        assert len(parse_v2(after.v2)) == models

    few_seconds = cpu_seconds(lambda: work(MANY // 20))
    many_seconds = cpu_seconds(lambda: work(MANY // 2))
    assert many_seconds < 30 * few_seconds


def test_one_edit_among_thousands_of_models_touches_one() -> None:
    body = a_file(MANY)
    documents = imported("image_generation", body)
    change = Update("model 17", {"description": "new"})
    after = apply_changes("image_generation", documents, [change], now=NOW, author=None)
    old = canonical_file({"model 17": a_legacy_image("model 17")})[2:-3]
    new = canonical_file({"model 17": a_legacy_image("model 17", description="new")})[2:-3]
    assert after.legacy == body.replace(old, new)


def test_a_name_and_a_record_may_be_huge() -> None:
    name, files = "x" * 10_000, [f"file {index}" for index in range(5_000)]
    downloads = [{"file_name": file, "file_url": ""} for file in files]
    empty = imported("image_generation", b"{}")
    record = an_image(name, description="d" * 1_000_000, config={"download": downloads})
    after = apply_changes("image_generation", empty, [Create(name, record)], now=NOW, author=None)
    edited = apply_changes(
        "image_generation",
        after,
        [Update(name, {"config": {"download": downloads[1:]}})],
        now=NOW,
        author=None,
    )
    assert [item["file_name"] for item in parse_v2(edited.v2)[name]["config"]["download"]] == files[1:]
