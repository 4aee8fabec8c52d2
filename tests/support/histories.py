"""Tables filled with a crowd of accounts that have little, and with accounts that have a long history."""

from hashlib import md5
from uuid import UUID

import psycopg

from creditd.storage.payments.payment_tables import purchases

CROWD = 2_000

_NO_VACUUM = "ALTER TABLE {} SET (autovacuum_enabled = false)"

_CROWD = """
INSERT INTO accounts SELECT 'account-' || n, 1, 1, false, NULL, now(), now() FROM generate_series(1, {crowd}) AS n;
INSERT INTO wallets
SELECT 'account-' || n, t, 0, 3, 1, 0, 0, now() + n * interval '1 second', 1, now()
FROM generate_series(1, {crowd}) AS n, unnest('{{chat,quiz_gen,spec}}'::text[]) AS t;
INSERT INTO grants (account_id, credit_type, grant_id, source, amount, remaining, live, expire_time)
SELECT 'account-' || (1 + n % {crowd}), 'chat', gen_random_uuid(), 1, 1, n % 2, n % 2 = 1, NULL
FROM generate_series(1, 3 * {crowd}) AS n;
INSERT INTO reservations
SELECT 'account-' || (1 + n % {crowd}), 'chat', gen_random_uuid(), 1 + n % 4, 1, (n % 4 = 1)::int, 0, false, '[]',
       now(), now(), now(), '', NULL
FROM generate_series(1, 3 * {crowd}) AS n;
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
    available_after, reserved_after, debt_after, slices, reservation_id, reservation_state, reservation_captured,
    reservation_refunded, reservation_expire_time, request_id, ordinal, fingerprint, actor, reason, metadata,
    create_time)
SELECT 'account-' || (1 + n % {crowd}), 'chat', n, 6, 1, 1, 0, 0, 1, 0, 0, '[]', gen_random_uuid(), 1, 0, 0, now(),
       'request-' || n, 0, 1, 'tests', '', NULL, now()
FROM generate_series(1, 3 * {crowd}) AS n;
INSERT INTO spending_counts
SELECT 'account-' || n, 'chat', s, now(), 1, now(), 1
FROM generate_series(1, {crowd}) AS n, unnest('{{"",ann,ben}}'::text[]) AS s;
INSERT INTO audit_seals
SELECT n, '00000000-0000-0000-0000-000000000000', 0, 1, '', '', now() FROM generate_series(1, {crowd}) AS n;
INSERT INTO entry_seals
SELECT 'account-' || n, t, 1, 3, '', '', n FROM generate_series(1, {crowd}) AS n, unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO velocity_events
SELECT 'account-' || n, 2, 'subject-' || s, now() FROM generate_series(1, {crowd}) AS n, generate_series(1, 3) AS s;
INSERT INTO account_flags
SELECT 'account-' || n, md5('account-' || n)::uuid, 1 + n % 4, 10, 86400, 1, 11, false, now()
FROM generate_series(1, {crowd}) AS n;
INSERT INTO velocity_states
SELECT account_id, kind, 86400, 1, CASE WHEN kind = 1 THEN flag_id END, NULL FROM account_flags;
INSERT INTO entry_archives
SELECT 'account-' || n, 'quiz_gen', 1, 2, 1, now(), '', '', '{{}}', now() FROM generate_series(1, {crowd}) AS n;
UPDATE wallets SET debt = 1 WHERE credit_type = 'spec' AND account_id LIKE 'account-%7';
INSERT INTO support_gifts SELECT 'account-' || n, 'chat', now(), 1 FROM generate_series(1, {crowd}) AS n;
INSERT INTO workflows
SELECT 'account-' || n, 'workflow', 1, 'W', '', 'render', 'chat', 1, 1, true, 1000000, now(), now(), NULL
FROM generate_series(1, {crowd}) AS n;
INSERT INTO runs
SELECT 'account-' || n, md5('account-' || n)::uuid, 'workflow', 'render', 'chat', 1, 1, true, '', '', '{{}}', 3, 1, 1,
       1, NULL, now(), now(), NULL, '', '', 1, '', '', now(), now(), now()
FROM generate_series(1, {crowd}) AS n;
INSERT INTO account_labels
SELECT 'account-' || n || '@example.com', 'account-' || n FROM generate_series(1, {crowd}) AS n;
INSERT INTO account_movements
SELECT 'account-' || n, date_trunc('day', now(), 'UTC') - n % 50 * interval '1 day'
FROM generate_series(1, {crowd}) AS n;
INSERT INTO usage_positions
SELECT 'account-' || n, t, 1, 2, 2 FROM generate_series(1, {crowd}) AS n, unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO usage_sums
SELECT 'account-' || n, 'chat', 1, date_trunc('hour', now()), m, 1, 1
FROM generate_series(1, {crowd}) AS n, unnest('{{7,8}}'::int[]) AS m;
INSERT INTO usage_parts
SELECT 'account-' || n, 'chat', 1, d, date_trunc('hour', now()), 'one', 1, 0
FROM generate_series(1, {crowd}) AS n, unnest('{{1,2}}'::int[]) AS d;
INSERT INTO usage_totals
SELECT 1, t, g, date_trunc('hour', now()) - n * interval '1 hour', 7, 1, 1
FROM generate_series(1, {crowd}) AS n, unnest('{{1,2,3}}'::int[]) AS g, unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO usage_ranks
SELECT 1, 'chat', d, s, date_trunc('month', now(), 'UTC'), 'account-' || n, n, 0
FROM generate_series(1, {crowd}) AS n, unnest('{{0,1}}'::int[]) AS d, unnest('{{1,2,3}}'::int[]) AS s;
INSERT INTO usage_leaders SELECT * FROM usage_ranks WHERE used > {crowd} / 2;
INSERT INTO usage_floors
SELECT edition, credit_type, dimension, span, span_time - d * interval '1 day', {crowd} / 2, ''
FROM usage_ranks, generate_series(0, 2000) AS d WHERE value = 'account-1';
INSERT INTO promo_codes
SELECT 'code' || n, 'Code' || n, md5('series-' || n % 100)::uuid, 1 + n % 3, 'chat', 1, NULL, 0, 0, '', 0, false, NULL,
       NULL, 1000000, 100, 3, 3, now() - n * interval '1 second', NULL
FROM generate_series(1, {crowd}) AS n;
INSERT INTO promo_claims
SELECT 'code' || n, 'account-' || a, 1, 'request-' || n, 1, 'tests', 1, 'chat', gen_random_uuid(), NULL, NULL, now(), 0,
       NULL
FROM generate_series(1, {crowd}) AS n, generate_series(1, 3) AS a;
INSERT INTO first_purchase_promos
SELECT 'account-' || n, md5('account-' || n)::uuid FROM generate_series(1, {crowd}) AS n;
INSERT INTO packages VALUES ('small', 'Small', 1000, 'THB', 'chat', 90, 10, now(), NULL);
INSERT INTO reconciliations
SELECT 1 + n % 3, true, now() - n * interval '1 day', now() - n * interval '1 day', now()
FROM generate_series(1, 3000) AS n;
INSERT INTO rejected_webhooks
SELECT 1, 'no_signature', now() - n * interval '1 hour', 1, now(), '' FROM generate_series(1, 20 * {crowd}) AS n;
INSERT INTO subscriptions
SELECT 'account-' || n, 3, true, 'sub-' || n, 2, true, NULL, now(), now(), now() FROM generate_series(1, {crowd}) AS n;
"""

# Of an account: how long its history is grows, what it has now does not.
_HISTORY = """
INSERT INTO accounts VALUES ('{account}', {n}, 1, false, NULL, now(), now());
INSERT INTO request_claims SELECT '{account}', 'claim-' || n, 3, now() FROM generate_series(1, {n} / 5) AS n;
INSERT INTO account_changes
SELECT '{account}', n, 'change-' || n, 1, 'tests', '', 1, false, NULL, now() FROM generate_series(2, {n} / 10) AS n;
INSERT INTO wallets
SELECT '{account}', t, 0, {n}, 1, 0, 0, now() + interval '1 hour', {n}, now() FROM unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO grants (account_id, credit_type, grant_id, source, amount, remaining, live, expire_time)
SELECT '{account}', 'chat', md5('{account}-' || n)::uuid, 1, 1, (n <= 20)::int, n <= 20, NULL
FROM generate_series(1, {n} / 5) AS n;
INSERT INTO reservations
SELECT '{account}', CASE WHEN n % 1000 = 7 THEN 'spec' ELSE 'chat' END, md5('{account}-' || n)::uuid,
       CASE WHEN n <= 20 THEN 1 WHEN n % 1000 = 1 THEN 4 ELSE 2 END, 1, (n > 20 AND n % 1000 <> 1)::int, 0, false, '[]',
       now() + interval '1 hour', now(), now(), '', NULL
FROM generate_series(1, {n}) AS n;
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
    available_after, reserved_after, debt_after, slices, reservation_id, reservation_state, reservation_captured,
    reservation_refunded, reservation_expire_time, request_id, ordinal, fingerprint, actor, reason, metadata,
    create_time)
SELECT '{account}', t, n, CASE WHEN n = 5 THEN 13 WHEN n % 50 = 0 THEN 2 WHEN n % 1000 = 1 THEN 11 ELSE 6 END,
       1, 1, 0, 0, 1, 0, 0, '[]',
       CASE WHEN t = 'spec' THEN md5('{account}-spec-' || n)::uuid
            WHEN n <= {n} / 2 THEN md5('{account}-1')::uuid ELSE md5('{account}-' || n)::uuid END, 1, 0, 0, now(),
       '{account}-' || t || n, 0, 1, 'tests', '', NULL, now() + n * interval '1 millisecond'
FROM generate_series(1, {n}) AS n, unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO staff_notes SELECT '{account}', '{account}-chat' || n, 'a note', 'tests', now()
FROM generate_series(1, {n}) AS n;
INSERT INTO velocity_events
SELECT '{account}', 1 + n % 4, 'subject-' || n, now() - n * interval '1 minute' FROM generate_series(1, {n} / 2) AS n;
INSERT INTO account_flags
SELECT '{account}', md5('{account}-' || n)::uuid, 2, 10, CASE WHEN n = 3 THEN 86400 ELSE 3600 END, 1, 11, false, now()
FROM generate_series(1, {n} / 10) AS n;
INSERT INTO velocity_states
SELECT account_id, 2, window_seconds, 1, flag_id, now() - interval '1 hour' FROM account_flags
WHERE account_id = '{account}' AND flag_id IN (md5('{account}-3')::uuid, md5('{account}-1')::uuid);
INSERT INTO flag_clearances
SELECT account_id, flag_id, flag_id::text, 1, 'tests', '', false, now() FROM account_flags
WHERE account_id = '{account}' AND flag_id NOT IN (md5('{account}-3')::uuid, md5('{account}-1')::uuid);
INSERT INTO spending_counts
SELECT '{account}', 'chat', CASE WHEN n > 1 THEN 'spender-' || n ELSE '' END,
       now() - CASE WHEN n > 20 THEN interval '1 day' ELSE '0' END, 1,
       now() - CASE WHEN n > 20 THEN interval '1 day' ELSE '0' END, 1
FROM generate_series(1, {n} / 10) AS n;
INSERT INTO purchases (account_id, purchase_id, version, request_id, fingerprint, provider, live, method, return_url,
    package_id, display_name, amount, currency, credit_type, credits, bonus, state, reference, redirect_url,
    qr_image_url, payment_id, granted, reversed, grant_ids, paid, refunded, disputed, open_disputes, failure_code,
    failure_message, polls, next_poll_time, create_time, update_time)
SELECT '{account}', md5('{account}-' || n)::uuid, 2, 'purchase-' || n, 1, 1, true, 1, '', 'small', 'Small', 1000, 'THB',
       'chat', 90, 10, CASE WHEN n <= 5 THEN 1 ELSE 2 END, 'cs_{account}_' || n, '', '',
       CASE WHEN n <= 5 THEN '' ELSE 'pi_{account}_' || n END, CASE WHEN n <= 5 THEN 0 ELSE 100 END, 0, '{{}}', 1000, 0,
       0, (n = 9)::int, '', '', 0, CASE WHEN n <= 5 THEN now() END, now(), now()
FROM generate_series(1, {n} / 4) AS n;
INSERT INTO promo_claims
SELECT 'code' || 1 + n / 50, '{account}', 1 + n % 50, 'promo-' || n, 1, 'tests', 1, 'chat', gen_random_uuid(), NULL,
       NULL, now(), 0, CASE WHEN n <= 5 THEN now() END
FROM generate_series(1, {n} / 5) AS n;
INSERT INTO approvals
SELECT '{account}', md5('{account}-' || n)::uuid, 1, '[["chat", 1]]', NULL, NULL, NULL, 'maker', 'maker', '{{FINANCE}}',
       false, repeat('why ', 75), '', 'approval-' || n, 1, '[["chat", 2, 70, 0, 0, 1]]',
       now() + n * interval '1 second', now() + interval '3 days'
FROM generate_series(1, {n} / 2) AS n;
INSERT INTO approval_decisions
SELECT '{account}', md5('{account}-' || n)::uuid, 2, 'other', 'other', '', '[]', now()
FROM generate_series(6, {n} / 2) AS n;
INSERT INTO purchase_facts
SELECT '{account}', md5('{account}-' || n)::uuid, k, 'subject-' || n, 1, 1000, '', ''
FROM generate_series(1, {n} / 4) AS n, generate_series(1, 2) AS k;
INSERT INTO purchase_changes
SELECT '{account}', md5('{account}-' || n)::uuid, v, 1, 0, 0, 0, 0, '', 'tests', '', now()
FROM generate_series(1, {n} / 4) AS n, generate_series(1, 2) AS v;
INSERT INTO payment_references
SELECT 1, true, 'pi_{account}_' || n, 'accounts/{account}/purchases/' || n FROM generate_series(1, {n} / 4) AS n;
INSERT INTO payment_events (provider, delivery_key, event_id, event_type, live, body, state, attempts,
    next_attempt_time, waits_for, problem, purchase, receive_time, update_time, account, is_ours)
SELECT CASE WHEN n % 1000 = 3 THEN 2 ELSE 1 END, '{account}-' || n, md5('{account}-' || n)::uuid, 'paid', true,
       '{{}}', CASE WHEN n <= 20 THEN 1 ELSE 2 END, 1, CASE WHEN n <= 20 THEN now() END,
       CASE WHEN n <= 20 THEN ARRAY['waits-{account}-' || n] ELSE '{{}}' END, '',
       'accounts/{account}/purchases/' || n, now(), now(), '{account}', n % 2 = 0
FROM generate_series(1, {n} / 2) AS n;
INSERT INTO audit_events
SELECT md5('{account}-' || n)::uuid, now(), 'actor-{account}', 'tests', '{{ADMIN}}',
       CASE WHEN n % 1000 = 3 THEN 'account.set_plan' ELSE 'credits.add' END, 1 + (n % 1000 = 5)::int, '{account}', '',
       '', CASE WHEN n % 1000 = 5 THEN 'TESTS' ELSE '' END, NULL, NULL, '', '', '', 1
FROM generate_series(1, {n} / 2) AS n;
INSERT INTO entry_seals
SELECT '{account}', t, 10 * n - 9, 10 * n, '', '', n
FROM generate_series(1, 50) AS n, unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO payment_hints
SELECT 1, true, '{account}-' || n, 'paid', '{{}}', 0, now(), now() FROM generate_series(1, 20) AS n;
INSERT INTO payment_dues
SELECT '{account}', 'purchase-' || n, true, 0, now(), '', now() FROM generate_series(1, {n} / 4) AS n;
INSERT INTO payment_event_acts
SELECT md5('{account}-' || n)::uuid, gen_random_uuid(), 'REPLAY', 'tests', '', now()
FROM generate_series(1, {n} / 4) AS n;
INSERT INTO subscriptions
SELECT '{account}', 3, true, 'sub-' || n, 2, true, NULL, now(), now(), now() FROM generate_series(1, 3) AS n;
INSERT INTO outbox_events
SELECT '{account}', md5('{account}-' || n)::uuid, 1, '{{}}', now() FROM generate_series(1, {n} / 4) AS n;
INSERT INTO usage_positions SELECT '{account}', t, 1, 100, 100 FROM unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO entry_archives
SELECT '{account}', 'quiz_gen', 10 * n - 9, 10 * n, 9, now(), '', '',
       '{{"available": 1, "reserved": 0, "debt": 0, "sources": {{}}, "graces": {{}}, "holds": {{}}}}', now()
FROM generate_series(1, {n} / 10) AS n;
INSERT INTO usage_sums
SELECT '{account}', t, 1, date_trunc('hour', now()) - n * interval '15 minutes', 7, 1, 1
FROM generate_series(1, {n} / 2) AS n, unnest('{{chat,spec}}'::text[]) AS t;
INSERT INTO usage_parts
SELECT '{account}', t, 1, d, date_trunc('hour', now()) - n * interval '15 minutes', 'one', 1, 0
FROM generate_series(1, {n} / 2) AS n, unnest('{{chat,spec}}'::text[]) AS t, unnest('{{1,2}}'::int[]) AS d;
INSERT INTO published_events
SELECT p.position + n, '{account}', md5('{account}-' || n)::uuid, 4, 1, NULL, '{{}}', now(), now()
FROM event_publishing AS p, generate_series(1, {n} / 4) AS n WHERE p.name = 'events';
UPDATE event_publishing SET position = position + {n} / 4 WHERE name = 'events';
INSERT INTO event_endpoints
SELECT md5('{account}-1')::uuid, '{account}', 'https://shop.example', '', '{{}}', '{account}', '', false, 0, 1, now(),
       now(), now(), NULL, NULL, '', NULL;
INSERT INTO event_deliveries
SELECT md5('{account}-1')::uuid, position, account, 1 + position % 2, 0, now(),
       CASE WHEN position % 8 = 0 THEN now() END, '' FROM published_events WHERE account = '{account}';
INSERT INTO event_delivery_attempts
SELECT md5('{account}-1')::uuid, event_id, position, account, event_id, kind, 1, 200, '', now(), 9
FROM published_events WHERE account = '{account}';
INSERT INTO workflows
SELECT '{account}', 'workflow-' || n, 1, 'W', '', 'render', 'chat', 1, 1, true, 1000000, now(), now(),
       CASE WHEN n > 1000 THEN now() END FROM generate_series(1, {n} / 2) AS n;
INSERT INTO runs
SELECT '{account}', md5('{account}-' || n)::uuid, 'workflow-' || 1 + n % 100, 'render', 'chat', 1, 1, true, '', '',
       '{{}}', CASE WHEN n <= 20 THEN 2 ELSE 3 + (n > 40)::int END, 1, 1, 1, CASE WHEN n <= 40 THEN now() END,
       now() + interval '1 hour', now() + interval '2 hours', NULL, '', '', 1, '', '', now(), now(),
       CASE WHEN n > 20 THEN now() END
FROM generate_series(1, {n} / 2) AS n;
ALTER TABLE role_grants DISABLE TRIGGER role_grants_hold;
INSERT INTO role_grants
SELECT md5('{account}-' || n)::uuid, '{account}', 'SUPPORT', 'tests', 'tests', '', now(), NULL
FROM generate_series(1, {n} / 4) AS n;
ALTER TABLE role_grants ENABLE TRIGGER role_grants_hold;
INSERT INTO role_revocations
SELECT md5('{account}-' || n)::uuid, 'tests', '', now() FROM generate_series(1, {n} / 4) AS n;
"""


def without_autovacuum(connection: psycopg.Connection) -> None:
    """Leave it to the test when statistics are gathered."""
    for table in purchases.metadata.sorted_tables:
        connection.execute(_NO_VACUUM.format(table.name))
    connection.execute("INSERT INTO credit_types VALUES ('chat', 'Chat', 0, now())")


def add_crowd(connection: psycopg.Connection) -> None:
    """Add the accounts that have little."""
    _run(connection, _CROWD.format(crowd=CROWD))


def add_history(connection: psycopg.Connection, account: str, entries: int) -> None:
    """Add an account with a history of so many entries in each of two wallets, and of everything else in proportion."""
    _run(connection, _HISTORY.format(account=account, n=entries))


def id_of(account: str, number: int = 1) -> str:
    """Return the id of an account's grant, reservation, purchase or event of a number."""
    return str(UUID(md5(f"{account}-{number}".encode(), usedforsecurity=False).hexdigest()))


def _run(connection: psycopg.Connection, script: str) -> None:
    for statement in script.strip().removesuffix(";").split(";\n"):
        connection.execute(statement.encode())
