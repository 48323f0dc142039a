"""The report of a comparison: its page, its charts and tables, and the files beside them."""
