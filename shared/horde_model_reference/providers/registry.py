"""The providers that a manager knows (python-client.md section 8)."""

from horde_model_reference.fork_safe_lock import ForkSafeLock
from horde_model_reference.providers.base import ModelProvider


class ModelProviderRegistry:
    """Providers by their source id, in order of registration. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._providers: dict[str, ModelProvider] = {}

    def register(self, provider: ModelProvider, *, replace: bool = False) -> None:
        """Add a provider; `replace` puts it in the place of the one that has its id.

        Raises `ValueError` for an id that is taken, reserved or empty.
        """
        provider.validate_source_id()
        source_id = provider.source_id
        with self._lock:
            if source_id in self._providers and not replace:
                raise ValueError(f"the source id {source_id!r} is taken: a provider is registered under it")
            self._providers[source_id] = provider

    def unregister(self, source_id: str) -> bool:
        """Forget a provider; say whether there was one."""
        with self._lock:
            return self._providers.pop(source_id, None) is not None

    def get(self, source_id: str) -> ModelProvider | None:
        """Return the provider of that id."""
        with self._lock:
            return self._providers.get(source_id)

    def has(self, source_id: str) -> bool:
        """Say whether there is a provider of that id."""
        with self._lock:
            return source_id in self._providers

    def source_ids(self) -> list[str]:
        """Return the ids in order of registration."""
        with self._lock:
            return list(self._providers)

    def all(self) -> list[ModelProvider]:
        """Return the providers in order of registration."""
        with self._lock:
            return list(self._providers.values())

    def items(self) -> list[tuple[str, ModelProvider]]:
        """Return the ids and their providers in order of registration."""
        with self._lock:
            return list(self._providers.items())

    def providers_for(self, category: str) -> list[ModelProvider]:
        """Return the providers that serve a category, in order of registration."""
        return [provider for provider in self.all() if provider.serves_category(category)]

    def clear(self) -> None:
        """Forget all providers."""
        with self._lock:
            self._providers.clear()
