raise RuntimeError("files with an underscore are not loaded")
