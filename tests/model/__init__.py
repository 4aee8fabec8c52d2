"""The real servers, driven by a machine that makes up stories, against a reference that fits on a page."""
