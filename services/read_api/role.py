"""What kind of instance this is, and what only the other kind answers (http-read-api.md section 1)."""

from dataclasses import dataclass

from horde_model_reference.meta_consts import BackendInfo, CanonicalFormat, ReplicateMode
from service_kit.errors import ServiceError


class OnlyOnPrimary(ServiceError):
    """A replica does not answer this; trying again does not help."""

    status, expected = 503, True


@dataclass(slots=True)
class Role:
    """The mode of the instance. A replica takes over the canonical format that its PRIMARY names."""

    canonical_format: CanonicalFormat = CanonicalFormat.v2
    replicate_mode: ReplicateMode = ReplicateMode.PRIMARY

    @property
    def is_primary(self) -> bool:
        """Whether the instance holds the canonical data."""
        return self.replicate_mode is ReplicateMode.PRIMARY

    @property
    def info(self) -> BackendInfo:
        """What the instance says about itself."""
        return BackendInfo(
            replicate_mode=self.replicate_mode,
            canonical_format=self.canonical_format,
            writable=self.is_primary,
        )

    def require_primary(self, what: str) -> None:
        """Raise `OnlyOnPrimary` on a replica; `what` begins a sentence."""
        if not self.is_primary:
            raise OnlyOnPrimary(f"{what}: this instance is a REPLICA, ask its PRIMARY")
