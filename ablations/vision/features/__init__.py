"""What frozen layers make of the images, computed once."""
