import json

from read_api.domain.live_events import (
    MAX_MODELS,
    committed_event,
    head_event,
    piece,
    reset_event,
    retry_line,
)
from registry.history_state import RevisionLine, Touched
from support.contents import SEED_TIME


def a_line(*touched: Touched, revision: int = 7) -> RevisionLine:
    return RevisionLine(
        revision=revision, sequence=9, occurred_at=SEED_TIME, actor="12", kind="applied", touched=touched
    )


def fields(event: bytes) -> dict[str, str]:
    text = event.decode()
    assert text.endswith("\n\n")
    return dict(line.split(": ", 1) for line in text.strip().split("\n"))


def test_a_revision_is_an_event_with_its_number_as_id() -> None:
    event = fields(committed_event(a_line(Touched(category="clip", model_name="a\nb", operation="update"))))

    assert event["id"] == "7"
    assert event["event"] == "catalog.committed"
    assert json.loads(event["data"]) == {
        "revision": 7,
        "sequence": 9,
        "committed_at": "2026-11-20T14:03:00+00:00",
        "kind": "applied",
        "categories": {"clip": {"created": 0, "updated": 1, "deleted": 0}},
        "models": [{"category": "clip", "model_name": "a\nb", "operation": "update"}],
        "models_total": 1,
    }


def test_an_event_names_a_limited_number_of_models() -> None:
    many = [Touched(category="clip", model_name=str(n), operation="create") for n in range(2000)]
    data = json.loads(fields(committed_event(a_line(*many)))["data"])

    assert len(data["models"]) == MAX_MODELS
    assert data["models_total"] == 2000
    assert data["categories"] == {"clip": {"created": 2000, "updated": 0, "deleted": 0}}


def test_the_start_and_a_reset_can_be_resumed_from() -> None:
    assert fields(head_event(3)) == {"id": "3", "event": "catalog.head", "data": '{"revision":3}'}
    reset = fields(reset_event(3, 1))
    assert reset["id"] == "3"
    assert json.loads(reset["data"])["changes"] == "/api/model_references/v2/changes?since=1"
    assert json.loads(fields(reset_event(3, None))["data"])["changes"] is None


def test_a_piece_is_framed_as_a_chunk_of_its_length_in_bytes() -> None:
    text = "data: ü\n\n".encode()
    assert piece(text).framed(chunked=True) == b"a\r\n" + text + b"\r\n"
    assert piece(text).framed(chunked=False) == text


def test_the_pause_before_a_new_attempt_is_told_in_milliseconds() -> None:
    assert retry_line(2500) == b"retry: 2500\n\n"
