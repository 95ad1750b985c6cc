-- The grocery database of the sample application: products, lists, carts, prices and deliveries.

CREATE TABLE walmart_products (
    id            TEXT PRIMARY KEY,
    sku           TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    brand         TEXT,
    category      TEXT NOT NULL DEFAULT 'grocery',
    price         DECIMAL(10,2) NOT NULL CHECK (price >= 0),
    regular_price DECIMAL(10,2),
    unit          TEXT CHECK (unit IN ('each', 'lb', 'oz', 'kg', 'l')),
    weight        REAL,
    in_stock      BOOLEAN NOT NULL DEFAULT 1,
    nutrition     TEXT,
    features      TEXT,
    price_history TEXT,
    thumbnail     BLOB,
    popularity    BIGINT NOT NULL DEFAULT 0,
    created_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at    TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE user_preferences (
    user_id        TEXT PRIMARY KEY,
    dietary        TEXT NOT NULL DEFAULT '[]',
    budget_weekly  DECIMAL(10,2),
    prefers_organic BOOLEAN NOT NULL DEFAULT 0,
    timezone       TEXT NOT NULL DEFAULT 'UTC',
    updated_at     TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE delivery_slots (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    slot_date DATE NOT NULL,
    part_of_day TEXT NOT NULL CHECK (part_of_day IN ('morning', 'noon', 'afternoon', 'evening')),
    store     INTEGER NOT NULL,
    capacity  INTEGER NOT NULL DEFAULT 10,
    fee       DECIMAL(6,2) NOT NULL DEFAULT 0.00,
    available BOOLEAN NOT NULL DEFAULT 1,
    UNIQUE (slot_date, part_of_day, store)
);

CREATE TABLE grocery_lists (
    id             TEXT PRIMARY KEY,
    user_id        TEXT NOT NULL REFERENCES user_preferences (user_id) ON DELETE CASCADE,
    name           TEXT NOT NULL DEFAULT '',
    status         TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'archived')),
    estimated      DECIMAL(10,2),
    slot_id        INTEGER REFERENCES delivery_slots (id) ON DELETE SET NULL,
    created_at     DATETIME NOT NULL DEFAULT (datetime('now')),
    updated_at     DATETIME NOT NULL DEFAULT (datetime('now'))
);

CREATE TABLE grocery_items (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    list_id    TEXT NOT NULL REFERENCES grocery_lists (id) ON DELETE CASCADE,
    product_id TEXT REFERENCES walmart_products (id) ON DELETE SET NULL,
    name       TEXT NOT NULL,
    quantity   REAL NOT NULL DEFAULT 1 CHECK (quantity > 0),
    unit_price DECIMAL(10,2),
    checked    BOOLEAN NOT NULL DEFAULT 0,
    notes      TEXT,
    added_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE shopping_carts (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES user_preferences (user_id) ON DELETE CASCADE,
    status     TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'ordered', 'abandoned')),
    session    TEXT,
    created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE cart_items (
    cart_id    TEXT NOT NULL REFERENCES shopping_carts (id) ON DELETE CASCADE,
    line       INTEGER NOT NULL,
    product_id TEXT NOT NULL REFERENCES walmart_products (id),
    quantity   INTEGER NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 999),
    price      DECIMAL(10,2) NOT NULL,
    PRIMARY KEY (cart_id, line)
);

CREATE TABLE price_history (
    product_id  TEXT NOT NULL REFERENCES walmart_products (id) ON DELETE CASCADE,
    recorded_on DATE NOT NULL,
    price       DECIMAL(10,2) NOT NULL,
    was_on_sale BOOLEAN NOT NULL DEFAULT 0,
    source      TEXT,
    PRIMARY KEY (product_id, recorded_on)
) WITHOUT ROWID;

CREATE TABLE purchase_history (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      TEXT NOT NULL REFERENCES user_preferences (user_id),
    product_id   TEXT REFERENCES walmart_products (id) ON DELETE SET NULL,
    order_number TEXT NOT NULL,
    quantity     INTEGER NOT NULL DEFAULT 1,
    paid         DECIMAL(10,2) NOT NULL,
    purchased_at TIMESTAMP NOT NULL,
    metadata     TEXT
);

CREATE TABLE deal_alerts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id TEXT NOT NULL REFERENCES walmart_products (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES user_preferences (user_id) ON DELETE CASCADE,
    target     DECIMAL(10,2) NOT NULL,
    recipients TEXT NOT NULL DEFAULT '[]',
    is_active  BOOLEAN NOT NULL DEFAULT 1,
    sent_at    TIMESTAMP
);

CREATE TABLE substitutions (
    product_id    TEXT NOT NULL REFERENCES walmart_products (id) ON DELETE CASCADE,
    substitute_id TEXT NOT NULL REFERENCES walmart_products (id) ON DELETE CASCADE,
    similarity    REAL NOT NULL CHECK (similarity >= 0 AND similarity <= 1),
    reason        TEXT,
    PRIMARY KEY (product_id, substitute_id)
);
