"""The index of each field in the arrays that compiled passes and Python share: cursors, rows, counters.

What belongs here: the places of these numbers, the widths of rows, and what a mode or a status means. What must not come
in: a function. `pipeline.compiled.jit.cache` looks at every module that names `pipeline.compiled`, as this one does: code
that was compiled with other places is not used.
"""

from __future__ import annotations

# ---- modes: where the cursor stands ------------------------------------------------------------------------------
FIRST_ITEM = 0  # behind the `[` of the list: an item, or its end
ITEM = 1  # behind a comma of the list: an item
AFTER_ITEM = 2  # behind an item: a comma, or the end of the list
FIRST_OBJECT = 3  # behind the `[` of negotiated_rates: a rate object, or its end
OBJECT = 4  # behind a comma of negotiated_rates: a rate object
AFTER_OBJECT = 5  # behind a rate object: a comma, or the end of negotiated_rates
SUFFIX = 6  # behind the `]` of negotiated_rates: the rest of its item

# ---- statuses: why a pass came to a stop -------------------------------------------------------------------------
MORE = 0  # the bytes end before the record does
FALLBACK = 1  # the record is not of regular form: Python reads it
BROKEN = 2  # no comma and no end stands where one belongs
FULL = 3  # no row is left of one kind
NO_ROOM = 4  # a table of spans has no room for another one
END = 5  # the list has ended
STOPPED = (
    -3
)  # a function that returns an address returns STOPPED - status instead where it stops (not SHORT, not STRANGE)

# ---- the beginning of both cursors -------------------------------------------------------------------------------
POSITION = 0  # place in the file of the next byte to look at
LIMIT = 1  # place in the file behind the last byte at hand
MODE = 2  # one of the modes

# ---- the cursor over items: rows that there are ------------------------------------------------------------------
ITEMS = 3  # rows of items
OBJECTS = 4  # rows of rate objects
PRICES = 5  # rows of prices
OWNERS = 6  # rows of owners
MODEL = 7  # first price of the rate object that the next one is likely to repeat
MODEL_PRICES = 8  # how many prices that one has
# the price or reference at hand
MANTISSA = 9  # of its number, without the point
DECIMALS = 10  # behind the point; -1 of a number that takes more than 64 bits. `number_end` fills in both
TAIL = 11  # number of its tail
RATE = 12  # address of its rate
BEHIND_RATE = 13  # address behind its rate
OWNER = 14  # number of the reference; or how many rows of owners there are by now
ENDED = 15  # 1 where the list of references has ended
# how many rows of each kind there is room for
MOST_ITEMS = 16
MOST_OBJECTS = 17
MOST_PRICES = 18
MOST_OWNERS = 19
# addresses
ITEM_ROWS = 20  # of rows of ITEM_WIDTH
OBJECT_ROWS = 21  # of rows of OBJECT_WIDTH
PRICE_ROWS = 22  # of rows of PRICE_WIDTH
OWNER_ROWS = 23  # of int32: number of a reference, or -1 - number of an in-line list
TAILS = 24  # table of spans: what stands around rates
FOLLOW = 25  # of int64, by tail: the tail that came behind it last
BAD_TAILS = 26  # of bytes, by tail: 0, or 1 of one that cannot be read
REFERENCES = 27  # table of spans: the ids of references
LISTS = 28  # table of spans: in-line lists
BAD_LISTS = 29  # of bytes, by list: as BAD_TAILS
SEEN = 30  # of rows of SEEN_WIDTH: references seen lately, by their id
SEEN_ROWS = 31  # no address: how many rows SEEN has, a power of 2
ITEM_DATA = 32  # where byte 0 of the file would lie
ITEM_LETTERS = 33  # classes of bytes, and behind them the keys
ITEM_CURSOR = 34  # how many numbers this cursor has
ITEM_ROOM, ITEM_TABLES, ITEM_BYTES = slice(16, 20), slice(20, 32), slice(32, 34)

# ---- rows of the pass over items ---------------------------------------------------------------------------------
ITEM_START = 0  # place in the file; -1 of an item that was begun before
ITEM_RATES = 1  # place behind the `[` of negotiated_rates; -1 as above
ITEM_SUFFIX = 2  # place behind the `]` of negotiated_rates; -1 until it is met
ITEM_END = 3  # place behind the item; -1 until it is met
ITEM_OBJECTS = 4  # rows of objects up to here
ITEM_WIDTH = 5
OBJECT_START = 0  # place in the file
OBJECT_END = 1  # place behind it
OBJECT_PRICES = 2  # rows of prices up to here
OBJECT_OWNERS = 3  # rows of owners up to here
OBJECT_WIDTH = 4
PRICE_TAIL = 0  # number of its tail
PRICE_MANTISSA = 1  # of its rate; or the place of the rate in the file, where PRICE_DECIMALS is negative
PRICE_DECIMALS = 2  # of its rate; or minus the length of the rate, of one that takes more than 64 bits
PRICE_WIDTH = 3
SEEN_KEY = 0  # 32 * digits of the id + decimals; -1 of none
SEEN_NUMBER = 1  # number of the reference
SEEN_WIDTH = 2

# ---- the cursor over definitions of references: rows that there are ----------------------------------------------
RECORDS = 3  # rows of definitions
ENTRIES = 4  # rows of provider groups
NPIS = 5  # rows of NPIs
MOST_ROWS = 6  # how many rows of each kind there is room for
# addresses
RECORD_ROWS = 7  # of rows of RECORD_WIDTH
ENTRY_ROWS = 8  # of rows of ENTRY_WIDTH
NPI_ROWS = 9  # of int64
IDS = 10  # table of spans: the ids of references
TINS = 11  # table of spans: TINs
NETWORKS = 12  # table of spans: lists of network names
ID_NUMBER = 13  # mantissa and decimals of an id that is a number: `number_end` fills in both
REFERENCE_DATA = 15  # where byte 0 of the file would lie
REFERENCE_LETTERS = 16  # classes of bytes, and behind them the keys
REFERENCE_CURSOR = 17  # how many numbers this cursor has
REFERENCE_TABLES, REFERENCE_BYTES = slice(6, 13), slice(15, 17)

# ---- rows of the pass over definitions ---------------------------------------------------------------------------
RECORD_START = 0  # place in the file
RECORD_ID = 1  # number of its id
RECORD_NETWORKS = 2  # number of its network names; -1 of none
RECORD_ENTRIES = 3  # rows of provider groups up to here
RECORD_WIDTH = 4
ENTRY_TIN = 0  # number of its TIN
ENTRY_NPIS = 1  # rows of NPIs up to here
ENTRY_WIDTH = 2

# ---- the counters of totals, in the order of the last fields of `Totals` -----------------------------------------
ZEROS = 0  # rates of 0
HARD_RATES = 1  # prices whose rate takes more than 64 bits
LONG_RATES = 2  # prices whose rate may be rounded as a double
ODD_TAILS = 3  # prices whose tail is odd
NEW_TERMS = 4  # prices whose tail has no terms_ix yet
PRICED = 5  # prices of rate objects that have owners
WITHOUT_PROVIDER = 6  # prices of the others
TURN = 7  # the next turn of a reference
GROUP = 8  # the next group_ix; -1 where none is given
COUNTERS = 9
# A row of its sums, one for each number of decimals: three limbs of 20 bits, 20 bits and the rest, then the rates in them.
LOW = 0
MIDDLE = 1
HIGH = 2
TIMES = 3
SUM_WIDTH = 4
