"""Images and weights: where they lie, what is in them, and how they are split."""
