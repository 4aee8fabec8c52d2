"""StatementService: statements streamed as files."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from hashlib import blake2b
from typing import Final, NamedTuple

from credit.v1 import statement_service_pb2 as pb
from creditd.domain.credit_type import CreditType
from creditd.domain.errors import PageTokenInvalid, StatementTooLong
from creditd.domain.instant import Instant
from creditd.domain.usage.usage_periods import zone_of
from creditd.ledger.clock import DatabaseClock
from creditd.server.credit_messages import instant
from creditd.server.statements.call_places import CallPlaces
from creditd.server.statements.csv_file import CsvFile
from creditd.server.statements.pdf_file import MAX_PDF_ROWS, PdfFile
from creditd.server.statements.printer import Printer
from creditd.server.statements.words import WORDS
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.pages import PageTokens, query_of
from creditd.service.statements import NOT_BEGUN, Position, StatementPeriod, Statements, WalletPart

MAX_EXPORTS: Final = 64
"""Streams of one server. Each holds a chunk or two: 40 kB as a rule, 6 MB with the longest texts; or a PDF, which is
smaller than that."""

EXPORTS_OF_A_CALLER: Final = 4
"""A person has a few windows; whoever exports many accounts does so one after the other."""

CHUNK_BYTES: Final = 64 * 1024
"""Of a PDF, which is in memory as a whole: what goes over the wire at a time."""

DIGEST_BYTES: Final = 16
"""Of a PDF's hash: it tells files apart, and keeps nothing secret."""


class SentPdf(NamedTuple):
    """A PDF of which a caller has the first ``sent`` bytes; ``digest`` is of all of them, empty before it is drawn."""

    language: str
    position: Position
    made: Instant
    sent: int = 0
    digest: str = ""


class StatementHandlers:
    """Streams statements. Between two chunks nothing is kept of one but where it goes on, and a PDF that was drawn."""

    def __init__(
        self,
        statements: Statements,
        catalogue: Catalogue,
        tokens: PageTokens,
        printer: Printer,
        clock: DatabaseClock,
    ) -> None:
        """Read through ``statements``, draw with ``printer``; where one goes on is sealed by ``tokens``."""
        self._statements = statements
        self._catalogue = catalogue
        self._tokens = tokens
        self._printer = printer
        self._clock = clock
        self._places = CallPlaces("exports of the caller", EXPORTS_OF_A_CALLER, MAX_EXPORTS)

    async def export_transactions(
        self, request: pb.ExportTransactionsRequest, call: Call
    ) -> AsyncGenerator[pb.ExportTransactionsResponse]:
        """Answer ExportTransactions. When the caller is gone, the step or drawing that runs is the last one."""
        write = self._pdf if request.format == pb.STATEMENT_FORMAT_PDF else self._csv
        with self._places.place(call.subject):
            async with aclosing(write(request, call.language)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _csv(
        self, request: pb.ExportTransactionsRequest, language: str
    ) -> AsyncGenerator[pb.ExportTransactionsResponse]:
        zone, query = zone_of(request.time_zone), _query(request)
        if request.resume_token:
            language, position = _opened(self._tokens.open(query, request.resume_token))
        else:
            language, position = request.language or language, await self._begun(request)
        types = await self._types(position)
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

    async def _pdf(
        self, request: pb.ExportTransactionsRequest, language: str
    ) -> AsyncGenerator[pb.ExportTransactionsResponse]:
        """Draw all of it, and send it from where the caller has it. What is drawn anew for that has the same bytes."""
        query = _query(request)
        if request.resume_token:
            pdf = _opened_pdf(self._tokens.open(query, request.resume_token))
        else:
            pdf = SentPdf(request.language or language, await self._begun(request), self._clock.now())
        printed = await self._printed(request, pdf)
        digest = blake2b(printed, digest_size=DIGEST_BYTES).hexdigest()
        if pdf.digest not in {"", digest}:
            # Drawn by a server of another version: the two halves would be no file.
            raise PageTokenInvalid
        for first in range(pdf.sent, len(printed), CHUNK_BYTES):
            end = first + CHUNK_BYTES
            rest = pdf._replace(sent=end, digest=digest)
            token = pdf_token_of(self._tokens, query, rest) if end < len(printed) else ""
            yield pb.ExportTransactionsResponse(data=printed[first:end], resume_token=token)

    async def _printed(self, request: pb.ExportTransactionsRequest, pdf: SentPdf) -> bytes:
        """Return the file. It is read only when its turn to be drawn has come: what waits in line holds nothing."""
        rows, language = pdf.position.rows, pdf.language
        if rows > MAX_PDF_ROWS:
            raise StatementTooLong(rows=rows, maximum=MAX_PDF_ROWS)
        types = await self._types(pdf.position)
        file = PdfFile(request.account_id, language, WORDS[language], zone_of(request.time_zone), types)
        sections = []
        async with self._printer.press() as press:
            position = pdf.position
            while not position.is_end:
                if position.after == NOT_BEGUN:
                    sections.append(file.section(position.parts[0].credit_type))
                written, position = await self._statements.step(request.account_id, position, file.rows)
                sections[-1].rows.extend(written)
            return await press.printed(file.document(_period(request), sections, pdf.made))

    async def _types(self, position: Position) -> dict[str, CreditType]:
        return await self._catalogue.known([part.credit_type for part in position.parts])

    async def _begun(self, request: pb.ExportTransactionsRequest) -> Position:
        codes = sorted(set(request.credit_types))
        await self._catalogue.require(*codes)
        return await self._statements.begin(request.account_id, codes, _period(request))


def _period(request: pb.ExportTransactionsRequest) -> StatementPeriod:
    return StatementPeriod(
        instant(request.start_time, "start_time") if request.HasField("start_time") else None,
        instant(request.end_time, "end_time") if request.HasField("end_time") else None,
    )


def _query(request: pb.ExportTransactionsRequest) -> bytes:
    start, end = _period(request)
    return query_of(
        "statement",
        account=request.account_id,
        credit_types=sorted(set(request.credit_types)) or None,
        start=start,
        end=end,
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


def pdf_token_of(tokens: PageTokens, query: bytes, pdf: SentPdf) -> str:
    """Return a token for the rest of a PDF."""
    parts = [(part.credit_type, part.opening, part.closing) for part in pdf.position.parts]
    return tokens.seal(query, [pdf.language, parts, pdf.made, pdf.sent, pdf.digest])


def _opened_pdf(sealed: tuple[str, list[tuple[str, int, int]], int, int, str]) -> SentPdf:
    language, parts, made, sent, digest = sealed
    return SentPdf(language, Position(tuple(WalletPart(*part) for part in parts)), Instant(made), sent, digest)
