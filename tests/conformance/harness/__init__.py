"""Runs the conformance scripts through an engine and reduces what happened to comparable facts."""
