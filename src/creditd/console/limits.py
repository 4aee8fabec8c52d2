"""The limits of the console: sizes, counts and times. Read as attributes of this module, so that tests can set them."""

MAX_HEADERS_BYTES = 32_768
"""Cookies of two tokens take 4 kB, a page token in the URL up to 8 kB; proxies add some."""

MAX_FORM_BYTES = 65_536
"""A reason of 500 characters and amounts of fifty credit types, with all letters percent-encoded, take half of it."""

MAX_FORM_FIELDS = 600
"""More than any form has: all credit types that are read, and what stands beside them."""

FORM_SECONDS = 10.0
"""For a form to arrive."""

MAX_COOKIE_BYTES = 3_800
"""Browsers keep 4,096 bytes of a cookie, its name and attributes included."""

RPC_SECONDS = 10.0
"""For an answer of the service: as long as it has for a change."""

TOKEN_SECONDS = 30.0
"""An access token with less left is renewed before it is used, so that it does not end under way."""

PROVIDER_SECONDS = 3_600.0
"""After which the places of an outside issuer are read again."""

PROVIDER_BYTES = 65_536
"""Of an answer of an outside issuer: tokens take some kB."""

MAX_CODE_CHARACTERS = 4_096
MAX_NEXT_CHARACTERS = 2_048
MAX_NAME_CHARACTERS = 254
"""Of what an outside issuer leads back with, of the page to go on with, and of somebody's name."""

CODE_SECONDS = 600.0
"""From the password to the code: after it the sign-in begins anew."""

LAPSED_SECONDS = 3_600.0
"""From the end of a session, for a form of it to be kept through the next sign-in."""

GATE_SECONDS = 3_600.0
"""How long a sign-in page may stand open before its form is no more taken."""

NOTE_SECONDS = 60.0
"""For the page after an act to tell of it."""

SEEN_SECONDS = 30.0
"""How far the time of the last page may lag: a cookie is not written for each."""

ATTEMPTS_PER_MINUTE = 8
"""Passwords and codes from one address, and twice as many in a burst. To the service all of them come from the one
address of the console, which has 20 wrong ones a minute: nobody is to use them up for everybody."""

MAX_ADDRESSES = 10_000
"""That are counted at once; beyond it those that have tried nothing for longest begin anew."""

PAGE_SIZE = 20
"""Rows of a list."""

PANEL_SIZE = 5
"""Rows of a list that is a part of a page; the list has a page of its own."""

MOST_WAITING = 100
"""Of what waits for a person: the most that the service lists at once. More are said to be more."""

EXPORT_PAGE_SIZE = 100
"""Rows that are asked for at once for a CSV file: the most that the service gives."""

STREAM_SECONDS = 600.0
"""For long work that is shown as it goes on: the ledger of all accounts is folded in minutes."""

STREAM_WAIT_SECONDS = 2.0
"""For its first message: what is refused is refused by then, and has a page that says so; else the page begins."""

MAX_STREAMED_ROWS = 1_000
"""That are shown of it; the summary counts all."""

EXPORT_SECONDS = 600.0
"""For a statement, which may be of years."""

EXPORT_WAIT_SECONDS = 60.0
"""For its first bytes: a long PDF takes a quarter of a minute to draw, after those that are in line before it."""

MAX_EXPORT_ROWS = 10_000
"""Rows of a CSV file: it ends after as many calls as have them, a hundred, also where a filter matches fewer. Whoever
needs more narrows the list, by days for example."""

CREDIT_TYPES_PAGE_SIZE = 100
"""Credit types that are asked for at once: the most that the service gives."""

CREDIT_TYPE_PAGES = 5
"""Of credit types that are read for a page: far more than anybody sells, and a call each."""

MAX_FIELD_CHARACTERS = 500
"""Of what is typed into one field, unless the field is narrower: as the service has it for reasons."""

WAIT_SECONDS = 5
"""After which a page that could not be read is asked for again, by itself."""

MAX_LIVE_STREAMS = 200
"""Pages that follow an account at once: some for each of staff. Others show what there is when they are asked for."""

LIVE_WALLETS = 5
"""Of an account that are followed, each by a call of its own; more have moved in few accounts."""

LIVE_SECONDS = 600.0
"""Of one stream: then its page asks again, by a token that is renewed by then."""

LIVE_REMARK_SECONDS = 15.0
"""After which a quiet stream says something, so that proxies keep it and a peer that is gone is found."""

LIVE_PAUSE_SECONDS = 1.0
"""Between two events of a stream."""

LIVE_RETRY_MILLISECONDS = 3_000
"""After which a page asks again for a stream that has ended."""

IDLE_SECONDS = 15
"""A connection is kept open for another request for as long."""

GRACE_SECONDS = 12
"""At the end, for what is under way: more than RPC_SECONDS, so that nobody is left without an answer."""
