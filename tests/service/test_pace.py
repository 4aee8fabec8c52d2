"""A pace: so many a second of each key, a few more after a rest, and nothing remembered of whoever rests."""

from creditd.service.payments.hints import Pace, sender_of


class Watch:
    """A clock that a test moves."""

    seconds = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


def taken(pace: Pace, key: str, wanted: int) -> int:
    """Return how many of those wanted are allowed."""
    count = 0
    for _ in range(wanted):
        if pace.allows(key):
            pace.count(key)
            count += 1
    return count


def test_after_a_rest_a_few_come_at_once_and_then_so_many_a_second() -> None:
    watch = Watch()
    pace = Pace(4.0, 8, watch)
    assert taken(pace, "a", 100) == 8
    watch.seconds += 1
    assert taken(pace, "a", 100) == 4
    watch.seconds += 1_000
    assert taken(pace, "a", 100) == 8


def test_each_key_has_a_pace_of_its_own() -> None:
    pace = Pace(4.0, 8, Watch())
    assert taken(pace, "a", 100) == taken(pace, "b", 100) == 8


def test_whoever_rests_is_forgotten() -> None:
    watch = Watch()
    pace = Pace(4.0, 8, watch)
    for number in range(1_000):
        assert taken(pace, f"sender-{number}", 1) == 1
        watch.seconds += 0.1
        assert len(pace) <= 4


def test_a_sender_is_an_address_or_a_network_of_many() -> None:
    assert sender_of("192.0.2.1") == "192.0.2.1"
    assert sender_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert sender_of("2001:db8::1") == sender_of("2001:db8::ffff:2") != sender_of("2001:db8:0:1::1")
    assert sender_of("") == sender_of("unknown") == ""
