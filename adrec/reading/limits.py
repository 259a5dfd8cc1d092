"""Limits on what people's files may hold; each is refused with a sentence that names it."""

LARGEST_FILE = 64 << 30
"""Bytes of a file."""
LARGEST_UNPACKED = 16 << 30
"""Bytes that a compressed file may unpack to."""
MOST_EXPANSION = 250
"""How many times its own size a compressed file may unpack to, beyond ``FREE_EXPANSION``. Interactions as text: about 3 to 20."""
FREE_EXPANSION = 16 << 20
"""Bytes that any compressed file may unpack to."""
LONGEST_LINE = 1 << 22
"""Bytes of a line of text, and of a row."""
LONGEST_OBJECT = 1 << 24
"""Bytes of one row of a JSON array."""
LONGEST_ID = 512
"""Characters of an id."""
MOST_COLUMNS = 1 << 16
"""Columns of a file."""
HEAD = 1 << 18
"""Bytes at the beginning of a text file from which its dialect is taken; more where the first two lines are longer."""
HEAD_ROWS = 1000
"""Rows at the beginning of a text file that say whether the first line names the columns."""
