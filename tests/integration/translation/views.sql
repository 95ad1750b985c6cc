-- One view a paragraph, under its name; test_views_agree.py runs each on both engines.

-- star
SELECT * FROM part

-- star of one table
SELECT p.*, item.s FROM item JOIN part p ON p.item_id = item.id

-- implicit join
SELECT i.id, p.name FROM item AS i, part p WHERE i.id = p.item_id

-- left join
SELECT id, name, amount FROM item LEFT JOIN part ON item_id = id AND amount > 5

-- right join
SELECT id, name FROM item RIGHT JOIN part ON item_id = id

-- full join
SELECT id, name FROM item FULL OUTER JOIN part ON item_id = id

-- cross join
SELECT i.id, e.id FROM item i CROSS JOIN item e

-- using
SELECT * FROM part JOIN (SELECT id AS item_id, s FROM item) AS other USING (item_id)

-- natural join
SELECT * FROM part NATURAL LEFT JOIN (SELECT id AS item_id, s FROM item) AS o

-- case of names
SELECT ITEM.ID, Item.[S], `i` FROM iTeM

-- where text
SELECT id FROM item WHERE s

-- where number
SELECT id FROM item WHERE i - 5

-- where boolean
SELECT id FROM item WHERE b

-- where not
SELECT id FROM item WHERE NOT w

-- alias in where
SELECT id, i * 2 AS twice FROM item WHERE twice > 9

-- quoted alias
SELECT id AS 'my id', s AS "the name", i AS [x y] FROM item

-- count
SELECT count(*), count(i), count(DISTINCT i), count(b) FROM item

-- sum of integers
SELECT sum(i), sum(amount) FROM item, part

-- sums
SELECT sum(b), sum(n), sum(r), sum(i > 5), total(i), total(n) FROM item

-- sum of case
SELECT sum(CASE WHEN b THEN 1 ELSE 0 END), avg(b), avg(i), avg(n) FROM item

-- averages
SELECT avg(k), avg(r), avg(n), avg(s) FROM item

-- extremes
SELECT min(i), max(i), min(s), max(s), min(b), max(b), min(at), max("on"), max(n) FROM item

-- extremes divided
SELECT (max(price) - min(price)) / min(price) * 100, max(price) / 2 FROM part

-- of nothing
SELECT count(*), sum(i), avg(i), total(i), max(i) FROM empty

-- group
SELECT name, count(*) AS n, sum(amount) FROM part GROUP BY name

-- group by ordinal
SELECT substr(at, 1, 4), count(*) FROM item GROUP BY 1

-- group by alias
SELECT date(at) AS day, count(*) FROM item GROUP BY day ORDER BY day DESC

-- group by boolean
SELECT b, count(*) FROM item GROUP BY b

-- group by key
SELECT item.id, item.s, count(name) FROM item LEFT JOIN part ON item_id = id GROUP BY item.id

-- having
SELECT name FROM part GROUP BY name HAVING count(*) > 1 AND sum(amount) > 3

-- having without group
SELECT count(*) FROM part HAVING count(*) > 1

-- having alias
SELECT name, count(*) AS c FROM part GROUP BY name HAVING c > 1

-- group_concat
SELECT item_id, group_concat(name) FROM part WHERE name = 'nut' GROUP BY item_id

-- group_concat ordered
SELECT item_id, group_concat(name, '; ' ORDER BY name) FROM part GROUP BY item_id

-- filter
SELECT count(*) FILTER (WHERE amount > 5), sum(amount) FILTER (WHERE name = 'nut') FROM part

-- distinct
SELECT DISTINCT i FROM item ORDER BY i

-- distinct ordered by expression
SELECT DISTINCT upper(name) FROM part ORDER BY upper(name) DESC

-- order by alias
SELECT id AS s, s AS id FROM item ORDER BY id, s LIMIT 3

-- order by text
SELECT id FROM item ORDER BY s LIMIT 4

-- order by nocase
SELECT id FROM item ORDER BY nc, id LIMIT 4

-- order by nocase said
SELECT id FROM item ORDER BY w COLLATE NOCASE DESC, id LIMIT 4

-- nulls
SELECT id FROM item ORDER BY i, id LIMIT 3

-- nulls descending
SELECT id FROM item ORDER BY i DESC, id LIMIT 6

-- nulls last
SELECT id FROM item ORDER BY i NULLS LAST, id LIMIT 6

-- limit
SELECT id FROM item ORDER BY id LIMIT 2 OFFSET 1

-- limit without order
SELECT id FROM item LIMIT 2

-- no limit
SELECT id FROM item ORDER BY id LIMIT -1 OFFSET 2

-- limit of groups
SELECT name, count(*) AS n FROM part GROUP BY name ORDER BY n DESC LIMIT 2

-- union
SELECT s FROM item UNION SELECT name FROM part ORDER BY 1

-- union all
SELECT id, 'item' AS kind FROM item UNION ALL SELECT item_id, name FROM part

-- union of types
SELECT i FROM item UNION ALL SELECT price FROM part UNION ALL SELECT NULL

-- union of booleans
SELECT b FROM item UNION ALL SELECT 0

-- intersect
SELECT id FROM item INTERSECT SELECT item_id FROM part

-- except
SELECT id FROM item EXCEPT SELECT item_id FROM part

-- mixed compound
SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 UNION ALL SELECT 3

-- compound limit
SELECT id FROM item UNION SELECT item_id FROM part ORDER BY id DESC LIMIT 3

-- cte
WITH big AS (SELECT id, i FROM item WHERE i > 5), n(c) AS (SELECT count(*) FROM big) SELECT big.id, c FROM big, n

-- recursion
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, i * i AS q FROM n

-- recursion of text
WITH RECURSIVE p(t) AS (VALUES ('a') UNION ALL SELECT t || 'b' FROM p WHERE length(t) < 4) SELECT t FROM p

-- tree
WITH RECURSIVE t(id, depth) AS (SELECT id, 0 FROM item WHERE id = 1 UNION SELECT item.id, depth + 1 FROM item JOIN t ON item.id = t.id + 1) SELECT * FROM t

-- values
VALUES (1, 'a'), (2, NULL)

-- derived table
SELECT day, n FROM (SELECT date(at) AS day, count(*) AS n FROM item GROUP BY date(at)) WHERE n > 1

-- scalar subquery
SELECT id, (SELECT avg(i) FROM item) FROM item WHERE i > (SELECT avg(k) FROM item)

-- row number
SELECT id, row_number() OVER (PARTITION BY b ORDER BY i, id) FROM item

-- running sum
SELECT id, sum(i) OVER (ORDER BY id), avg(n) OVER w, count(*) OVER () FROM item WINDOW w AS (PARTITION BY b)

-- frames
SELECT id, sum(k) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s, max(k) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS m FROM item

-- neighbours
SELECT id, lag(i) OVER (ORDER BY id), lead(s, 1, '-') OVER (ORDER BY id), first_value(s) OVER (ORDER BY id) FROM item

-- ranks
SELECT id, rank() OVER (ORDER BY i), dense_rank() OVER (ORDER BY i), ntile(2) OVER (ORDER BY id), percent_rank() OVER (ORDER BY id) FROM item

-- rank of sums
SELECT name, rank() OVER (ORDER BY sum(amount) DESC) FROM part GROUP BY name

-- no table
SELECT 1, 'a', NULL, 1.5, x'00'

-- duplicate names
SELECT i.id, p.item_id AS id, i.id FROM item i JOIN part p ON p.item_id = i.id

-- in list of mixed
SELECT id FROM item WHERE i IN (1, 5, '7')

-- exists
SELECT id FROM item WHERE NOT EXISTS (SELECT 1 FROM part WHERE item_id = item.id)

-- column named like keyword
SELECT "on" FROM item WHERE "on" IS NOT NULL ORDER BY "on" DESC LIMIT 1

-- product of a sum
SELECT sum(amount) * 1.0 / count(*), sum(amount) / count(*) FROM part

-- an aggregate has no affinity
SELECT b, min(w) > 2, max(n) > '2' FROM item GROUP BY b

-- sum of texts
SELECT sum(s), sum('12abc'), total(w) FROM item
