"""Measures load generators: what they cost, how much they hold, and whether they tell the truth."""
