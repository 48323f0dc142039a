"""What this machine is, has and takes."""
