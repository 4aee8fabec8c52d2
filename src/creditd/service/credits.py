"""The way from a call to the ledger: a command on a wallet goes in, its outcome comes back."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.commands import ON_RESERVATION, Add, Command
from creditd.domain.controls.audit_event import Act
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.account_lanes import AccountLanes
from creditd.ledger.ledger import Ledger
from creditd.ledger.queue import SinkHere, Ticket
from creditd.ledger.work import ActWork, Outcome, Overloaded, Result, ShuttingDown, Step, Work
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue

log = logging.getLogger(__name__)


class Instruction(NamedTuple):
    """One command on one wallet, independent of the others with it."""

    step: Step
    dry_run: bool = False


class _WorkTicket(Ticket[Work, Outcome]):
    """A work that waits for its outcome; it is finished even if its caller disconnects."""

    __slots__ = ()
    ends_with_caller = False


class Credits:
    """Moves credits. What a command promises is its rule in :mod:`creditd.domain`.

    Nothing is awaited but tickets. A command that was submitted is finished even if its caller goes away. All raise
    Overloaded, ShuttingDown, DatabaseUnavailable, DeadlinePassed, VersionConflict, RecordBusy.
    """

    def __init__(
        self,
        ledger: AccountLanes | Ledger,
        catalogue: Catalogue,
        sink: SinkHere,
        note_limit: Callable[[WalletKey, errors.LimitExceeded], None],
    ) -> None:
        """Submit to ``ledger``; outcomes are delivered to the submitter's ``sink``.

        ``note_limit`` hears of each movement that a limit has refused.
        """
        self._note_limit = note_limit
        self._ledger = ledger
        self._catalogue = catalogue
        self._sink = sink

    async def perform(self, call: Call, key: WalletKey, command: Command, *, dry_run: bool = False) -> Outcome:
        """Perform one command; with ``dry_run`` only decide it.

        Raises the command's refusals, and CreditTypeNotFound.
        """
        if not isinstance(command, ON_RESERVATION):
            await self._catalogue.require(key.credit_type)
        try:
            outcome = await self._submit(_work(call, (Step(key, command),), dry_run=dry_run))
        except errors.Refusal as refusal:
            if isinstance(refusal, errors.LimitExceeded) and not dry_run:
                self._note_limit(key, refusal)
            await self._learn(refusal)
            raise
        call.replayed = outcome.replayed
        return outcome

    async def perform_act(self, call: Call, act: Act, steps: Sequence[Step], *, dry_run: bool = False) -> Outcome:
        """Perform an act of staff on wallets of one account, all or nothing, and tell it in the audit log.

        With ``dry_run`` only decide it. Raises the first refusal, CreditTypeNotFound, InvalidField for a wallet that is
        named twice.
        """
        await require_each_once(self._catalogue, [step.key.credit_type for step in steps])
        outcome = await self._submit(
            ActWork(act, tuple(steps), call.deadline, dry_run=dry_run, opens=_opens(call, steps))
        )
        call.replayed = outcome.replayed
        return outcome

    async def perform_each(self, call: Call, instructions: Sequence[Instruction]) -> list[Result]:
        """Perform many independent commands; return their results in order: an outcome, or an error."""
        codes = {step.key.credit_type for step, _ in instructions if not isinstance(step.command, ON_RESERVATION)}
        missing = await self._catalogue.missing(codes)
        works = [
            errors.CreditTypeNotFound(credit_type=step.key.credit_type)
            if step.key.credit_type in missing
            else _work(call, (step,), dry_run=dry_run)
            for step, dry_run in instructions
        ]
        results = await self._results(works)
        for (step, dry_run), result in zip(instructions, results, strict=True):
            if isinstance(result, errors.LimitExceeded) and not dry_run:
                self._note_limit(step.key, result)
        await self._learn(*results)
        return results

    async def _learn(self, *results: Result) -> None:
        """Have the catalogue know the credit types of what refusals tell of, for whoever writes the amounts.

        One that was created by another server is unknown here until it is named, and what names a reservation does not
        ask for it. It is there, so it is looked up once.
        """
        refusals = [result for result in results if isinstance(result, errors.Refusal) and result.amounts]
        try:
            await self._catalogue.missing({str(refusal.facts["credit_type"]) for refusal in refusals})
        except Exception:
            # The answer stands, and other results with it. Its text has the amounts in the smallest unit.
            log.warning("a credit type could not be looked up", exc_info=True)

    async def open(self, call: Call, account_id: str) -> None:
        """Open an account if it was never seen, whoever calls."""
        await self._submit(Work.opening(account_id, Origin(call.subject), call.deadline))

    async def open_each(self, call: Call, account_ids: Iterable[str]) -> None:
        """Open those accounts that were never seen, whoever calls.

        Raises the error of the first that could not be opened.
        """
        origin = Origin(call.subject)
        for result in await self._results([Work.opening(name, origin, call.deadline) for name in account_ids]):
            if isinstance(result, Exception):
                raise result

    async def settle(self, call: Call, key: WalletKey) -> None:
        """Record whatever has expired in a wallet."""
        await self._submit(Work.settling(key, Origin(call.subject), call.deadline))

    async def _results(self, works: Sequence[Work | Exception]) -> list[Result]:
        tickets = [work if isinstance(work, Exception) else self._submit_or_refuse(work) for work in works]
        results: list[Result] = []
        for ticket in tickets:
            try:
                results.append(ticket if isinstance(ticket, Exception) else await ticket)
            except Exception as error:  # noqa: BLE001 - each has its own result, whatever it is.
                results.append(error)
        return results

    def _submit_or_refuse(self, work: Work) -> Ticket[Work, Outcome] | Exception:
        try:
            return self._submit(work)
        except (Overloaded, ShuttingDown) as error:
            return error

    def _submit(self, work: Work) -> Ticket[Work, Outcome]:
        ticket = _WorkTicket(work, self._sink())
        self._ledger.submit(ticket)
        return ticket


async def require_each_once(catalogue: Catalogue, codes: Sequence[str]) -> None:
    """Raise InvalidField for a credit type that a request names twice, CreditTypeNotFound for one that is not there."""
    if len(set(codes)) < len(codes):
        raise errors.InvalidField(field="amounts", rule="each credit type at most once")
    await catalogue.require(*codes)


def _work(call: Call, steps: tuple[Step, ...], *, dry_run: bool = False) -> Work:
    return Work.of(steps, call.deadline, dry_run=dry_run, opens=_opens(call, steps))


def _opens(call: Call, steps: Sequence[Step]) -> bool:
    # Credits are given deliberately, so the account is opened if it was never seen.
    return call.opens or isinstance(steps[0].command, Add)
