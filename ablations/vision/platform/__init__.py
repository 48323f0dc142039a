"""What training runs on: backend, devices, cache and shortcuts."""
