"""The encodings of the files that tools write, as far as their readers need them."""
