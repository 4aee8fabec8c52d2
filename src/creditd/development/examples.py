"""Commands that ``creditd run`` shows to try next; they work as pasted into another terminal."""

import shlex

from creditd.cli.invocation import beside, creditd
from creditd.config import Config


def examples(config: Config, address: str, *, sells: bool) -> str:
    """Return the commands for a server at an address, with these settings; ``sells``: with fake payments."""
    defaults = Config()
    prefix = "" if config.data_dir == defaults.data_dir else f"CREDITD_DATA_DIR={shlex.quote(str(config.data_dir))} "
    program = f"{prefix}{creditd()}"
    there = "" if address == defaults.listen else f" --address {address}"
    parts = [
        "To try in another terminal, in this folder:",
        *_calls(f"{program} call", there),
        "",
        *(_purchase(f"{program} call", there) if sells else ()),
        "Or with any gRPC client; the server describes itself by reflection:",
        f"  TOKEN=$({program} token --subject ann --role USER)",
        *_other_clients(address),
        "",
        "Ctrl-C stops everything that was started here.",
    ]
    return "\n".join(parts)


def _calls(call: str, there: str) -> list[str]:
    top_up = '{"account_id": "ann", "amounts": [{"credit_type": "spec", "amount": 10}], "reason": "a try"}'
    return [
        f"  {call}{there}",
        f"""  {call} GetBalance '{{"account_id": "ann"}}'{there}""",
        f"  {call} AddCredits '{top_up}'{there}",
        f"""  {call} Reserve '{{"account_id": "ann", "credit_type": "spec", "amount": 4}}'{there}""",
        f"""  {call} ListTransactions '{{"account_id": "ann"}}'{there}""",
    ]


def _purchase(call: str, there: str) -> list[str]:
    package = (
        '{"package": {"package_id": "spec-50", "display_name": "50 specs", "credit_type": "spec", "credits": 50, '
        '"price": {"amount": 9900, "currency": "THB"}}}'
    )
    purchase = (
        '{"account_id": "ann", "package_id": "spec-50", "provider": "PAYMENT_PROVIDER_STRIPE", '
        '"return_url": "https://example.com/"}'
    )
    return [
        "To buy credits; pay, without real money, on the page at the answer's redirect_url:",
        f"  {call} CreatePackage '{package}'{there}",
        f"  {call} CreatePurchase '{purchase}'{there}",
        f"""  {call} ListPurchases '{{"account_id": "ann"}}'{there}""",
        "",
    ]


def _other_clients(address: str) -> list[str]:
    method = "credit.v1.CreditService/GetBalance"
    sent = """-H "Authorization: Bearer $TOKEN" -d '{"account_id": "ann"}'"""
    lines = [f"  grpcurl -plaintext {sent} {address} {method}"]
    buf = beside("buf")
    if buf:
        lines.append(f"  {buf} curl --protocol grpc --http2-prior-knowledge {sent} http://{address}/{method}")
    return lines
