"""Shows a run as it goes: on a terminal, in a file of lines, and in a notebook."""
