"""The HTML report of Locust; not there yet, and refused by its name."""

from ._unsupported import refuse


def get_html_report(environment, show_download_link=True, theme=""):
    """The report as HTML."""
    refuse("locust.html.get_html_report (the HTML report)")
