"""Expressions give the same on both engines, row by row."""

import pytest

from tests.integration.translation.engines import Engines, alike

SAME = """
b = 1
b = 0
b = '1'
b = TRUE
b IS TRUE
b IS NOT TRUE
NOT b
b + 1
b * i
CASE WHEN b THEN 'yes' ELSE 'no' END
b AND i
b || ''
COALESCE(b, 0)
i / k
r / k
n / k
n / 4
(n - 1) / 4
n / 2.5
i % k
i + n
i - r
i * 2
-i
i / 2
-i / 2
7 / 2
7 / 2.0
k & 3
k | 8
~k
i = 5
i = '5'
i = 5.0
i <> 5
i > 'a'
i == 5
s = 5
s = 12
i IS NULL
i IS NOT NULL
i IS 5
i IS NOT 5
i IS k
i ISNULL
i NOTNULL
n = 10
n >= 2.5
n = '10'
n BETWEEN 0 AND 7.0
i IN (5, 7)
i NOT IN (5, 7)
i IN (5, NULL)
s IN ('Ann', 'ann')
i IN ()
b IN (0, 1)
s < 'b'
s >= 'Ann'
s > w
nc = 'red'
nc < 'RED'
nc IN ('RED', 'blue')
s = w COLLATE NOCASE
nc = 'Blue' COLLATE RTRIM
nc || '  ' COLLATE RTRIM = nc
nc < 'Blue  ' COLLATE RTRIM
s || '' COLLATE NOCASE = w
(CASE WHEN b THEN s COLLATE NOCASE ELSE s END) = w
w = lower(s COLLATE NOCASE)
s = (SELECT max(w) FROM item WHERE w = 'ANN' COLLATE NOCASE)
s IN ('ANN' COLLATE NOCASE, 'x')
nc IN ('RED', 'Blue ')
'RED' = nc
'B' < nc
nc COLLATE BINARY < 'a'
s BETWEEN 'ANN' COLLATE NOCASE AND 'ann'
nc IN (SELECT w FROM item)
nc IN (SELECT lower(nc) FROM item)
w IN (SELECT s COLLATE NOCASE FROM item)
'Blue' IN (SELECT nc COLLATE RTRIM FROM item)
s || '-' || i
s || w
i || ''
n || ''
'n' || 5
s LIKE 'a%'
s NOT LIKE 'A%'
s LIKE '%N_'
w LIKE '%\\%%' ESCAPE '\\'
w LIKE '%_b%'
w LIKE 'a!_b!%c' ESCAPE '!'
w LIKE '\\d'
i LIKE '5%'
s LIKE w
s GLOB 'A*'
s GLOB '[aA]nn'
s GLOB '*[^0-9]'
s GLOB '?nn?'
w GLOB '*b%c'
IFNULL(i, -1)
IFNULL(s, '')
COALESCE(i, k, 0)
COALESCE(s, w, 'none')
COALESCE(n, 0)
NULLIF(i, 5)
NULLIF(s, '')
IIF(i > 0, 'plus', 'other')
IIF(i, 1, 0)
MIN(i, k)
MAX(i, k)
MIN(i, 3)
MAX(s, w)
MAX(n, 1)
ROUND(r)
ROUND(r, 1)
ROUND(n, 1)
ROUND(i, 1)
ROUND(i * 100.0 / 3, 2)
ABS(i)
ABS(n)
ABS(r)
LENGTH(s)
LENGTH(x)
LENGTH(i)
LOWER(s)
UPPER(s)
UPPER(w)
SUBSTR(s, 1, 2)
SUBSTR(s, 2)
SUBSTR(s, 0, 2)
SUBSTR(s, -2)
SUBSTR(s, -2, 1)
SUBSTR(s, -9, 8)
SUBSTR(w, k)
SUBSTRING(s, 2, 1)
SUBSTR(at, 1, 7)
TRIM(w)
LTRIM(w)
RTRIM(nc || '  ')
TRIM(s, 'An')
REPLACE(s, 'n', 'm')
REPLACE(s, '', 'm')
INSTR(s, 'n')
INSTR(s, '')
HEX(s)
HEX(x)
LOWER(HEX(x))
PRINTF('%s-%d', s, k)
PRINTF('%05d', i)
PRINTF('%.2f', n)
FORMAT('%d%%', k)
TYPEOF(i)
TYPEOF(s)
TYPEOF(n)
TYPEOF(r)
TYPEOF(b)
TYPEOF(at)
UNICODE(s)
CHAR(65, 66)
CAST(r AS INTEGER)
CAST(n AS INTEGER)
CAST(s AS INTEGER)
CAST(w AS INTEGER)
CAST(w AS REAL)
CAST(i AS TEXT)
CAST(i AS REAL)
CAST(k AS FLOAT) / 3
CAST(n AS NUMERIC)
CAST(b AS INTEGER)
CAST('12abc' AS INTEGER)
s + 1
s + w
w * 2
s + ' ' + w
s / 5
0x10 + i
1e3 * k
'a' || 'b' || 1.5
x'6162'
NULL
i + NULL
i = NULL
CASE i WHEN 5 THEN 'five' WHEN 7 THEN 'seven' END
CASE WHEN i > 5 THEN n ELSE 0 END
CASE WHEN i > 5 THEN n ELSE 0 END / 4
CASE WHEN i > 5 THEN 1.5 ELSE 1 END
"Ann" = s
"a string"
json_extract(j, '$.a')
json_extract(j, '$.a.b')
json_extract(j, '$[1]')
json_extract(j, '$[1].k')
s > 5
MAX(i, NULL)
MIN(b, 0)
json_extract(j, '$.n') > 1
json_extract(j, '$.a') = 'text'
json_extract(j, '$.t') = 1
json_extract(j, '$.n') IS NULL
json_extract(j, '$.n') + 1
COALESCE(json_extract(j, '$.a'), 'none')
j ->> '$.a'
j ->> 'a'
j -> 'a'
j -> '$.a' ->> 'b'
json_array_length(j)
json_array_length(j, '$.a.b')
at
"on"
date(at)
datetime(at)
time(at)
datetime(at, '-7 days')
datetime(at, '+1 month')
date(at, 'start of month')
date(at, 'start of month', '+1 month', '-1 day')
date(at, 'weekday 0')
date(at, '+1 year')
date("on", '+1 month')
datetime(at, '+90 minutes')
strftime('%Y', at)
strftime('%Y-%m', at)
strftime('%H:%M', at)
strftime('%d.%m.%Y', at)
strftime('%j', at)
strftime('%w', at)
strftime('%W', at)
strftime('%s', at)
strftime('%f', iso)
strftime('%Y-%m-%dT%H:%M:%SZ', at)
strftime('%Y', at) + 1
strftime('%Y', at) = '2024'
strftime('%Y', at) = 2024
CAST(strftime('%m', at) AS INTEGER)
strftime('%s', at) - strftime('%s', '2024-01-01')
julianday(at)
julianday(at) - julianday('2024-01-01')
julianday("on") - julianday(at)
unixepoch(at)
datetime(i, 'unixepoch')
at > '2024-02-29'
at >= '2024-03-01'
at < '2024-02-29'
at <= '2024-03-01'
at = '2024-03-01'
at = '2024-03-01 00:00:00'
at > '2024-03-01 00:00:00'
at >= '2024'
at < '2024-03'
at <> ''
at > ''
at BETWEEN '2024-01-01' AND '2024-03-01'
at BETWEEN datetime('2024-01-01') AND datetime('2024-03-01')
at < datetime('now')
at > datetime('now', '-1 day')
at >= date('now', '-7 days')
at < CURRENT_TIMESTAMP
at > date(at)
at = datetime(at)
"on" = '2024-02-29'
"on" > '2024-02-29'
"on" >= '2024-02-29 00:00:00'
"on" <= '2024-02-29 10:00:00'
"on" < date('now')
"on" = date(at)
"on" = date(iso)
"on" || ''
"on" LIKE '2024%'
SUBSTR("on", 1, 7)
"on" = at
at > "on"
iso > '2024'
iso < datetime('now')
date(iso)
datetime(iso)
iso IS date(iso)
julianday(iso)
datetime(iso, '+1 day')
COALESCE(at, '2020-01-01 00:00:00')
COALESCE("on", '2020-01-01')
date('2024-02-31')
date(NULL)
EXISTS (SELECT 1 FROM part WHERE item_id = item.id)
(SELECT count(*) FROM part WHERE item_id = item.id)
(SELECT max(price) FROM part p WHERE p.item_id = item.id)
(SELECT max(price) FROM part p WHERE p.item_id = item.id) / 2
(SELECT name FROM part WHERE item_id = id ORDER BY name DESC LIMIT 1)
i IN (SELECT amount FROM part)
id NOT IN (SELECT item_id FROM part)
s IN (SELECT name FROM part)
rowid
oid
mixed = 5
mixed IS NULL
x = x'616263'
NOT i IS NULL AND s = 'Ann' OR b
(i > 5) = 1
(i > 5) + (k > 1)
likely(i)
'5' IN (id, ' 7 ')
' 7 ' IN (id, 1.0)
NULLIF('5', k)
NULLIF(i, '5')
-i = '7'
ABS(r) <= '1e2'
CAST(nc AS TEXT) > w
at >= '2024-03'
mixed = '5'
""".strip().splitlines()


@pytest.mark.parametrize("expression", SAME)
def test_an_expression_gives_the_same_on_both_engines(engines: Engines, expression: str) -> None:
    assert engines.views(f"CREATE VIEW v AS SELECT id, {expression} AS e FROM item") == ""
    left, right = engines.rows("v")
    assert [pair for pair in zip(sorted(left), sorted(right), strict=True) if not alike(*pair)] == []
