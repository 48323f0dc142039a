"""What a trial shows of its data."""
