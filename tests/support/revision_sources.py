"""A source of revisions that does as it is told."""

from dataclasses import dataclass, field


@dataclass
class ScriptedSource:
    """Stands where the follower of the journal would."""

    reaches: bool = True
    stale: bool = False
    age_seconds: float = 1.0
    failure: Exception | None = None
    waits: list[tuple[int, float]] = field(default_factory=list)

    async def wait_for_revision(self, revision: int, timeout_seconds: float) -> bool:
        """Note the wish and answer at once."""
        self.waits.append((revision, timeout_seconds))
        return self.reaches
