"""StatementService: statements streamed as files."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Final

from credit.v1 import statement_service_pb2 as pb
from creditd.domain.usage_periods import zone_of
from creditd.ledger.work import Overloaded
from creditd.server.credit_messages import instant
from creditd.server.refusals import TooManyAtOnce
from creditd.server.statements.csv_file import CsvFile
from creditd.server.statements.words import WORDS
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.pages import PageTokens, query_of
from creditd.service.statements import Position, StatementPeriod, Statements, WalletPart

MAX_EXPORTS: Final = 64
"""Streams of one server. Each holds a chunk or two: 40 kB as a rule, 6 MB with the longest texts."""

EXPORTS_OF_A_CALLER: Final = 4
"""A person has a few windows; whoever exports many accounts does so one after the other."""


class StatementHandlers:
    """Streams statements. Between two chunks nothing is kept of one but where it goes on."""

    def __init__(self, statements: Statements, catalogue: Catalogue, tokens: PageTokens) -> None:
        """Read through ``statements``; where one goes on is sealed by ``tokens``."""
        self._statements = statements
        self._catalogue = catalogue
        self._tokens = tokens
        self._callers: Counter[str] = Counter()

    async def export_transactions(
        self, request: pb.ExportTransactionsRequest, call: Call
    ) -> AsyncGenerator[pb.ExportTransactionsResponse]:
        """Answer ExportTransactions. When the caller is gone, the step that runs is the last one."""
        zone = zone_of(request.time_zone)
        query = _query(request)
        with self._place(call.subject):
            if request.resume_token:
                language, position = _opened(self._tokens.open(query, request.resume_token))
            else:
                language, position = request.language or call.language, await self._begun(request)
            types = await self._catalogue.known([part.credit_type for part in position.parts])
            decimals = {code: credit_type.decimals for code, credit_type in types.items()}
            file = CsvFile(request.account_id, WORDS[language], zone, decimals)
            head = b"" if request.resume_token else file.header()
            if position.is_end:
                yield pb.ExportTransactionsResponse(data=head)
            while not position.is_end:
                data, position = await self._statements.step(request.account_id, position, file.written)
                token = "" if position.is_end else token_of(self._tokens, query, language, position)
                yield pb.ExportTransactionsResponse(data=head + data, resume_token=token)
                head = b""

    async def _begun(self, request: pb.ExportTransactionsRequest) -> Position:
        period = StatementPeriod(
            instant(request.start_time, "start_time") if request.HasField("start_time") else None,
            instant(request.end_time, "end_time") if request.HasField("end_time") else None,
        )
        codes = sorted(set(request.credit_types))
        await self._catalogue.require(*codes)
        return await self._statements.begin(request.account_id, codes, period)

    @contextmanager
    def _place(self, subject: str) -> Iterator[None]:
        """Take a place until the block ends. Raises TooManyAtOnce, before Overloaded, which the caller cannot mend."""
        if self._callers[subject] >= EXPORTS_OF_A_CALLER:
            raise TooManyAtOnce(what="exports of the caller", maximum=EXPORTS_OF_A_CALLER)
        if self._callers.total() >= MAX_EXPORTS:
            raise Overloaded
        self._callers[subject] += 1
        try:
            yield
        finally:
            self._callers[subject] -= 1
            if not self._callers[subject]:
                del self._callers[subject]


def _query(request: pb.ExportTransactionsRequest) -> bytes:
    return query_of(
        "statement",
        account=request.account_id,
        credit_types=sorted(set(request.credit_types)) or None,
        start=instant(request.start_time, "start_time") if request.HasField("start_time") else None,
        end=instant(request.end_time, "end_time") if request.HasField("end_time") else None,
        zone=request.time_zone,
        language=request.language,
        format=int(request.format),
    )


def token_of(tokens: PageTokens, query: bytes, language: str, position: Position) -> str:
    """Return a token to go on at a position, with the words of a language; of 11,000 characters at most."""
    parts = [(part.credit_type, part.opening, part.closing) for part in position.parts]
    return tokens.seal(query, [language, parts, position.after])


def _opened(sealed: tuple[str, list[tuple[str, int, int]], int]) -> tuple[str, Position]:
    language, parts, after = sealed
    return language, Position(tuple(WalletPart(*part) for part in parts), after)
