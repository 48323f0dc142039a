"""The study's SQLite file: its tables, how it is opened, and how it is repaired."""
