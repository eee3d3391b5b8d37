"""Which requests are served, and which setting is in the way of others (http-write-api.md section 3)."""

from dataclasses import dataclass
from typing import ClassVar

from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode, get_category_descriptor
from registry.change_record import Form
from service_kit.errors import ServiceError
from service_kit.settings import ENV_PREFIX


class SwitchedOff(ServiceError):
    """A setting is in the way. The text names it; trying again does not help."""

    status: ClassVar[int] = 503
    expected: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Modes:
    """The settings that decide which endpoints work."""

    replicate_mode: ReplicateMode = ReplicateMode.PRIMARY
    canonical_format: CanonicalFormat = CanonicalFormat.v2
    queue_enabled: bool = True
    audit_enabled: bool = True

    def require_primary(self) -> None:
        """Raise `SwitchedOff` on a replica: it holds no queue and accepts no writes."""
        if self.replicate_mode is not ReplicateMode.PRIMARY:
            raise SwitchedOff(
                "this instance is a REPLICA, only the PRIMARY has the queue and accepts writes "
                f"({ENV_PREFIX}REPLICATE_MODE)"
            )

    def require_queue(self) -> None:
        """Raise `SwitchedOff` where there is no queue."""
        self.require_primary()
        if not self.queue_enabled:
            raise SwitchedOff(
                "the pending queue is switched off, and every write needs it "
                f"({ENV_PREFIX}PENDING_QUEUE__ENABLED)"
            )

    def require_writable(self, form: Form, category: str) -> None:
        """Raise `SwitchedOff` where records of this form cannot be proposed for the category."""
        self.require_primary()
        if form != self.form_of(category):
            raise SwitchedOff(
                f"{category} cannot be written in the format {form}: that needs canonical_format={form}, but "
                f"canonical_format is {self.canonical_format} ({ENV_PREFIX}CANONICAL_FORMAT)"
            )
        self.require_queue()

    def require_audit(self) -> None:
        """Raise `SwitchedOff` where the audit is not shown."""
        self.require_queue()
        if not self.audit_enabled:
            raise SwitchedOff(f"the audit trail is switched off ({ENV_PREFIX}AUDIT__ENABLED)")

    def form_of(self, category: str) -> Form:
        """Return the form in which the records of a category are written and shown to reviewers."""
        if self.canonical_format is CanonicalFormat.v2:
            return "v2"
        return "legacy" if get_category_descriptor(category).has_legacy_format else "v2"
