"""What all pages have in common: lists, things, acts, and the cells that they consist of."""
