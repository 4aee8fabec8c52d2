"""Usage is added up beside the calls, told, and added up anew."""
