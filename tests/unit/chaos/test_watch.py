"""The judge of what the clients of a chaos run see: it must be able to say no, and only then."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from chaos.watch import Watch


@dataclass(frozen=True)
class Looked:
    """What was seen of a pair, and how things stood when the read began."""

    counters: dict[str, int]
    warm: bool = True
    contact: bool = True


def problems(capfd: pytest.CaptureFixture[str], looks: Sequence[Looked]) -> list[str]:
    contact = False
    watch = Watch("client", lambda: contact)
    for looked in looks:
        watch.is_warm, contact = looked.warm, looked.contact
        with watch.looking() as look:
            contact = True
            look.seen = {"pair": looked.counters}
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    return [message["text"] for message in said if message["kind"] == "problem"]


WHOLE, TORN = {"a": 8, "b": 8}, {"a": 8, "b": 5}


@pytest.mark.parametrize(
    "looks",
    [
        [Looked(WHOLE), Looked({"a": 9})],
        [Looked(TORN, warm=False)],
        [Looked(TORN, contact=False)],
        [Looked({"a": 8}, warm=False), Looked({"b": 5}, warm=False)],
        [Looked({"a": 8}, contact=False), Looked({"b": 5})],
    ],
    ids=["onward", "torn but cold", "torn without contact", "cold one by one", "newer before the contact"],
)
def test_what_nobody_promises_is_no_problem(
    capfd: pytest.CaptureFixture[str], looks: Sequence[Looked]
) -> None:
    assert problems(capfd, looks) == []


@pytest.mark.parametrize(
    ("looks", "problem"),
    [
        ([Looked(TORN)], "client: pair is torn: {'a': 8, 'b': 5}, None before"),
        ([Looked({"a": 8}), Looked({"b": 5})], "client: pair went back from 8 to {'b': 5}"),
        ([Looked(WHOLE, warm=False), Looked({"b": 5})], "client: pair went back from 8 to {'b': 5}"),
        (
            [Looked({"a": 8}, warm=False), Looked({"a": 5}, warm=False)],
            "client: a went back from 8 to {'a': 5}",
        ),
        ([Looked({"a": 8}, contact=False), Looked({"a": 5})], "client: a went back from 8 to {'a': 5}"),
    ],
    ids=["torn", "one by one", "after it was whole", "cold", "before the contact"],
)
def test_a_broken_promise_is_told(
    capfd: pytest.CaptureFixture[str], looks: Sequence[Looked], problem: str
) -> None:
    assert problem in problems(capfd, looks)
