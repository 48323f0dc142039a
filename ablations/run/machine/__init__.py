"""This machine: its hardware, memory, energy and environment."""
