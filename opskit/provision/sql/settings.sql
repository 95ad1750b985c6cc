-- reset_val: what holds for every session, whatever this one has set for itself
SELECT name, coalesce(reset_val, ''), unit, context = 'postmaster', pending_restart FROM pg_settings
