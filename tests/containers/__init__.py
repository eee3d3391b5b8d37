"""Tests of the images and of docker-compose.yml, with a real Docker engine."""
