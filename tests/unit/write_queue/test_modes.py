import pytest

from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode
from registry.change_record import Form
from write_queue.modes import Modes, SwitchedOff

LEGACY = Modes(canonical_format=CanonicalFormat.legacy)


@pytest.mark.parametrize(
    ("modes", "form", "category"),
    [(Modes(), "v2", "clip"), (Modes(), "v2", "lora"), (LEGACY, "legacy", "clip"), (LEGACY, "v2", "lora")],
)
def test_the_form_of_a_category_can_be_written(modes: Modes, form: Form, category: str) -> None:
    modes.require_writable(form, category)

    assert modes.form_of(category) == form


@pytest.mark.parametrize(
    ("modes", "form", "category", "text"),
    [
        (LEGACY, "v2", "clip", "canonical_format=v2, but canonical_format is legacy"),
        (Modes(), "legacy", "clip", "canonical_format=legacy, but canonical_format is v2"),
        (LEGACY, "legacy", "lora", "CANONICAL_FORMAT"),
        (Modes(queue_enabled=False), "v2", "clip", "PENDING_QUEUE__ENABLED"),
        (Modes(replicate_mode=ReplicateMode.REPLICA), "v2", "clip", "REPLICA"),
    ],
)
def test_the_setting_in_the_way_is_named(modes: Modes, form: Form, category: str, text: str) -> None:
    with pytest.raises(SwitchedOff, match=text):
        modes.require_writable(form, category)


def test_the_audit_needs_the_queue_and_its_own_switch() -> None:
    Modes().require_audit()
    with pytest.raises(SwitchedOff, match="AUDIT__ENABLED"):
        Modes(audit_enabled=False).require_audit()
    with pytest.raises(SwitchedOff, match="PENDING_QUEUE__ENABLED"):
        Modes(audit_enabled=False, queue_enabled=False).require_audit()
