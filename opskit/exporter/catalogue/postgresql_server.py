"""What PostgreSQL says of the server as a whole: one database speaks for all, so `database` is no label."""

from opskit.exporter.metric import counter, gauge

SERVER = (
    gauge(
        "opskit_postgres_connections_limit",
        "Sessions that the server admits (max_connections).",
        "limits.connections_limit",
        (),
    ),
    gauge(
        "opskit_postgres_connections_reserved",
        "Sessions kept for superusers out of the limit.",
        "limits.connections_reserved",
        (),
    ),
    gauge(
        "opskit_postgres_settings_pending_restart",
        "Settings that were changed and wait for a restart of the server.",
        "limits.pending_restart",
        (),
    ),
    gauge(
        "opskit_postgres_xid_freeze_limit",
        "Age of the oldest transaction at which vacuum is forced (autovacuum_freeze_max_age).",
        "limits.xid_freeze_limit",
        (),
    ),
    gauge("opskit_postgres_autovacuum_workers", "Autovacuum's workers at work.", "vacuum.workers", ()),
    gauge(
        "opskit_postgres_autovacuum_workers_limit",
        "Autovacuum's workers at most (autovacuum_max_workers).",
        "limits.autovacuum_workers_limit",
        (),
    ),
    counter("opskit_postgres_wal_bytes_total", "Bytes of write-ahead log written.", "wal_written.bytes", ()),
    counter(
        "opskit_postgres_wal_records_total", "Records of write-ahead log written.", "wal_written.records", ()
    ),
    counter(
        "opskit_postgres_wal_buffers_full_total",
        "How often the log was written because its buffers were full.",
        "wal_written.buffers_full",
        (),
    ),
    gauge(
        "opskit_postgres_wal_directory_bytes",
        "Size of the write-ahead log's files.",
        "wal_files.directory_bytes",
        (),
    ),
    gauge(
        "opskit_postgres_archive_pending_segments",
        "Log files that wait to be archived; none where archiving is off.",
        "wal_files.archive_pending",
        (),
    ),
    counter("opskit_postgres_archived_segments_total", "Log files archived.", "archiver.archived", ()),
    counter("opskit_postgres_archive_failures_total", "Failed attempts to archive.", "archiver.failures", ()),
    gauge(
        "opskit_postgres_archive_last_success_timestamp_seconds",
        "When a log file was last archived, as Unix time.",
        "archiver.last_success",
        (),
    ),
    gauge(
        "opskit_postgres_archive_last_failure_timestamp_seconds",
        "When archiving last failed, as Unix time.",
        "archiver.last_failure",
        (),
    ),
    counter(
        "opskit_postgres_checkpoints_total",
        "Checkpoints, by what began them: timed or requested.",
        "checkpoints.checkpoints",
        ("trigger",),
    ),
    counter(
        "opskit_postgres_checkpoint_write_seconds_total",
        "Time that checkpoints spent writing.",
        "checkpoints.write_seconds",
        (),
    ),
    counter(
        "opskit_postgres_checkpoint_sync_seconds_total",
        "Time that checkpoints spent waiting for the disk.",
        "checkpoints.sync_seconds",
        (),
    ),
    counter(
        "opskit_postgres_buffers_written_total",
        "Buffers written, by whom: checkpointer, background_writer or backend.",
        "checkpoints.buffers",
        ("writer",),
    ),
    gauge("opskit_postgres_in_recovery", "Whether the server is a standby.", "replication.recovering", ()),
    gauge("opskit_postgres_replicas", "Replicas that stream from the server.", "replication.replicas", ()),
    gauge(
        "opskit_postgres_replication_lag_bytes",
        "Log that a replica has not replayed yet.",
        "replication.lag_bytes",
        ("replica",),
    ),
    gauge(
        "opskit_postgres_replication_lag_seconds",
        "How long recent log took until a replica had replayed it.",
        "replication.lag_seconds",
        ("replica",),
    ),
    gauge(
        "opskit_postgres_slot_active",
        "Whether somebody reads from the replication slot.",
        "replication.active",
        ("slot",),
    ),
    gauge(
        "opskit_postgres_slot_retained_bytes",
        "Log that the server keeps for the slot.",
        "replication.retained_bytes",
        ("slot",),
    ),
    gauge(
        "opskit_postgres_slot_safe_bytes",
        "Log that may be written before the slot is lost; none without a limit.",
        "replication.safe_bytes",
        ("slot",),
    ),
    gauge(
        "opskit_postgres_slot_lost",
        "Whether the slot has lost log that it needed: its reader must begin anew.",
        "replication.lost",
        ("slot",),
    ),
)
