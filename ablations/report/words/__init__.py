"""What a report says: sentences by rules, whatever section they stand in."""
