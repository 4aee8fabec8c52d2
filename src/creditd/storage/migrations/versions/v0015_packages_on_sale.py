"""What finds the packages on sale among those that were, built without keeping anybody waiting."""

from alembic import op

revision = "0015"
down_revision = "0014"

ON_SALE = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS packages_on_sale ON packages (package_id) WHERE retire_time IS NULL;
"""


def upgrade() -> None:
    """Build it; packages are few where nobody has thousands, and retired ones only ever become more."""
    with op.get_context().autocommit_block():
        op.execute(ON_SALE)


def downgrade() -> None:
    """Refuse: a server of this version would read all packages that were ever sold."""
    message = "indexes that servers rely on are not undone; restore a backup instead"
    raise RuntimeError(message)
