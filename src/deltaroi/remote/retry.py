"""Trying again: how often, and after how long."""

from __future__ import annotations

import time
import zlib
from email.utils import parsedate_to_datetime

from deltaroi.errors import DataError
from deltaroi.remote.files import RemoteFile, Route
from deltaroi.remote.traffic import current

_FIRST_S, _LONGEST_S = 0.25, 20.0
_AS_ASKED_S = 120.0


class Dropped(Exception):
    """A connection that dropped, stalled or was turned away for now.

    Parameters
    ----------
    reason : str
        In words, without anything of the request.
    wait_s : float
        Seconds that the server asks to wait.
    nobody : bool
        Nobody answered at all.
    """

    def __init__(self, reason: str, wait_s: float = 0.0, nobody: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s
        self.nobody = nobody


given_up: set[str] = set()
"""Hosts and buckets that could not be reached in this run: their other files are tried once, not for minutes each."""


class Patience:
    """How often something was tried in a row without getting on.

    Parameters
    ----------
    where : str
        What is tried, as messages may show it.
    route : Route
        How many attempts there are.
    """

    def __init__(self, where: str, route: Route) -> None:
        self._where = where
        self._host = where.partition("://")[2].partition("/")[0]
        self._attempts = 1 if self._host in given_up else route.attempts
        self._failed = 0

    def got_on(self) -> None:
        """Start counting again."""
        self._failed = 0

    def wait(self, dropped: Dropped, reached: str = "") -> None:
        """Wait before the next attempt, longer each time.

        Raises
        ------
        DataError
            There were as many attempts as there may be.
        """
        self._failed += 1
        current().add(drops=1)
        if self._failed >= self._attempts:
            if dropped.nobody:
                given_up.add(self._host)
            times = f", {self._failed} times in a row" if self._failed > 1 else ""
            raise DataError(f"{dropped.reason}{reached}{times}", where=self._where,
                            hint="is the network up? Run again later: what is finished is kept")
        time.sleep(self.delay(dropped))

    def delay(self, dropped: Dropped) -> float:
        """Seconds to wait now: doubled each time, a part of it by chance so that workers do not come back together."""
        longest = min(_LONGEST_S, _FIRST_S * 2 ** (self._failed - 1))
        chance = zlib.crc32(f"{self._where} {self._failed}".encode()) / 2**32
        return max(min(dropped.wait_s, _AS_ASKED_S), longest * (0.5 + 0.5 * chance))


def changed(file: RemoteFile) -> DataError:
    """The error of a file that is not what it was."""
    return DataError("the file changed while it was read", where=str(file),
                     hint="nothing of it was used; run again to read what is there now")


def asked_to_wait(header: str | None) -> float:
    """Seconds that a ``Retry-After`` header asks for; 0 where it says nothing that can be read."""
    text = (header or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, IndexError):
        return 0.0
