"""Whether a process serves is a metric, by what it depends on."""

from prometheus_client import CollectorRegistry

from creditd.telemetry.health_metrics import HealthMetrics


def test_what_is_served_is_asked_at_each_scrape() -> None:
    serving: dict[str, bool] = {}
    registry = CollectorRegistry()
    registry.register(HealthMetrics(lambda: serving))

    def value(part: str) -> float | None:
        return registry.get_sample_value("creditd_health_serving", {"part": part})

    assert value("the database") is None
    serving.update({"the database": True, "identity's database": False})
    assert (value("the database"), value("identity's database")) == (1, 0)
    serving["the database"] = False
    assert value("the database") == 0
