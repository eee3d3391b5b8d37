"""Whether edits that were accepted are live at the end."""

from collections.abc import Sequence

import pytest

from chaos.client_log import Verdict
from load.editing import Edit, Pair, choose_pairs, lost_edits
from load.targets import CLIP, IMAGE, TEXT

Records = dict[str, dict[str, dict[str, object]]]
SIDES = ((IMAGE, "a"), (TEXT, "b"))


def a_pair(*verdicts: Verdict) -> Pair:
    """Return a pair whose n-th edit has the markers n.0 and n.1."""
    edits = [Edit("a + b", (f"{n}.0", f"{n}.1"), verdict) for n, verdict in enumerate(verdicts)]
    return Pair("a + b", SIDES, edits)


def live(first: str, second: str) -> dict[str, dict[str, dict[str, str]]]:
    return {
        IMAGE: {"a": {"description": f"x#{first}" if first else "as it was"}},
        TEXT: {"b": {"description": f"y#{second}" if second else "as it was"}},
    }


@pytest.mark.parametrize(
    ("verdicts", "first", "second", "problems"),
    [
        (["accepted", "accepted"], "1.0", "1.1", 0),
        (["accepted", "accepted"], "0.0", "0.1", 1),
        (["accepted", "unknown"], "1.0", "1.1", 0),
        (["accepted", "unknown"], "0.0", "0.1", 0),
        (["accepted", "refused"], "0.0", "0.1", 0),
        (["accepted", "refused"], "1.0", "1.1", 1),
        (["unknown"], "", "", 0),
        (["accepted"], "", "", 1),
        (["unknown", "unknown"], "0.0", "1.1", 1),
        (["accepted", "unknown"], "0.0", "1.1", 1),
        (["accepted", "accepted"], "0.0", "1.1", 2),
    ],
)
def test_edits_are_judged_by_what_is_live(
    verdicts: Sequence[Verdict], first: str, second: str, problems: int
) -> None:
    assert len(lost_edits([a_pair(*verdicts)], live(first, second))) == problems


def test_record_that_is_gone_is_a_lost_edit() -> None:
    assert lost_edits([a_pair("accepted")], {IMAGE: {}, TEXT: {}})


def test_pair_that_nobody_edited_is_as_it_was() -> None:
    assert lost_edits([a_pair()], live("", "")) == []


def test_pairs_are_of_two_categories() -> None:
    documents: dict[str, dict[str, dict[str, object]]] = {
        IMAGE: {"i1": {}, "i2": {}, "i3": {}},
        TEXT: {"t1": {}, "t2": {}},
        CLIP: {"c": {}},
    }
    pairs = choose_pairs(documents)
    assert [pair.sides for pair in pairs] == [((IMAGE, "i1"), (TEXT, "t1")), ((IMAGE, "i2"), (TEXT, "t2"))]
    assert choose_pairs({**documents, TEXT: {}})[0].sides == ((IMAGE, "i1"), (CLIP, "c"))
