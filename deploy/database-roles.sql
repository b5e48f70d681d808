-- Splits the rights in the database of Cufflink (LOG-11). docs/database-roles.md says how it is used.
--
-- Run it as the owner of the tables, after every `npm run cli -- migrate`:
--
--     psql "$OWNER_DATABASE_URL" --set ON_ERROR_STOP=1 --single-transaction --file deploy/database-roles.sql
--
-- You may run it again at any time: it takes back every right of these roles in this database and grants the ones below.
-- Only the owner can use a table that is not named here. The roles have no login: make logins of your own and grant each
-- of them one role.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['cufflink_app', 'cufflink_operator', 'cufflink_auditor', 'cufflink_reader'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    EXCEPTION
      -- There already, or made by somebody else at this moment: roles belong to all databases of the server.
      WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;
GRANT USAGE ON SCHEMA public TO cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;

-- Rights to columns go with those to their table.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;

-- Later tables of the owner have no rights for anybody else until they are named below.
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC, cufflink_app, cufflink_operator, cufflink_auditor, cufflink_reader;

-- cufflink_app: the service, its workers, and the commands that do the service's work, such as `connections`.
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, connections, grant_migrations, links, link_sessions, revocations, rate_limits, vault_replicas,
  events, notifications, subscriptions, webhook_attempts, webhook_endpoints, idempotency_keys TO cufflink_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON connection_counts, console_sessions TO cufflink_app;
GRANT SELECT, INSERT, UPDATE ON event_cursors TO cufflink_app;
GRANT SELECT, INSERT, UPDATE ON circuit_breakers TO cufflink_app;
GRANT SELECT, INSERT, UPDATE (erased_at) ON erasures TO cufflink_app;
GRANT SELECT, INSERT ON audit_entries TO cufflink_app;
GRANT SELECT, INSERT, UPDATE (head_sequence, head_mac) ON audit_writers TO cufflink_app;
GRANT SELECT, UPDATE (operations) ON vault_keys TO cufflink_app;
GRANT SELECT, UPDATE (last_used_at) ON api_keys TO cufflink_app;
GRANT SELECT ON migrations TO cufflink_app;
-- The queue of deliveries. Its functions write to its tables only.
GRANT USAGE ON SCHEMA cufflink_jobs TO cufflink_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cufflink_jobs TO cufflink_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA cufflink_jobs TO cufflink_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cufflink_jobs TO cufflink_app;

-- cufflink_operator: the commands `keys`, `api-keys` and `audit`. It makes keys and seals values again; it neither links
-- nor ends anything.
GRANT SELECT, INSERT, UPDATE ON vault_keys TO cufflink_operator;
GRANT SELECT ON vault_replicas TO cufflink_operator;
GRANT SELECT, UPDATE (sealed) ON connections, events, grant_migrations, links, revocations, subscriptions,
  webhook_endpoints, idempotency_keys TO cufflink_operator;
GRANT SELECT, INSERT, UPDATE (expires_at, revoked_at, secret_hash, mac) ON api_keys TO cufflink_operator;
-- `audit prune` leaves a signed checkpoint: entries that go without one are noticed.
GRANT SELECT, INSERT, DELETE ON audit_entries TO cufflink_operator;
GRANT SELECT, INSERT, UPDATE (head_sequence, head_mac, pruned_sequence, pruned_mac, pruned_signature) ON audit_writers
  TO cufflink_operator;
GRANT SELECT ON migrations TO cufflink_operator;

-- cufflink_auditor: `audit verify`. It needs the keys, wrapped, to recompute the chains.
GRANT SELECT ON audit_entries, audit_writers, vault_keys TO cufflink_auditor;

-- cufflink_reader: DATABASE_READ_URL. Lists and counts of connections, and the audit trail.
GRANT SELECT ON connections, connection_counts, audit_entries TO cufflink_reader;
