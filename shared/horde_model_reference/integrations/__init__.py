"""What the library can ask of services other than the PRIMARY and GitHub."""
