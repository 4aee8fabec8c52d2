"""A plugin of pytest: a property that has failed is not tried on in search of its smallest example."""

from hypothesis import Phase, settings

settings.register_profile("first failure", phases=(Phase.explicit, Phase.reuse, Phase.generate))
settings.load_profile("first failure")
