// A writer as the application is: better-sqlite3 and pg, on the side that `.env` names, until it is killed.
//
//     node writer.mjs SPEC
//
// SPEC and what is noted are those of tests/crash/writer.py and ledger.py; what to write stands in the file
// `workload`, one transaction a line (tests/crash/workload.py prints it).

import { existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as rest } from "node:timers/promises";

import Database from "better-sqlite3";
import pg from "pg";

const REST = 20; // milliseconds before another attempt

/** What this writer noted, and goes on noting: each line by one write(2). */
class Ledger {
    constructor({ ledger, fsync, clock_offset }) {
        this.next = 1 + lastNumber(ledger);
        this.file = openSync(ledger, "a", 0o600);
        this.durable = fsync;
        this.offset = BigInt(clock_offset);
        writeSync(this.file, "\n"); // the last line may be torn
    }

    note(number, event, engine, database, error) {
        const told = JSON.stringify({ number, event, engine, database, error });
        const at = process.hrtime.bigint() + this.offset; // more digits than a number of JavaScript holds
        writeSync(this.file, `${told.slice(0, -1)},"at":${at}}\n`);
        if (this.durable) fsyncSync(this.file);
    }
}

function lastNumber(file) {
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    return Math.max(0, ...lines.map((line) => Number(/"number": ?(\d+)/.exec(line)?.[1] ?? 0)));
}

/** Both SQLite files, opened as the application does. */
class Sqlite {
    async open({ sqlite }) {
        this.databases = {};
        for (const [name, file] of Object.entries(sqlite)) {
            const database = new Database(file, { timeout: 3000 });
            this.databases[name] = database;
            database.pragma("journal_mode = WAL");
            database.pragma("synchronous = NORMAL");
            database.pragma("foreign_keys = ON");
        }
    }

    async perform(name, statements) {
        const database = this.databases[name];
        database.transaction(() => {
            for (const [sql, values] of statements) database.prepare(sql).run(...values.map(bound));
        })();
    }

    async close() {
        for (const database of Object.values(this.databases)) database.close();
    }
}

/** A pool for each PostgreSQL database. */
class Postgresql {
    async open({ postgresql }) {
        this.pools = {};
        for (const [name, { dbname, ...parameters }] of Object.entries(postgresql)) {
            const pool = new pg.Pool({
                ...parameters,
                database: dbname,
                options: "-c timezone=UTC", // moments without a zone are UTC, as they are in SQLite
                max: 2,
                connectionTimeoutMillis: 3000,
            });
            // of a connection at rest, or between two statements: the next statement meets it too
            pool.on("error", () => {}).on("connect", (client) => client.on("error", () => {}));
            this.pools[name] = pool;
        }
        for (const pool of Object.values(this.pools)) await pool.query("SELECT 1");
    }

    async perform(name, statements) {
        const client = await this.pools[name].connect();
        try {
            await client.query("BEGIN");
            for (const [sql, values] of statements) await client.query(numbered(sql), values.map(bound));
            await client.query("COMMIT");
        } catch (error) {
            client.release(error);
            throw error;
        }
        client.release();
    }

    async close() {
        await Promise.allSettled(Object.values(this.pools).map((pool) => pool.end()));
    }
}

const SIDES = { sqlite: Sqlite, postgresql: Postgresql };

function bound(value) {
    return value !== null && typeof value === "object" ? Buffer.from(value.hex, "hex") : value;
}

function numbered(sql) {
    let number = 0;
    return sql.replace(/\?/g, () => `$${++number}`);
}

function engineIn(file) {
    return /^\s*DATABASE_TYPE\s*=\s*['"]?(\w+)/m.exec(readFileSync(file, "utf8"))?.[1] ?? "sqlite";
}

/** The side that `.env` names, as soon as it can be opened. */
async function opened(spec) {
    for (;;) {
        const engine = engineIn(spec.env_file);
        const side = new SIDES[engine]();
        try {
            await side.open(spec);
            return { engine, side };
        } catch {
            await side.close();
            await rest(REST);
        }
    }
}

async function write(spec) {
    const ledger = new Ledger(spec);
    const workload = readFileSync(spec.workload, "utf8").split("\n").filter(Boolean);
    let { engine, side } = await opened(spec);
    for (const line of workload.slice(ledger.next - 1)) {
        const { number, database, ...work } = JSON.parse(line);
        ledger.note(number, "begun", engine, database);
        try {
            await side.perform(database, work[engine]);
            ledger.note(number, "acknowledged", engine, database);
            await rest(spec.pause * 1000);
        } catch (error) {
            ledger.note(number, "failed", engine, database, `${error.code ?? error.name}: ${error.message}`);
            await side.close();
            await rest(REST);
            ({ engine, side } = await opened(spec));
        }
    }
    throw new Error(`${spec.workload} has come to its end`);
}

await write(JSON.parse(readFileSync(process.argv[2], "utf8")));
