"""The write/queue service: everything that needs a key (architecture section 1)."""
