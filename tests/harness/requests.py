"""What a real cluster's controller counts of a user's requests."""

import re

from tests.harness.sites import RealSite

_USER = re.compile(r"^\s*(\S+)\s*\(\s*\d+\)\s*count:(\d+)", re.MULTILINE)


def requests_of(site: RealSite) -> int:
    """Give how many requests the site's user has made so far; the question is one of them.

    Source: sdiag(1), "Remote Procedure Call statistics by user".
    """
    _, _, by_user = site.run("sdiag").partition("statistics by user")
    counts = {name: int(count) for name, count in _USER.findall(by_user)}
    return counts.get(site.user, 0)
