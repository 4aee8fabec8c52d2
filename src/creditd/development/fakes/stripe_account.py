"""An account at the fake Stripe: what payers and the dashboard do there, and the events that come of it."""

import hashlib
import hmac
import secrets
import string
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from creditd.development.fakes.deliveries import Outgoing

Object = dict[str, Any]

_ID_LENGTH: Final = 24
"""As long as Stripe's own. Letters alone, so that no id can be taken for a card number."""


API_VERSION: Final = "2025-09-30.clover"
"""Of events, unless the account says otherwise."""

REFUND_EVENTS_SINCE: Final = "2024-10-28"
"""https://docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update"""


class Sold(NamedTuple):
    """What a session's payment intent and page say, and the session itself does not."""

    name: str
    metadata: Mapping[str, str]


class StripeAccount:
    """Keeps Checkout sessions, payment intents, charges, refunds, disputes and events, each by its id.

    The methods are acts. A ``payment`` is named by its payment intent or its session. Acts that make no sense, such as
    to pay twice, raise ValueError; ids that are not known raise KeyError. Its time is that of ``clock``, Unix seconds.
    Acts on refunds and disputes are a second apart at least, as they are days apart in life.

    ``api_version`` is what the endpoint is set to: before 2024-10-28 a refund has no events of its own.
    """

    def __init__(self, outgoing: Outgoing, webhook_secret: str) -> None:
        """Send events by ``outgoing``, signed with the secret."""
        self.clock: Callable[[], float] = time.time
        self.api_version = API_VERSION
        self.sessions: dict[str, Object] = {}
        self.intents: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self._sold: dict[str, Sold] = {}
        self._last_seconds: dict[str, int] = {}
        self._outgoing = outgoing
        self._secret = webhook_secret.encode()

    def pay(self, session: str, *, slowly: bool = False) -> str:
        """Pay a session; ``slowly`` by a bank, whose money comes with the next ``pay`` or not at all with ``fail``.

        Returns the payment intent.
        """
        paid = self.sessions[session]
        was_slow = paid["status"] == "complete"
        intent = self._tried(paid)
        if slowly:
            intent |= {"status": "processing"}
            paid |= {"status": "complete", "url": None}
            self._tell("checkout.session.completed", paid)
            return str(intent["id"])
        self._charge(intent)
        paid |= {"status": "complete", "payment_status": "paid", "url": None}
        self._tell("payment_intent.succeeded", intent)
        self._tell(f"checkout.session.{'async_payment_succeeded' if was_slow else 'completed'}", paid)
        return str(intent["id"])

    def fail(self, session: str, decline_code: str = "insufficient_funds") -> str:
        """Fail to pay a session, which stays open for another try unless it was paid slowly.

        Returns the payment intent.
        """
        unpaid = self.sessions[session]
        intent = self._tried(unpaid)
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": decline_code,
                "message": "Your card has insufficient funds.",
            },
        }
        self._tell("payment_intent.payment_failed", intent)
        if unpaid["status"] == "complete":
            self._tell("checkout.session.async_payment_failed", unpaid)
        return str(intent["id"])

    def expire(self, session: str) -> None:
        """Let a session expire that is open."""
        expired = self.sessions[session]
        if expired["status"] != "open":
            raise ValueError(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{expired['status']}`."
            )
        expired |= {"status": "expired", "url": None}
        self._tell("checkout.session.expired", expired)

    def refund(self, payment: str, amount: int | None = None) -> str:
        """Refund a part of a payment, or all that is left of it; return the refund."""
        charge = self._charge_of(payment)
        left = charge["amount"] - charge["amount_refunded"]
        amount = left if amount is None else amount
        if not 0 < amount <= left:
            raise ValueError(f"{left} is left to refund")
        self._pass_time(charge["id"])
        refund = self._new(
            self.refunds,
            "re",
            "refund",
            amount=amount,
            charge=charge["id"],
            currency=charge["currency"],
            metadata={},
            payment_intent=charge["payment_intent"],
            status="succeeded",
        )
        self._refunded(charge, amount)
        self._tell("refund.created", refund)
        self._tell("charge.refunded", charge)
        self._tell("refund.updated", refund)
        self._tell("charge.refund.updated", refund)
        return str(refund["id"])

    def fail_refund(self, refund: str) -> None:
        """Let a refund fail that the payer's bank sent back: the money is with us again."""
        failed = self.refunds[refund]
        if failed["status"] == "failed":
            raise ValueError("it has failed already")
        failed["failure_reason"] = "lost_or_stolen_card"
        self._refund_becomes(failed, "failed", "refund.failed")

    def ask_payer(self, refund: str) -> None:
        """Ask the payer of a refund that failed where its money is to go."""
        asked = self.refunds[refund]
        if asked["status"] != "failed":
            raise ValueError("it has not failed")
        self._refund_becomes(asked, "requires_action")

    def complete_refund(self, refund: str) -> None:
        """Complete a refund whose payer said where its money is to go."""
        completed = self.refunds[refund]
        if completed["status"] != "requires_action":
            raise ValueError("nobody was asked")
        self._refund_becomes(completed, "succeeded")

    def _refund_becomes(self, refund: Object, status: str, *events: str) -> None:
        was_out, is_out = (state not in {"failed", "canceled"} for state in (refund["status"], status))
        refund["status"] = status
        self._refunded(self.charges[refund["charge"]], (is_out - was_out) * refund["amount"])
        self._pass_time(refund["charge"])
        for event in (*events, "refund.updated", "charge.refund.updated"):
            self._tell(event, refund)

    def open_dispute(self, payment: str, amount: int | None = None, *, inquiry: bool = False) -> str:
        """Dispute a payment, all of it or so much; an inquiry asks only, and takes no money. Returns the dispute."""
        charge = self._charge_of(payment)
        charge["disputed"] = True
        dispute = self._new(
            self.disputes,
            "dp",
            "dispute",
            amount=charge["amount"] if amount is None else amount,
            balance_transactions=[],
            charge=charge["id"],
            currency=charge["currency"],
            metadata={},
            payment_intent=charge["payment_intent"],
            reason="fraudulent",
            status="warning_needs_response" if inquiry else "needs_response",
        )
        self._tell("charge.dispute.created", dispute)
        return str(dispute["id"])

    def withdraw(self, dispute: str) -> None:
        """Take the money of a dispute from us, also again what came back."""
        disputed = self.disputes[dispute]
        self._move(disputed, -(disputed["amount"] + _balance(disputed)), "funds_withdrawn")

    def reinstate(self, dispute: str, amount: int | None = None) -> None:
        """Give the money of a dispute back to us, or so much of it."""
        disputed = self.disputes[dispute]
        held = -_balance(disputed)
        amount = held if amount is None else amount
        if amount > held:
            raise ValueError(f"it holds {held}")
        self._move(disputed, amount, "funds_reinstated")

    def close_dispute(self, dispute: str, status: str = "lost") -> None:
        """Close a dispute as ``won``, ``lost`` or ``warning_closed``."""
        if status not in {"won", "lost", "warning_closed"}:
            raise ValueError("it is won, lost or warning_closed")
        self.disputes[dispute]["status"] = status
        self._pass_time(self.disputes[dispute]["charge"])
        self._tell("charge.dispute.closed", self.disputes[dispute])

    def _move(self, dispute: Object, amount: int, what: str) -> None:
        if not amount:
            raise ValueError("the money is there already")
        transaction = {"id": _id("txn"), "object": "balance_transaction", "amount": amount}
        dispute["balance_transactions"].append(transaction | {"currency": dispute["currency"], "exchange_rate": None})
        self._pass_time(dispute["charge"])
        self._tell(f"charge.dispute.{what}", dispute)

    def _tried(self, session: Object) -> Object:
        """Return the payment intent of a session that can still be paid, made at its first try."""
        if session["status"] == "expired" or session["payment_status"] == "paid":
            raise ValueError(f"the session is {session['status']}, its payment {session['payment_status']}")
        if session["payment_intent"]:
            return self.intents[session["payment_intent"]]
        intent = self._new(
            self.intents,
            "pi",
            "payment_intent",
            amount=session["amount_total"],
            amount_received=0,
            currency=session["currency"],
            last_payment_error=None,
            latest_charge=None,
            metadata=self._sold[session["id"]].metadata,
            status="requires_payment_method",
        )
        session["payment_intent"] = intent["id"]
        self._tell("payment_intent.created", intent)
        return intent

    def _charge(self, intent: Object) -> None:
        charge = self._new(
            self.charges,
            "ch",
            "charge",
            amount=intent["amount"],
            amount_refunded=0,
            currency=intent["currency"],
            disputed=False,
            metadata=intent["metadata"],
            paid=True,
            payment_intent=intent["id"],
            refunded=False,
            status="succeeded",
        )
        intent |= {
            "amount_received": intent["amount"],
            "last_payment_error": None,
            "latest_charge": charge["id"],
            "status": "succeeded",
        }
        self._tell("charge.succeeded", charge)

    def _charge_of(self, payment: str) -> Object:
        intent = self.sessions[payment]["payment_intent"] if payment in self.sessions else payment
        charge = self.intents[intent]["latest_charge"] if intent else None
        if charge is None:
            raise ValueError("it is not paid")
        return self.charges[charge]

    @staticmethod
    def _refunded(charge: Object, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]

    def _seconds(self, about: Object) -> int:
        """Return the time at the charge that something is about; at all else it is the clock's."""
        charge = about.get("charge") or about.get("id")
        return max(int(self.clock()), self._last_seconds.get(str(charge), 0))

    def _pass_time(self, charge: str) -> None:
        self._last_seconds[charge] = self._seconds({"charge": charge}) + 1

    def _new(self, kept: dict[str, Object], prefix: str, kind: str, **fields: Any) -> Object:
        made = {"id": _id(prefix), "object": kind, "created": self._seconds(fields), "livemode": False, **fields}
        kept[made["id"]] = made
        return made

    def _tell(self, event_type: str, about: Object) -> None:
        """Make an event of an object as it is now, and send it."""
        if event_type.startswith("refund.") and self.api_version < REFUND_EVENTS_SINCE:
            return
        # Written and read again: an event does not change with its object.
        snapshot = orjson.loads(orjson.dumps(about))
        event = self._new(
            self.events,
            "evt",
            "event",
            api_version=self.api_version,
            data={"object": snapshot},
            pending_webhooks=1,
            type=event_type,
        )
        event["created"] = self._seconds(about)
        body = orjson.dumps(event)
        self._outgoing.send("stripe", lambda: (self._signed(body), body))

    def _signed(self, body: bytes) -> Mapping[str, str]:
        seconds = int(self.clock())
        signature = hmac.new(self._secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={seconds},v1={signature}", "Content-Type": "application/json; charset=utf-8"}


def _balance(dispute: Object) -> int:
    """Return what a dispute moved on our balance so far, below zero while it holds money."""
    return sum(move["amount"] for move in dispute["balance_transactions"])


def _id(prefix: str) -> str:
    return f"{prefix}_" + "".join(secrets.choice(string.ascii_letters) for _ in range(_ID_LENGTH))
