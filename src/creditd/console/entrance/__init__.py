"""How people come in and go: sign-in, sessions, and who is let in to which page."""
