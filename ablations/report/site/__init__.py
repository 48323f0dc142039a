"""A static site of studies: reports, histories over commits, and what helps to find them."""
