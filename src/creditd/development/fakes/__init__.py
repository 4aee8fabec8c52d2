"""Fake payment providers, for tests and for development without keys: they behave as the real ones, and worse.

Each is one class in a module of its own, ``FakeStripe``, ``FakeOmise``, ``FakeLemonSqueezy``, made as
``Fake(url, outgoing, webhook_secret)``: its own address (``http://127.0.0.1:8082/stripe``), which the pages for payers
are under; the :class:`~creditd.development.fakes.deliveries.Outgoing` that takes its webhooks along; what it signs them
with. Its attribute ``routes`` are the Starlette routes of the provider's API and of those pages, without ``/control``.
Its public methods are the acts of payers and of the provider's dashboard, synchronous, with arguments that JSON knows;
``POST /control/{act}`` calls them by name. The module of Lemon Squeezy says with STORE_ID, VARIANT_ID and
PLAN_VARIANT_ID what is sold there.
"""
