"""How long Hypothesis searches: `short` by default, `long` for what is marked long (`pytest tests/domain -m long`)."""

from hypothesis import HealthCheck, settings

_LATE = [HealthCheck.too_slow]
"""A story takes as long to make up as to tell; on a busy machine that is no sign of anything."""

settings.register_profile("short", derandomize=False, deadline=None, max_examples=200, suppress_health_check=_LATE)
settings.register_profile("long", derandomize=False, deadline=None, max_examples=5_000, suppress_health_check=_LATE)
