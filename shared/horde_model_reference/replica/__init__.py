"""What a replica stands on: its thread, requests, and the copies on disk."""
