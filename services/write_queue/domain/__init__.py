"""What the queue allows, and what it does; HTTP stays outside."""
