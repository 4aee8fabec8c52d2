"""Which tests hold which requirement: the register, the marks, and what is printed of both by `make spec`."""
