"""The values of the sample data: ordinary ones, and the awkward ones that real databases hold."""

from datetime import UTC, datetime

Value = str | int | float | bytes | None

AWKWARD_TEXTS = (
    "",
    " leading and trailing ",
    "two\nlines",
    "carriage\r\nreturn",
    "tab\tseparated\tvalues",
    'it\'s "quoted" and `ticked`',
    "\\N",
    "\\.",
    "ends with a backslash \\",
    "C:\\new\\table",
    "100 % sure? :name $1 {braces} -- no comment; /* none */",
    "NULL",
    "🛒🥑 family 👩‍👩‍👧‍👦 flag 🇩🇪",
    "مرحبا بالعالم",
    "שלום עולם",
    "日本語の長い文章",
    "Zürich, São Paulo, Łódź, İstanbul",
    "e\u0301 decomposed, \u00e9 composed",
    "zero\u200bwidth and \ufeff byte order mark",
    "\x01 control \x1f characters \x7f",
    "x" * 5000,
)
AWKWARD_INTEGERS = (0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63))
AWKWARD_FLOATS = (
    0.0,
    -0.0,
    0.1 + 0.2,
    5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    -1e-10,
    1e15,
    1 / 3,
)
AWKWARD_BLOBS = (b"", b"\x00", b"\\x00", bytes(range(256)), b"\xff\xfe\xfd" * 700)
AWKWARD_JSON = (
    "{}",
    "[]",
    "null",
    '"text"',
    "12345678901234567890.123",
    '{"nested": {"list": [1, 2.50, [true, false, null]], "😀": "emoji key"}}',
    '{"quote": "\\"", "backslash": "\\\\", "newline": "\\n", "unicode": "\\u00e9\\ud83d\\ude00"}',
    ' { "spaces" : "kept?" , "b" : 1, "a" : 2 } ',
    '["مرحبا", "שלום", ""]',
)
SENTENCES = (
    "Thank you for your order, it leaves the warehouse tomorrow morning.",
    "Could you send a quote for 40 units, delivery in week 34?",
    "The price of the last invoice differs from what we agreed on.",
    "Please add oat milk and two loaves of bread to the weekly list.",
    "The agent summarised the thread and proposes to close the ticket.",
    "Meeting moved to Thursday; the new agenda is attached to this mail.",
    "Stock is low for three of the five products, substitutes are suggested.",
    "A follow-up was scheduled because the customer did not answer.",
)
# fmt: off
WORDS = (
    "milk", "bread", "butter", "apples", "rice", "pasta", "coffee", "tea", "salmon", "lentils",
    "onions", "carrots", "cheddar", "granola", "honey", "server", "switch", "cable", "rack", "sensor",
    "battery", "charger", "printer", "toner", "monitor", "keyboard", "licence", "support", "renewal",
    "audit",
)
# fmt: on
MOMENT_SPELLINGS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.500",
    "%Y-%m-%d %H:%M:%S.123456",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.250Z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
"""How the application's parts write a moment of UTC; the commonest twice."""

BEGINNING = datetime(2023, 1, 1, tzinfo=UTC)
"""When the sample's time begins."""
