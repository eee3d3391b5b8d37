"""Which processes the parts of a stack are."""

from stack.running import Stack
from support.nodes import Node


def parts_of(stack: Stack) -> dict[str, int]:
    """Return the first process of every part; 0 while it does not run."""
    found = {child.name: child.pid if child.alive else 0 for child in stack.children}
    neighbours = stack.neighbours
    named: dict[str, Node] = {
        "RabbitMQ": neighbours.rabbit,
        "Redis": neighbours.redis,
        "SeaweedFS": neighbours.s3,
    }
    return {**found, **{name: _pid(node) for name, node in named.items()}}


def _pid(node: Node) -> int:
    return node.process.pid if node.process is not None and node.running else 0
