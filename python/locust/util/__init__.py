"""Small helpers that locustfiles import too."""
