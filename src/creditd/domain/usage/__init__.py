"""What usage is, and the periods that it is told by."""
