"""A real Prometheus that follows the rules of tools/monitoring, with their times cut short, and what fires in it."""

import json
import re
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.patience import eventually, patience
from tests.support.ports import free_address
from tests.telemetry.alert_rules import MONITORING

LOOK_SECONDS: Final = 0.5
"""Between two scrapes, two evaluations, and two looks at what fires."""

WINDOW: Final = "10s"
"""In place of the minutes and hours over which rules look."""

RULES_WINDOWS: Final[Mapping[str, str]] = {"CreditdRestarts": "120s"}
"""Of rules that have to see more than one thing happen: a start takes many seconds."""

RULES_THRESHOLDS: Final[Mapping[str, tuple[str, str]]] = {
    "CreditdInboxLags": ("> 60", "> 3"),
    "CreditdRollupLags": ("> 300", "> 3"),
    "CreditdSweepLags": ("> 30", "> 3"),
    "CreditdAccessOld": ("> 30", "> 8"),
}
"""Of rules about how long something has waited: the same fault, seen sooner."""

_RANGE: Final = re.compile(r"(?<=\[)\d+[smh](?=\])|(?<=offset )\d+[smh]")


def shortened(document: Any) -> Any:
    """Return a file of rules whose windows are seconds, and which fire after a second."""
    for group in document["groups"]:
        for rule in group["rules"]:
            name = rule.get("alert", "")
            rule["expr"] = _RANGE.sub(RULES_WINDOWS.get(name, WINDOW), rule["expr"])
            if name in RULES_THRESHOLDS:
                before, after = RULES_THRESHOLDS[name]
                assert before in rule["expr"], name
                rule["expr"] = rule["expr"].replace(before, after)
            if "for" in rule:
                rule["for"] = "1s"
    return document


class Alarm:
    """What fires, and has fired."""

    def __init__(self, address: str) -> None:
        """Ask the Prometheus at an address."""
        self._address = address
        self._closed = threading.Event()
        self.fired: dict[str, str] = {}
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def start(self) -> None:
        """Begin to look, once Prometheus answers."""
        eventually(self._is_up, patience(60))
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._thread.join()

    def has(self, names: Sequence[str]) -> bool:
        """Tell whether all of these have fired."""
        return all(name in self.fired for name in names)

    def values(self, query: str) -> list[float]:
        """Return what a query gives at this moment."""
        found = self._ask("query?" + urllib.parse.urlencode({"query": query}))
        return [float(sample["value"][1]) for sample in found["result"]]

    def _is_up(self) -> bool:
        with suppress(OSError, ValueError):
            return bool(self._ask("alerts") is not None)
        return False

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self._address}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def _look_on(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            # It may be slow on a machine that is busy with the faults.
            with suppress(OSError, ValueError):
                for alert in self._ask("alerts")["alerts"]:
                    if alert["state"] == "firing":
                        self.fired.setdefault(alert["labels"]["alertname"], alert["annotations"]["description"])


@contextmanager
def alarm(folder: Path, targets: Mapping[str, Sequence[str]]) -> Iterator[Alarm]:
    """Run a Prometheus that scrapes the targets of these jobs until the block ends."""
    rules = folder / "rules"
    rules.mkdir()
    for file in sorted((MONITORING / "rules").glob("*.yaml")):
        (rules / file.name).write_text(yaml.safe_dump(shortened(yaml.safe_load(file.read_text(encoding="utf-8")))))
    times = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    scraped = [{"job_name": job, "static_configs": [{"targets": list(of_job)}]} for job, of_job in targets.items()]
    configuration = {"global": times, "rule_files": [f"{rules}/*.yaml"], "scrape_configs": scraped}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    address = free_address()
    command = ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/series"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
    made = Alarm(address)
    try:
        made.start()
        yield made
        made.close()
    finally:
        process.kill()
        process.wait()
