"""How our own programs name themselves in requests."""

CLI_AGENT = "slurmfleet-cli"
"""With what the User-Agent of our command line begins."""
