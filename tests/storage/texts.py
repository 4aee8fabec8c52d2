"""Texts that break careless statements."""

NASTY = [
    "NULL", "null", "", " ", "{}", "{a,b}", ",", '"', '""', "\\", '\\"', "\\\\", "'", "a\nb\r\tc", "$1", ":now",
    "ปลา", "עברית", "\U0001f600", "\u202e", "\x01", "%s %(a)s", "/* -- */", " both ends ",
]  # fmt: skip
"""Texts that mean something in an array's notation, in SQL, or to a driver."""
