"""What is a key of an object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.object_keys import check_key, check_prefix

KEYS = ["a", "journal/000000000001.json", "blobs/" + "0" * 64, "a/b/c", "_x/Y-1.z"]
NO_KEYS = [
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    ".",
    "..",
    "a/../b",
    ".drafts/x",
    "a/.b",
    "a b",
    "a\\b",
    "a\nb",
    "\u00e4",
]


@pytest.mark.parametrize("key", KEYS)
def test_key_of_every_kind_of_object_is_accepted(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize("key", [*NO_KEYS, "a\n", "a\0", "a/\u0661", "x" * 1000, "-rf"])
def test_anything_else_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        check_key(key)


@given(st.text(max_size=20))
def test_no_accepted_key_leaves_its_folder(text: str) -> None:
    try:
        check_key(text)
    except ValueError:
        return
    assert text.isascii()
    assert not text.startswith("/")
    assert not {"", ".", ".."} & set(text.split("/"))


@pytest.mark.parametrize("prefix", ["journal", "", "/", "../", "a//"])
def test_text_that_is_no_folder_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        check_prefix(prefix)
