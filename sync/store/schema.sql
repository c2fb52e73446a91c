-- What the migrations add up to: written by `make schema`, compared by a test.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE FUNCTION public.common_bigrams() RETURNS TABLE(bigram text, frequency real)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
select unnest(most_common_elems::text::text[]), unnest(most_common_elem_freqs[1:array_length(most_common_elems::text::text[], 1)])
from pg_stats
where schemaname = 'public' and tablename = 'holder_bigrams'
$$;
CREATE FUNCTION public.drop_changes(before timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public'
    AS $$
declare
    month     record;
    highest   bigint;
    published bigint := coalesce((select sequence from relay_progress where topic = 'uscc.changes'), 0);
    tip       bigint := coalesce((select value from sequence_counter where name = 'changes'), 0);
    through   bigint := 0;
begin
    for month in
        select c.relname as part,
               (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month') at time zone 'UTC' as ends
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'change'::regclass
        order by c.relname
    loop
        exit when month.ends > before;
        execute format('select max(sequence) from %I', month.part) into highest;
        -- The last change stays whatever its age: the tip is told from it. And nothing goes before it is on its topic.
        exit when highest >= tip or highest > published;
        execute format('drop table %I', month.part);
        if highest is not null then
            through := highest;
            insert into audit (actor, action, subject, detail)
            values ('program', 'changes_dropped', month.part,
                    jsonb_build_object('through', highest, 'recorded_before', month.ends));
        end if;
    end loop;
    return through;
end $$;
COMMENT ON FUNCTION public.drop_changes(before timestamp with time zone) IS 'Drops the months of the feed that ended before an instant, oldest first; returns the last sequence dropped, or 0.';
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
            execute format('create table %I partition of %I for values from (%L) to (%L) %s',
                           part, name, first || ' 00:00:00+00', next || ' 00:00:00+00',
                           case when name = 'change' then 'with (toast_tuple_target = 8160)' end);
            execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_rewriting()', part);
        end if;
    end loop;
    return first;
end $$;
CREATE FUNCTION public.mask_name(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ("left"(value, 1) || repeat('*'::text, GREATEST((length(value) - 1), 1)));
CREATE FUNCTION public.mask_number(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (POSITION(('@'::text) IN (value)) > 0) THEN (("left"(regexp_replace(value, '@[^@]*$'::text, ''::text), 1) || '***@'::text) || regexp_replace(value, '^.*@'::text, ''::text)) WHEN (length(value) > 10) THEN (("left"(value, 3) || repeat('*'::text, (length(value) - 7))) || "right"(value, 4)) WHEN (length(value) > 2) THEN (("left"(value, 1) || repeat('*'::text, (length(value) - 2))) || "right"(value, 1)) ELSE repeat('*'::text, length(value)) END;
CREATE FUNCTION public.mask_personal(record jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (record || jsonb_strip_nulls(jsonb_build_object('legal_representative_id_number', public.mask_number((record ->> 'legal_representative_id_number'::text)), 'contact_phone', public.mask_number((record ->> 'contact_phone'::text)), 'contact_name', public.mask_name((record ->> 'contact_name'::text)))));
CREATE FUNCTION public.name_bigrams(name text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT COST 5000 PARALLEL SAFE
    AS $$
declare
    pairs text[] := '{}';
begin
    for place in 1 .. length(name) - 1 loop
        pairs := pairs || substr(name, place, 2);
    end loop;
    return pairs;
end $$;
CREATE FUNCTION public.refuse_rewriting() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception 'history is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;
CREATE FUNCTION public.version_hash(uscc text, version integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((('x'::text || encode(substr(sha256(convert_to(((uscc || '/'::text) || version), 'UTF8'::name)), 1, 8), 'hex'::text)))::bit(64))::bigint;
CREATE TABLE public.acknowledgement (
    office text NOT NULL,
    through bigint NOT NULL,
    acknowledged_at timestamp with time zone NOT NULL
);
CREATE TABLE public.code_segment (
    segment_id bigint NOT NULL,
    first_body text NOT NULL,
    last_body text NOT NULL,
    office text NOT NULL,
    registrar_code text,
    registrar_name text,
    allocated_on date NOT NULL,
    source text NOT NULL,
    loaded_at timestamp with time zone NOT NULL,
    loaded_by text NOT NULL,
    CONSTRAINT code_segment_check CHECK (((length(last_body) = 8) AND (last_body >= (first_body COLLATE "C")))),
    CONSTRAINT code_segment_first_body_check CHECK ((length(first_body) = 8))
);
CREATE TABLE public.code_segment_withdrawal (
    segment_id bigint NOT NULL,
    withdrawn_at timestamp with time zone NOT NULL,
    withdrawn_by text NOT NULL,
    reason text NOT NULL
);
CREATE VIEW public.allocated_segment AS
 SELECT segment_id,
    first_body,
    last_body,
    office,
    registrar_code,
    registrar_name,
    allocated_on,
    source,
    loaded_at,
    loaded_by
   FROM public.code_segment s
  WHERE (NOT (EXISTS ( SELECT
           FROM public.code_segment_withdrawal w
          WHERE (w.segment_id = s.segment_id))));
CREATE TABLE public.allowed_conflict (
    rule text NOT NULL,
    uscc text NOT NULL,
    other_uscc text NOT NULL,
    case_id text,
    evidence text NOT NULL,
    allowed_by text NOT NULL,
    allowed_at timestamp with time zone NOT NULL,
    allowance_id bigint NOT NULL
);
ALTER TABLE public.allowed_conflict ALTER COLUMN allowance_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.allowed_conflict_allowance_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.allowed_conflict_end (
    allowance_id bigint NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    ended_by text NOT NULL,
    reason text NOT NULL
);
CREATE TABLE public.code_transfer (
    uscc text NOT NULL,
    office text NOT NULL,
    case_id text NOT NULL,
    transferred_at timestamp with time zone NOT NULL
);
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
    row_hash bigint,
    CONSTRAINT registration_status_check CHECK ((status = ANY (ARRAY['normal'::text, 'cancelled'::text, 'revoked'::text])))
)
WITH (fillfactor='70');
CREATE VIEW public.at_home AS
 SELECT r.uscc,
    r.status,
    r.receipt_id,
    r.row_hash,
    r.particulars_version,
    r.particulars_recorded_at,
    (r.row_hash # ((ascii(r.status) * ( SELECT (current_setting('uscc.with_status'::text))::integer AS current_setting)))::bigint) AS number
   FROM (public.registration r
     LEFT JOIN public.code_transfer t ON ((t.uscc = r.uscc)))
  WHERE (r.registered AND
        CASE
            WHEN (t.office IS NOT NULL) THEN (t.office = ( SELECT current_setting('uscc.office'::text) AS current_setting))
            ELSE (ascii(r.uscc) = ANY (( SELECT array_agg(ascii(each.each)) AS array_agg
               FROM unnest(string_to_array(current_setting('uscc.first_characters'::text), ','::text)) each(each))::integer[]))
        END);
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
CREATE TABLE public.backlog (
    name text NOT NULL,
    place text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.batch (
    office text NOT NULL,
    batch_id text NOT NULL,
    records integer NOT NULL,
    date date NOT NULL,
    declared_at timestamp with time zone DEFAULT now() NOT NULL,
    declared_by text,
    CONSTRAINT batch_records_check CHECK ((records >= 0))
);
CREATE TABLE public.batch_count (
    office text NOT NULL,
    batch_id text NOT NULL,
    date date NOT NULL,
    received bigint NOT NULL,
    altered bigint NOT NULL
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
    place bigint NOT NULL,
    CONSTRAINT case_member_role_check CHECK ((role = ANY (ARRAY['holder'::text, 'held'::text, 'claimed'::text, 'proposed'::text])))
);
ALTER TABLE public.case_member ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.case_member_place_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.case_resolution (
    resolution_id text NOT NULL,
    case_id text NOT NULL,
    operation text NOT NULL,
    member_receipt text NOT NULL,
    member_uscc text NOT NULL,
    new_uscc text,
    successor_uscc text,
    reason text,
    via text NOT NULL,
    message_receipt text,
    proposed_by text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    approved_by text,
    approved_at timestamp with time zone,
    approval_reason text,
    status text NOT NULL,
    CONSTRAINT case_resolution_operation_check CHECK ((operation = ANY (ARRAY['keep'::text, 'withdraw'::text, 'assign'::text]))),
    CONSTRAINT case_resolution_status_check CHECK ((status = ANY (ARRAY['awaiting_approval'::text, 'done'::text, 'refused'::text]))),
    CONSTRAINT case_resolution_via_check CHECK ((via = ANY (ARRAY['api'::text, 'message'::text, 'file'::text, 'console'::text, 'program'::text])))
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
ALTER TABLE public.code_segment ALTER COLUMN segment_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.code_segment_segment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.comparison (
    comparison_id text NOT NULL,
    office text NOT NULL,
    date date NOT NULL,
    number integer NOT NULL,
    state text DEFAULT 'receiving'::text NOT NULL,
    format text NOT NULL,
    forced boolean DEFAULT false NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    sha256 bytea,
    feed_sequence bigint,
    handed_in_at timestamp with time zone DEFAULT now() NOT NULL,
    handed_in_by text NOT NULL,
    finished_at timestamp with time zone,
    problem jsonb,
    columns text[],
    office_total bigint,
    registry_total bigint,
    equal bigint,
    different bigint,
    missing_here bigint,
    missing_there bigint,
    pending_office bigint,
    pending_registry bigint,
    tries integer DEFAULT 0 NOT NULL,
    CONSTRAINT comparison_format_check CHECK ((format = ANY (ARRAY['csv.gz'::text, 'ndjson.gz'::text, 'parquet'::text]))),
    CONSTRAINT comparison_state_check CHECK ((state = ANY (ARRAY['receiving'::text, 'running'::text, 'done'::text, 'failed'::text])))
);
CREATE TABLE public.comparison_chunk (
    comparison_id text NOT NULL,
    number integer NOT NULL,
    body bytea NOT NULL
);
ALTER TABLE ONLY public.comparison_chunk ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE public.comparison_item (
    comparison_id text NOT NULL,
    kind text NOT NULL,
    uscc text NOT NULL,
    fields jsonb NOT NULL,
    receipt_id text,
    nights integer NOT NULL,
    since date NOT NULL,
    "row" jsonb,
    CONSTRAINT comparison_item_kind_check CHECK ((kind = ANY (ARRAY['different'::text, 'missing_here'::text, 'missing_there'::text, 'pending'::text])))
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
CREATE TABLE public.exchange_caller (
    rid text NOT NULL,
    sid text NOT NULL,
    client text NOT NULL,
    secret text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone
);
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
ALTER TABLE ONLY public.holder ALTER COLUMN name_key SET STATISTICS 1000;
CREATE TABLE public.legacy_number (
    kind text NOT NULL,
    number text NOT NULL,
    uscc text NOT NULL,
    source text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
CREATE TABLE public.legacy_stock (
    kind text NOT NULL,
    number text NOT NULL,
    office text NOT NULL,
    division_code text NOT NULL,
    name text,
    uscc text,
    registration_number text,
    organization_code text,
    tax_number text,
    source text NOT NULL,
    loaded_at timestamp with time zone NOT NULL,
    loaded_by text NOT NULL
);
CREATE VIEW public.legacy_conversion AS
 SELECT office,
    division_code,
    kind,
    number,
    uscc,
    ((EXISTS ( SELECT
           FROM public.registration r
          WHERE ((r.uscc = s.uscc) AND r.registered))) OR (EXISTS ( SELECT
           FROM (public.legacy_number n
             JOIN public.registration r USING (uscc))
          WHERE ((n.kind = s.kind) AND (n.number = s.number) AND r.registered))) OR (EXISTS ( SELECT
           FROM public.registration r
          WHERE ((substr(r.uscc, 9, 9) = COALESCE(s.organization_code, substr(s.tax_number, 7, 9))) AND r.registered)))) AS converted
   FROM public.legacy_stock s;
CREATE TABLE public.message (
    office text NOT NULL,
    message_id text NOT NULL,
    receipt_id text NOT NULL,
    content_digest bytea NOT NULL
);
CREATE TABLE public.national_claim (
    claim_id text NOT NULL,
    case_id text NOT NULL,
    uscc text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    line jsonb NOT NULL,
    file_sha256 bytea NOT NULL,
    file_name text NOT NULL,
    row_number integer NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    imported_by text NOT NULL
);
CREATE TABLE public.nightly_step (
    date date NOT NULL,
    office text DEFAULT ''::text NOT NULL,
    step text NOT NULL,
    done_at timestamp with time zone DEFAULT now() NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
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
    halted_reason text,
    decided_before bigint
);
CREATE TABLE public.quality (
    date date NOT NULL,
    office text NOT NULL,
    division text NOT NULL,
    received bigint NOT NULL,
    accepted bigint NOT NULL,
    unchanged bigint NOT NULL,
    superseded bigint NOT NULL,
    rejected bigint NOT NULL,
    held bigint NOT NULL,
    quarantined bigint NOT NULL,
    fields_required bigint NOT NULL,
    fields_missing bigint NOT NULL,
    timed bigint NOT NULL,
    late bigint NOT NULL,
    days_p50 integer,
    days_p90 integer,
    days_p99 integer,
    unqualified bigint NOT NULL,
    wrong_codes bigint NOT NULL,
    stock bigint NOT NULL,
    stock_converted bigint NOT NULL,
    cases_open bigint NOT NULL,
    cases_overdue bigint NOT NULL
);
CREATE TABLE public.raw_message (
    receipt_id text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    mapping text,
    ce_id text,
    body bytea NOT NULL,
    ce_time text,
    batch_id text
)
PARTITION BY RANGE (received_at);
CREATE TABLE public.register_digest (
    prefix text NOT NULL,
    records bigint NOT NULL,
    sum numeric NOT NULL,
    xor bigint NOT NULL,
    sequence bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);
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
CREATE TABLE public.snapshot (
    snapshot_id text NOT NULL,
    sequence bigint NOT NULL,
    recorded_at timestamp with time zone,
    rows bigint NOT NULL,
    files jsonb NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone
);
CREATE VIEW public.standing_allowance AS
 SELECT rule,
    uscc,
    other_uscc,
    case_id,
    evidence,
    allowed_by,
    allowed_at,
    allowance_id
   FROM public.allowed_conflict a
  WHERE (NOT (EXISTS ( SELECT
           FROM public.allowed_conflict_end e
          WHERE (e.allowance_id = a.allowance_id))));
CREATE TABLE public.statement (
    date date NOT NULL,
    office text NOT NULL,
    closing bigint NOT NULL,
    first_sequence bigint,
    last_sequence bigint,
    digest text NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.submission (
    submission_id text NOT NULL,
    office text NOT NULL,
    client text NOT NULL,
    idempotency_key text,
    content_sha256 bytea NOT NULL,
    mapping text,
    records integer NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    produced integer DEFAULT 0 NOT NULL,
    produced_at timestamp with time zone,
    scan_from jsonb,
    tallied jsonb DEFAULT '{}'::jsonb NOT NULL,
    decided integer DEFAULT 0 NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    by_rule jsonb DEFAULT '{}'::jsonb NOT NULL,
    done_at timestamp with time zone,
    rows_dropped_at timestamp with time zone,
    batch_id text,
    CONSTRAINT submission_check CHECK (((produced <= records) AND (decided <= produced))),
    CONSTRAINT submission_records_check CHECK (((records >= 1) AND (records <= 100000)))
);
CREATE TABLE public.submission_place (
    submission_id text NOT NULL,
    "row" integer NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL
);
CREATE TABLE public.submission_row (
    submission_id text NOT NULL,
    "row" integer NOT NULL,
    key text NOT NULL,
    ce_id text NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE public.upward_refusal (
    report_id text NOT NULL,
    uscc text NOT NULL,
    reason text NOT NULL
);
CREATE TABLE public.upward_report (
    report_id text NOT NULL,
    from_sequence bigint NOT NULL,
    to_sequence bigint NOT NULL,
    codes bigint NOT NULL,
    file_name text NOT NULL,
    file_sha256 bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by text NOT NULL,
    receipt_sha256 bytea,
    receipt_at timestamp with time zone,
    accepted bigint,
    refused bigint
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
ALTER TABLE ONLY public.allowed_conflict_end
    ADD CONSTRAINT allowed_conflict_end_pkey PRIMARY KEY (allowance_id);
ALTER TABLE ONLY public.allowed_conflict
    ADD CONSTRAINT allowed_conflict_pkey PRIMARY KEY (allowance_id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (audit_id);
ALTER TABLE ONLY public.backlog
    ADD CONSTRAINT backlog_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.batch_count
    ADD CONSTRAINT batch_count_pkey PRIMARY KEY (office, batch_id, date);
ALTER TABLE ONLY public.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (office, batch_id);
ALTER TABLE ONLY public.case_member
    ADD CONSTRAINT case_member_pkey PRIMARY KEY (case_id, receipt_id, role);
ALTER TABLE ONLY public.case_resolution
    ADD CONSTRAINT case_resolution_pkey PRIMARY KEY (resolution_id);
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
    ADD CONSTRAINT code_segment_pkey PRIMARY KEY (segment_id);
ALTER TABLE ONLY public.code_segment_withdrawal
    ADD CONSTRAINT code_segment_withdrawal_pkey PRIMARY KEY (segment_id);
ALTER TABLE ONLY public.code_transfer
    ADD CONSTRAINT code_transfer_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.comparison_chunk
    ADD CONSTRAINT comparison_chunk_pkey PRIMARY KEY (comparison_id, number);
ALTER TABLE ONLY public.comparison_item
    ADD CONSTRAINT comparison_item_pkey PRIMARY KEY (comparison_id, kind, uscc);
ALTER TABLE ONLY public.comparison
    ADD CONSTRAINT comparison_office_date_number_key UNIQUE (office, date, number);
ALTER TABLE ONLY public.comparison
    ADD CONSTRAINT comparison_pkey PRIMARY KEY (comparison_id);
ALTER TABLE ONLY public.disposition
    ADD CONSTRAINT disposition_pkey PRIMARY KEY (office, sequence, received_at);
ALTER TABLE ONLY public.holder
    ADD CONSTRAINT holder_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.legacy_number
    ADD CONSTRAINT legacy_number_pkey PRIMARY KEY (kind, number);
ALTER TABLE ONLY public.legacy_stock
    ADD CONSTRAINT legacy_stock_pkey PRIMARY KEY (kind, number);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (office, message_id);
ALTER TABLE ONLY public.national_claim
    ADD CONSTRAINT national_claim_pkey PRIMARY KEY (claim_id);
ALTER TABLE ONLY public.nightly_step
    ADD CONSTRAINT nightly_step_pkey PRIMARY KEY (date, office, step);
ALTER TABLE ONLY public.nonconforming_code
    ADD CONSTRAINT nonconforming_code_pkey PRIMARY KEY (uscc);
ALTER TABLE ONLY public.partition_progress
    ADD CONSTRAINT partition_progress_pkey PRIMARY KEY (topic, partition);
ALTER TABLE ONLY public.quality
    ADD CONSTRAINT quality_pkey PRIMARY KEY (date, office, division);
ALTER TABLE ONLY public.raw_message
    ADD CONSTRAINT raw_message_pkey PRIMARY KEY (receipt_id, received_at);
ALTER TABLE ONLY public.register_digest
    ADD CONSTRAINT register_digest_pkey PRIMARY KEY (prefix);
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
ALTER TABLE ONLY public.snapshot
    ADD CONSTRAINT snapshot_pkey PRIMARY KEY (snapshot_id);
ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (date, office);
ALTER TABLE ONLY public.submission
    ADD CONSTRAINT submission_pkey PRIMARY KEY (submission_id);
ALTER TABLE ONLY public.submission_place
    ADD CONSTRAINT submission_place_pkey PRIMARY KEY (submission_id, "row");
ALTER TABLE ONLY public.submission_row
    ADD CONSTRAINT submission_row_pkey PRIMARY KEY (submission_id, "row");
ALTER TABLE ONLY public.upward_refusal
    ADD CONSTRAINT upward_refusal_pkey PRIMARY KEY (report_id, uscc);
ALTER TABLE ONLY public.upward_report
    ADD CONSTRAINT upward_report_pkey PRIMARY KEY (report_id);
ALTER TABLE ONLY public.upward_report
    ADD CONSTRAINT upward_report_to_sequence_key UNIQUE (to_sequence);
ALTER TABLE ONLY public.withdrawn_code
    ADD CONSTRAINT withdrawn_code_pkey PRIMARY KEY (uscc, holding);
CREATE INDEX allowed_conflict_other ON public.allowed_conflict USING btree (other_uscc);
CREATE INDEX allowed_conflict_uscc ON public.allowed_conflict USING btree (uscc);
CREATE INDEX case_member_waiting ON public.case_member USING btree (uscc) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX case_resolution_awaiting ON public.case_resolution USING btree (case_id) WHERE (status = 'awaiting_approval'::text);
CREATE INDEX case_resolution_case ON public.case_resolution USING btree (case_id, proposed_at);
CREATE INDEX client_key_client ON public.client_key USING btree (client);
CREATE INDEX code_case_listed ON public.code_case USING btree (status, opened_at, case_id);
CREATE UNIQUE INDEX code_case_open ON public.code_case USING btree (rule, conflict_key) WHERE (status <> 'resolved'::text);
CREATE INDEX comparison_done ON public.comparison USING btree (office, date, number) WHERE (state = 'done'::text);
CREATE INDEX comparison_item_code ON public.comparison_item USING btree (comparison_id, uscc);
CREATE INDEX comparison_waiting ON public.comparison USING btree (handed_in_at) WHERE (state = 'running'::text);
CREATE INDEX disposition_holds ON ONLY public.disposition USING btree (office, received_at) WHERE ((disposition = 'held'::text) OR (attempt > 1));
CREATE INDEX disposition_quarantined ON ONLY public.disposition USING btree (office, received_at) WHERE (disposition = 'quarantined'::text);
CREATE INDEX disposition_receipt ON ONLY public.disposition USING btree (receipt_id);
CREATE INDEX disposition_received ON ONLY public.disposition USING brin (received_at) WITH (pages_per_range='32', autosummarize='on');
CREATE INDEX disposition_source ON ONLY public.disposition USING btree (topic, partition, "offset");
CREATE UNIQUE INDEX exchange_caller_valid ON public.exchange_caller USING btree (rid, sid) WHERE (revoked_at IS NULL);
CREATE INDEX holder_bigrams ON public.holder USING gin (public.name_bigrams(name_key));
ALTER INDEX public.holder_bigrams ALTER COLUMN 1 SET STATISTICS 1000;
CREATE INDEX holder_division ON public.holder USING btree (division_code, uscc);
CREATE INDEX holder_name_key ON public.holder USING btree (name_key);
CREATE INDEX holder_scattered ON public.holder USING btree (reverse(subject_code), uscc);
CREATE INDEX holder_trigrams ON public.holder USING gin (name_key public.gin_trgm_ops);
CREATE INDEX legacy_number_uscc ON public.legacy_number USING btree (uscc);
CREATE INDEX national_claim_case ON public.national_claim USING btree (case_id);
CREATE INDEX quality_listed ON public.quality USING btree (office, date);
CREATE INDEX registration_hidden ON public.registration USING btree (uscc) WHERE (NOT is_public);
CREATE INDEX registration_subject_code ON public.registration USING btree (substr(uscc, 9, 9));
CREATE INDEX submission_deciding ON public.submission USING btree (accepted_at) WHERE (done_at IS NULL);
CREATE UNIQUE INDEX submission_idempotency ON public.submission USING btree (office, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE INDEX submission_place_offset ON public.submission_place USING btree (submission_id, partition, "offset");
CREATE INDEX submission_waiting ON public.submission USING btree (office, accepted_at, submission_id) WHERE (produced < records);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.allowed_conflict FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.allowed_conflict_end FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.change FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.code_segment FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.code_segment_withdrawal FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.disposition FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.message FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.national_claim FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.nonconforming_code FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.raw_message FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.registration_mark FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.registration_version FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.statement FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.withdrawn_code FOR EACH ROW EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.allowed_conflict FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.allowed_conflict_end FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.code_segment FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.code_segment_withdrawal FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.message FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.national_claim FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.nonconforming_code FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.registration_mark FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.statement FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON public.withdrawn_code FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_rewriting();
ALTER TABLE ONLY public.allowed_conflict_end
    ADD CONSTRAINT allowed_conflict_end_allowance_id_fkey FOREIGN KEY (allowance_id) REFERENCES public.allowed_conflict(allowance_id);
ALTER TABLE ONLY public.case_member
    ADD CONSTRAINT case_member_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.code_case(case_id);
ALTER TABLE ONLY public.case_resolution
    ADD CONSTRAINT case_resolution_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.code_case(case_id);
ALTER TABLE ONLY public.client_key
    ADD CONSTRAINT client_key_client_fkey FOREIGN KEY (client) REFERENCES public.client(name);
ALTER TABLE ONLY public.client_use
    ADD CONSTRAINT client_use_client_fkey FOREIGN KEY (client) REFERENCES public.client(name);
ALTER TABLE ONLY public.code_segment_withdrawal
    ADD CONSTRAINT code_segment_withdrawal_segment_id_fkey FOREIGN KEY (segment_id) REFERENCES public.code_segment(segment_id);
ALTER TABLE ONLY public.comparison_chunk
    ADD CONSTRAINT comparison_chunk_comparison_id_fkey FOREIGN KEY (comparison_id) REFERENCES public.comparison(comparison_id);
ALTER TABLE ONLY public.comparison_item
    ADD CONSTRAINT comparison_item_comparison_id_fkey FOREIGN KEY (comparison_id) REFERENCES public.comparison(comparison_id);
ALTER TABLE ONLY public.exchange_caller
    ADD CONSTRAINT exchange_caller_client_fkey FOREIGN KEY (client) REFERENCES public.client(name);
ALTER TABLE ONLY public.national_claim
    ADD CONSTRAINT national_claim_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.code_case(case_id);
ALTER TABLE ONLY public.submission_place
    ADD CONSTRAINT submission_place_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES public.submission(submission_id);
ALTER TABLE ONLY public.submission_row
    ADD CONSTRAINT submission_row_submission_id_fkey FOREIGN KEY (submission_id) REFERENCES public.submission(submission_id);
ALTER TABLE ONLY public.upward_refusal
    ADD CONSTRAINT upward_refusal_report_id_fkey FOREIGN KEY (report_id) REFERENCES public.upward_report(report_id);
GRANT USAGE ON SCHEMA public TO uscc_ingest;
GRANT USAGE ON SCHEMA public TO uscc_relay;
GRANT USAGE ON SCHEMA public TO uscc_api;
GRANT USAGE ON SCHEMA public TO uscc_console;
GRANT USAGE ON SCHEMA public TO uscc_job;
REVOKE ALL ON FUNCTION public.common_bigrams() FROM PUBLIC;
GRANT ALL ON FUNCTION public.common_bigrams() TO uscc_api;
REVOKE ALL ON FUNCTION public.drop_changes(before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_changes(before timestamp with time zone) TO uscc_job;
REVOKE ALL ON FUNCTION public.ensure_month(instant timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ensure_month(instant timestamp with time zone) TO uscc_ingest;
GRANT ALL ON FUNCTION public.ensure_month(instant timestamp with time zone) TO uscc_job;
GRANT ALL ON FUNCTION public.mask_name(value text) TO uscc_api;
GRANT ALL ON FUNCTION public.mask_name(value text) TO uscc_job;
GRANT ALL ON FUNCTION public.mask_number(value text) TO uscc_api;
GRANT ALL ON FUNCTION public.mask_number(value text) TO uscc_job;
GRANT ALL ON FUNCTION public.mask_personal(record jsonb) TO uscc_api;
GRANT ALL ON FUNCTION public.mask_personal(record jsonb) TO uscc_job;
GRANT ALL ON FUNCTION public.name_bigrams(name text) TO uscc_ingest;
GRANT ALL ON FUNCTION public.name_bigrams(name text) TO uscc_api;
GRANT ALL ON FUNCTION public.name_bigrams(name text) TO uscc_job;
GRANT ALL ON FUNCTION public.version_hash(uscc text, version integer) TO uscc_api;
GRANT ALL ON FUNCTION public.version_hash(uscc text, version integer) TO uscc_job;
GRANT SELECT ON TABLE public.acknowledgement TO uscc_ingest;
GRANT SELECT,INSERT,UPDATE ON TABLE public.acknowledgement TO uscc_api;
GRANT SELECT ON TABLE public.acknowledgement TO uscc_job;
GRANT SELECT ON TABLE public.code_segment TO uscc_ingest;
GRANT SELECT ON TABLE public.code_segment TO uscc_api;
GRANT SELECT ON TABLE public.code_segment TO uscc_job;
GRANT SELECT ON TABLE public.code_segment_withdrawal TO uscc_ingest;
GRANT SELECT ON TABLE public.code_segment_withdrawal TO uscc_api;
GRANT SELECT ON TABLE public.code_segment_withdrawal TO uscc_job;
GRANT SELECT ON TABLE public.allocated_segment TO uscc_ingest;
GRANT SELECT ON TABLE public.allocated_segment TO uscc_api;
GRANT SELECT ON TABLE public.allocated_segment TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.allowed_conflict TO uscc_ingest;
GRANT SELECT ON TABLE public.allowed_conflict TO uscc_api;
GRANT SELECT ON TABLE public.allowed_conflict TO uscc_job;
GRANT SELECT ON TABLE public.allowed_conflict_end TO uscc_ingest;
GRANT SELECT ON TABLE public.allowed_conflict_end TO uscc_api;
GRANT SELECT ON TABLE public.allowed_conflict_end TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.code_transfer TO uscc_ingest;
GRANT SELECT ON TABLE public.code_transfer TO uscc_api;
GRANT SELECT ON TABLE public.code_transfer TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.registration TO uscc_ingest;
GRANT SELECT ON TABLE public.registration TO uscc_api;
GRANT SELECT ON TABLE public.registration TO uscc_job;
GRANT UPDATE(row_hash) ON TABLE public.registration TO uscc_job;
GRANT SELECT ON TABLE public.at_home TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.audit TO uscc_ingest;
GRANT INSERT ON TABLE public.audit TO uscc_api;
GRANT SELECT ON TABLE public.audit TO uscc_console;
GRANT SELECT ON TABLE public.audit TO uscc_job;
GRANT SELECT,DELETE,UPDATE ON TABLE public.backlog TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.batch TO uscc_api;
GRANT SELECT ON TABLE public.batch TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.batch_count TO uscc_job;
GRANT SELECT ON TABLE public.batch_count TO uscc_api;
GRANT SELECT,INSERT,UPDATE ON TABLE public.case_member TO uscc_ingest;
GRANT SELECT ON TABLE public.case_member TO uscc_api;
GRANT SELECT ON TABLE public.case_member TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.case_resolution TO uscc_ingest;
GRANT SELECT ON TABLE public.case_resolution TO uscc_api;
GRANT SELECT ON TABLE public.case_resolution TO uscc_job;
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
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.comparison TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.comparison TO uscc_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.comparison_chunk TO uscc_job;
GRANT INSERT,DELETE ON TABLE public.comparison_chunk TO uscc_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.comparison_item TO uscc_job;
GRANT SELECT ON TABLE public.comparison_item TO uscc_api;
GRANT SELECT,INSERT ON TABLE public.disposition TO uscc_ingest;
GRANT SELECT ON TABLE public.disposition TO uscc_relay;
GRANT SELECT ON TABLE public.disposition TO uscc_api;
GRANT SELECT ON TABLE public.disposition TO uscc_job;
GRANT SELECT ON TABLE public.exchange_caller TO uscc_api;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.holder TO uscc_ingest;
GRANT SELECT ON TABLE public.holder TO uscc_api;
GRANT SELECT ON TABLE public.holder TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.legacy_number TO uscc_ingest;
GRANT SELECT ON TABLE public.legacy_number TO uscc_api;
GRANT SELECT ON TABLE public.legacy_number TO uscc_job;
GRANT SELECT ON TABLE public.legacy_stock TO uscc_api;
GRANT SELECT ON TABLE public.legacy_stock TO uscc_job;
GRANT SELECT ON TABLE public.legacy_conversion TO uscc_api;
GRANT SELECT ON TABLE public.legacy_conversion TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.message TO uscc_ingest;
GRANT SELECT ON TABLE public.message TO uscc_api;
GRANT SELECT ON TABLE public.message TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.national_claim TO uscc_ingest;
GRANT SELECT ON TABLE public.national_claim TO uscc_api;
GRANT SELECT ON TABLE public.national_claim TO uscc_job;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.nightly_step TO uscc_job;
GRANT SELECT ON TABLE public.nightly_step TO uscc_api;
GRANT SELECT,INSERT ON TABLE public.nonconforming_code TO uscc_ingest;
GRANT SELECT ON TABLE public.nonconforming_code TO uscc_api;
GRANT SELECT ON TABLE public.nonconforming_code TO uscc_job;
GRANT SELECT,INSERT,UPDATE ON TABLE public.partition_progress TO uscc_ingest;
GRANT SELECT ON TABLE public.partition_progress TO uscc_api;
GRANT SELECT ON TABLE public.partition_progress TO uscc_job;
GRANT SELECT ON TABLE public.partition_progress TO uscc_relay;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quality TO uscc_job;
GRANT SELECT ON TABLE public.quality TO uscc_api;
GRANT SELECT,INSERT ON TABLE public.raw_message TO uscc_ingest;
GRANT SELECT ON TABLE public.raw_message TO uscc_api;
GRANT SELECT ON TABLE public.raw_message TO uscc_job;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.register_digest TO uscc_job;
GRANT SELECT ON TABLE public.register_digest TO uscc_api;
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
GRANT SELECT ON TABLE public.snapshot TO uscc_api;
GRANT SELECT,INSERT ON TABLE public.snapshot TO uscc_job;
GRANT UPDATE(removed_at) ON TABLE public.snapshot TO uscc_job;
GRANT SELECT ON TABLE public.standing_allowance TO uscc_ingest;
GRANT SELECT ON TABLE public.standing_allowance TO uscc_api;
GRANT SELECT ON TABLE public.standing_allowance TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.statement TO uscc_job;
GRANT SELECT ON TABLE public.statement TO uscc_api;
GRANT SELECT,INSERT ON TABLE public.submission TO uscc_api;
GRANT SELECT ON TABLE public.submission TO uscc_relay;
GRANT SELECT ON TABLE public.submission TO uscc_job;
GRANT UPDATE(produced) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(produced_at) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(scan_from) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(tallied) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(decided) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(counts) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(by_rule) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(done_at) ON TABLE public.submission TO uscc_relay;
GRANT UPDATE(rows_dropped_at) ON TABLE public.submission TO uscc_relay;
GRANT SELECT,INSERT ON TABLE public.submission_place TO uscc_relay;
GRANT SELECT ON TABLE public.submission_place TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.submission_row TO uscc_api;
GRANT SELECT,DELETE ON TABLE public.submission_row TO uscc_relay;
GRANT SELECT ON TABLE public.upward_refusal TO uscc_api;
GRANT SELECT ON TABLE public.upward_refusal TO uscc_job;
GRANT SELECT ON TABLE public.upward_report TO uscc_api;
GRANT SELECT ON TABLE public.upward_report TO uscc_job;
GRANT SELECT,INSERT ON TABLE public.withdrawn_code TO uscc_ingest;
GRANT SELECT ON TABLE public.withdrawn_code TO uscc_api;
GRANT SELECT ON TABLE public.withdrawn_code TO uscc_job;
