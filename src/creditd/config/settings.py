"""Every setting: its name, type and default, which values it may have, and what it means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from creditd.config import rules
from creditd.config.rules import ANY, ValueRule
from creditd.console.settings import MIN_SESSION_SECONDS
from creditd.service.kinds import LEAST_CONNECTIONS

Value = TypeVar("Value")


class Setting(NamedTuple):
    """A setting as it is declared. The value of a secret stands in no message, and may come from a file."""

    name: str
    default: Any
    meaning: str
    rule: ValueRule
    is_secret: bool


def _setting(default: Value, meaning: str, rule: ValueRule = ANY, *, is_secret: bool = False) -> Value:
    metadata = {"default": default, "meaning": meaning, "rule": rule, "is_secret": is_secret}
    # A configuration may be printed by whatever tells of a defect.
    made: Value = field(default_factory=lambda: default, repr=not is_secret, metadata=metadata)
    return made


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, with the defaults of a development machine. Times are in seconds.

    A Config that is constructed directly has not been judged: see ``fit.require_fit``.
    """

    database_url: str = _setting(
        "", "libpq URL; several hosts may be named. `serve` and `migrate` need it", is_secret=True
    )
    database_role: str = _setting("creditd_app", "role that each connection takes; empty to keep the login's own")
    require_least_privilege: bool = _setting(
        default=True,
        meaning="false: serve also with a [login](docs/operations.md#logins) that could rewrite the ledger, such as "
        "the owner's, and warn",
    )
    database_pool_size: int = _setting(
        29,
        "connections of one process; each kind of waiting has a share ([decision](docs/decisions/0016-bulkheads.md))",
        rules.at_least(LEAST_CONNECTIONS),
    )
    database_prepare_threshold: int = _setting(2, "uses before a statement is prepared; 0: never", rules.at_least(0))
    database_layout: str = _setting(
        "plain",
        "how the tables lie in the database: in one PostgreSQL (`plain`), or distributed by account over those of "
        "[Citus](docs/citus.md) (`citus`)",
        rules.LAYOUT,
    )
    database_lanes: int = _setting(
        8,
        "with the layout `citus`: writers that save at a time, an account's works always the same one's; each has a "
        "connection beside those of the pool",
        rules.at_least(1),
    )
    listen: str = _setting("127.0.0.1:50051", "where gRPC is served", rules.ADDRESS_OR_SOCKET)
    metrics_listen: str = _setting(
        "127.0.0.1:9464", "where Prometheus finds the metrics; empty: nowhere", rules.ADDRESS_OR_NOTHING
    )
    metrics_token: str = _setting(
        "", "bearer token that whoever reads the metrics has to show; empty: none", rules.LONG_SECRET, is_secret=True
    )
    metrics_tls_certificate_file: str = _setting("", "PEM; metrics are served over TLS", rules.FILE)
    metrics_tls_key_file: str = _setting("", "PEM; the certificate's key", rules.FILE)
    plaintext_listeners: tuple[str, ...] = _setting(
        (),
        "which listeners may serve [plaintext](docs/operations.md) on an address that others can reach: "
        "`grpc`, `metrics`, `webhooks`, `console`",
        rules.LISTENERS,
    )
    transport: str = _setting(
        "auto",
        "how gRPC is served: on its completion queue (`queue`), by its asyncio server (`aio`), or the first that "
        "passes its self-test (`auto`)",
        rules.TRANSPORT,
    )
    workers: int = _setting(1, "processes on the one port", rules.at_least(1))
    data_dir: Path = _setting(  # noqa: RUF009 - it is field(), which makes no value here.
        Path(".creditd"), "development: data, key and secret of `run`"
    )
    jwt_public_key_files: tuple[str, ...] = _setting(
        (), "PEM files; a file's name is the `kid`. `serve` needs it, or outside issuers", rules.FILES
    )
    jwt_issuer: str = _setting("", "issuer that tokens have to state; empty: any")
    jwt_audience: str = _setting("", "audience that tokens have to state; empty: any")
    mfa_seconds: float = _setting(
        900.0, "how recent the second factor has to be for [what needs one](docs/access.md)", rules.POSITIVE
    )
    issuers_file: str = _setting("", "JSON; [outside issuers](docs/issuers.md) whose tokens count too", rules.FILE)
    identity_database_url: str = _setting(
        "",
        "libpq URL of [identity](docs/identity.md)'s own database, prepared by `creditd migrate`; empty: users are not "
        "signed in here",
        is_secret=True,
    )
    identity_key_encryption_key: str = _setting(
        "",
        "encrypts what identity keeps secret; the same on all servers. It needs it",
        rules.ENCRYPTION_KEY,
        is_secret=True,
    )
    identity_issuer: str = _setting("creditd", "issuer that its tokens state", rules.NOT_EMPTY)
    identity_audience: str = _setting("creditd", "audience that its tokens are for", rules.NOT_EMPTY)
    access_token_lifetime_seconds: int = _setting(900, "of an access token of identity", rules.at_least(60))
    refresh_token_lifetime_seconds: int = _setting(
        30 * 86_400, "of a session, from the sign-in on, however often it is refreshed", rules.at_least(60)
    )
    page_token_secret: str = _setting(
        "",
        "the same on all servers that answer for each other; random at each start if empty",
        rules.LONG_SECRET,
        is_secret=True,
    )
    tls_certificate_file: str = _setting("", "PEM; needed on any address but loopback", rules.FILE)
    tls_key_file: str = _setting("", "PEM; the certificate's key", rules.FILE)
    tls_client_ca_file: str = _setting("", "PEM; clients have to show a certificate of this authority", rules.FILE)
    user_calls_per_minute: int = _setting(
        100,
        "calls a minute that a user may make; 0: any number ([rate limits](docs/rate-limits.md))",
        rules.at_least(0),
    )
    premium_calls_per_minute: int = _setting(500, "the same of PREMIUM", rules.at_least(0))
    staff_calls_per_minute: int = _setting(
        1_000, "the same of SUPPORT, FINANCE, ADMIN and SUPER_ADMIN", rules.at_least(0)
    )
    service_calls_per_minute: int = _setting(0, "the same of a service", rules.at_least(0))
    address_calls_per_minute: int = _setting(
        1_000, "the same of all who call from one address and are no services", rules.at_least(0)
    )
    method_calls_per_minute: Mapping[str, int] = _setting(
        {}, "the same of any caller for one RPC, such as credit.v1.CreditService/GetBalance=60", rules.METHOD_LIMITS
    )
    rate_limits_redis_url: str = _setting(
        "",
        "the Redis through which processes [share](docs/rate-limits.md#several-processes) rate limits; empty: each "
        "counts for itself",
        rules.REDIS_URL,
        is_secret=True,
    )
    rate_limits_redis_ca_file: str = _setting(
        "", "PEM; how that Redis is known; empty: by the system's authorities", rules.FILE
    )
    reflection: bool = _setting(default=True, meaning="whether the server describes itself")
    log_level: str = _setting("INFO", "least level that is logged", rules.LOG_LEVEL)
    otlp_endpoint: str = _setting("", "where traces go; needs `creditd[otel]`", rules.URL_OR_NOTHING)
    drain_seconds: float = _setting(2.0, "from NOT_SERVING to taking no new call", rules.at_least(0))
    shutdown_grace_seconds: float = _setting(10.0, "for calls under way to end", rules.at_least(0))
    sweep_interval_seconds: float = _setting(1.0, "between looks for what has expired", rules.POSITIVE)
    reservation_ttl_seconds: int = _setting(300, "lifetime of a hold that states none", rules.at_least(1))
    reservation_max_ttl_seconds: int = _setting(
        86_400, "longest lifetime, from the request on, of Reserve and of each ExtendReservation", rules.at_least(1)
    )
    seal_interval_seconds: float = _setting(
        5.0, "between rounds that [seal](docs/audit.md#the-chain) the audit log and the ledgers", rules.POSITIVE
    )
    usage_label: str = _setting(
        "",
        "key in the metadata of reservations by which [usage](docs/usage.md) is broken down too, such as `model`; "
        "empty: none. What was added up goes by a new one after `creditd rollup rebuild`",
        rules.METADATA_KEY,
    )
    usage_rollup_interval_seconds: float = _setting(
        2.0, "between rounds that add up [usage](docs/usage.md)", rules.POSITIVE
    )
    event_interval_seconds: float = _setting(
        0.5, "between looks for [events](docs/events.md) to publish, of each server", rules.POSITIVE
    )
    event_retention_days: float = _setting(30, "how long published events are kept", rules.POSITIVE)
    event_key_encryption_key: str = _setting(
        "",
        "encrypts the secrets of [endpoints](docs/events.md#endpoints); the same on all servers. Empty: there are none",
        rules.ENCRYPTION_KEY,
        is_secret=True,
    )
    event_targets_private: bool = _setting(
        default=False, meaning="whether events may be delivered to private addresses, and over plain http"
    )
    expiry_notice_hours: float = _setting(
        72, "how long before a grant expires its account is told, five minutes more or less", rules.at_least(1)
    )
    audit_key_file: str = _setting("", "PEM; the Ed25519 key that heads of the audit chain are signed with", rules.FILE)
    backup_folder: str = _setting(
        "", "where [backups](docs/backup.md) are; empty: there are none, and `serve` makes none", rules.FOLDER
    )
    backup_database_url: str = _setting(
        "", "libpq URL of a user who may replicate, on PostgreSQL itself; empty: `database_url`'s", is_secret=True
    )
    backup_key_file: str = _setting("", "64 hexadecimal digits; what backups are encrypted with", rules.FILE)
    backup_hours: float = _setting(
        24.0, "how old the newest backup may be before the service makes another; 0: it makes none", rules.at_least(0)
    )
    refund_grace_seconds: int = _setting(
        86_400, "for credits that come back after their grant has expired", rules.at_least(0)
    )
    spend_order: tuple[str, ...] = _setting(
        ("free", "promo", "admin", "purchased"), "which source is spent first", rules.SPEND_ORDER
    )
    sign_up_credits: Mapping[str, int] = _setting({"spec": 1}, "what an account starts with", rules.AMOUNTS)
    least_per_movement: Mapping[str, int] = _setting(
        {},
        "least that a movement may spend, by credit type (`chat`), and for each spender (`chat/*`); this and the next "
        "three are the [limits](docs/limits.md) of accounts that have none of their own",
        rules.LIMITS,
    )
    most_per_movement: Mapping[str, int] = _setting({}, "most that a movement may spend", rules.LIMITS)
    most_per_hour: Mapping[str, int] = _setting({}, "most that may be spent in an hour of the clock", rules.LIMITS)
    most_per_day: Mapping[str, int] = _setting({}, "most that may be spent on a day, UTC", rules.LIMITS)
    velocity_rules: tuple[str, ...] = _setting(
        (
            "failed_payments=10/86400/flag",
            "refunds=3/2592000/flag",
            "disputes=1/15552000/flag",
            "top_ups=10/3600/flag",
            "promo_attempts=10/3600/flag",
        ),
        "what flags or suspends an account to which more of it happens within so many seconds "
        "([velocity rules](docs/velocity.md)); empty: nothing",
        rules.VELOCITY_RULES,
    )
    approval_credit_thresholds: Mapping[str, int] = _setting(
        {},
        "the most of a credit type that an administrator removes or writes off without a second person's "
        "[approval](docs/approvals.md); anything without one",
        rules.THRESHOLDS,
    )
    approval_money_thresholds: Mapping[str, int] = _setting(
        {}, "the same for money given back, by currency, in its smallest unit", rules.THRESHOLDS
    )
    approval_lifetime_seconds: int = _setting(
        3 * 86_400, "how long what was asked for can be approved", rules.at_least(1)
    )
    support_credit_limits: Mapping[str, int] = _setting(
        {},
        "how much of a credit type SUPPORT may [give](docs/explain.md#what-may-support-do) to an account on a day of "
        "UTC; nothing without one",
        rules.THRESHOLDS,
    )
    search_label: str = _setting(
        "",
        "key in the metadata of movements whose values [lead to accounts](docs/explain.md#what-is-this-id), such as "
        "`email`; empty: none. What was written before is found after `creditd rollup rebuild`",
        rules.METADATA_KEY,
    )
    executors: tuple[str, ...] = _setting(
        (),
        "who runs [workflows](docs/executors.md), by name: `render=render.internal:7443`, with commas between them",
        rules.EXECUTORS,
    )
    plaintext_executors: tuple[str, ...] = _setting(
        (), "names of executors that are called in plaintext though they are not on this machine"
    )
    executors_tls_ca_file: str = _setting("", "PEM; how executors are known", rules.FILE)
    executors_tls_certificate_file: str = _setting("", "PEM; what they are shown (mutual TLS)", rules.FILE)
    executors_tls_key_file: str = _setting("", "PEM; the certificate's key", rules.FILE)
    payments_live: bool = _setting(
        default=False, meaning="true: real money; see [payments](docs/payments.md) for the following"
    )
    payment_poll_interval_seconds: float = _setting(
        5.0, "between looks for open purchases that are due", rules.POSITIVE
    )
    stripe_api_key: str = _setting("", "Stripe is configured once this is set", is_secret=True)
    stripe_webhook_secrets: tuple[str, ...] = _setting((), "any of them verifies", is_secret=True)
    stripe_api_url: str = _setting("https://api.stripe.com", "for fakes", rules.PROVIDER_URL)
    omise_secret_key: str = _setting("", "Omise is configured once this is set", is_secret=True)
    omise_webhook_secrets: tuple[str, ...] = _setting((), "base64; any of them verifies", is_secret=True)
    omise_unsigned_webhooks: bool = _setting(
        default=False, meaning="true: take live webhooks that nobody has signed, if no webhook secret is set"
    )
    omise_api_url: str = _setting("https://api.omise.co", "for fakes", rules.PROVIDER_URL)
    lemonsqueezy_api_key: str = _setting("", "Lemon Squeezy is configured once this is set", is_secret=True)
    lemonsqueezy_webhook_secrets: tuple[str, ...] = _setting((), "any of them verifies", is_secret=True)
    lemonsqueezy_api_url: str = _setting("https://api.lemonsqueezy.com", "for fakes", rules.PROVIDER_URL)
    lemonsqueezy_store_id: str = _setting("", "the store that sells")
    lemonsqueezy_variant_id: str = _setting("", "variant that packages are sold as")
    lemonsqueezy_plan_variant_ids: tuple[str, ...] = _setting((), "variants that are subscriptions to the plan")
    fakes_listen: str = _setting(
        "127.0.0.1:8082",
        "where `run` has its fake payment providers: whoever reaches them pays with nothing",
        rules.LOOPBACK,
    )
    webhooks_listen: str = _setting(
        "127.0.0.1:8080",
        "where `webhooks` and `run` take webhooks; empty: `run` takes none",
        rules.ADDRESS_OR_NOTHING,
    )
    webhooks_listen_tls_certificate_file: str = _setting(
        "", "PEM; what `webhooks` shows those who send them, over TLS", rules.FILE
    )
    webhooks_listen_tls_key_file: str = _setting("", "PEM; the certificate's key", rules.FILE)
    webhooks_service: str = _setting("127.0.0.1:50051", "the service that `webhooks` passes them on to", rules.ADDRESS)
    webhooks_token_file: str = _setting("", "the adapter's own token. `webhooks` needs it")
    webhooks_tls_ca_file: str = _setting("", "PEM; how `webhooks` knows a service that is not on loopback")
    webhooks_tls_certificate_file: str = _setting("", "PEM; what `webhooks` shows the service (mutual TLS)")
    webhooks_tls_key_file: str = _setting("", "PEM; the certificate's key")
    console_listen: str = _setting(
        "127.0.0.1:8081",
        "where `console` and `run` serve staff their [pages](docs/console.md); empty: `run` serves none",
        rules.ADDRESS_OR_NOTHING,
    )
    console_url: str = _setting(
        "",
        "where browsers find the console, with the path before its own that a proxy passes on; empty: where it listens",
        rules.CONSOLE_URL,
    )
    console_service: str = _setting("127.0.0.1:50051", "the service that `console` calls", rules.ADDRESS)
    console_cookie_key: str = _setting(
        "",
        "encrypts the sessions of `console`; the same on all that answer for each other; random at each start if empty",
        rules.ENCRYPTION_KEY,
        is_secret=True,
    )
    console_idle_seconds: int = _setting(
        1_800, "from the last page to the end of a session of `console`", rules.at_least(MIN_SESSION_SECONDS)
    )
    console_session_seconds: int = _setting(
        43_200, "from the sign-in to the end of it", rules.at_least(MIN_SESSION_SECONDS)
    )
    console_sso_issuer: str = _setting(
        "",
        "the [outside issuer](docs/console.md#single-sign-on) that signs staff in too, by OpenID Connect; one of "
        "`CREDITD_ISSUERS_FILE`",
        rules.CONSOLE_URL,
    )
    console_sso_client_id: str = _setting("", "what the console is called there")
    console_sso_client_secret: str = _setting("", "what it shows there; empty: PKCE alone", is_secret=True)
    console_sso_scopes: str = _setting("openid email", "what it asks for there")
    console_listen_tls_certificate_file: str = _setting("", "PEM; the console is served over TLS", rules.FILE)
    console_listen_tls_key_file: str = _setting("", "PEM; the certificate's key", rules.FILE)
    console_tls_ca_file: str = _setting("", "PEM; how `console` knows a service that is not on loopback")
    console_tls_certificate_file: str = _setting("", "PEM; what `console` shows the service (mutual TLS)")
    console_tls_key_file: str = _setting("", "PEM; the certificate's key")
    call_token: str = _setting(
        "",
        "bearer token of `call` and `reconcile`, which other users of the machine do not see as they see a flag; "
        "empty: one made now, in development",
        is_secret=True,
    )
    call_tls: bool = _setting(
        default=False,
        meaning="whether `call` and `reconcile` speak TLS to this machine too; to any other they always do",
    )
    call_tls_ca_file: str = _setting("", "PEM; how `call` and `reconcile` know the server")
    call_tls_certificate_file: str = _setting("", "PEM; what they show the server (mutual TLS)")
    call_tls_key_file: str = _setting("", "PEM; the certificate's key")
    credit_types: Mapping[str, int] = _setting(
        {"spec": 0, "chat": 0, "quiz_gen": 0, "THB": 2},
        "credit types and their decimals, made at the start if missing",
        rules.CREDIT_TYPES,
    )

    @property
    def providers(self) -> tuple[str, ...]:
        """The payment providers that are configured, by the names in the paths of their webhooks."""
        keys = {
            "stripe": self.stripe_api_key,
            "omise": self.omise_secret_key,
            "lemonsqueezy": self.lemonsqueezy_api_key,
        }
        return tuple(name for name, key in keys.items() if key)


def _declared() -> Iterator[Setting]:
    for item in fields(Config):
        yield Setting(item.name, **item.metadata)


SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in _declared()}
"""All settings, by name, in the order in which they are explained."""


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"CREDITD_{name.upper()}"
