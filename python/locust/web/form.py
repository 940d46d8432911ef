"""Reads submitted forms: URL-encoded, or multipart as browsers send them from scripts."""

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs


def read_form(content_type, body):
    """Field -> list of values."""
    if not content_type.startswith("multipart/form-data"):
        return parse_qs(body.decode(), keep_blank_values=True)
    # A multipart form is a MIME message whose headers are those of the request.
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if name is not None:
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
    return fields
