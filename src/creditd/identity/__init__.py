"""Who somebody is: users, their passwords, sessions and tokens, in a database of its own."""
