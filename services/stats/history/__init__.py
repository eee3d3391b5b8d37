"""Usage and workers over time, in object storage."""
