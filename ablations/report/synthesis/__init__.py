"""The report of a synthesis: its page, its tables, and the files beside them."""
