"""What a report is written as: pages, posts, tables and JSON."""
