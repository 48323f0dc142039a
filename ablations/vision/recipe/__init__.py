"""What a study file says of a training, as one checked value."""
