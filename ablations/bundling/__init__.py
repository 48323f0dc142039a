"""A study in one file for others: report, records, code, environment, and what describes them."""
