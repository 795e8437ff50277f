"""Accounts and guests: sign-up, log-in, sessions, mail, deletion and retention."""
