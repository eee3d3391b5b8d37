"""Pure rules of the stats service: nothing here does I/O."""
