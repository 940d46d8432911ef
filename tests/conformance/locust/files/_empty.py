"""No user class."""
