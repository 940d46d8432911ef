"""Tests of the native module through its Python face, without the package's own users and runners."""
