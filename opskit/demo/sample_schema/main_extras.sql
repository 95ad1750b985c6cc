-- Everything that stands on the tables of the main database; made after the rows, which is quicker.

CREATE INDEX idx_users_email_lower ON users (lower(email));
CREATE INDEX idx_users_active ON users (last_login_at DESC) WHERE is_active = 1;
CREATE INDEX idx_conversations_user ON conversations (user_id, updated_at DESC);
CREATE INDEX idx_messages_conversation ON messages (conversation_id, id);
CREATE INDEX idx_messages_errors ON messages (created_at) WHERE is_error = 1;
CREATE INDEX idx_emails_status ON emails_enhanced (status, priority, received_at DESC);
CREATE INDEX idx_emails_open ON emails_enhanced (received_at) WHERE status IN ('pending', 'processing');
CREATE INDEX idx_emails_chain ON emails_enhanced (chain_id) WHERE chain_id IS NOT NULL;
CREATE INDEX idx_attachments_email ON email_attachments (email_id);
CREATE INDEX idx_entities_email ON email_entities (email_id, entity_type);
CREATE INDEX idx_families_parent ON product_families (parent_id);
CREATE UNIQUE INDEX idx_deals_customer_stage ON deals (customer, stage) WHERE stage = 'won';
CREATE INDEX idx_tasks_agent ON agent_tasks (agent_id, status);
CREATE INDEX idx_tasks_deadline ON agent_tasks (deadline) WHERE status IN ('queued', 'running');
CREATE INDEX idx_audit_user ON audit_logs (user_id, created_at DESC);
CREATE INDEX idx_security_severity ON security_audit (severity, created_at DESC);

CREATE TRIGGER users_updated_at AFTER UPDATE ON users FOR EACH ROW BEGIN
    UPDATE users SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;
CREATE TRIGGER conversations_updated_at AFTER UPDATE ON conversations FOR EACH ROW BEGIN
    UPDATE conversations SET updated_at = datetime('now') WHERE id = NEW.id;
END;
CREATE TRIGGER emails_enhanced_updated_at AFTER UPDATE ON emails_enhanced FOR EACH ROW BEGIN
    UPDATE emails_enhanced SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;
CREATE TRIGGER agent_tasks_updated_at AFTER UPDATE OF status, attempts, result ON agent_tasks BEGIN
    UPDATE agent_tasks SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;

CREATE VIEW conversation_activity AS
SELECT c.id, c.title, COUNT(m.id) AS message_count,
       SUM(CASE WHEN m.role = 'assistant' THEN 1 ELSE 0 END) AS answers,
       IFNULL(MAX(m.tokens), 0) AS longest
FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id
GROUP BY c.id, c.title;

CREATE VIEW emails_per_day AS
SELECT date(received_at) AS day, status, COUNT(*) AS emails
FROM emails_enhanced GROUP BY date(received_at), status;

CREATE VIEW active_users AS
SELECT id, username, IFNULL(display_name, username) AS shown_name, role FROM users WHERE is_active = 1;

CREATE VIEW agent_workload AS
SELECT a.name, COUNT(t.id) AS tasks,
       SUM(CASE WHEN t.status IN ('queued', 'running') THEN 1 ELSE 0 END) AS open_tasks
FROM agents a LEFT JOIN agent_tasks t ON t.agent_id = a.id
GROUP BY a.name;

CREATE VIEW deal_totals AS
SELECT d.id, d.customer, d.stage, COUNT(i.position) AS items,
       COALESCE(SUM(i.quantity * COALESCE(i.deal_price, i.list_price)), 0) AS total
FROM deals d LEFT JOIN deal_items i ON i.deal_id = d.id
GROUP BY d.id, d.customer, d.stage;

CREATE VIRTUAL TABLE emails_search USING fts5 (subject, sender, content = 'emails_enhanced');
INSERT INTO emails_search (emails_search) VALUES ('rebuild');
