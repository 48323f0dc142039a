"""What is found over commits, in words."""
