-- What the migrations add up to: written by `make schema`, compared by a test.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE FUNCTION public.ensure_month(instant timestamp with time zone) RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public'
    AS $$
declare
    first date := date_trunc('month', instant at time zone 'UTC')::date;
    next  date := (first + interval '1 month')::date;
    name  text;
    part  text;
begin
    foreach name in array array['disposition', 'raw_message', 'registration_version', 'change'] loop
        part := name || to_char(first, '_YYYYMM');
        if to_regclass(part) is null then
            execute format('create table %I partition of %I for values from (%L) to (%L)',
                           part, name, first || ' 00:00:00+00', next || ' 00:00:00+00');
            execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_rewriting()', part);
        end if;
    end loop;
    return first;
end $$;
CREATE FUNCTION public.mask_name(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ("left"(value, 1) || repeat('*'::text, (length(value) - 1)));
CREATE FUNCTION public.mask_number(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (POSITION(('@'::text) IN (value)) > 0) THEN (("left"(regexp_replace(value, '@[^@]*$'::text, ''::text), 1) || '***@'::text) || regexp_replace(value, '^.*@'::text, ''::text)) WHEN (length(value) > 10) THEN (("left"(value, 3) || repeat('*'::text, (length(value) - 7))) || "right"(value, 4)) WHEN (length(value) > 2) THEN (("left"(value, 1) || repeat('*'::text, (length(value) - 2))) || "right"(value, 1)) ELSE repeat('*'::text, length(value)) END;
CREATE FUNCTION public.mask_personal(record jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (record ?| ARRAY['legal_representative_id_number'::text, 'contact_phone'::text, 'contact_name'::text]) THEN (((record || CASE WHEN (record ? 'legal_representative_id_number'::text) THEN jsonb_build_object('legal_representative_id_number', public.mask_number((record ->> 'legal_representative_id_number'::text))) ELSE '{}'::jsonb END) || CASE WHEN (record ? 'contact_phone'::text) THEN jsonb_build_object('contact_phone', public.mask_number((record ->> 'contact_phone'::text))) ELSE '{}'::jsonb END) || CASE WHEN (record ? 'contact_name'::text) THEN jsonb_build_object('contact_name', public.mask_name((record ->> 'contact_name'::text))) ELSE '{}'::jsonb END) ELSE record END;
CREATE FUNCTION public.refuse_rewriting() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'history is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;
CREATE TABLE public.acknowledgement (
    office text NOT NULL,
    through bigint NOT NULL,
    acknowledged_at timestamp with time zone NOT NULL
);
CREATE TABLE public.allowed_conflict (
    rule text NOT NULL,
    uscc text NOT NULL,
    other_uscc text NOT NULL,
    case_id text,
    evidence text NOT NULL,
    allowed_by text NOT NULL,
    allowed_at timestamp with time zone NOT NULL
);
CREATE TABLE public.audit (
    audit_id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text,
    purpose text,
    request_id text,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
ALTER TABLE public.audit ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.case_member (
    case_id text NOT NULL,
    receipt_id text NOT NULL,
    role text NOT NULL,
    office text NOT NULL,
    uscc text NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    operation text NOT NULL,
    key_major bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    message_id text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    joined_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT case_member_role_check CHECK ((role = ANY (ARRAY['holder'::text, 'held'::text])))
);
CREATE TABLE public.change (
    sequence bigint NOT NULL,
    uscc text NOT NULL,
    version integer NOT NULL,
    kind text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    body text NOT NULL
)
PARTITION BY RANGE (recorded_at);
CREATE TABLE public.client (
    name text NOT NULL,
    office text,
    scopes text[] NOT NULL,
    person boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    requests_per_minute integer,
    organizations_per_day integer,
    CONSTRAINT client_organizations_per_day_check CHECK ((organizations_per_day > 0)),
    CONSTRAINT client_requests_per_minute_check CHECK ((requests_per_minute > 0))
);
CREATE TABLE public.client_key (
    key_sha256 bytea NOT NULL,
    client text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone
);
CREATE TABLE public.client_use (
    client text NOT NULL,
    day date NOT NULL,
    uscc text NOT NULL
);
CREATE TABLE public.code_case (
    case_id text NOT NULL,
    rule text NOT NULL,
    uscc text NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_on date NOT NULL,
    offices text[] NOT NULL,
    suggested_operation text NOT NULL,
    reason text NOT NULL,
    resolved_at timestamp with time zone,
    conflict_key text NOT NULL,
    CONSTRAINT code_case_status_check CHECK ((status = ANY (ARRAY['open'::text, 'awaiting_approval'::text, 'resolved'::text])))
);
CREATE TABLE public.code_segment (
    first_body text NOT NULL,
    last_body text NOT NULL,
    office text NOT NULL,
    registrar text NOT NULL,
    allocated_on date NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.code_transfer (
    uscc text NOT NULL,
    office text NOT NULL,
    case_id text NOT NULL,
    transferred_at timestamp with time zone NOT NULL
);
CREATE TABLE public.disposition (
    receipt_id text NOT NULL,
    attempt smallint NOT NULL,
    sequence bigint NOT NULL,
    office text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    message_id text,
    batch_id text,
    content_sha256 bytea NOT NULL,
    operation text,
    uscc text,
    disposition text NOT NULL,
    rules text[] NOT NULL,
    version integer,
    duplicate_of text,
    case_id text,
    received_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    ruleset text NOT NULL,
    return_text text NOT NULL,
    CONSTRAINT disposition_disposition_check CHECK ((disposition = ANY (ARRAY['accepted'::text, 'unchanged'::text, 'superseded'::text, 'rejected'::text, 'held'::text, 'quarantined'::text])))
)
PARTITION BY RANGE (received_at);
CREATE TABLE public.holder (
    uscc text NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    subject_code text NOT NULL,
    registration_number text,
    established_on text,
    division_code text NOT NULL,
    legal_representative_name text,
    registered_address text
);
CREATE TABLE public.legacy_number (
    kind text NOT NULL,
    number text NOT NULL,
    uscc text NOT NULL,
    source text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
CREATE TABLE public.message (
    office text NOT NULL,
    message_id text NOT NULL,
    receipt_id text NOT NULL,
    content_digest bytea NOT NULL
);
CREATE TABLE public.nonconforming_code (
    uscc text NOT NULL,
    evidence text NOT NULL,
    source text NOT NULL,
    issued_on date,
    entered_at timestamp with time zone DEFAULT now() NOT NULL,
    entered_by text NOT NULL,
    case_id text
);
CREATE TABLE public.partition_progress (
    topic text NOT NULL,
    partition integer NOT NULL,
    office text NOT NULL,
    next_offset bigint NOT NULL,
    decided_records bigint DEFAULT 0 NOT NULL,
    last_received_at timestamp with time zone,
    last_decided_at timestamp with time zone,
    last_sha256 bytea,
    last_offset bigint,
    halted_at timestamp with time zone,
    halted_reason text
);
CREATE TABLE public.raw_message (
    receipt_id text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    mapping text,
    ce_id text,
    body bytea NOT NULL
)
PARTITION BY RANGE (received_at);
CREATE TABLE public.registration (
    uscc text NOT NULL,
    registered boolean NOT NULL,
    holding integer NOT NULL,
    last_version integer NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    office text NOT NULL,
    receipt_id text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    particulars_version integer NOT NULL,
    particulars_recorded_at timestamp with time zone NOT NULL,
    particulars_whole boolean NOT NULL,
    particulars_major bigint NOT NULL,
    particulars_at timestamp with time zone NOT NULL,
    particulars_id text NOT NULL,
    status_version integer NOT NULL,
    status_major bigint,
    status_at timestamp with time zone,
    status_id text,
    assign_major bigint,
    assign_at timestamp with time zone,
    assign_id text,
    is_public boolean NOT NULL,
    open_case text,
    predecessor_uscc text,
    CONSTRAINT registration_status_check CHECK ((status = ANY (ARRAY['normal'::text, 'cancelled'::text, 'revoked'::text])))
)
WITH (fillfactor='70');
CREATE TABLE public.registration_mark (
    uscc text NOT NULL,
    holding integer NOT NULL,
    operation text NOT NULL,
    key_major bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    message_id text NOT NULL,
    name_key text NOT NULL,
    confirms_version integer NOT NULL,
    office text NOT NULL,
    receipt_id text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
CREATE TABLE public.registration_version (
    uscc text NOT NULL,
    version integer NOT NULL,
    holding integer NOT NULL,
    operation text NOT NULL,
    kind text NOT NULL,
    superseded boolean NOT NULL,
    office text NOT NULL,
    key_major bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    message_id text NOT NULL,
    name_key text NOT NULL,
    record jsonb NOT NULL,
    predecessor_uscc text,
    successor_uscc text,
    reason text,
    receipt_id text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
)
PARTITION BY RANGE (recorded_at);
CREATE TABLE public.rejected_claim (
    office text NOT NULL,
    uscc text NOT NULL,
    receipt_id text NOT NULL
);
CREATE TABLE public.relay_progress (
    topic text NOT NULL,
    sequence bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.ruleset (
    version text NOT NULL,
    digest bytea NOT NULL,
    body jsonb NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.schema_migration (
    name text NOT NULL,
    digest bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.sequence_counter (
    name text NOT NULL,
    value bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.withdrawn_code (
    uscc text NOT NULL,
    holding integer NOT NULL,
    key_major bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    message_id text NOT NULL,
    reason text,
    successor_uscc text,
    receipt_id text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.acknowledgement
    ADD CONSTRAINT acknowledgement_pkey PRIMARY KEY (office);
ALTER TABLE ONLY public.allowed_conflict
    ADD CONSTRAINT allowed_conflict_pkey PRIMARY KEY (rule, uscc, other_uscc);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (audit_id);
ALTER TABLE ONLY public.case_member
    ADD CONSTRAINT case_member_pkey PRIMARY KEY (case_id, receipt_id, role);
ALTER TABLE ONLY public.change
    ADD CONSTRAINT change_pkey PRIMARY KEY (sequence, recorded_at);
ALTER TABLE ONLY public.client_key
    ADD CONSTRAINT client_key_pkey PRIMARY KEY (key_sha256);
ALTER TABLE ONLY public.client
    ADD CONSTRAINT client_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.client_use
    ADD CONSTRAINT client_use_pkey PRIMARY KEY (client, day, uscc);
ALTER TABLE ONLY public.code_case
    ADD CONSTRAINT code_case_pkey PRIMARY KEY (case_id);
ALTER TABLE ONLY public.code_segment
    ADD CONSTRAINT code_segment_pkey PRIMARY KEY (first_body);
ALTER TABLE ONLY public.code_transfer
    ADD CONSTRAINT code_transfer_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.disposition
    ADD CONSTRAINT disposition_pkey PRIMARY KEY (office, sequence, received_at);
ALTER TABLE ONLY public.holder
    ADD CONSTRAINT holder_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.legacy_number
    ADD CONSTRAINT legacy_number_pkey PRIMARY KEY (kind, number);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (office, message_id);
ALTER TABLE ONLY public.nonconforming_code
    ADD CONSTRAINT nonconforming_code_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.partition_progress
    ADD CONSTRAINT partition_progress_pkey PRIMARY KEY (topic, partition);
ALTER TABLE ONLY public.raw_message
    ADD CONSTRAINT raw_message_pkey PRIMARY KEY (receipt_id, received_at);
ALTER TABLE ONLY public.registration_mark
    ADD CONSTRAINT registration_mark_pkey PRIMARY KEY (uscc, receipt_id);
ALTER TABLE ONLY public.registration
    ADD CONSTRAINT registration_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.registration_version
    ADD CONSTRAINT registration_version_pkey PRIMARY KEY (uscc, version, recorded_at);
ALTER TABLE ONLY public.rejected_claim
    ADD CONSTRAINT rejected_claim_pkey PRIMARY KEY (office, uscc);
ALTER TABLE ONLY public.relay_progress
    ADD CONSTRAINT relay_progress_pkey PRIMARY KEY (topic);
ALTER TABLE ONLY public.ruleset
    ADD CONSTRAINT ruleset_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.sequence_counter
    ADD CONSTRAINT sequence_counter_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.withdrawn_code
    ADD CONSTRAINT withdrawn_code_pkey PRIMARY KEY (uscc, holding);
CREATE INDEX case_member_waiting ON public.case_member USING btree (uscc) WHERE (ended_at IS NULL);
CREATE INDEX client_key_client ON public.client_key USING btree (client);
CREATE INDEX code_case_listed ON public.code_case USING btree (status, opened_at, case_id);
CREATE UNIQUE INDEX code_case_open ON public.code_case USING btree (rule, conflict_key) WHERE (status <> 'resolved'::text);
CREATE INDEX disposition_receipt ON ONLY public.disposition USING btree (receipt_id);
CREATE INDEX disposition_source ON ONLY public.disposition USING btree (topic, partition, "offset");
CREATE INDEX holder_name_key ON public.holder USING btree (name_key);
CREATE INDEX legacy_number_uscc ON public.legacy_number USING btree (uscc);
CREATE INDEX registration_subject_code ON public.registration USING btree (substr(uscc, 9, 9));
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.change FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.disposition FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.message FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.raw_message FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.registration_mark FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.registration_version FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.withdrawn_code FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.message FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.registration_mark FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.withdrawn_code FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
ALTER TABLE ONLY public.case_member
    ADD CONSTRAINT case_member_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.code_case(case_id);
ALTER TABLE ONLY public.client_key
    ADD CONSTRAINT client_key_client_fkey FOREIGN KEY (client) REFERENCES public.client(name);
ALTER TABLE ONLY public.client_use
    ADD CONSTRAINT client_use_client_fkey FOREIGN KEY (client) REFERENCES public.client(name);
GRANT USAGE ON SCHEMA public TO uscc_ingest;
GRANT USAGE ON SCHEMA public TO uscc_relay;
GRANT USAGE ON SCHEMA public TO uscc_api;
GRANT USAGE ON SCHEMA public TO uscc_console;
GRANT USAGE ON SCHEMA public TO uscc_job;
REVOKE ALL ON FUNCTION public.ensure_month(instant timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_month(instant timestamp with time zone) TO uscc_ingest;
GRANT ALL ON FUNCTION public.ensure_month(instant timestamp with time zone) TO uscc_job;
GRANT ALL ON FUNCTION public.mask_name(value text) TO uscc_api;
GRANT ALL ON FUNCTION public.mask_name(value text) TO uscc_job;
GRANT ALL ON FUNCTION public.mask_number(value text) TO uscc_api;
GRANT ALL ON FUNCTION public.mask_number(value text) TO uscc_job;
GRANT ALL ON FUNCTION public.mask_personal(record jsonb) TO uscc_api;
GRANT ALL ON FUNCTION public.mask_personal(record jsonb) TO uscc_job;
GRANT SELECT ON TABLE public.acknowledgement TO uscc_ingest;
GRANT SELECT,INSERT,UPDATE ON TABLE public.acknowledgement TO uscc_api;
GRANT SELECT ON TABLE public.acknowledgement TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.allowed_conflict TO uscc_ingest;
GRANT SELECT ON TABLE public.allowed_conflict TO uscc_api;
GRANT SELECT ON TABLE public.allowed_conflict TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.audit TO uscc_ingest;
GRANT INSERT ON TABLE public.audit TO uscc_api;
GRANT SELECT ON TABLE public.audit TO uscc_console;
GRANT SELECT ON TABLE public.audit TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.case_member TO uscc_ingest;
GRANT SELECT ON TABLE public.case_member TO uscc_api;
GRANT SELECT ON TABLE public.case_member TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.change TO uscc_ingest;
GRANT SELECT ON TABLE public.change TO uscc_relay;
GRANT SELECT ON TABLE public.change TO uscc_api;
GRANT SELECT ON TABLE public.change TO uscc_job;
GRANT SELECT ON TABLE public.client TO uscc_api;
GRANT SELECT ON TABLE public.client TO uscc_job;
GRANT SELECT ON TABLE public.client_key TO uscc_api;
GRANT SELECT,INSERT,DELETE ON TABLE public.client_use TO uscc_api;
GRANT SELECT ON TABLE public.client_use TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.code_case TO uscc_ingest;
GRANT SELECT ON TABLE public.code_case TO uscc_api;
GRANT SELECT ON TABLE public.code_case TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.code_segment TO uscc_ingest;
GRANT SELECT ON TABLE public.code_segment TO uscc_api;
GRANT SELECT ON TABLE public.code_segment TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.code_transfer TO uscc_ingest;
GRANT SELECT ON TABLE public.code_transfer TO uscc_api;
GRANT SELECT ON TABLE public.code_transfer TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.disposition TO uscc_ingest;
GRANT SELECT ON TABLE public.disposition TO uscc_relay;
GRANT SELECT ON TABLE public.disposition TO uscc_api;
GRANT SELECT ON TABLE public.disposition TO uscc_job;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.holder TO uscc_ingest;
GRANT SELECT ON TABLE public.holder TO uscc_api;
GRANT SELECT ON TABLE public.holder TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.legacy_number TO uscc_ingest;
GRANT SELECT ON TABLE public.legacy_number TO uscc_api;
GRANT SELECT ON TABLE public.legacy_number TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.message TO uscc_ingest;
GRANT SELECT ON TABLE public.message TO uscc_api;
GRANT SELECT ON TABLE public.message TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.nonconforming_code TO uscc_ingest;
GRANT SELECT ON TABLE public.nonconforming_code TO uscc_api;
GRANT SELECT ON TABLE public.nonconforming_code TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.partition_progress TO uscc_ingest;
GRANT SELECT ON TABLE public.partition_progress TO uscc_api;
GRANT SELECT ON TABLE public.partition_progress TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.raw_message TO uscc_ingest;
GRANT SELECT ON TABLE public.raw_message TO uscc_api;
GRANT SELECT ON TABLE public.raw_message TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.registration TO uscc_ingest;
GRANT SELECT ON TABLE public.registration TO uscc_api;
GRANT SELECT ON TABLE public.registration TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.registration_mark TO uscc_ingest;
GRANT SELECT ON TABLE public.registration_mark TO uscc_api;
GRANT SELECT ON TABLE public.registration_mark TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.registration_version TO uscc_ingest;
GRANT SELECT ON TABLE public.registration_version TO uscc_api;
GRANT SELECT ON TABLE public.registration_version TO uscc_job;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rejected_claim TO uscc_ingest;
GRANT SELECT ON TABLE public.rejected_claim TO uscc_api;
GRANT SELECT ON TABLE public.rejected_claim TO uscc_job;
GRANT SELECT ON TABLE public.relay_progress TO uscc_ingest;
GRANT SELECT,INSERT,UPDATE ON TABLE public.relay_progress TO uscc_relay;
GRANT SELECT ON TABLE public.relay_progress TO uscc_api;
GRANT SELECT ON TABLE public.relay_progress TO uscc_job;
GRANT SELECT ON TABLE public.ruleset TO uscc_ingest;
GRANT SELECT ON TABLE public.ruleset TO uscc_api;
GRANT SELECT ON TABLE public.ruleset TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.sequence_counter TO uscc_ingest;
GRANT SELECT ON TABLE public.sequence_counter TO uscc_relay;
GRANT SELECT ON TABLE public.sequence_counter TO uscc_api;
GRANT SELECT ON TABLE public.sequence_counter TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.withdrawn_code TO uscc_ingest;
GRANT SELECT ON TABLE public.withdrawn_code TO uscc_api;
GRANT SELECT ON TABLE public.withdrawn_code TO uscc_job;
