"""The table of cases for Python's client, in a process of its own as for the others.

tests/languages/README.md explains the steps.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from credit.v1 import admin_service_pb2, credit_service_pb2
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit_client import CreditError, Credits, Hold, Manner, Tls

CALL_SECONDS: Final = 30.0

REQUESTS: Final = {"CreditService": credit_service_pb2, "AdminService": admin_service_pb2}

Step = Mapping[str, Any]


class WorkFails(Exception):
    """What the work of a block fails with."""


class Runner:
    """Takes the steps of one case."""

    def __init__(self, given: Step, server: str, account: str, stack: ExitStack) -> None:
        self._given = given
        self._target = given["servers"][server]
        self._ca = given["ca"] if server == "tls" else ""
        self._saved = {"account": account}
        self._stack = stack
        self._clients: dict[str, Credits] = {}

    def steps(self, steps: list[Step]) -> None:
        """Take steps, one after the other."""
        takes: dict[str, Callable[[Step], None]] = {
            "call": self._call,
            "watch": self._watch,
            "health": self._health,
            "blocks": self._blocks,
            "block": self._block,
            "restart": lambda _: self._restart(),
        }
        for raw in steps:
            text = json.dumps(raw)
            for name, value in self._saved.items():
                text = text.replace(f"${{{name}}}", value)
            step = json.loads(text)
            take = next(take for kind, take in takes.items() if kind in step)
            take(step)

    def _credits(self, step: Step) -> Credits:
        caller = step.get("as", "service")
        if caller not in self._clients:
            tls = Tls(ca_file=self._ca) if self._ca else False
            manner = Manner(CALL_SECONDS, CALL_SECONDS)
            client = Credits(self._target, self._given["tokens"][caller], tls=tls, manner=manner)
            self._clients[caller] = self._stack.enter_context(client)
        return self._clients[caller]

    def _channel(self) -> grpc.Channel:
        """Return a bare channel, for what the client leaves to stubs."""
        if not self._ca:
            return self._stack.enter_context(grpc.insecure_channel(self._target))
        authority = grpc.ssl_channel_credentials(Path(self._ca).read_bytes())
        return self._stack.enter_context(grpc.secure_channel(self._target, authority))

    def _metadata(self, step: Step) -> tuple[tuple[str, str]]:
        return (("authorization", f"Bearer {self._given['tokens'][step.get('as', 'service')]}"),)

    def _call(self, step: Step) -> None:
        service, method = step["call"].split("/")
        request = ParseDict(step["request"], getattr(REQUESTS[service], f"{method}Request")())
        if "refused" in step:
            with refused(step["refused"]):
                self._credits(step).call(request)
            return
        if step.get("replayed"):
            stub = getattr(CreditServiceStub(self._channel()), method)
            answer, call = stub.with_call(request, metadata=self._metadata(step), timeout=CALL_SECONDS)
            assert ("replayed", "true") in call.trailing_metadata()
        else:
            answer = self._credits(step).call(request)
        got = as_json(answer)
        assert contains(got, step.get("expect", {})), (got, step)
        for name, path in step.get("save", {}).items():
            value = got
            for key in path.split("."):
                value = value[key]
            self._saved[name] = value

    def _watch(self, step: Step) -> None:
        request = ParseDict(step["watch"], credit_service_pb2.WatchBalanceRequest())
        seconds = step.get("deadline_ms", 1_000 * CALL_SECONDS) / 1_000
        metadata = self._metadata(step)
        messages = CreditServiceStub(self._channel()).WatchBalance(request, metadata=metadata, timeout=seconds)
        for number, expected in enumerate(step["messages"]):
            got = as_json(next(messages))
            assert contains(got, expected), (got, expected)
            if number == 0:
                self.steps(step.get("during", []))
        if "code" in step:
            with pytest.raises(grpc.RpcError) as ended:
                next(messages)
            assert ended.value.code().name == step["code"], ended.value

    def _health(self, step: Step) -> None:
        request = HealthCheckRequest(service=step["health"])
        got = as_json(HealthStub(self._channel()).Check(request, timeout=CALL_SECONDS))
        assert contains(got, step["expect"]), got

    def _reserved(self, step: Step) -> AbstractContextManager[Hold]:
        block = step["block"]
        return self._credits(step).reserve(
            block["accountId"],
            block["creditType"],
            int(block["amount"]),
            ttl=float(block.get("ttl", "300s").removesuffix("s")),
            **({"request_id": block["requestId"]} if "requestId" in block else {}),
        )

    def _block(self, step: Step) -> None:
        if "refused" in step:
            with refused(step["refused"]), self._reserved(step):
                self.steps(step.get("during", []))
            return
        expected: AbstractContextManager[object] = pytest.raises(WorkFails) if step.get("fails") else nullcontext()
        with expected, self._reserved(step) as hold:
            if "save_name" in step:
                self._saved[step["save_name"]] = hold.name
            self.steps(step.get("during", []))
            time.sleep(step.get("lasts_ms", 0) / 1_000)
            work(hold, step.get("spend", []), fails=step.get("fails", False))

    def _blocks(self, step: Step) -> None:
        """Do many at once, and restart the server after some of them: each has to end as if nothing had happened."""
        self._credits(step)
        ended = count(1)

        def one(number: int) -> None:
            with suppress(WorkFails), self._reserved(step) as hold:
                work(hold, step["spend"], fails=number % step["fails_every"] == 0)
            if next(ended) in step["restart_after"]:
                self._restart()

        with ThreadPoolExecutor(step["at_once"]) as threads:
            list(threads.map(one, range(1, step["blocks"] + 1)))

    def _restart(self) -> None:
        """Return when the server was killed, and before it is back."""
        with urlopen(f"http://{self._given['control'].removeprefix('http://')}/restart") as answer:
            assert answer.status == 200


def work(hold: Hold, amounts: list[str], *, fails: bool) -> None:
    """Spend, and then fail or not."""
    for amount in amounts:
        hold.spend(int(amount))
    if fails:
        raise WorkFails


@contextmanager
def refused(expected: Step) -> Iterator[None]:
    """Have the block end with what is expected."""
    with pytest.raises(CreditError) as refusal:
        yield
    error = refusal.value
    assert error.code.name == expected["code"], error
    assert error.reason == expected["reason"], error
    assert expected.get("facts", {}).items() <= error.facts.items(), error.facts


def as_json(message: Message) -> Any:
    """Return a message as protobuf's JSON has it, with the fields without presence that are not set."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def contains(got: Any, expected: Any) -> bool:
    """Tell whether got has all that is expected: of an object the fields that are named, of a list each item."""
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(contains(got.get(name), value) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(contains, got, expected))
    return bool(got == expected)


def main() -> int:
    """Run all cases, and note those that pass. Returns the exit code."""
    given = json.loads(Path(os.environ["CREDIT_CASES"]).read_text(encoding="utf-8"))
    failed = 0
    for number, case in enumerate(given["cases"]):
        try:
            with ExitStack() as stack:
                runner = Runner(given, case.get("server", "plain"), f"{given['prefix']}-{number}", stack)
                runner.steps(case["steps"])
        except Exception:  # noqa: BLE001 - the others are run all the same.
            failed += 1
            print(case["name"])
            traceback.print_exc()
        else:
            with Path(given["results"]).open("a", encoding="utf-8") as passed:
                passed.write(f"{case['name']}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
