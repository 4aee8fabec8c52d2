"""What no caller is ever told."""

import re

from tests.support.refusals import RefusedCall

_INSIDES = re.compile(
    r"traceback|exception|<class|\bfile \"|psycopg|sqlalchemy|postgres|creditd\.|\.py\b|\b0x[0-9a-f]+"
    r"|\b(select|insert|update|delete|from|where|relation|constraint|column)\b.*\b(wallets|entries|grants|accounts)\b",
    re.IGNORECASE,
)


def tells_nothing_of_our_insides(refusal: RefusedCall) -> bool:
    """Tell that neither Python, nor SQL, nor a path of ours shows through a refusal."""
    texts = [refusal.message, refusal.localized.message, *refusal.metadata.values()]
    texts += [str(value) for key, value in refusal.trailing.items() if not key.endswith("-bin")]
    return not any(_INSIDES.search(text) for text in texts)
