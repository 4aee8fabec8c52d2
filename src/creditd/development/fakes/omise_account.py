"""An account at the fake Omise: what payers and the dashboard do there, and the events that come of it."""

import base64
import hashlib
import hmac
import secrets
import string
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from creditd.development.fakes.deliveries import Outgoing

Object = dict[str, Any]

QR_SECONDS: Final = 24 * 3600
"""How long a PromptPay QR code can be paid: https://docs.omise.co/promptpay."""

_ID_LENGTH: Final = 19
"""As long as Omise's own. Letters alone, so that no id can be taken for a card number."""

_EMBEDDED: Final = 20
"""How many objects a list holds that is a part of another object."""


class OmiseAccount:
    """Keeps charges, links, refunds, disputes and events, each by its id.

    The methods are acts. A ``payment`` is a charge or a link, a ``charge`` may be named by its link. Acts that make no
    sense, such as to pay twice, raise ValueError; ids that are not known raise KeyError. Its time is that of ``clock``,
    Unix seconds.
    """

    def __init__(self, url: str, outgoing: Outgoing, webhook_secret: str) -> None:
        """Send events by ``outgoing``, signed with the secret, which is base64; unsigned if it is empty."""
        self.clock: Callable[[], float] = time.time
        self.charges: dict[str, Object] = {}
        self.links: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self._url = url
        self._outgoing = outgoing
        self._secret = base64.b64decode(webhook_secret)

    def pay(self, payment: str) -> str:
        """Pay a charge, or a link by a new charge; return the charge."""
        charge = self._payable(payment)
        self._settle(charge)
        self._tell("charge.complete", charge)
        return str(charge["id"])

    def fail(self, payment: str, code: str = "insufficient_fund") -> str:
        """Fail to pay a charge, or a link, which may be tried again; return the charge."""
        charge = self._payable(payment)
        self._decline(charge, code)
        self._tell("charge.complete", charge)
        return str(charge["id"])

    def expire(self, charge: str) -> None:
        """Let a charge expire that is waiting to be paid."""
        expired = self._pending(charge)
        expired |= {"status": "expired", "expired": True, "expired_at": self._now()}
        self._tell("charge.expire", expired)

    def refund(self, charge: str, amount: int | None = None) -> str:
        """Refund a part of a charge, or all that is left of it; return the refund."""
        return self._refund(self._refundable(charge), amount, is_void=False)

    def void(self, charge: str) -> str:
        """Give all of a charge back on the day that it was paid; return the refund."""
        voided = self._refundable(charge)
        if voided["refunded_amount"]:
            raise ValueError("a part of it is refunded")
        voided["voided"] = True
        return self._refund(voided, None, is_void=True)

    def fail_refund(self, refund: str) -> None:
        """Let a refund fail that the payer's bank sent back: the money is with us again."""
        failed = self.refunds[refund]
        if failed["status"] == "failed":
            raise ValueError("it has failed already")
        failed["status"] = "failed"
        charge = self.charges[failed["charge"]]
        charge["refunded_amount"] -= failed["amount"]
        charge["refunds"] = embedded(one for one in self.refunds.values() if one["charge"] == charge["id"])
        self._tell("charge.update", charge)

    def open_dispute(self, charge: str, amount: int | None = None) -> str:
        """Dispute a charge, all of it or so much, which takes the money from us; return the dispute."""
        disputed = self._paid(charge)
        if disputed["dispute"]:
            raise ValueError("it is disputed already")
        dispute = self._new(
            self.disputes,
            "dspt",
            "dispute",
            amount=disputed["amount"] if amount is None else amount,
            charge=disputed["id"],
            closed_at=None,
            currency=disputed["currency"],
            reason_code="goods_or_services_not_provided",
            status="open",
        )
        disputed["dispute"] = dispute
        self._tell("dispute.create", dispute)
        return str(dispute["id"])

    def answer_dispute(self, dispute: str) -> None:
        """Send the evidence for a dispute to the bank, which then thinks about it."""
        answered = self._open(dispute)
        answered["status"] = "pending"
        self._tell("dispute.update", answered)

    def win_dispute(self, dispute: str) -> None:
        """Win a dispute, which gives us the money back."""
        self._close(dispute, "won")

    def lose_dispute(self, dispute: str) -> None:
        """Lose a dispute."""
        self._close(dispute, "lost")

    def reopen_dispute(self, dispute: str) -> None:
        """Open a closed dispute again, which takes the money from us again if we had it."""
        reopened = self.disputes[dispute]
        if not reopened["closed_at"]:
            raise ValueError("it is open")
        reopened |= {"status": "open", "closed_at": None}
        self._tell("dispute.update", reopened)

    def _make_charge(self, **fields: Any) -> Object:
        charge = self._new(
            self.charges,
            "chrg",
            "charge",
            **{
                "amount": 0,
                "authorize_uri": None,
                "card": None,
                "currency": "THB",
                "description": None,
                "dispute": None,
                "expired": False,
                "expired_at": None,
                "expires_at": self._now(QR_SECONDS),
                "failure_code": None,
                "failure_message": None,
                "link": None,
                "metadata": {},
                "paid": False,
                "paid_at": None,
                "refunded_amount": 0,
                "refunds": embedded([]),
                "return_uri": None,
                "reversed": False,
                "source": None,
                "status": "pending",
                "voided": False,
                **fields,
            },
        )
        charge["authorize_uri"] = f"{self._url}/pay/{charge['id']}"
        return charge

    def _settle(self, charge: Object) -> None:
        charge |= {"status": "successful", "paid": True, "paid_at": self._now()}
        if charge["link"]:
            self.links[charge["link"]] |= {"used": True, "used_at": self._now()}

    @staticmethod
    def _decline(charge: Object, code: str) -> None:
        charge |= {"status": "failed", "failure_code": code, "failure_message": f"it failed: {code}"}

    def _payable(self, payment: str) -> Object:
        """Return a charge that waits to be paid; for a link a new one."""
        if payment not in self.links:
            return self._pending(payment)
        link = self.links[payment]
        if link["used"] or link["deleted"]:
            raise ValueError("the link is used or deleted")
        priced = {name: link[name] for name in ("amount", "currency", "description")}
        charge = self._make_charge(**priced, link=link["id"])
        self._tell("charge.create", charge)
        return charge

    def _pending(self, charge: str) -> Object:
        found = self.charges[charge]
        if found["status"] != "pending":
            raise ValueError(f"the charge is {found['status']}")
        return found

    def _paid(self, charge: str) -> Object:
        """Return a charge that is paid; of a link the one that paid it."""
        named = [self.charges[charge]] if charge not in self.links else self._charges_of(charge)
        paid = [one for one in named if one["paid"] and not one["voided"]]
        if not paid:
            raise ValueError("it is not paid, or it is voided")
        return paid[0]

    def _refundable(self, charge: str) -> Object:
        paid = self._paid(charge)
        if paid["source"]:
            # https://docs.omise.co/promptpay: what was paid by bank does not go back through Omise.
            raise ValueError(f"what was paid by {paid['source']['type']} cannot be refunded")
        return paid

    def _refund(self, charge: Object, amount: int | None, *, is_void: bool) -> str:
        left = charge["amount"] - charge["refunded_amount"]
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            raise ValueError(f"{left} is left to refund")
        refund = self._new(
            self.refunds,
            "rfnd",
            "refund",
            amount=amount,
            charge=charge["id"],
            currency=charge["currency"],
            metadata={},
            status="closed",
            voided=is_void,
        )
        charge["refunded_amount"] += amount
        charge["refunds"] = embedded([*charge["refunds"]["data"], refund])
        self._tell("refund.create", refund)
        return str(refund["id"])

    def _open(self, dispute: str) -> Object:
        found = self.disputes[dispute]
        if found["closed_at"]:
            raise ValueError(f"the dispute is {found['status']}")
        return found

    def _close(self, dispute: str, status: str) -> None:
        closed = self._open(dispute)
        closed |= {"status": status, "closed_at": self._now()}
        self._tell("dispute.close", closed)

    def _charges_of(self, link: str) -> list[Object]:
        return [charge for charge in self.charges.values() if charge["link"] == link]

    def _new(self, kept: dict[str, Object], prefix: str, kind: str, **fields: Any) -> Object:
        object_id = f"{prefix}_test_" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(_ID_LENGTH))
        made = {"object": kind, "id": object_id, "livemode": False, "location": f"/{kind}s/{object_id}", **fields}
        made["created_at"] = self._now()
        kept[object_id] = made
        return made

    def _now(self, later_seconds: int = 0) -> str:
        return datetime.fromtimestamp(int(self.clock()) + later_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _tell(self, key: str, about: Object) -> None:
        """Make an event of an object as it is now, and send it."""
        # Written and read again: an event does not change with its object.
        snapshot = orjson.loads(orjson.dumps(about))
        event = self._new(self.events, "evnt", "event", webhook_deliveries=[], data=snapshot, key=key)
        body = orjson.dumps(event)
        self._outgoing.send("omise", lambda: (self._signed(body), body))

    def _signed(self, body: bytes) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json"}
        if not self._secret:
            return headers
        timestamp = str(int(self.clock()))
        signature = hmac.new(self._secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {**headers, "Omise-Signature": signature, "Omise-Signature-Timestamp": timestamp}


def embedded(objects: Iterable[Object]) -> Object:
    """Return a list that is a part of another object: its beginning, and how long it is."""
    found = list(objects)
    return {"object": "list", "data": found[:_EMBEDDED], "limit": _EMBEDDED, "offset": 0, "total": len(found)}
