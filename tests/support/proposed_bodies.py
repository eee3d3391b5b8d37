"""Strategies for bodies that clients might propose: near enough to records to be accepted now and then."""

from typing import Any

from hypothesis import strategies as st

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.one_of(
    st.sampled_from(
        ["Model", "acme/Foo-7B", "ViT-L/14", "a b", "é🦙", "-", "a,b", '"q"', "x/y/z", "https://x"]
    ),
    st.text(max_size=8),
)
TEXT = st.text(max_size=12)
TEXTS = st.lists(TEXT, max_size=3)
COUNTS = st.integers(0, 10**12) | st.sampled_from(["12", "7e9", 7.0, 2.5, True])
SCALARS = st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | TEXT
FLAT = st.dictionaries(TEXT, SCALARS | TEXTS, max_size=3)
SETTINGS = st.dictionaries(st.sampled_from(["top_k", "temperature", "sampler_order"]), SCALARS, max_size=3)
DOWNLOADS = st.lists(
    st.fixed_dictionaries(
        {"file_name": st.sampled_from(["a.ckpt", "b.yaml", "c"]) | TEXT, "file_url": TEXT},
        optional={"sha256sum": TEXT, "size_bytes": COUNTS, "known_slow_download": st.booleans()},
    ),
    max_size=3,
)
V2_CONFIG = st.fixed_dictionaries(
    {}, optional={"download": DOWNLOADS, "embedded_component_hashes": st.dictionaries(TEXT, TEXT)}
)
V1_CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "files": st.lists(
            st.fixed_dictionaries(
                {"path": st.sampled_from(["a.ckpt", "c", "v1-inference.yaml"])},
                optional={"sha256sum": TEXT, "md5sum": TEXT, "directory": TEXT},
            ),
            max_size=3,
        ),
        "download": DOWNLOADS,
        "further": TEXT,
    },
)
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "description": TEXT,
    "version": TEXT,
    "size_on_disk_bytes": COUNTS,
    "finetune_series": st.fixed_dictionaries({"name": TEXT}, optional={"author": TEXT}),
    "metadata": st.fixed_dictionaries({}, optional={"created_at": COUNTS, "created_by": TEXT}),
    "tags": TEXTS | st.just("a, b"),
    "showcases": TEXTS,
    "trigger": TEXTS,
    "nsfw": st.sampled_from([True, False, "yes", 0]),
    "style": st.sampled_from(["anime", " anime ", "generalist", "x,y", ""]),
    "homepage": TEXT,
    "requirements": FLAT,
    "features_not_supported": TEXTS,
    "display_name": TEXT,
    "url": TEXT,
    "instruct_format": TEXT,
    "settings": SETTINGS | st.just('{"top_k": 1}'),
    "text_model_group": TEXT,
    "name_schema_exception": TEXT,
    "controlnet_style": TEXT,
    "pretrained_name": TEXT,
    "control_types": TEXTS,
    "min_bridge_version": COUNTS,
    "available": st.booleans(),
    "download_all": st.booleans(),
    "further": JUNK,
}
BASELINES = st.sampled_from(["stable_diffusion_1", "SDXL", "flux_1", "stable diffusion 2", "nope"])


def bodies(config: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies with one piece of junk at most, so that many are nearly right."""
    plain = st.fixed_dictionaries(
        {"name": NAMES, "baseline": BASELINES, "parameters": COUNTS},
        optional={**COMMON, "config": config, "type": st.sampled_from(["ckpt", "clip", "control_canny"])},
    )
    spoiled = st.tuples(plain, st.sampled_from(["name", *COMMON, "config"]), JUNK | st.none())
    return plain | spoiled.map(lambda made: {**made[0], made[1]: made[2]})


V2_BODIES = bodies(V2_CONFIG)
V1_BODIES = bodies(V1_CONFIG)
