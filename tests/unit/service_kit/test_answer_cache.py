from service_kit.answer_cache import OVERHEAD_BYTES, AnswerCache
from service_kit.documents import plain_document

KILOBYTE = plain_document(b"x" * 1000)
SIZE = 1000 + OVERHEAD_BYTES


def test_what_is_held_is_found_by_its_key() -> None:
    cache = AnswerCache(10 * SIZE)
    cache.hold((1, "query"), KILOBYTE)

    assert cache.find((1, "query")) is KILOBYTE
    assert cache.find((2, "query")) is None


def test_the_document_unused_for_longest_goes_first() -> None:
    cache = AnswerCache(2 * SIZE)
    cache.hold("old", KILOBYTE)
    cache.hold("used", KILOBYTE)
    cache.find("old")
    cache.hold("new", KILOBYTE)

    assert cache.find("used") is None
    assert cache.find("old") is KILOBYTE
    assert cache.find("new") is KILOBYTE


def test_a_document_larger_than_the_cache_leaves_it_as_it_is() -> None:
    cache = AnswerCache(SIZE)
    cache.hold("small", KILOBYTE)
    cache.hold("large", plain_document(b"x" * 5000))

    assert cache.find("large") is None
    assert cache.find("small") is KILOBYTE


def test_holding_a_key_again_does_not_count_twice() -> None:
    cache = AnswerCache(2 * SIZE)
    for _ in range(5):
        cache.hold("same", KILOBYTE)
    cache.hold("other", KILOBYTE)

    assert cache.find("same") is KILOBYTE
    assert cache.find("other") is KILOBYTE
