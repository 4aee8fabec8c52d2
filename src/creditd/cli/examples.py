"""The examples that ``--help`` shows, by command. Each is a command line that works as it is pasted."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Example(NamedTuple):
    """One command line, and what it does."""

    line: str
    does: str


WITHOUT_COMMAND: Final = ""
"""The key of what is shown of creditd as a whole."""

EXAMPLES: Final[Mapping[str, tuple[Example, ...]]] = {
    WITHOUT_COMMAND: (
        Example("creditd run", "Start all that development needs."),
        Example("""creditd call GetBalance '{"account_id": "ann"}'""", "In another terminal: ask for a balance."),
        Example("creditd help call", "What a command takes, with examples."),
    ),
    "run": (
        Example("creditd run", "Serve on 127.0.0.1:50051, with data in .creditd."),
        Example(
            "creditd run --listen 127.0.0.1:50052 --webhooks-listen '' --console-listen ''",
            "On another port, without webhooks and pages.",
        ),
    ),
    "demo": (Example("creditd demo", "Play the story; it takes about half a minute."),),
    "call": (
        Example("creditd call", "List every RPC with the fields of its request."),
        Example("""creditd call GetBalance '{"account_id": "ann"}'""", "Ask for the balances of an account."),
        Example(
            """creditd call Reserve '{"account_id": "ann", "credit_type": "spec", "amount": 4}'""",
            "Hold credits; the request id that was made is told.",
        ),
        Example("""echo '{"account_id": "ann"}' | creditd call ListTransactions -""", "Take the request from a pipe."),
        Example("creditd call AdminService/VerifyLedger", "Name the service too; print a stream as it comes."),
        Example(
            'creditd call --address credit.internal:50051 --ca ca.pem --token "$TOKEN" GetBalance'
            """ '{"account_id": "ann"}'""",
            "Call a server elsewhere, over TLS, with a token.",
        ),
    ),
    "token": (
        Example("creditd token --subject ann --role USER", "As the owner of the account ann, for an hour."),
        Example(
            "creditd token --subject app --role SERVICE --scope credits.spend --ttl-seconds 600",
            "As a service that may spend, for ten minutes.",
        ),
    ),
    "certs": (
        Example("creditd certs dev --folder certs --client clerk", "For a server on this machine, and one client."),
        Example(
            "creditd certs dev --folder more-certs --name credit.internal --days 90",
            "For a server that has a name, for 90 days.",
        ),
    ),
    "serve": (
        Example("creditd serve", "Serve as the settings in the environment say."),
        Example(
            "creditd serve --listen 127.0.0.1:50052 --metrics-listen 127.0.0.1:9465 --workers 2",
            "Two processes on one port; their metrics are at this port and the next.",
        ),
        Example("creditd serve --services identity", "Serve sign-in alone."),
    ),
    "webhooks": (
        Example(
            "creditd webhooks --listen 127.0.0.1:8080 --service 127.0.0.1:50051",
            "Pass on what comes to port 8080. CREDITD_WEBHOOKS_TOKEN_FILE names its token.",
        ),
    ),
    "console": (
        Example("creditd console --listen 127.0.0.1:8081 --service 127.0.0.1:50051", "Serve the pages on port 8081."),
    ),
    "reconcile": (
        Example("creditd reconcile --provider stripe", "Compare the last three days."),
        Example("creditd reconcile --provider omise --since 2026-11-18T09:30:00Z", "After an outage that began then."),
    ),
    "audit": (
        Example("creditd audit head > head.json", "Keep the head where nobody can change it."),
        Example("creditd audit verify", "Verify all that is sealed."),
        Example(
            "creditd audit verify --head head.json --public-key audit.pem --after",
            "Only what came after a head that was kept, and that its signature holds.",
        ),
    ),
    "rollup": (Example("creditd rollup rebuild", "Add usage up anew, or go on with that."),),
    "archive": (
        Example("creditd archive move --folder archive --older-than 400 --dry-run", "See what would be moved."),
        Example("creditd archive move --folder archive --older-than 400", "Move it."),
        Example("creditd archive verify --folder archive", "Verify the files."),
        Example("creditd archive restore --folder archive --account ann", "Bring the entries of ann back."),
    ),
    "import": (
        Example("creditd import customers.csv", "Check every row, say what would be done, and do nothing."),
        Example("creditd import customers.csv --findings findings.csv", "The same, with all findings in a file."),
        Example("creditd import customers.csv --apply --pace 500", "Bring in 500 rows a second, then compare."),
        Example("gunzip -c customers.jsonl.gz | creditd import - --format jsonl", "Read a pipe."),
    ),
    "export": (
        Example("creditd export --folder leaving", "Write JSON lines to a folder that is there."),
        Example("creditd export --folder leaving --format csv", "Write CSV."),
    ),
    "backup": (
        Example("creditd backup --folder /backups --key-file /keys/backup.key", "Make an encrypted one."),
        Example("creditd backup list --folder /backups", "Show what there is."),
        Example(
            "creditd backup log pg_wal/000000010000000000000001 --folder /backups",
            "Keep a file of the log, as PostgreSQL's archive_command does.",
        ),
    ),
    "restore": (
        Example("creditd restore --folder /backups --target /var/lib/new", "Bring the newest one back."),
        Example(
            "creditd restore --folder /backups --key-file /keys/backup.key --target /var/lib/new"
            " --to 2026-11-29T09:30:00Z",
            "To an instant, from encrypted ones.",
        ),
    ),
    "drill": (
        Example("creditd drill --folder /backups --scratch /var/tmp", "Prove the newest backup."),
        Example(
            "creditd drill --folder /backups --key-file /keys/backup.key --to 2026-11-29T09:30:00Z",
            "Prove that an instant can be reached.",
        ),
    ),
    "migrate": (
        Example("creditd migrate", "Migrate the databases that the settings name."),
        Example("creditd migrate --plan", "What is outstanding, and what it locks."),
        Example("creditd migrate --check", "Whether the schema fits this release: 1 if not."),
        Example("creditd migrate --sql > schema.sql", "Write the SQL for somebody else to run."),
        Example("creditd migrate --identity", "Migrate identity's own database alone."),
    ),
    "distribute": (
        Example("creditd distribute", "Show each step, what it does and whether it was done."),
        Example("creditd distribute --apply", "Do what is left of it, with the servers stopped."),
    ),
    "health": (
        Example("creditd health", "Whether the server of these settings serves."),
        Example("creditd health --alive", "Whether it answers at all, as a liveness probe asks."),
        Example("creditd health --service credit.v1.CreditService", "Of one service."),
    ),
    "config": (
        Example("creditd config check", "Every setting, and where it comes from."),
        Example("creditd config check --listen 0.0.0.0:50051 --workers 4", "As with these flags of a command."),
    ),
    "keys": (
        Example("creditd keys list", "Show the keys and what each is for."),
        Example("creditd keys rotate", "Have another key sign, in ten minutes."),
        Example("creditd keys rotate --urgent", "When somebody else has the key."),
    ),
    "completion": (
        Example("creditd completion bash > ~/.local/share/bash-completion/completions/creditd", "For bash."),
        Example("creditd completion zsh > ~/.zfunc/_creditd", "For zsh, where fpath has ~/.zfunc."),
        Example("creditd completion fish > ~/.config/fish/completions/creditd.fish", "For fish."),
    ),
    "admin": (Example("creditd admin create --email root@example.org", "Print its password, this once."),),
}
