"""The limits of the adapter: sizes, counts and times. Read as attributes of this module, so that tests can set them."""

MAX_BODY_BYTES = 262_144
"""What the service takes (`IngestWebhookRequest.body`). The providers' events take a few kB, the largest some tens."""

MAX_HEADERS_BYTES = 16_384
"""Names and values together; providers and proxies send one or two kB."""

MAX_AT_ONCE = 200
"""Webhooks passed on and not yet answered; beyond it they are turned away, to be sent again."""

MAX_READING = 200
"""Bodies that are still on their way; for one more, the one that is longest on its way is turned away. With MAX_AT_ONCE
and MAX_BODY_BYTES it bounds the memory."""

MAX_READING_EACH = 100
"""Of them, so many may come from one address. A proxy in front of the adapter reads a body before it passes it on."""

MAX_WAITING = 500
"""Connections on which no request is under way; for one more, the one that has said nothing for longest is closed. With
MAX_READING and MAX_AT_ONCE it stays below the usual limit of 1,024 open files a process."""

MAX_WAITING_EACH = 250
"""Of them, so many may be of one address, or of one proxy: it keeps fewer open that it does not use."""

BODY_SECONDS = 4.0
"""For a whole body to arrive. A provider sends it in one go; whoever dribbles holds a place that others need."""

RPC_SECONDS = 5.0
"""For the service's answer. With BODY_SECONDS it stays under ten seconds, which no provider is known to undercut.

Stripe asks for a quick answer and names no figure where it explains its time-outs
(https://support.stripe.com/questions/webhooks-how-to-investigate-and-fix-timed-out); neither does Lemon Squeezy
(https://docs.lemonsqueezy.com/help/webhooks/webhook-requests). Too late an answer costs a repeat, which the service
knows for one.
"""

IDLE_SECONDS = 5
"""A connection is kept open for another request for as long."""

HEAD_SECONDS = 10.0
"""For the head of a request to arrive, and for the rest of a body that was turned away to be thrown away."""

GRACE_SECONDS = 10
"""At the end, for what is under way: more than BODY_SECONDS and RPC_SECONDS together, so that nothing is torn."""

RETRY_AFTER_SECONDS = 5
"""What a 503 asks for, and a 429 where the service names no time. The providers keep to schedules of their own; proxies
and tests may listen."""

MAX_TOKEN_BYTES = 8_192
"""The service refuses longer ones."""
