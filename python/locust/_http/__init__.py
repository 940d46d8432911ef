"""What the native client needs of Python: exception classes, multipart bodies and rarely used request arguments.

`locust._core` imports these modules by name; nothing else should need them.
"""
