"""The live figures of the AI-Horde: fetched once for all instances, and shared."""
