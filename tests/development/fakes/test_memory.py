"""What the fakes know outlasts them: whoever began to pay before a restart pays after it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from creditd.development.fakes.server import Fakes, FakesSettings, fakes_running

CHARGE = {
    "amount": 100_000,
    "currency": "THB",
    "source": {"type": "promptpay", "amount": 100_000, "currency": "THB"},
    "metadata": {},
}


async def told(fakes: Fakes, path: str, document: dict[str, Any]) -> Any:
    """Post a document, as whoever has a key."""
    async with httpx.AsyncClient(base_url=fakes.url, auth=("key", ""), trust_env=False) as client:
        answer = await client.post(path, json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_charge_is_paid_and_disputed_after_restarts(tmp_path: Path) -> None:
    settings = FakesSettings(file=tmp_path / "fakes")

    async def live() -> None:
        async with fakes_running(settings) as fakes:
            charge = (await told(fakes, "/omise/charges", CHARGE))["id"]
        async with fakes_running(settings) as fakes:
            await told(fakes, "/omise/control/pay", {"payment": charge})
            dispute = (await told(fakes, "/omise/control/open_dispute", {"charge": charge}))["result"]
        async with fakes_running(settings) as fakes:
            await told(fakes, "/omise/control/win_dispute", {"dispute": dispute})
            assert fakes.omise.charges[charge]["status"] == "successful"
            # One object, also where it is a part of another one.
            assert fakes.omise.charges[charge]["dispute"]["status"] == "won"

    asyncio.run(live())
    assert (tmp_path / "fakes").stat().st_mode & 0o777 == 0o600


def test_without_a_file_they_begin_anew() -> None:
    async def live() -> None:
        async with fakes_running(FakesSettings()) as fakes:
            await told(fakes, "/omise/charges", CHARGE)
        async with fakes_running(FakesSettings()) as fakes:
            assert not fakes.omise.charges

    asyncio.run(live())


def test_what_is_not_named_is_the_newest(tmp_path: Path) -> None:
    async def live() -> None:
        async with fakes_running(FakesSettings(file=tmp_path / "fakes")) as fakes:
            first, second = [(await told(fakes, "/omise/charges", CHARGE))["id"] for _ in range(2)]
            assert (await told(fakes, "/omise/control/pay", {}))["result"] == second
            assert (await told(fakes, "/omise/control/pay", {"payment": first}))["result"] == first

    asyncio.run(live())
