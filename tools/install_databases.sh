#!/bin/sh
# Installs what `make databases` needs beyond Python: Debian's PostgreSQL 15, PgBouncer and Redis. Makes no cluster, starts
# nothing.
set -eu
postgres=/usr/lib/postgresql/15/bin/postgres
pgbouncer=/usr/sbin/pgbouncer
redis=/usr/bin/redis-server

if [ -x "$postgres" ] && [ -x "$pgbouncer" ] && [ -x "$redis" ]; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "PostgreSQL 15, PgBouncer or Redis is not installed, and only root may install it: sudo make databases-install" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "This is no Debian: install PostgreSQL 15 as $postgres, PgBouncer as $pgbouncer and Redis as $redis" >&2
    exit 1
fi

# The packages would make a cluster and start it, with PgBouncer and Redis beside it, for good.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] ||
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends postgresql-15 pgbouncer redis-server
