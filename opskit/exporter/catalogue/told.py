"""What other services of opskit tell of a database (opskit.exporter.status_files)."""

from opskit.exporter.metric import DATABASE, counter, gauge

TOLD = (
    gauge(
        "opskit_backup_last_success_timestamp_seconds",
        "When the newest backup was made, as Unix time.",
        "backups.made",
    ),
    gauge("opskit_backup_last_size_bytes", "Size of the newest backup.", "backups.bytes"),
    gauge(
        "opskit_backup_last_duration_seconds",
        "How long it took to make the newest backup.",
        "backups.seconds",
    ),
    gauge(
        "opskit_backup_last_attempt_timestamp_seconds",
        "When the last attempt to make a backup ended, as Unix time.",
        "backups.attempted",
    ),
    gauge(
        "opskit_backup_last_attempt_success",
        "Whether the last attempt to make a backup succeeded.",
        "backups.succeeded",
    ),
    gauge(
        "opskit_backup_last_check_timestamp_seconds",
        "When the last check of a backup that looked so closely ended, as Unix time.",
        "backups.checked",
        (*DATABASE, "level"),
    ),
    gauge(
        "opskit_backup_last_check_success",
        "Whether that check was carried out and found nothing wrong; of several backups, with each.",
        "backups.sound",
        (*DATABASE, "level"),
    ),
    gauge(
        "opskit_backup_last_check_duration_seconds",
        "How long that check took.",
        "backups.check_seconds",
        (*DATABASE, "level"),
    ),
    gauge(
        "opskit_backup_last_verified_timestamp_seconds",
        "When a backup that is kept last passed a check of this level or a closer one, as Unix time.",
        "backups.verified",
        (*DATABASE, "level"),
    ),
    gauge("opskit_backup_retained", "Number of backups that are kept.", "backups.retained"),
    gauge("opskit_backup_total_size_bytes", "Size of all backups that are kept.", "backups.total"),
    gauge(
        "opskit_backup_damaged",
        "Of how many of them something is known to be wrong.",
        "backups.damaged",
    ),
    gauge(
        "opskit_backup_recovery_window_start_timestamp_seconds",
        "Since when any moment can be brought back (pgBackRest), as Unix time.",
        "backups.window_start",
    ),
    gauge(
        "opskit_sqlite_integrity_ok",
        "Whether the last backup found the SQLite file that it was made of sound; none on PostgreSQL.",
        "backups.intact",
    ),
    gauge(
        "opskit_sqlite_integrity_check_timestamp_seconds",
        "When that was, as Unix time.",
        "backups.integrity_checked",
    ),
    gauge(
        "opskit_rollback_ready",
        "Whether a rollback to SQLite would lose nothing; none while there is no way back.",
        "standby.ready",
    ),
    gauge(
        "opskit_rollback_deadline_timestamp_seconds",
        "When the way back ends as configured, as Unix time.",
        "standby.deadline",
    ),
    gauge(
        "opskit_rollback_rehearsal_timestamp_seconds",
        "When a rollback was last rehearsed, as Unix time.",
        "rehearsals.rehearsed",
    ),
    gauge(
        "opskit_rollback_rehearsal_success",
        "Whether the rollback that was last rehearsed would have worked.",
        "rehearsals.works",
    ),
    gauge(
        "opskit_rollback_rehearsal_duration_seconds",
        "For how long that rollback would have stopped the application's writes.",
        "rehearsals.pause",
    ),
    gauge(
        "opskit_standby_phase",
        "1 for what the standby does: closed, ended, opening, following or stuck.",
        "standby.in_phase",
        (*DATABASE, "phase"),
    ),
    gauge(
        "opskit_standby_last_update_timestamp_seconds",
        "When the standby last told how it is, as Unix time.",
        "standby.told",
    ),
    gauge("opskit_standby_lag_seconds", "Age of the moment that the standby's file shows.", "standby.lag"),
    counter("opskit_standby_changes_total", "Rows that the standby brought back.", "standby.changes"),
    gauge(
        "opskit_standby_last_verified_timestamp_seconds",
        "When the table compared longest ago was compared, as Unix time.",
        "standby.verified",
    ),
    gauge("opskit_standby_retained_bytes", "Log that PostgreSQL keeps for the standby.", "standby.retained"),
    gauge(
        "opskit_standby_safe_bytes",
        "Log that may be written before PostgreSQL gives the standby up.",
        "standby.safe",
    ),
    gauge(
        "opskit_engine_of_record",
        "1 for the engine that the last cutover or rollback made authoritative; none before the first.",
        "engine_record.recorded",
        (*DATABASE, "engine"),
    ),
    gauge(
        "opskit_engine_of_record_since_timestamp_seconds",
        "When the last cutover or rollback made it so, as Unix time.",
        "engine_record.since",
    ),
)
