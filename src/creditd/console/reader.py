"""For whom a page is: language, time zone and appearance."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp
from markupsafe import Markup

from creditd.console.texts import RIGHT_TO_LEFT, Texts, language_for
from creditd.console.wire.cookies import CookieJar

THEMES: Final = ("light", "dark", "")
"""The last is that of the system."""

_MAX_ZONE: Final = 64

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

_AGES_BELOW: Final = (_MINUTE, 2 * _HOUR, 2 * _DAY, float("inf"))
"""Seconds of age below which it is told in the same of ``_AGES_IN``: no hour or day stands alone, which languages write
in their own ways. The script of the pages has the same steps."""

_AGES_IN: Final = (_MINUTE, _MINUTE, _HOUR, _DAY)


class Reader(NamedTuple):
    """The language in which somebody reads, the zone whose clock their times go by, and light, dark or neither."""

    texts: Texts
    zone: tzinfo
    zone_name: str
    theme: str

    @property
    def language(self) -> str:
        """The language."""
        return self.texts.language

    @property
    def direction(self) -> str:
        """The direction of writing."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def instant(self, timestamp: Timestamp, now: float, *, with_seconds: bool = False) -> Markup:
        """Return a time as 26 Nov 14:31, with the year if it is another one; on hover in full, with zone and UTC."""
        moment = self._by_clock(timestamp.ToDatetime(UTC))
        shown = self._day(moment, now) + moment.strftime(" %H:%M:%S" if with_seconds else " %H:%M")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            moment.strftime("%Y-%m-%d %H:%M:%S %Z") + moment.astimezone(UTC).strftime(", %H:%M:%S UTC"),
            shown,
        )

    def age(self, timestamp: Timestamp, now: float) -> Markup:
        """Return how long ago a time is, such as 31 min ago; a script of the page lets it grow."""
        seconds = max(0, int(now) - timestamp.seconds)
        words = self.texts.template("ages", {}).split("|")
        _, unit, word = next(step for step in zip(_AGES_BELOW, _AGES_IN, words, strict=True) if seconds < step[0])
        shown = word.format(count=seconds // unit)
        return Markup('<bdi class="age" data-age="{}">{}</bdi>').format(seconds, shown)

    def day(self, moment: datetime, now: float) -> str:
        """Return a day, with the year if it is another one."""
        return self._day(self._by_clock(moment), now)

    def _by_clock(self, moment: datetime) -> datetime:
        """Return a moment by the reader's clock; as it is where the calendar, of years 1 to 9999, ends before that."""
        try:
            return moment.astimezone(self.zone)
        except OverflowError:
            return moment

    def _day(self, moment: datetime, now: float) -> str:
        month = self.texts.template("months", {}).split("|")[moment.month - 1]
        is_this_year = moment.year == datetime.fromtimestamp(now, self.zone).year
        return f"{moment.day} {month}" if is_this_year else f"{moment.day} {month} {moment.year}"


def reader_of(jar: CookieJar, cookies: Mapping[str, str], accepted: str) -> Reader:
    """Return who reads, by the choices in cookies, and the languages that the browser accepts."""
    theme = jar.plain("theme", cookies)
    name = jar.plain("zone", cookies)
    zone = _zone(name)
    return Reader(
        Texts(language_for(jar.plain("language", cookies), accepted)),
        zone or UTC,
        name if zone else "UTC",
        theme if theme in THEMES else "",
    )


def _zone(name: str) -> tzinfo | None:
    # A script writes it: anything may stand there, also the name of a file.
    is_name = (
        0 < len(name) <= _MAX_ZONE
        and name.replace("/", "").replace("_", "").replace("-", "").replace("+", "").isalnum()
    )
    if not is_name or not name.isascii() or name.startswith("/"):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        # OSError covers a directory of zones; ZoneInfoNotFoundError is a KeyError.
        return None
    except KeyError:
        return None
