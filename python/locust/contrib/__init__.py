"""Users of other protocols, and small extras. Each needs its own library, named when it is missing."""
