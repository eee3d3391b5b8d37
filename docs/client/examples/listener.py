"""Says what changed as soon as the service tells; ends with its input."""

import sys

from horde_model_reference import ModelReferenceManager


def told(category: str) -> None:
    """Read what is new. This runs in a thread of the library, which may read, and take its time."""
    models = ModelReferenceManager.get_instance().get_model_reference(category)
    print(f"{category} changed: {', '.join(models)}", flush=True)


def main() -> None:
    """Listen until there is nothing more to read on standard input."""
    manager = ModelReferenceManager()
    manager.register_invalidation_callback(told)
    manager.ensure_ready()  # what was never read is not followed
    print("listening", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
