"""How long Hypothesis searches: `short` by default, `long` for what is marked long (`pytest tests/domain -m long`)."""

from hypothesis import settings

settings.register_profile("short", derandomize=False, deadline=None, max_examples=200, stateful_step_count=40)
settings.register_profile("long", derandomize=False, deadline=None, max_examples=10_000, stateful_step_count=80)
