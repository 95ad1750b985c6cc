-- The main database of the sample application: people, conversations, e-mail, deals, agents and their audit.

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL UNIQUE,
    email         TEXT NOT NULL,
    display_name  TEXT,
    role          TEXT NOT NULL DEFAULT 'user' CHECK (role IN ('admin', 'operator', 'user', 'guest')),
    is_active     BOOLEAN NOT NULL DEFAULT 1,
    preferences   TEXT DEFAULT '{}',
    last_login_at TIMESTAMP,
    created_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (email)
);

CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title      TEXT NOT NULL DEFAULT '',
    status     TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'waiting', 'closed', 'archived')),
    metadata   TEXT,
    is_pinned  BOOLEAN NOT NULL DEFAULT 0 CHECK (is_pinned IN (0, 1)),
    created_at DATETIME NOT NULL DEFAULT (datetime('now')),
    updated_at DATETIME NOT NULL DEFAULT (datetime('now'))
);

CREATE TABLE messages (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id       INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
    content         TEXT NOT NULL,
    summary         TEXT,
    tokens          INTEGER NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    temperature     REAL,
    is_error        BOOLEAN NOT NULL DEFAULT 0,
    created_at      TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE workflow_chains (
    id           TEXT PRIMARY KEY,
    chain_type   TEXT NOT NULL CHECK (chain_type IN ('quote', 'order', 'support', 'return')),
    email_count  INTEGER NOT NULL DEFAULT 0,
    completeness REAL NOT NULL DEFAULT 0 CHECK (completeness BETWEEN 0 AND 1),
    features     TEXT,
    started_at   TIMESTAMP,
    completed_at TIMESTAMP
);

CREATE TABLE emails_enhanced (
    id               TEXT PRIMARY KEY,
    message_id       TEXT NOT NULL UNIQUE,
    chain_id         TEXT REFERENCES workflow_chains (id) ON DELETE SET NULL,
    subject          TEXT NOT NULL DEFAULT '',
    body             TEXT,
    sender           TEXT NOT NULL,
    recipients       TEXT NOT NULL DEFAULT '[]',
    "references"     TEXT,
    tags             TEXT,
    priority         INTEGER NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
    status           TEXT NOT NULL DEFAULT 'pending'
                     CHECK (status IN ('pending', 'processing', 'analyzed', 'failed', 'ignored')),
    confidence       REAL,
    has_attachments  BOOLEAN DEFAULT 0,
    received_at      DATETIME NOT NULL,
    processed_at     DATETIME,
    created_at       TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE email_attachments (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    email_id   TEXT NOT NULL REFERENCES emails_enhanced (id) ON DELETE CASCADE,
    filename   TEXT NOT NULL,
    mime_type  TEXT,
    size_bytes INTEGER NOT NULL DEFAULT 0,
    content    BLOB
);

CREATE TABLE email_entities (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    email_id     TEXT NOT NULL REFERENCES emails_enhanced (id) ON DELETE CASCADE,
    entity_type  TEXT NOT NULL CHECK (entity_type IN ('person', 'company', 'product', 'amount', 'date', 'order')),
    entity_value TEXT NOT NULL,
    confidence   REAL NOT NULL DEFAULT 1.0,
    verified     BOOLEAN NOT NULL DEFAULT 0
);

CREATE TABLE product_families (
    id          INTEGER PRIMARY KEY,
    parent_id   INTEGER REFERENCES product_families (id) ON DELETE CASCADE,
    name        VARCHAR(120) NOT NULL,
    description TEXT,
    attributes  TEXT
);

CREATE TABLE deals (
    id          TEXT PRIMARY KEY,
    customer    TEXT NOT NULL,
    owner_id    TEXT REFERENCES users (id) ON DELETE SET NULL,
    stage       TEXT NOT NULL DEFAULT 'lead' CHECK (stage IN ('lead', 'quoted', 'won', 'lost')),
    amount      DECIMAL(10,2) NOT NULL DEFAULT 0,
    discount    DECIMAL(5,2),
    valid_from  DATE,
    valid_until DATE,
    notes       TEXT,
    created_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CHECK (discount IS NULL OR discount <= 100)
);

CREATE TABLE deal_items (
    deal_id    TEXT NOT NULL REFERENCES deals (id) ON DELETE CASCADE ON UPDATE CASCADE,
    position   INTEGER NOT NULL,
    family_id  INTEGER REFERENCES product_families (id),
    label      TEXT NOT NULL,
    quantity   INTEGER NOT NULL DEFAULT 1 CHECK (quantity > 0),
    list_price DECIMAL(10,2) NOT NULL,
    deal_price DECIMAL(10,2),
    PRIMARY KEY (deal_id, position)
);

CREATE TABLE agents (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    capabilities TEXT NOT NULL DEFAULT '[]',
    is_enabled   BOOLEAN NOT NULL DEFAULT 1,
    load         REAL NOT NULL DEFAULT 0.0
);

CREATE TABLE agent_tasks (
    id           TEXT PRIMARY KEY,
    agent_id     TEXT NOT NULL REFERENCES agents (id),
    parent_id    TEXT REFERENCES agent_tasks (id) ON DELETE CASCADE,
    title        TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
    attempts     INTEGER NOT NULL DEFAULT 0,
    result       TEXT,
    deadline     DATETIME,
    created_at   DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at   DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE pipeline_executions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline     TEXT NOT NULL,
    stage        INTEGER NOT NULL DEFAULT 1 CHECK (stage IN (1, 2, 3)),
    status       TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed')),
    processed    BIGINT NOT NULL DEFAULT 0,
    seconds      DOUBLE PRECISION,
    error        TEXT,
    started_at   TIMESTAMP NOT NULL,
    completed_at TIMESTAMP
);

CREATE TABLE audit_logs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    TEXT REFERENCES users (id) ON DELETE SET NULL,
    action     TEXT NOT NULL,
    entity     TEXT,
    old_value  TEXT,
    new_value  TEXT,
    sequence   BIGINT,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE security_audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    severity   TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    source_ip  TEXT,
    event      TEXT NOT NULL,
    details    TEXT,
    blocked    BOOLEAN NOT NULL DEFAULT 0,
    score      REAL,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE application_settings (
    scope TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
