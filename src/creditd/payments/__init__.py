"""The payment providers: how their webhooks are verified and read, and how their APIs are called."""
