"""The sync-worker: keeps the legacy GitHub repositories in step by pull requests (sync.md)."""
