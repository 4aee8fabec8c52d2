"""An account at the fake Stripe: what payers and the dashboard do there, and the events that come of it."""

import hashlib
import hmac
import secrets
import string
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from creditd.fakes.outgoing import Outgoing

Object = dict[str, Any]

_ID_LENGTH: Final = 24
"""As long as Stripe's own. Letters alone, so that no id can be taken for a card number."""


class Sold(NamedTuple):
    """What a session's payment intent and page say, and the session itself does not."""

    name: str
    metadata: Mapping[str, str]


class StripeAccount:
    """Keeps Checkout sessions, payment intents, charges, refunds, disputes and events, each by its id.

    The methods are acts. A ``payment`` is named by its payment intent or its session. Acts that make no sense, such as
    to pay twice, raise ValueError; ids that are not known raise KeyError. Its time is that of ``clock``, Unix seconds.
    """

    def __init__(self, outgoing: Outgoing, webhook_secret: str) -> None:
        """Send events by ``outgoing``, signed with the secret."""
        self.clock: Callable[[], float] = time.time
        self.sessions: dict[str, Object] = {}
        self.intents: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self._sold: dict[str, Sold] = {}
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
        failed |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        self._refunded(self.charges[failed["charge"]], -failed["amount"])
        self._tell("refund.failed", failed)
        self._tell("refund.updated", failed)
        self._tell("charge.refund.updated", failed)

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
        """Take the money of a dispute from us."""
        self._move(dispute, -1, "funds_withdrawn")

    def reinstate(self, dispute: str) -> None:
        """Give the money of a dispute back to us."""
        self._move(dispute, 1, "funds_reinstated")

    def close_dispute(self, dispute: str, status: str = "lost") -> None:
        """Close a dispute as ``won``, ``lost`` or ``warning_closed``."""
        if status not in {"won", "lost", "warning_closed"}:
            raise ValueError("it is won, lost or warning_closed")
        self.disputes[dispute]["status"] = status
        self._tell("charge.dispute.closed", self.disputes[dispute])

    def _move(self, dispute: str, sign: int, what: str) -> None:
        moved = self.disputes[dispute]
        moves = moved["balance_transactions"]
        if len(moves) != (0 if sign < 0 else 1):
            raise ValueError("the money is there already")
        moves.append({"id": _id("txn"), "object": "balance_transaction", "amount": sign * moved["amount"]})
        self._tell(f"charge.dispute.{what}", moved)

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

    def _new(self, kept: dict[str, Object], prefix: str, kind: str, **fields: Any) -> Object:
        made = {"id": _id(prefix), "object": kind, "created": int(self.clock()), "livemode": False, **fields}
        kept[made["id"]] = made
        return made

    def _tell(self, event_type: str, about: Object) -> None:
        """Make an event of an object as it is now, and send it."""
        # Written and read again: an event does not change with its object.
        snapshot = orjson.loads(orjson.dumps(about))
        event = self._new(
            self.events,
            "evt",
            "event",
            api_version="2025-09-30.clover",
            data={"object": snapshot},
            pending_webhooks=1,
            type=event_type,
        )
        body = orjson.dumps(event)
        self._outgoing.send("stripe", lambda: (self._signed(body), body))

    def _signed(self, body: bytes) -> Mapping[str, str]:
        seconds = int(self.clock())
        signature = hmac.new(self._secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={seconds},v1={signature}", "Content-Type": "application/json; charset=utf-8"}


def _id(prefix: str) -> str:
    return f"{prefix}_" + "".join(secrets.choice(string.ascii_letters) for _ in range(_ID_LENGTH))
