"""The command line: everything that prints or exits."""
