"""The planted faults. Each replaces text that stands exactly once in its file, so that none rots unnoticed."""

from tests.mutants.access_faults import ACCESS_FAULTS
from tests.mutants.api_faults import API_FAULTS
from tests.mutants.approval_faults import APPROVAL_FAULTS
from tests.mutants.archive_faults import ARCHIVE_FAULTS
from tests.mutants.audit_faults import AUDIT_FAULTS
from tests.mutants.backup_faults import BACKUP_FAULTS
from tests.mutants.bulkhead_faults import BULKHEAD_FAULTS
from tests.mutants.client_faults import CLIENT_FAULTS
from tests.mutants.console_faults import CONSOLE_FAULTS
from tests.mutants.domain_faults import DOMAIN_FAULTS
from tests.mutants.draft_faults import DRAFT_FAULTS
from tests.mutants.endpoint_faults import ENDPOINT_FAULTS
from tests.mutants.event_faults import EVENT_FAULTS
from tests.mutants.executor_faults import EXECUTOR_FAULTS
from tests.mutants.explain_faults import EXPLAIN_FAULTS
from tests.mutants.identity_faults import IDENTITY_FAULTS
from tests.mutants.import_faults import IMPORT_FAULTS
from tests.mutants.insight_faults import INSIGHT_FAULTS
from tests.mutants.issuer_faults import ISSUER_FAULTS
from tests.mutants.layout_faults import LAYOUT_FAULTS
from tests.mutants.ledger_faults import LEDGER_FAULTS
from tests.mutants.limit_faults import LIMIT_FAULTS
from tests.mutants.machine_faults import MACHINE_FAULTS
from tests.mutants.payments_faults import PAYMENTS_FAULTS
from tests.mutants.promo_faults import PROMO_FAULTS
from tests.mutants.rate_faults import RATE_FAULTS
from tests.mutants.run_faults import RUN_FAULTS
from tests.mutants.statement_faults import STATEMENT_FAULTS
from tests.mutants.strangers_faults import STRANGERS_FAULTS
from tests.mutants.surroundings_faults import SURROUNDINGS_FAULTS
from tests.mutants.transport_faults import TRANSPORT_FAULTS
from tests.mutants.upgrade_faults import UPGRADE_FAULTS
from tests.mutants.usage_faults import USAGE_FAULTS
from tests.mutants.velocity_faults import VELOCITY_FAULTS
from tests.mutants.workflow_faults import WORKFLOW_FAULTS

FAULTS = (
    *LEDGER_FAULTS,
    *LAYOUT_FAULTS,
    *DRAFT_FAULTS,
    *DOMAIN_FAULTS,
    *PAYMENTS_FAULTS,
    *BULKHEAD_FAULTS,
    *CLIENT_FAULTS,
    *CONSOLE_FAULTS,
    *SURROUNDINGS_FAULTS,
    *MACHINE_FAULTS,
    *STRANGERS_FAULTS,
    *TRANSPORT_FAULTS,
    *IDENTITY_FAULTS,
    *API_FAULTS,
    *ACCESS_FAULTS,
    *APPROVAL_FAULTS,
    *ARCHIVE_FAULTS,
    *AUDIT_FAULTS,
    *BACKUP_FAULTS,
    *EXPLAIN_FAULTS,
    *IMPORT_FAULTS,
    *INSIGHT_FAULTS,
    *ISSUER_FAULTS,
    *EXECUTOR_FAULTS,
    *RUN_FAULTS,
    *ENDPOINT_FAULTS,
    *WORKFLOW_FAULTS,
    *EVENT_FAULTS,
    *LIMIT_FAULTS,
    *RATE_FAULTS,
    *PROMO_FAULTS,
    *STATEMENT_FAULTS,
    *UPGRADE_FAULTS,
    *USAGE_FAULTS,
    *VELOCITY_FAULTS,
)
