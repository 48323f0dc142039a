"""Who trains: trials in, records out."""
