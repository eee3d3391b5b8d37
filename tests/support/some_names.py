"""A resolver whose answers a test decides."""

from gateway.resolving import NobodyKnows


class SomeNames:
    """Knows what `addresses_by_name` holds; nothing while it is `away`."""

    def __init__(self, **addresses_by_name: tuple[str, ...]) -> None:
        self.addresses_by_name = addresses_by_name
        self.away = False

    async def addresses(self, name: str) -> tuple[str, ...]:
        if self.away:
            raise NobodyKnows("the name server keeps silent")
        return self.addresses_by_name.get(name, ())
