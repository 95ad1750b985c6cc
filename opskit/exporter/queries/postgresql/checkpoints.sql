-- Checkpoints of the server by what began them, the time they took, and by whom buffers were written.
select
    o.trigger,
    o.checkpoints::float8 as checkpoints,
    o.writer,
    o.buffers::float8 as buffers,
    o.write_seconds,
    o.sync_seconds
from pg_stat_bgwriter b
cross join lateral (
    values
        ('timed', b.checkpoints_timed, null, null, b.checkpoint_write_time / 1000, b.checkpoint_sync_time / 1000),
        ('requested', b.checkpoints_req, null, null, null, null),
        (null, null, 'checkpointer', b.buffers_checkpoint, null, null),
        (null, null, 'background_writer', b.buffers_clean, null, null),
        (null, null, 'backend', b.buffers_backend, null, null)
) as o (trigger, checkpoints, writer, buffers, write_seconds, sync_seconds)
