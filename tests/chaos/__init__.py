"""Breaks the running stack in every way that can be thought of, and checks what is left of its promises."""
