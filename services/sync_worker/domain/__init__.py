"""Pure rules of the sync-worker: nothing here does I/O."""
