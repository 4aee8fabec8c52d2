"""Each setting and option that there is, and the test that shows its effect."""

from collections.abc import Mapping

_EDGE = "tests/contract/test_edge.py"
_SIGN_IN = "tests/identity/test_sign_in.py"
_IDENTITY = "tests/identity/test_settings.py"
_HERE = "tests/settings/test_settings_take_effect.py"
_OPTIONS = "tests/settings/test_options_take_effect.py"
_BUYING = (
    "tests/contract/payments/test_create_purchase.py::"
    "test_a_purchase_by_a_checkout_page_is_pending_and_says_where_to_pay"
)
_PROCESS = "tests/webhooks/test_process.py"
_PROVIDERS = "tests/bootstrap/test_payment_providers.py"
_SUBSCRIPTIONS = "tests/contract/payments/test_subscriptions.py"
_TLS = "tests/contract/test_tls.py"
_USAGE = "tests/contract/test_usage.py"
_BACKUPS = "tests/bootstrap/test_backups.py"
_RESTORED = "tests/backup/test_private_server.py"
_NOT_CARRIED_OVER = f"{_RESTORED}::test_it_has_none_of_the_settings_that_its_data_came_with"
_SEALED = "tests/contract/test_sealed.py"
_CALL = "tests/cli/test_call_tls.py"
_RUN = "tests/cli/test_run.py"
_ADAPTER = "tests/webhooks/test_service_away.py"
_KEEPALIVE = "tests/server/test_keepalive.py"
_STRANGERS = "tests/server/test_strangers.py"
_BODIES = "tests/webhooks/test_bodies.py"
_CHANNEL = "tests/webhooks/test_channel.py"
_CLIENT = "tests/payments/test_client.py"
_CONNINFO = "tests/storage/test_conninfo.py"
_FITNESS = "tests/storage/test_fitness.py"
_BY_QR_CODE = "tests/contract/payments/test_omise_purchases.py::test_the_usual_way_is_a_qr_code_with_its_end"
_LOOKING = "tests/service/payments/test_end_to_end.py::test_a_purchase_whose_webhooks_are_all_lost_is_found_by_looking"
_POWERS = "tests/storage/test_powers.py"
_METRICS = "tests/telemetry/test_metrics_encrypted.py"
_HTTPS = "tests/webhooks/test_encrypted.py"
_HTTPS_SETTINGS = f"{_HTTPS}::test_a_process_is_told_by_its_settings_and_serves_plaintext_to_others_only_if_it_is_said"
_EMBEDDED = "tests/development/postgres/test_server.py"

_A_FORGED_SIGNATURE_IS_REJECTED = (
    "tests/contract/payments/test_rejected_webhooks.py::test_a_forged_signature_is_rejected"
)
_WORKERS_SHARE_A_PORT_ARE = (
    "tests/cli/test_serve.py::test_workers_share_a_port_are_replaced_when_they_die_and_end_together"
)
_A_MESSAGE_FAR_OVER_THE = "tests/contract/test_bad_calls.py::test_a_message_far_over_the_limit_is_not_even_read"
_A_CLIENT_THAT_PINGS_AS = f"{_KEEPALIVE}::test_a_client_that_pings_as_often_as_it_may_stays_connected"
_WEBHOOKS_ARE_REPEATED_WHILE_THE = (
    f"{_ADAPTER}::test_webhooks_are_repeated_while_the_service_is_away_and_stored_once_it_is_back"
)
_CALLS_THAT_WAIT_ARE = f"{_STRANGERS}::test_calls_that_wait_to_be_looked_at_are_not_cut_off"
_SESSIONS = f"{_FITNESS}::test_sessions_are_what_they_must_be_whatever_the_login_is_set_to"
_TIME_LIMITS = f"{_OPTIONS}::test_a_session_ends_what_takes_too_long"
_PROBED = f"{_OPTIONS}::test_a_connection_over_tcp_is_probed_as_we_say"
_POOL = f"{_OPTIONS}::test_a_pool_has_as_many_connections_as_it_may_and_waits_for_no_more"
_DURABLE = f"{_EMBEDDED}::test_commits_are_durable_unless_a_setting_says_otherwise"
_PRIVATE = f"{_EMBEDDED}::test_it_listens_on_a_private_socket_alone"
_UNIVERSAL = f"{_EMBEDDED}::test_it_has_the_memory_and_the_time_of_day_that_it_is_given"

_CONSOLE = "tests/console/test_process.py"
_CONSOLE_GUARDS = "tests/console/test_guards.py"
_CONSOLE_ALONE = f"{_CONSOLE}::test_without_its_service_it_starts_and_says_so_on_a_page_that_tries_again"
_CONSOLE_SESSION_ENDS = (
    "tests/console/test_sign_in.py::test_a_session_ends_so_long_after_the_sign_in_however_it_is_used"
)
_CONSOLE_SSO = "tests/console/test_single_sign_on.py::test_staff_come_in_by_their_organisation_and_go_where_they_wanted"
_CONSOLE_OVER_TLS = "tests/console/test_channel.py::test_over_tls_each_side_shows_a_certificate"
_EXECUTORS = "tests/executors/test_connections.py"
_EXECUTORS_OVER_TLS = f"{_EXECUTORS}::test_over_tls_each_side_shows_a_certificate"
_ENDPOINTS = "tests/contract/test_event_targets.py"
_EVENTS = "tests/contract/test_events.py"
_APPROVALS = "tests/contract/test_approvals.py"
_RATES = "tests/contract/test_rate_limits.py"
_TIERS = f"{_RATES}::test_each_tier_has_its_limit_and_bursts_to_twice_of_it"

SETTINGS: Mapping[str, str] = {
    "database_url": f"{_RUN}::test_it_takes_a_database_that_is_configured_and_starts_none",
    "require_least_privilege": (
        "tests/storage/test_powers.py::test_unless_told_so_an_owner_or_a_superuser_does_not_serve"
    ),
    "database_role": f"{_HERE}::test_a_session_is_what_it_is_told_to_be",
    "database_pool_size": f"{_HERE}::test_the_connections_are_shared_out_to_the_last",
    "database_prepare_threshold": f"{_HERE}::test_with_0_nothing_is_prepared",
    "listen": f"{_RUN}::test_it_says_what_it_started_and_where",
    "metrics_listen": "tests/cli/test_serve.py::test_workers_share_a_port_are_replaced_when_they_die_and_end_together",
    "metrics_token": f"{_METRICS}::test_a_server_is_told_by_its_settings",
    "metrics_tls_certificate_file": f"{_METRICS}::test_a_server_is_told_by_its_settings",
    "metrics_tls_key_file": f"{_METRICS}::test_a_server_is_told_by_its_settings",
    "plaintext_listeners": f"{_METRICS}::test_plaintext_is_for_this_machine_unless_it_is_said",
    "database_layout": "tests/layouts/test_statements.py::test_each_statement_on_account_data_goes_to_one_server",
    "database_lanes": "tests/layouts/test_lanes.py::test_a_service_has_as_many_lanes_as_it_is_told",
    "transport": "tests/server/transport/test_fallback.py::test_each_transport_serves",
    "workers": "tests/cli/test_serve.py::test_workers_share_a_port_are_replaced_when_they_die_and_end_together",
    "data_dir": "tests/cli/test_token.py::test_the_key_is_made_once",
    "jwt_public_key_files": f"{_HERE}::test_a_token_has_to_be_for_us",
    "jwt_issuer": f"{_HERE}::test_a_token_has_to_be_for_us",
    "jwt_audience": f"{_HERE}::test_a_token_has_to_be_for_us",
    "mfa_seconds": "tests/contract/access/test_second_factor.py::test_it_has_to_be_as_recent_as_configured",
    "issuers_file": (
        "tests/contract/test_outside_issuers.py::test_somebody_of_an_outside_issuer_is_served_under_the_issuers_prefix"
    ),
    "identity_database_url": f"{_SIGN_IN}::test_who_has_registered_signs_in_and_calls",
    "identity_key_encryption_key": f"{_IDENTITY}::test_with_another_key_identity_is_not_served_and_the_rest_is",
    "identity_issuer": f"{_IDENTITY}::test_tokens_say_and_live_as_configured",
    "identity_audience": f"{_IDENTITY}::test_tokens_say_and_live_as_configured",
    "access_token_lifetime_seconds": f"{_IDENTITY}::test_tokens_say_and_live_as_configured",
    "refresh_token_lifetime_seconds": f"{_IDENTITY}::test_tokens_say_and_live_as_configured",
    "page_token_secret": f"{_HERE}::test_a_page_token_of_another_secret_is_refused",
    "tls_certificate_file": f"{_TLS}::test_a_client_with_a_certificate_of_the_authority_is_served",
    "backup_folder": "tests/cli/test_backup.py::test_it_lists_what_there_is_and_says_what_is_broken",
    "backup_database_url": f"{_BACKUPS}::test_it_is_told_whom_to_copy_where_to_and_by_which_key",
    "backup_key_file": "tests/cli/test_backup.py::test_a_file_of_the_log_is_taken_as_it_is_configured",
    "backup_hours": f"{_BACKUPS}::test_a_backup_is_due_once_the_newest_is_old_enough",
    "audit_key_file": f"{_SEALED}::test_the_head_is_signed_and_kept_elsewhere_shows_what_was_changed",
    "seal_interval_seconds": f"{_SEALED}::test_what_was_done_is_sealed_by_itself_and_verified_over_the_wire",
    "event_interval_seconds": f"{_EVENTS}::test_each_event_keeps_to_its_schema",
    "event_key_encryption_key": f"{_ENDPOINTS}::test_without_a_key_there_are_none",
    "event_targets_private": f"{_ENDPOINTS}::test_private_targets_are_refused_unless_it_is_said",
    "event_retention_days": f"{_EVENTS}::test_what_is_kept_no_more_is_told_and_what_a_restored_database_has_not",
    "expiry_notice_hours": f"{_EVENTS}::test_notice_of_expiry_is_given_as_configured",
    "tls_key_file": f"{_TLS}::test_a_client_with_a_certificate_of_the_authority_is_served",
    "tls_client_ca_file": f"{_TLS}::test_a_client_without_a_certificate_is_turned_away",
    "user_calls_per_minute": _TIERS,
    "premium_calls_per_minute": _TIERS,
    "staff_calls_per_minute": _TIERS,
    "service_calls_per_minute": _TIERS,
    "address_calls_per_minute": (
        f"{_RATES}::test_strangers_are_counted_by_their_address_and_keep_nobody_out_who_is_known"
    ),
    "method_calls_per_minute": f"{_RATES}::test_a_method_has_a_limit_of_its_own",
    "rate_limits_redis_url": f"{_RATES}::test_limits_hold_while_redis_is_away",
    "rate_limits_redis_ca_file": "tests/server/test_shared_counts.py::test_a_process_is_told_by_its_settings",
    "reflection": f"{_EDGE}::test_reflection_can_be_switched_off",
    "log_level": "tests/telemetry/test_logs.py::test_lines_below_the_level_are_left_out",
    "otlp_endpoint": "tests/telemetry/test_traces.py::test_an_endpoint_without_opentelemetry_is_a_clear_error",
    "drain_seconds": f"{_EDGE}::test_a_call_under_way_is_finished_and_new_ones_go_elsewhere",
    "shutdown_grace_seconds": "tests/cli/test_stopping.py::test_it_ends_in_time_whatever_does_not",
    "sweep_interval_seconds": f"{_HERE}::test_a_sweep_that_is_far_away_writes_nothing",
    "reservation_ttl_seconds": f"{_HERE}::test_a_hold_lives_as_long_as_configured_and_no_longer_than_allowed",
    "reservation_max_ttl_seconds": f"{_HERE}::test_a_hold_lives_as_long_as_configured_and_no_longer_than_allowed",
    "refund_grace_seconds": f"{_HERE}::test_what_comes_back_late_is_kept_for_its_grace",
    "spend_order": f"{_HERE}::test_sources_are_spent_in_the_order_configured",
    "sign_up_credits": f"{_HERE}::test_an_account_starts_with_what_is_configured",
    "least_per_movement": f"{_HERE}::test_limits_are_those_configured_where_an_account_has_none_of_its_own",
    "most_per_movement": f"{_HERE}::test_limits_are_those_configured_where_an_account_has_none_of_its_own",
    "most_per_hour": f"{_HERE}::test_limits_are_those_configured_where_an_account_has_none_of_its_own",
    "usage_label": f"{_USAGE}::test_a_summary_says_what_there_was_what_is_held_and_by_whom_it_was_used",
    "usage_rollup_interval_seconds": f"{_USAGE}::test_usage_is_added_up_by_itself",
    "velocity_rules": "tests/contract/payments/test_velocity.py::test_sixteen_deliveries_at_once_flag_and_suspend_once",
    "most_per_day": f"{_HERE}::test_limits_are_those_configured_where_an_account_has_none_of_its_own",
    "support_credit_limits": (
        "tests/contract/payments/test_support_acts.py::test_credits_are_given_up_to_the_limit_of_a_day"
    ),
    "search_label": "tests/contract/test_search_labels.py::test_a_value_of_the_label_leads_to_the_accounts_that_had_it",
    "approval_credit_thresholds": (
        f"{_APPROVALS}::test_above_the_threshold_an_administrator_too_needs_a_second_person"
    ),
    "approval_money_thresholds": (
        "tests/contract/payments/test_approved_reversals.py::test_above_the_threshold_an_administrator_too_waits"
    ),
    "approval_lifetime_seconds": f"{_APPROVALS}::test_it_expires_at_its_time_and_not_before",
    "executors": f"{_EXECUTORS}::test_executors_are_those_that_are_configured",
    "plaintext_executors": f"{_EXECUTORS}::test_executors_are_those_that_are_configured",
    "executors_tls_ca_file": _EXECUTORS_OVER_TLS,
    "executors_tls_certificate_file": _EXECUTORS_OVER_TLS,
    "executors_tls_key_file": _EXECUTORS_OVER_TLS,
    "payments_live": f"{_PROVIDERS}::test_live_keys_serve_live_payments",
    "payment_poll_interval_seconds": _LOOKING,
    "stripe_api_key": _BUYING,
    "stripe_webhook_secrets": "tests/contract/payments/test_rejected_webhooks.py::test_a_forged_signature_is_rejected",
    "stripe_api_url": _BUYING,
    "omise_secret_key": _BY_QR_CODE,
    "omise_webhook_secrets": "tests/contract/payments/test_rejected_webhooks.py::test_a_forged_signature_is_rejected",
    "omise_unsigned_webhooks": f"{_PROVIDERS}::test_live_webhooks_are_signed_unless_it_is_said_otherwise",
    "omise_api_url": _BY_QR_CODE,
    "lemonsqueezy_api_key": _BUYING,
    "lemonsqueezy_webhook_secrets": _A_FORGED_SIGNATURE_IS_REJECTED,
    "lemonsqueezy_api_url": _BUYING,
    "lemonsqueezy_store_id": _BUYING,
    "lemonsqueezy_variant_id": _BUYING,
    "lemonsqueezy_plan_variant_ids": f"{_SUBSCRIPTIONS}::test_an_active_one_is_listed_and_carries_the_plan",
    "fakes_listen": f"{_RUN}::test_it_says_what_it_started_and_where",
    "webhooks_listen": f"{_PROCESS}::test_what_is_under_way_is_answered_first_and_others_are_turned_away",
    "webhooks_listen_tls_certificate_file": _HTTPS_SETTINGS,
    "webhooks_listen_tls_key_file": _HTTPS_SETTINGS,
    "webhooks_service": f"{_PROCESS}::test_what_is_under_way_is_answered_first_and_others_are_turned_away",
    "webhooks_token_file": "tests/webhooks/test_passing_on.py::test_a_token_that_is_renewed_is_used_without_a_restart",
    "webhooks_tls_ca_file": f"{_ADAPTER}::test_over_tls_each_side_shows_a_certificate",
    "webhooks_tls_certificate_file": f"{_ADAPTER}::test_over_tls_each_side_shows_a_certificate",
    "webhooks_tls_key_file": f"{_ADAPTER}::test_over_tls_each_side_shows_a_certificate",
    "console_listen": _CONSOLE_ALONE,
    "console_url": (
        f"{_CONSOLE_GUARDS}::test_behind_a_proxy_that_speaks_tls_cookies_are_secure_and_paths_have_the_prefix"
    ),
    "console_service": _CONSOLE_ALONE,
    "console_cookie_key": f"{_CONSOLE_GUARDS}::test_consoles_with_one_key_answer_for_each_other",
    "console_idle_seconds": _CONSOLE_SESSION_ENDS,
    "console_session_seconds": _CONSOLE_SESSION_ENDS,
    "console_sso_issuer": _CONSOLE_SSO,
    "console_sso_client_id": _CONSOLE_SSO,
    "console_sso_client_secret": _CONSOLE_SSO,
    "console_sso_scopes": _CONSOLE_SSO,
    "console_listen_tls_certificate_file": f"{_CONSOLE}::test_it_is_served_over_tls_by_its_settings",
    "console_listen_tls_key_file": f"{_CONSOLE}::test_it_is_served_over_tls_by_its_settings",
    "console_tls_ca_file": _CONSOLE_OVER_TLS,
    "console_tls_certificate_file": _CONSOLE_OVER_TLS,
    "console_tls_key_file": _CONSOLE_OVER_TLS,
    "call_token": "tests/cli/test_call.py::test_its_token_may_come_from_a_file_that_nobody_else_sees",
    "call_tls": f"{_CALL}::test_tls_can_be_asked_for_by_the_environment",
    "call_tls_ca_file": f"{_CALL}::test_the_files_come_from_the_environment_too",
    "call_tls_certificate_file": f"{_CALL}::test_the_files_come_from_the_environment_too",
    "call_tls_key_file": f"{_CALL}::test_the_files_come_from_the_environment_too",
    "credit_types": f"{_HERE}::test_credit_types_are_there_with_their_decimals",
}
"""Of `creditd.config.Config`."""

GRPC_OPTIONS: Mapping[str, str] = {
    "grpc.so_reuseport": _WORKERS_SHARE_A_PORT_ARE,
    "grpc.max_receive_message_length": _A_MESSAGE_FAR_OVER_THE,
    "grpc.max_send_message_length": f"{_OPTIONS}::test_an_answer_beyond_what_clients_take_is_not_sent",
    "grpc.max_metadata_size": f"{_OPTIONS}::test_clients_are_told_how_much_metadata_is_taken",
    "grpc.absolute_max_metadata_size": f"{_OPTIONS}::test_clients_are_told_how_much_metadata_is_taken",
    "grpc.max_allowed_incoming_connections": f"{_OPTIONS}::test_a_server_takes_so_many_connections",
    "grpc.max_concurrent_streams": f"{_STRANGERS}::test_clients_are_told_how_many_calls_a_connection_takes",
    "grpc.server.max_pending_requests": _CALLS_THAT_WAIT_ARE,
    "grpc.server.max_pending_requests_hard_limit": _CALLS_THAT_WAIT_ARE,
    "grpc.max_connection_idle_ms": f"{_STRANGERS}::test_an_idle_connection_is_closed",
    "grpc.max_connection_age_ms": f"{_STRANGERS}::test_an_old_connection_takes_no_new_calls",
    "grpc.server_handshake_timeout_ms": f"{_STRANGERS}::test_who_never_introduces_himself_is_put_out",
    "grpc.http2.bdp_probe": f"{_OPTIONS}::test_the_server_does_not_measure_connections",
    "grpc.ssl_target_name_override": (
        "tests/cli/test_health.py::test_over_tls_the_server_is_known_by_its_own_certificate"
    ),
    "grpc.keepalive_time_ms": f"{_KEEPALIVE}::test_the_server_pings_a_silent_connection",
    "grpc.keepalive_permit_without_calls": f"{_KEEPALIVE}::test_the_server_pings_a_silent_connection",
    "grpc.http2.min_ping_interval_without_data_ms": _A_CLIENT_THAT_PINGS_AS,
    "grpc.enable_http_proxy": f"{_OPTIONS}::test_a_proxy_of_the_environment_is_passed_by",
    "grpc.client_idle_timeout_ms": f"{_CHANNEL}::test_a_connection_that_is_not_used_is_let_go_after_its_time_only",
    "grpc.initial_reconnect_backoff_ms": _WEBHOOKS_ARE_REPEATED_WHILE_THE,
    "grpc.min_reconnect_backoff_ms": _WEBHOOKS_ARE_REPEATED_WHILE_THE,
    "grpc.max_reconnect_backoff_ms": _WEBHOOKS_ARE_REPEATED_WHILE_THE,
    "grpc.keepalive_timeout_ms": f"{_CHANNEL}::test_the_system_gives_up_a_machine_that_is_gone",
    "grpc.http2.ping_timeout_ms": f"{_CHANNEL}::test_a_service_that_acknowledges_nothing_is_given_up",
}
"""Of the server and of the adapter's channel."""

HTTP_OPTIONS: Mapping[str, str] = {
    "http": f"{_BODIES}::test_a_head_that_dribbles_in_ends_in_time",
    "ws": "tests/webhooks/test_answers.py::test_other_paths_are_not_there_and_nothing_is_redirected",
    "lifespan": "tests/webhooks/test_answers.py::test_a_defect_is_not_stored_and_its_text_is_not_logged",
    "log_config": "tests/webhooks/test_answers.py::test_the_line_of_a_webhook_says_all_but_what_it_says",
    "log_level": "tests/webhooks/test_answers.py::test_the_line_of_a_webhook_says_all_but_what_it_says",
    "access_log": "tests/webhooks/test_answers.py::test_the_line_of_a_webhook_says_all_but_what_it_says",
    "server_header": f"{_OPTIONS}::test_an_idle_connection_of_the_adapter_is_closed",
    "timeout_keep_alive": f"{_OPTIONS}::test_an_idle_connection_of_the_adapter_is_closed",
    "timeout_graceful_shutdown": f"{_PROCESS}::test_what_is_under_way_is_answered_first_and_others_are_turned_away",
    "h11_max_incomplete_event_size": f"{_BODIES}::test_too_large_a_head_is_turned_away",
}
"""Of the adapter's HTTP server."""

HTTP_CLIENT_OPTIONS: Mapping[str, str] = {
    "base_url": f"{_CLIENT}::test_an_answer_that_leads_elsewhere_is_not_followed",
    "headers": f"{_CLIENT}::test_an_answer_that_leads_elsewhere_is_not_followed",
    "auth": f"{_CLIENT}::test_an_answer_that_leads_elsewhere_is_not_followed",
    "follow_redirects": f"{_CLIENT}::test_an_answer_that_leads_elsewhere_is_not_followed",
    "transport": f"{_CLIENT}::test_no_more_is_read_than_an_answer_may_have",
    "timeout": f"{_CLIENT}::test_who_says_nothing_is_given_up",
    "connect": f"{_CLIENT}::test_who_takes_no_connection_is_given_up",
    "verify": "tests/server/test_key_fetcher.py::test_an_issuer_may_have_an_authority_of_its_own",
}
"""Of the clients that call payment providers, and outside issuers."""

DATABASE_OPTIONS: Mapping[str, str] = {
    "creator": _SESSIONS,
    "execution_options": "tests/layouts/test_statements.py::test_each_statement_on_account_data_goes_to_one_server",
    "pool_size": _POOL,
    "max_overflow": _POOL,
    "pool_timeout": _POOL,
    "pool_use_lifo": f"{_OPTIONS}::test_the_connection_used_last_is_lent_first",
    "hide_parameters": f"{_OPTIONS}::test_an_error_of_the_database_shows_no_parameters",
    "connect_timeout": f"{_CONNINFO}::test_what_its_user_says_of_a_session_is_heeded",
    "keepalives_idle": _PROBED,
    "keepalives_interval": _PROBED,
    "keepalives_count": _PROBED,
    "target_session_attrs": f"{_CONNINFO}::test_the_forms_that_are_documented_connect",
}
"""Of SQLAlchemy's pool, and of libpq where they are no settings of PostgreSQL's."""

SESSION_SETTINGS: Mapping[str, str] = {
    "tcp_user_timeout": _PROBED,
    "application_name": f"{_CONNINFO}::test_what_its_user_says_of_a_session_is_heeded",
    "client_encoding": f"{_CONNINFO}::test_what_its_user_says_of_a_session_is_heeded",
    "role": f"{_HERE}::test_a_session_is_what_it_is_told_to_be",
    "statement_timeout": _TIME_LIMITS,
    "lock_timeout": _TIME_LIMITS,
    "idle_in_transaction_session_timeout": f"{_OPTIONS}::test_a_transaction_that_idles_for_too_long_is_taken_away",
    "transaction_timeout": "tests/storage/test_presence.py::test_no_limit_of_time_ends_the_transaction",
    "default_transaction_isolation": _SESSIONS,
    "session_replication_role": f"{_OPTIONS}::test_a_login_for_which_triggers_do_not_fire_has_them_fire",
    "plan_cache_mode": "tests/storage/test_batch_plans.py::test_what_batches_prepare_has_one_plan_from_its_first_use",
    "enable_bitmapscan": f"{_OPTIONS}::test_only_lists_are_read_in_the_order_of_an_index",
    "enable_seqscan": f"{_OPTIONS}::test_what_was_moved_is_found_by_an_index",
    "fsync": _DURABLE,
    "full_page_writes": _DURABLE,
    "synchronous_commit": _DURABLE,
    "shared_buffers": _UNIVERSAL,
    "timezone": _UNIVERSAL,
    "log_timezone": _UNIVERSAL,
    "listen_addresses": _PRIVATE,
    "unix_socket_directories": _PRIVATE,
    "port": f"{_EMBEDDED}::test_tcp_is_on_loopback_and_asks_for_the_password",
    "archive_command": _NOT_CARRIED_OVER,
    "archive_library": _NOT_CARRIED_OVER,
    "archive_mode": _NOT_CARRIED_OVER,
    "config_file": _NOT_CARRIED_OVER,
    "hot_standby": _NOT_CARRIED_OVER,
    "huge_pages": _NOT_CARRIED_OVER,
    "log_destination": _NOT_CARRIED_OVER,
    "logging_collector": _NOT_CARRIED_OVER,
    "max_prepared_transactions": _NOT_CARRIED_OVER,
    "max_wal_size": _NOT_CARRIED_OVER,
    "primary_conninfo": _NOT_CARRIED_OVER,
    "primary_slot_name": _NOT_CARRIED_OVER,
    "restore_command": _NOT_CARRIED_OVER,
    "session_preload_libraries": _NOT_CARRIED_OVER,
    "shared_preload_libraries": _NOT_CARRIED_OVER,
    "ssl": _NOT_CARRIED_OVER,
    "synchronous_standby_names": _NOT_CARRIED_OVER,
    "unix_socket_permissions": _NOT_CARRIED_OVER,
    "archive_timeout": f"{_RESTORED}::test_the_log_of_the_embedded_server_is_archived",
    "recovery_target_time": f"{_RESTORED}::test_it_goes_to_an_instant",
    "recovery_target_action": f"{_RESTORED}::test_it_goes_to_an_instant",
    "recovery_target_timeline": f"{_RESTORED}::test_it_goes_to_an_instant",
    "idle_session_timeout": f"{_RESTORED}::test_the_log_of_the_embedded_server_is_archived",
    "cluster_name": f"{_EMBEDDED}::test_an_orphan_whose_keeper_was_killed_too_is_stopped_by_the_next_start",
}
"""Of PostgreSQL, wherever they are set: by libpq, for a session, a transaction, or the embedded server."""
