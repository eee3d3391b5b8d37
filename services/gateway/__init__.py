"""The gateway: nginx before the services, and the supervisor that keeps it up to date."""
